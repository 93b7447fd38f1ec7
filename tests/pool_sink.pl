#!/usr/bin/perl
# pool_sink.pl PORT FILE - an SMTP server that notes, for each mail, where its
# connection comes from and what it said it is: "127.0.0.2 out2.test"; and in
# FILE.most each new maximum of connections at a time from an address:
# "127.0.0.2 3"
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my ($port, $file) = @ARGV;
my $listen = IO::Socket::INET->new(Listen => 128, ReuseAddr => 1,
	LocalAddr => '127.0.0.1', LocalPort => $port) or die "port $port: $@";
my $select = IO::Select->new($listen);
my (%peer, %open, %most);
open my $most, '>>', "$file.most" or die "$file.most: $!";
$most->autoflush(1);
open my $out, '>>', $file or die "$file: $!";
$out->autoflush(1);
$| = 1;
print "ready\n";
while (my @ready = $select->can_read) {
	# what has ended is seen before what begins in its place
	for my $s (sort { ($a == $listen) - ($b == $listen) } @ready) {
		if ($s == $listen) {
			my $new = $s->accept or next;
			$select->add($new);
			$peer{$new} = {from => $new->peerhost, in => ''};
			my $n = ++$open{$new->peerhost};
			print $most $new->peerhost, " ", $most{$new->peerhost} = $n,
			    "\n" if $n > ($most{$new->peerhost} // 0);
			syswrite $new, "220 sink\r\n";
			next;
		}
		my $p = $peer{$s};
		unless (sysread $s, $p->{in}, 65536, length $p->{in}) {
			$select->remove($s);
			$open{$p->{from}}--;
			delete $peer{$s};
			close $s;
			next;
		}
		while ($p->{in} =~ s/\A([^\n]*)\r\n//) {
			my $line = $1;
			if ($p->{data}) {
				next if $line ne '.';
				$p->{data} = 0;
				print $out "$p->{from} $p->{helo}\n";
				syswrite $s, "250 2.0.0 ok\r\n";
			} elsif ($line =~ /\AEHLO (.*)/) {
				$p->{helo} = $1;
				syswrite $s, "250-sink\r\n250 PIPELINING\r\n";
			} elsif ($line eq 'DATA') {
				$p->{data} = 1;
				syswrite $s, "354 go\r\n";
			} else {
				syswrite $s, "250 2.0.0 ok\r\n";
			}
		}
	}
}
