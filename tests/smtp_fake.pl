#!/usr/bin/perl
# smtp_fake.pl DIR MODE:ADDRESS:PORT... - SMTP servers that misbehave as told
#
# What a session sends is kept in DIR/MODE.N as it came, commands and text.
# With "dns:ADDRESS:PORT" it is a name server too, for the names below.
#
#   good     EHLO, PIPELINING; recipients "bad..." 550, "tmp..." 450, one
#            connection takes any number of mails
#   old      HELO only; says 503 when spoken to before its turn
#   slow     like good, in pieces of one byte
#   drop     closes after the text, without a word
#   greet    554 for a greeting
#   junk     no SMTP at all
#   small    SIZE 100
#   full     552 to the text
#   once     closes after each mail, when the next MAIL comes
#   die      closes after the text of a mail to "poison..."; DIR/die.taken has
#            a line for each other mail, DIR/die.tried for each of those
#   later    451 4.3.0 to MAIL
#   full4    452 4.3.1 to the text
#   busy     450 4.3.2 to RCPT
#   grey     451 4.7.1 to RCPT
#   tls      530 to MAIL
#   relay    550 5.7.1 to RCPT, for relaying
#   few      452 to the third recipient of a mail, and to those behind it
#   bye      421 to the second MAIL
#   frozen   takes connections, and says nothing
#   shy      421 to the first connection, closes the second behind the text, and
#            is good from then on
#   patient  answers the text 7 seconds later
#   sluggish has a small buffer; the first session does not read the text, and
#            then, 4 seconds later, takes all that is there
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use Socket;

my ($dir, @what) = @ARGV;
my ($n, %listening, $dns) = (0);
$SIG{CHLD} = "IGNORE";

for (@what) {
	my ($mode, $address, $port) = split /:/;
	if ($mode eq "dns") {
		$dns = IO::Socket::INET->new(LocalAddr => $address,
			LocalPort => $port, Proto => "udp") or die "dns: $!\n";
		next;
	}
	my $s = IO::Socket::INET->new(LocalAddr => $address, Listen => 50,
		LocalPort => $port, ReuseAddr => 1) or die "$mode: $!\n";
	$listening{$s} = $mode;
	setsockopt $s, SOL_SOCKET, SO_RCVBUF, 4096 if $mode eq "sluggish";
	push @what::sockets, $s;
}

sub name {
	return join("", map pack("C/a", $_), split /\./, shift) . "\0";
}

# name => what it has: MX [preference, host]..., or an address
my %names = (
	"mx.test" => [[20, "second.test"], [10, "first.test"]],
	"null.test" => [[0, ""]],
	"self.test" => [[10, "hub.test"], [20, "first.test"]],
	"backup.test" => [[20, "hub.test"], [10, "second.test"]],
	"lost.test" => [[10, "nowhere.test"]],
	"first.test" => "127.0.0.3",
	"second.test" => "127.0.0.4",
	"bare.test" => "127.0.0.4",
	"nodata.test" => [],
	# a first host that is of no use, and a good one
	(map {("two-$_.test" => [[10, "$_.test"], [20, "second.test"]])}
	    qw(later full4 busy grey frozen)),
	"later.test" => "127.0.0.5",
	"full4.test" => "127.0.0.6",
	"busy.test" => "127.0.0.7",
	"grey.test" => "127.0.0.8",
	"frozen.test" => "127.0.0.9",
	# what leads back
	"own.test" => [[10, "own-host.test"], [20, "second.test"]],
	"own-host.test" => "127.0.0.1",
	"zero.test" => [[10, "zero-host.test"]],
	"zero-host.test" => "0.0.0.0",
	"localhost-mx.test" => [[10, "localhost"], [20, "localhost."]],
	"localhost" => "127.0.0.4",
	"us.test" => [[10, "out.hub.test"], [10, "second.test"],
	    [20, "second.test"]],
	"out.hub.test" => "127.0.0.4",
	# an address, or an MX host of that address
	(map {("a-$_->[0].test" => $_->[1],
	    "mx-$_->[0].test" => [[10, "a-$_->[0].test"]])}
	    [loop => "127.0.0.1"], [any => "0.0.0.0"], [own => "10.99.0.1"],
	    [link => "169.254.1.1"], [multi => "224.0.0.1"],
	    [private => "10.77.0.2"]),
);

sub answer_name {
	my $from = recv($dns, my $q, 512, 0) // return;
	my ($id, $question) = unpack "a2 x10 a*", $q;
	my ($at, @labels) = (0);
	while (my $len = ord substr $question, $at, 1) {
		push @labels, substr $question, $at + 1, $len;
		$at += $len + 1;
	}
	$question = substr $question, 0, $at + 5;
	my $type = unpack "n", substr $question, $at + 1;
	my $host = lc join ".", @labels;
	my $has = $names{$host};
	my ($rcode, @records) = ($host =~ /\Asoft/ ? 2 : $has ? 0 : 3);
	if (ref $has && $type == 15) {
		@records = map pack("n", $_->[0]) .
		    ($_->[1] eq "" ? "\0" : name($_->[1])), @$has;
	} elsif ($has && !ref $has && $type == 1) {
		@records = inet_aton($has);
	}
	send $dns, pack("a2 n n n n n", $id, 0x8180 | $rcode, 1,
		scalar @records, 0, 0) . $question . join("",
		map pack("n n n N n/a*", 0xc00c, $type, 1, 60, $_), @records),
	    0, $from;
}

sub note {
	open my $to, ">>", $_[0] or die "$_[0]: $!\n";
	print $to time, "\n";
}

my %odd = (
	later => [qr/^MAIL/, "451 4.3.0 later"],
	busy => [qr/^RCPT/, "450 4.3.2 busy"],
	grey => [qr/^RCPT/, "451 4.7.1 greylisted"],
	tls => [qr/^MAIL/, "530 5.7.0 Must issue a STARTTLS command first"],
	relay => [qr/^RCPT/, "550 5.7.1 relaying denied"],
);

sub session {
	my ($s, $mode, $file) = @_;
	my ($in, $is_text, $mails, $rcpts, $is_poison) = ("", 0, 0, 0, 0);
	my $no_mail = 0;
	my $nth = 1 + (() = glob "$dir/$mode.*");
	open my $log, ">", $file or die;
	$log->autoflush(1);
	my $say = sub {
		my $line = "$_[0]\r\n";
		for my $piece ($mode eq "slow" ? split(//, $line) : $line) {
			syswrite $s, $piece;
			select undef, undef, undef, 0.002 if $mode eq "slow";
		}
	};
	if ($mode eq "frozen") {
		1 while sysread $s, $in, 65536;
		return;
	}
	if ($mode eq "shy" && $nth == 1) {
		$say->("421 4.3.2 busy");
		return;
	}
	$say->($mode eq "greet" ? "554 5.7.1 not you" :
	    $mode eq "junk" ? "* OK IMAP4rev1" : "220 fake");
	for (;;) {
		sysread($s, $in, 65536, length $in) or return;
		my $early = $mode eq "old" && $in =~ /\n./ && !$is_text;
		while ($in =~ s/\A(.*\n)//) {
			my $line = $1;
			print $log $line;
			if ($is_text) {
				next if $line ne ".\r\n";
				$is_text = 0;
				$mails++;
				return if $mode eq "drop" ||
				    ($mode eq "shy" && $nth == 2);
				if ($mode eq "die") {
					note("$dir/die." . ($is_poison ?
					    "tried" : "taken"));
					return if $is_poison;
				}
				sleep 7 if $mode eq "patient";
				$say->($mode eq "full" ? "552 5.2.2 full"
				    : $mode eq "full4" ? "452 4.3.1 full"
				    : "250 2.0.0 got it");
			} elsif ($early) {
				$say->("503 wait");
			} elsif ($odd{$mode} && $line =~ $odd{$mode}[0]) {
				$say->($odd{$mode}[1]);
				$no_mail = $line =~ /^MAIL/;
			} elsif ($no_mail && $line =~ /^(RCPT|DATA)/) {
				$say->("503 5.5.1 no mail");
			} elsif ($line =~ /\AEHLO/) {
				$say->($mode eq "old" ? "502 what?" :
				    $mode eq "small" ?
				    "250-fake\r\n250 SIZE 100" :
				    "250-fake\r\n250-PIPELINING\r\n" .
				    "250-8BITMIME\r\n250 SIZE 0");
			} elsif ($line =~ /\AMAIL/) {
				return if $mode eq "once" && $mails;
				if ($mode eq "bye" && $mails) {
					$say->("421 4.3.2 enough");
					return;
				}
				$rcpts = $is_poison = 0;
				$say->("250 2.1.0 ok");
			} elsif ($line =~ /\ARCPT TO:<(bad)?(tmp)?/) {
				my ($bad, $tmp) = ($1, $2);
				if ($mode eq "few" && $rcpts == 2) {
					$say->("452 4.5.3 too many");
					next;
				}
				$rcpts++ unless $bad || $tmp;
				$is_poison ||= $line =~ /<poison/;
				$say->($bad ? "550-5.1.1 nobody\r\n550 5.1.1 here"
				    : $tmp ? "450 4.2.1 later" : "250 2.1.5 ok");
			} elsif ($line =~ /\ADATA/) {
				$is_text = $rcpts > 0;
				$say->($is_text ? "354 go" : "503 5.5.1 no");
				sleep 4 if $mode eq "sluggish" && !-e
				    "$dir/slept" && open my $to, ">", "$dir/slept";
			} elsif ($line =~ /\AQUIT/) {
				$say->("221 bye");
				return;
			} else {
				$say->("250 ok");
			}
		}
	}
}

my $select = IO::Select->new(@what::sockets, $dns ? $dns : ());
print "ready\n";
$| = 1;
for (;;) {
	for my $ready ($select->can_read) {
		if ($dns && $ready == $dns) {
			answer_name();
			next;
		}
		my $s = $ready->accept or next;
		my $mode = $listening{$ready};
		$n++;
		if (!fork) {
			$s->autoflush(1);
			session($s, $mode, "$dir/$mode.$n");
			exit 0;
		}
	}
}
