#!/usr/bin/perl
# million.pl - how long after its start does a node answer K, and know all?
#
#   million.pl PIDFILE PORT LOG
#
# Waits for PIDFILE, whose time is that of the start; sends one message by
# QMTP to PORT until a K comes; then waits for the queue's event=loaded in LOG.
use strict;
use warnings;
use IO::Socket::INET;
use Time::HiRes qw(time sleep);

my ($pid_file, $port, $log) = @ARGV;
sub ns { return length($_[0]) . ':' . $_[0] . ',' }

sub until_true {
	my ($what, $f) = @_;
	my $deadline = time + 120;
	while (!$f->()) {
		die "$what: never\n" if time > $deadline;
		sleep 0.002;
	}
}

until_true('the start', sub { -s $pid_file });
my $begun = (Time::HiRes::stat($pid_file))[9];
my $package = ns("\nSubject: first\n\nbody " . time . "\n")
    . ns('first@dead.test') . ns(ns('x@dead.test'));

until_true('a K', sub {
	my $c = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
	    PeerPort => $port) or return 0;
	syswrite $c, $package;
	sysread $c, my $answer, 1000 or return 0;
	return $answer =~ /^\d+:K/;
});
printf "first K: %.0f ms after the start of quail run\n",
    1000 * (time - $begun);

my $said = '';
until_true('loaded', sub {
	open my $f, '<', $log or return 0;
	local $/;
	($said) = <$f> =~ /event=loaded ([^\n]*)/;
	return defined $said;
});
printf "all is known: %.0f ms after it, %s\n", 1000 * (time - $begun), $said;
