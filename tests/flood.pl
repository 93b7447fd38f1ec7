# flood.pl - one client too many: flood.pl KIND PORT
#
# Does one thing as often as it can, or as its kind may, until TERM; for two
# minutes at the most. "flowing" is printed when the first of it has gone out,
# "done=N bytes=N seconds=N" at the end. Clients come from 127.0.1.1 and above.
# "replies" and "drip" are servers, on PORT.
use strict;
use warnings;
use IO::Poll qw(POLLIN POLLOUT POLLERR POLLHUP);
use Socket qw(:DEFAULT inet_aton SOMAXCONN);
use Time::HiRes qw(time sleep);

my ($kind, $port) = @ARGV;
my ($done, $bytes, $flowing, $over) = (0, 0, 0, 0);
my $begun = time;
$SIG{TERM} = $SIG{ALRM} = sub { $over = 1 };
$SIG{PIPE} = "IGNORE";
$| = 1;
alarm 120;

sub ns { length($_[0]) . ":$_[0]," }

# ---- what is sent

# A first record of TLS 1.2: X25519 or P-256, ECDSA.
sub hello {
	my $suites = pack "n*", 0xcca9, 0xc02b, 0xc02c, 0xcca8, 0xc02f;
	my $ext = pack("nnnnn", 10, 6, 4, 29, 23) . pack("nnCC", 11, 2, 1, 0) .
	    pack("nnnnnn", 13, 8, 6, 0x0403, 0x0503, 0x0401);
	my $body = "\3\3" . ("r" x 32) . "\0" . pack("n/a*", $suites) .
	    "\1\0" . pack("n/a*", $ext);

	return "\x16\3\1" . pack("n/a*", "\1\0" . pack("n/a*", $body));
}

# CRC-32C is linear: of 60 letters that may be one of two, 28 can be chosen
# freely so that the sum stays the same.
my @table = map {
	my $c = $_;
	$c = $c & 1 ? $c >> 1 ^ 0x82f63b78 : $c >> 1 for 1 .. 8;
	$c
} 0 .. 255;

sub crc32c {
	my $c = 0xffffffff;
	$c = $table[($c ^ $_) & 255] ^ $c >> 8 for unpack "C*", $_[0];
	return $c ^ 0xffffffff;
}

sub colliding {
	my ($n, $suffix) = @_;
	my $plain = "a" x 60;
	my $sum = crc32c($plain . $suffix);
	my (@rows, @kernel);

	for my $i (0 .. 59) {
		my ($s, $d) = ($plain, "\0" x 60);

		substr($s, $i, 1) = "c";
		substr($d, $i, 1) = "\2";
		my $v = $sum ^ crc32c($s . $suffix);
		for (@rows) {
			my ($high, $rv, $rd) = @$_;
			($v, $d) = ($v ^ $rv, $d ^ $rd) if $v & $high;
		}
		if ($v == 0) {
			push @kernel, $d;
			next;
		}
		my $high = 1 << 31;
		$high >>= 1 until $v & $high;
		push @rows, [$high, $v, $d];
	}
	return map {
		my ($s, $m) = ($plain, $_);
		$m & 1 << $_ and $s ^= $kernel[$_] for 0 .. 13;
		$s . $suffix
	} 1 .. $n;
}

sub package_of {
	my ($text, $sender, @rcpts) = @_;

	return ns("\n" . $text) . ns($sender) . ns(join "", map ns($_), @rcpts);
}

my @labels = map { "x\@" . "a." x (430 + $_ % 10) . "n$_.many.test" } 1 .. 1000;
my @dashes = map { "a-" x 430 . "$_\@hub.test" } 1 .. 10000;

sub rcpts { map "RCPT TO:<$_>\r\n", @_ }

# say: what a client says, piece by piece; the next one when so many lines or
# netstrings have been answered (wait). The last piece again and again, or, with
# "once", a new connection then. open: connections; hosts: addresses; most: how
# often at all.
my %kinds = (
	records => {open => 4, hosts => 4, say => ["\x16\3\3\0\0" x 13107]},
	alerts => {open => 4, hosts => 4, say => ["\x15\3\3\0\2\1\x5a" x 9362]},
	hellos => {open => 32, hosts => 1000, say => [hello()], wait => [1],
		once => 1},
	refused => {open => 200, hosts => 1, say => [""], wait => [1],
		once => 1},
	lines => {open => 16, hosts => 16, say => ["x"], wait => [1],
		once => 1},
	strangers => {open => 4, hosts => 4, smtp => 1, wait => [1, 1, 11],
		say => ["", "EHLO x\r\n", join "", "MAIL FROM:<>\r\n",
			rcpts(("x\@elsewhere.test") x 9), "RSET\r\n"],
		back => 2},
	dots => {open => 4, hosts => 4, most => 8, wait => [1000],
		say => [package_of("x\n", "", @labels)]},
	dashes => {open => 4, hosts => 4, wait => [10000],
		say => [package_of("x\n", "", @dashes)]},
	domains => {open => 1, hosts => 1, most => 3, wait => [10000],
		say => [package_of("x\n", "", map "x\@$_",
			colliding(10000, ".many.test"))]},
	headers => {open => 4, hosts => 4, wait => [1],
		say => [package_of("a:\n" x 400000 . "Received: x\n" x 200 .
			"\nx\n", "", "x\@held.test")]},
	recipients => {open => 4, hosts => 4, wait => [10000],
		say => [package_of("x\n", "", ("a") x 10000)]},
);

# ---- clients

my $poll = IO::Poll->new;
my (%of, $n_opened);

sub tell_flowing {
	print "flowing\n" unless $flowing++;
}

sub dial {
	my ($k) = @_;
	my $n = $n_opened++ % $k->{hosts};
	my $host = pack "C4", 127, 0, 1 + int($n / 250), 1 + $n % 250;

	socket(my $s, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
	setsockopt $s, 0, 24, pack "i", 1; # the port is chosen by connect
	setsockopt $s, SOL_SOCKET, SO_LINGER, pack "ii", 1, 0;
	bind $s, pack_sockaddr_in(0, $host) or die "bind: $!\n";
	connect $s, pack_sockaddr_in($port, INADDR_LOOPBACK) or return;
	$s->blocking(0);
	my $c = {s => $s, at => 0, off => 0, heard => "", n => 0};
	$of{fileno $s} = $c;
	$poll->mask($s => POLLIN | POLLOUT);
	tell_flowing() if $k->{wait} && $k->{say}[0] eq "";
}

sub hang_up {
	my ($c) = @_;

	$poll->remove($c->{s});
	delete $of{fileno $c->{s}};
	close $c->{s};
}

# How many answers have come?
sub answers {
	my ($k, $c) = @_;

	if ($k->{smtp}) {
		$c->{n}++ while $c->{heard} =~ s/^\d\d\d([ -]).*\n// &&
		    ($1 eq " " || redo_line($c));
	} else {
		while ($c->{heard} =~ /^(\d+):/ &&
		    length $c->{heard} >= length($1) + $1 + 2) {
			substr($c->{heard}, 0, length($1) + $1 + 2) = "";
			$c->{n}++;
		}
	}
	return $c->{n};
}

sub redo_line {
	$_[0]{n}--;
	return 1;
}

sub heard {
	my ($k, $c) = @_;
	my $n = sysread $c->{s}, my $in, 65536;

	return $!{EAGAIN} unless defined $n;
	if ($n == 0) {
		$done++ if $k->{once};
		return 0;
	}
	return 1 unless $k->{wait};
	$c->{heard} .= $in;
	my $answers = $k->{once} ? 1 : answers($k, $c);
	return 1 if $answers < $k->{wait}[$c->{at}];
	$c->{n} = $c->{off} = 0;
	if ($c->{at} == $#{$k->{say}}) {
		$done++;
		return 0 if $k->{once};
		$c->{at} = ($k->{back} // 0) - 1;
	}
	$c->{at}++;
	if ($k->{most} && $done >= $k->{most}) {
		$poll->mask($c->{s} => POLLIN);
		$c->{off} = 1e9;
		return 1;
	}
	$poll->mask($c->{s} => POLLIN | POLLOUT);
	return 1;
}

sub write_some {
	my ($k, $c) = @_;
	my $all = $k->{say}[$c->{at}];

	if ($c->{off} < length $all) {
		my $n = syswrite $c->{s}, $all, 262144, $c->{off};

		return $!{EAGAIN} unless defined $n;
		$bytes += $n;
		$c->{off} += $n;
		tell_flowing();
	}
	return 1 if $c->{off} < length $all;
	if ($k->{wait}) {
		$poll->mask($c->{s} => POLLIN);
	} else {
		$c->{off} = 0;
		$done++;
	}
	return 1;
}

sub clients {
	my ($k) = @_;

	until ($over) {
		while (keys %of < $k->{open} && !$over) {
			my $before = keys %of;
			dial($k);
			last if keys %of == $before;
		}
		$poll->poll(0.1);
		for my $s ($poll->handles(POLLIN | POLLOUT | POLLERR | POLLHUP)) {
			my $c = $of{fileno $s} or next;
			my $e = $poll->events($s);
			my $good = 1;

			$good = heard($k, $c) if $e & (POLLIN | POLLERR | POLLHUP);
			$good &&= write_some($k, $c) if $e & POLLOUT;
			hang_up($c) unless $good;
		}
	}
}

# ---- servers that talk and never come to an end

sub servers {
	my ($piece, $pause) = @_;
	my @clients;

	socket(my $l, PF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
	setsockopt $l, SOL_SOCKET, SO_REUSEADDR, 1;
	bind $l, pack_sockaddr_in($port, INADDR_LOOPBACK) or die "bind: $!\n";
	listen $l, SOMAXCONN;
	$l->blocking(0);
	tell_flowing();
	until ($over) {
		while (accept my $s, $l) {
			$s->blocking(0);
			push @clients, $s;
			$done++;
		}
		my @stay;
		for my $s (@clients) {
			my $n = syswrite $s, $piece;

			next unless defined $n || $!{EAGAIN};
			$bytes += $n // 0;
			push @stay, $s;
		}
		@clients = @stay;
		sleep($pause);
	}
}

if ($kind eq "replies") {
	servers("220-there is more\r\n" x 4096, 0.001);
} elsif ($kind eq "drip") {
	servers("2", 0.2);
} else {
	clients($kinds{$kind} // die "flood.pl: no kind $kind\n");
}
printf "done=%d bytes=%d seconds=%.1f\n", $done, $bytes, time - $begun;
