#!/usr/bin/perl
# stop_agent.pl SOCKET LOG GO - an agent for next hops "slow:...", whose next
# hop takes its time: a job is written to LOG when all of its text has come, as
# "taken SENDER", and is answered K once the file GO is there, or Z when GO.z is.
# Connects again when the queue has gone.
use strict;
use warnings;
use IO::Socket::UNIX;
use IO::Select;

my ($path, $log, $go) = @ARGV;
open my $out, '>>', $log or die "$log: $!";
$out->autoflush(1);

sub frame {
	my ($type, $number, $rest) = @_;
	my $s = sprintf '%s%016x%s', $type, $number, $rest;
	return length($s) . ":$s,";
}

sub serve {
	my ($queue) = @_;
	my ($in, %jobs) = ('');

	print $queue frame('H', 0, 'slow 100');
	$queue->flush;
	while (1) {
		if (IO::Select->new($queue)->can_read(0.05)) {
			return unless sysread $queue, $in, 65536, length $in;
		}
		while ($in =~ /^(\d+):/ && length $in >= length($&) + $1 + 1) {
			my $f = substr $in, length $&, $1;
			substr($in, 0, length($&) + $1 + 1) = '';
			my ($type, $number, $rest) =
			    (substr($f, 0, 1), hex substr($f, 1, 16),
			    substr $f, 17);
			my $job = $jobs{$number} //= {rcpts => 0, left => 0};
			$job->{left} = $1 if $type eq 'P' && $rest =~ /^size=(\d+)/;
			$job->{sender} = $rest if $type eq 'S';
			$job->{rcpts}++ if $type eq 'R';
			$job->{left} -= length $rest if $type eq 'T';
			print $out "end\n" if $type eq 'E';
			delete $jobs{$number} if $type =~ /[AE]/;
		}
		for my $number (keys %jobs) {
			my $job = $jobs{$number};
			next if $job->{left} > 0 || !$job->{rcpts};
			print $out "taken $job->{sender}\n" unless $job->{told}++;
			my $text = -e $go ? 'Kfine (#2.0.0)'
			    : -e "$go.z" ? 'Znot now (#4.2.0)' : next;
			print $queue frame('V', $number, $text)
			    for 1 .. $job->{rcpts};
			$queue->flush;
			delete $jobs{$number};
		}
	}
}

while (1) {
	my $queue = IO::Socket::UNIX->new(Peer => $path);
	serve($queue) if $queue;
	select undef, undef, undef, 0.05;
}
