#!/usr/bin/perl
# smtp_talk.pl PORT [FROM] - say what stdin tells to an SMTP server
#
# A line "N BYTES" sends BYTES (perl's escapes; CR LF is added when there is
# neither in them) and waits for N replies; "connect BYTES" does so at once,
# before the greeting. "sleep S" waits. Prints for each line the replies'
# codes with their status, and "closed" where the server closed.
use strict;
use warnings;
use IO::Socket::INET;

my ($port, $from) = @ARGV;
my ($buffer, $is_closed) = ("", 0);
$SIG{PIPE} = "IGNORE";

my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $port,
	LocalAddr => $from // "127.0.0.1") or die "no connection: $!\n";
$s->autoflush(1);

sub reply {
	while (!$is_closed) {
		if ($buffer =~ s/\A((?:\d\d\d-[^\n]*\n)*(\d\d\d) ?([^\n]*)\n)//) {
			my ($code, $text) = ($2, $3);
			return $text =~ /\A(\d\.\d\.\d+)/ ? "$code $1" : $code;
		}
		my $n;
		eval {
			local $SIG{ALRM} = sub { die };
			alarm 15;
			$n = sysread $s, $buffer, 65536, length $buffer;
			alarm 0;
		};
		return "silence" if $@;
		$is_closed = 1 unless $n;
	}
	return "closed";
}

sub send_all {
	my $bytes = shift;
	while (length $bytes) {
		my $n = syswrite $s, $bytes;
		last unless defined $n;
		substr $bytes, 0, $n, "";
	}
}

while (my $line = <STDIN>) {
	chomp $line;
	next if $line =~ /\A(#|\z)/;
	if ($line =~ /\Asleep (\S+)/) {
		select undef, undef, undef, $1;
		next;
	}
	my ($n, $bytes) = $line =~ /\A(\d+)(?: (.*))?\z/ or die "what? $line\n";
	if (defined $bytes) {
		$bytes =~ s/([\@\$])/\\$1/g;
		$bytes = eval "qq\x01$bytes\x01" // die $@;
		$bytes .= "\r\n" unless $bytes =~ /[\r\n]/;
		send_all($bytes);
	}
	print join(", ", map reply(), 1 .. $n), "\n" if $n;
}
