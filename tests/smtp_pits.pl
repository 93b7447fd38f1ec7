#!/usr/bin/perl
# smtp_pits.pl PORT LOG - as many SMTP servers as there are addresses in
# 127.0.0.0/8: each greets, answers EHLO, and then says nothing any more
#
# LOG gets a line for each connection, with the address.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($port, $path) = @ARGV;
my $listener = IO::Socket::INET->new(LocalAddr => "0.0.0.0:$port",
	Listen => 1000, ReuseAddr => 1) or die "port $port: $!\n";
my $all = IO::Select->new($listener);
open my $log, ">>", $path or die "$path: $!\n";
$log->autoflush(1);
$SIG{PIPE} = "IGNORE";
while (1) {
	for my $one ($all->can_read) {
		if ($one == $listener) {
			my $s = $listener->accept or next;

			print $log $s->sockhost, "\n";
			$all->add($s);
			syswrite $s, "220 pit.test\r\n";
			next;
		}
		my $n = sysread $one, my $said, 4096;
		if (!$n) {
			$all->remove($one);
			close $one;
		} elsif ($said =~ /^EHLO/i) {
			syswrite $one, "250 pit.test\r\n";
		}
	}
}
