#!/usr/bin/perl
# agent_fake.pl - an agent whose next hops behave as they are named, for tests
#
#   agent_fake.pl SOCKET LOG
#
# It serves fake:PLACE as quail-agent(7) says, as if it had tried PLACE:
#
#   good     K
#   die      H for recipients "poison...", else K
#   full     H
#   busy     L
#   away     U
#   strict   Z with 4.4.4 in its text, as a peer may say of an address
#   frozen   no answer
#
# LOG gets a line for each answer, "PLACE LETTER RECIPIENT", with - for the
# letter where there is none. Ends with the queue, or when it says so.
use strict;
use warnings;
use IO::Socket::UNIX;

my ($path, $log_name) = @ARGV;
my %says = (
	good   => "K250 fine (#2.0.0)",
	die    => "K250 fine (#2.0.0)",
	full   => "Hno space (#4.3.1)",
	busy   => "Lnot so fast (#4.3.2)",
	away   => "Ucannot connect (#4.4.1)",
	strict => "Zno route to it here (#4.4.4)",
);
my $queue;
for (1 .. 100) {
	$queue = IO::Socket::UNIX->new(Peer => $path) and last;
	select undef, undef, undef, 0.1;
}
$queue or die "$path: $!\n";
open my $log, '>>', $log_name or die "$log_name: $!\n";
$log->autoflush;
$SIG{PIPE} = 'IGNORE';

sub frame {
	my ($type, $id, $rest) = @_;
	my $payload = $type . $id . $rest;
	return length($payload) . ":$payload,";
}

my (%jobs, $in);
syswrite $queue, frame('H', '0' x 16, "fake 1000");
$in = '';
while (sysread $queue, $in, 1 << 20, length $in) {
	my $out = '';
	while ($in =~ /\A(\d+):/ && length $in > $1 + length($1) + 1) {
		my $payload = substr $in, length($1) + 1, $1;
		substr($in, 0, length($1) + 2 + $1) = '';
		my ($type, $id, $rest) = unpack 'a a16 a*', $payload;
		my $job = $jobs{$id} //= {rcpts => []};
		$job->{place} = $1
		    if $type eq 'P' && $rest =~ /\Anexthop=fake:(.*)/;
		push @{$job->{rcpts}}, $rest if $type eq 'R';
		exit if $type eq 'E';
		next unless $type eq 'C';
		for my $rcpt (@{$job->{rcpts}}) {
			my $say = $says{$job->{place}} // '-';
			$say = "Hlost behind the text (#4.4.2)"
			    if $job->{place} eq 'die' && $rcpt =~ /\Apoison/;
			printf $log "%s %s %s\n", $job->{place},
			    substr($say, 0, 1), $rcpt;
			$out .= frame('V', $id, $say) if $say ne '-';
		}
		delete $jobs{$id};
	}
	syswrite $queue, $out if length $out;
}
