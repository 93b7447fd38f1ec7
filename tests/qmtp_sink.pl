#!/usr/bin/perl
# qmtp_sink.pl - a hub that takes mail by QMTP as no hub should, for tests
#
#   qmtp_sink.pl MODE PORT LOG
#
#   good     K at once
#   slow=N   K, N recipients a second in all, in the order they came
#   refuse   D for everybody
#   tarpit   takes the connection and says nothing, ever
#   close    takes the connection and closes it
#   die=N    K, as slow, but closes when a package for "poison..." has come, without an
#            answer to that nor to what came behind it
#
# LOG gets a line for each answer, "SENDER RECIPIENT"; for a connection in the
# tarpit and close, "connection"; in die, "died" for each such package. Runs until it is killed.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(time);

my ($mode, $port, $log_name) = @ARGV;
my $rate = $mode =~ s/^(slow|die)=(\d+)$/$1/ ? $2 : 0;
my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
    LocalPort => $port, Listen => 1000, ReuseAddr => 1)
    or die "port $port: $!\n";
open my $log, '>>', $log_name or die "$log_name: $!\n";
$log->autoflush;
$SIG{PIPE} = 'IGNORE';

my $select = IO::Select->new($server);
my (%in, %at, %dead, @line);
my $next = 0;

# netstring CONNECTION - the next one, or undef when it is not all there
sub netstring {
	my ($c) = @_;
	pos($in{$c}) = $at{$c};
	$in{$c} =~ /\G(\d{1,10}):/gc or return undef;
	my ($len, $from) = ($1, pos $in{$c});
	return undef if length $in{$c} < $from + $len + 1;
	$at{$c} = $from + $len + 1;
	return substr $in{$c}, $from, $len;
}

sub packages {
	my ($c) = @_;
	for (;;) {
		$at{$c} = 0;
		my ($text, $sender, $list) = map netstring($c), 1 .. 3;
		return unless defined $list;
		substr($in{$c}, 0, $at{$c}) = '';
		if ($mode eq 'die' && $list =~ /:poison/) {
			print $log "died\n";
			# what came before it is answered
			answer($_) for grep $_->[0] == $c, @line;
			@line = grep $_->[0] != $c, @line;
			shutdown $c, 1; # and read on, or they would be lost
			$dead{$c} = 1;
			return;
		}
		while ($list =~ /\G(\d+):/g) {
			my $to = substr $list, pos $list, $1;
			pos($list) += $1 + 1;
			push @line, [$c, $sender, $to];
		}
	}
}

sub answer {
	my ($c, $sender, $to) = @{$_[0]};
	my $text = $mode eq 'refuse' ? "Dnobody is welcome (#5.7.1)" : "Kok";
	print $log "$sender $to\n";
	syswrite $c, length($text) . ":$text,";
}

sub leave {
	my ($c) = @_;
	$select->remove($c);
	delete $in{$c};
	delete $dead{$c};
	close $c;
	@line = grep $_->[0] != $c, @line;
}

for (;;) {
	my $wait = !@line ? 10 : !$rate ? 0 : $next - time;
	for my $c ($select->can_read($wait > 0 ? $wait : 0)) {
		if ($c == $server) {
			my $new = $server->accept or next;
			print $log "connection\n" if $mode =~ /tarpit|close/;
			next if $mode eq 'close';
			$in{$new} = '';
			$select->add($new);
			next;
		}
		if (!sysread $c, $in{$c}, 1 << 20, length $in{$c}) {
			leave($c);
		} elsif ($mode eq 'tarpit' || $dead{$c}) {
			$in{$c} = '';
		} else {
			packages($c);
		}
	}
	while (@line && (!$rate || $next <= time)) {
		answer(shift @line);
		next unless $rate;
		$next = time + 1 / $rate if $next < time - 1;
		$next += 1 / $rate;
	}
}
