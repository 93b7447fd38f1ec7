#!/usr/bin/perl
# qmqp_sink.pl PORT DIR BEHAVIOUR - a QMQP hub that behaves, or does not
#
# Keeps each connection's bytes in DIR/1, DIR/2 ... Reads a whole package and
# then, by BEHAVIOUR:
#   TEXT     answers it as one netstring ("Kok 12 id 7")
#   =BYTES   answers these bytes (perl's escapes)
#   close    closes without an answer
#   choke    closes so if CHOKE is in the package, else answers K
#   silent   never answers
#   drip     answers by a byte each fifth of a second, without end
#   late     answers K after five seconds
#   slow     answers K after a tenth of one
# or does not read all of it:
#   slam     closes at once
#   deaf     reads nothing, and stays
#   sip      reads a byte each fifth of a second
#   records  sends empty records of TLS for as long as they are taken
#   early    answers D after the first bytes and closes
# Handles one connection at a time. Runs until it is killed.
use strict;
use warnings;
use IO::Socket::INET;

my ($port, $dir, $behaviour) = @ARGV;
my $n = 0;
my @kept;
$SIG{PIPE} = "IGNORE";
mkdir $dir;

my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port,
	Listen => 50, ReuseAddr => 1) or die "port $port: $!\n";

sub netstring {
	return length($_[0]) . ":" . $_[0] . ",";
}

while (my $s = $l->accept) {
	my ($bytes, $want) = ("", undef);
	my $name = "$dir/" . ++$n;
	if ($behaviour eq "sip") {
		select undef, undef, undef, 0.2 while sysread $s, $bytes, 1;
		next;
	}
	if ($behaviour eq "records") {
		1 while syswrite $s, "\x16\3\3\0\0" x 13107;
		next;
	}
	if ($behaviour eq "deaf") {
		push @kept, $s;
		open my $f, ">", $name;
		next;
	}
	while ($behaviour ne "slam" &&
	    (!defined $want || length $bytes < $want)) {
		sysread $s, $bytes, 65536, length $bytes or last;
		$want = $+[0] + $1 + 1 if !defined $want && $bytes =~ /\A(\d+):/;
		last if $behaviour eq "early";
	}
	open my $f, ">", "$name.tmp" or die;
	binmode $f;
	print $f $bytes;
	close $f;
	rename "$name.tmp", $name;
	next if defined $want && length $bytes < $want && $behaviour ne "early";
	if ($behaviour eq "silent") {
		push @kept, $s;
	} elsif ($behaviour eq "choke") {
		syswrite $s, netstring("Kok") if $bytes !~ /CHOKE/;
	} elsif ($behaviour eq "drip") {
		for my $byte (split(//, "60000:K"), ("x") x 600) {
			syswrite $s, $byte or last;
			select undef, undef, undef, 0.2;
		}
	} elsif ($behaviour eq "late") {
		next if !defined $want;
		sleep 5;
		syswrite $s, netstring("Kok");
	} elsif ($behaviour eq "slow") {
		select undef, undef, undef, 0.1;
		syswrite $s, netstring("Kok");
	} elsif ($behaviour eq "early") {
		syswrite $s, netstring("Dno thanks (#5.3.4)");
		shutdown $s, 1;
		select undef, undef, undef, 0.3;
	} elsif ($behaviour =~ /\A=(.*)/s) {
		(my $answer = $1) =~ s/\\x(..)|\\n/defined $1 ? chr hex $1 : "\n"/ge;
		syswrite $s, $answer;
	} elsif ($behaviour !~ /\A(?:close|slam)\z/) {
		# in two parts: answers do not always come at once
		my $answer = netstring($behaviour);
		syswrite $s, substr $answer, 0, 2;
		select undef, undef, undef, 0.01;
		syswrite $s, substr $answer, 2;
	}
}
