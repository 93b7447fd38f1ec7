#!/usr/bin/perl
# chaos.pl - kill and stop the daemons of a node at random, for some time
#
#   chaos.pl PID SECONDS
#
# PID is the node's quail run. Each half second or so one of its daemons gets a
# KILL, or a STOP and a little later a CONT. Prints kills=N stops=N.
use strict;
use warnings;
use Time::HiRes qw(sleep time);

my ($parent, $seconds) = @ARGV;
my $end = time + $seconds;
my ($kills, $stops) = (0, 0);
my $stopped;

sub daemons {
	my @pids;
	for my $name (glob '/proc/[0-9]*/stat') {
		open my $f, '<', $name or next;
		my $stat = <$f> // next;
		push @pids, $1 if $stat =~ /^(\d+) \(.*\) \S (\d+) /s &&
		    $2 == $parent;
	}
	return @pids;
}

$SIG{TERM} = sub {
	kill 'CONT', $stopped if $stopped;
	exit 0;
};
while (time < $end) {
	my @pids = daemons();
	if (my $pid = $pids[rand @pids]) {
		if (rand() < 0.6) {
			$kills += kill 'KILL', $pid;
		} else {
			$stops += kill 'STOP', $stopped = $pid;
			sleep 0.05 + rand 1;
			kill 'CONT', $pid;
			$stopped = undef;
		}
	}
	sleep 0.1 + rand 0.8;
}
print "kills=$kills stops=$stops\n";
