#!/usr/bin/perl
# seeds.pl DIR - what fuzzing began with: a directory of inputs a harness
#
# Whoever changes how a harness reads its input makes new ones. Written by
# hand: the examples of the headers, and what lies beside them.
use strict;
use warnings;
no warnings 'portable';

my $dir = shift // die "usage: seeds.pl DIR\n";
my %n;

sub seed {
	my ($name, $bytes) = @_;
	mkdir "$dir/$name";
	my $file = sprintf "%s/%s/seed%03d", $dir, $name, ++$n{$name};
	open my $f, '>:raw', $file or die "$file: $!\n";
	print $f $bytes;
	close $f or die "$file: $!\n";
}

sub ns { join '', map { length($_) . ":$_," } @_ }

# bytes in front that choose the cuts
sub cuts { map { my $in = $_; map { $_ . $in } "\0\0", "\2\5", "\7\1" } @_ }

# a byte of length, then the bytes
sub str { join '', map { chr(length $_) . $_ } @_ }

seed('netstring', $_)
    for ns('hello world!', '', "a\0b"), '00:,', '01:a,', ':,', '9999999999:',
    '10000000000:', '5:ab,', ns(ns('c@d.test', '', 'e@f.test'));

my @rcpts = ('c@d.test', 'e@f.test');
my @texts = ("\nhello world\n", "\rh\ri\r\r\n.\r\nlast\nx\r\r\n\r\ny", "\n",
	"\n\0\xff\r\n", "\ra\r\nb\r\n\r");
for my $text (@texts) {
	seed('qmtp', $_) for cuts(
		ns($text, 'a@b.test', ns(@rcpts)),
		ns($text, '', ns()) . ns("\nx", 's', ns('a')),
		ns($text, "a\0b", ns("c\nd", 'e', 'a' x 901)));
	seed('qmqp', $_) for cuts(ns(ns($text, 'a@b.test', @rcpts)),
		ns(ns($text, '')), ns(ns($text, "a\0b", "c\nd", 'e')) . 'x',
		ns(ns($text)));
}
seed('qmtp', $_) for cuts("02:\nx,", "1:\n,0:,4:01:a,", "1:\n,1:s,5:1:a,1",
	"1073741825:", "1:\n,65537:", "1:\n,0:,16777217:");
seed('qmqp', $_) for cuts('1073741825:', '5:9:ab,,', '9:1:a,0:,1:x,');

my @replies = (ns('Kok 1 qp 23', 'Zlater (#4.3.0)', 'Dno (#5.1.1)'),
	ns("K\x80\n\r x"), ns('Xno'), ns(''), '65537:', ns('K' . 'a' x 420));
seed('qmtpc', $_) for cuts((map { "\0$_" } @replies),
	"\1" . str("hi\n", 'a@b.test', 'c@d.test', '', "x\n", 'e@f.test'),
	"\2" . str('K') . "later\0\1\2\3\4\5\6\7");
seed('qmtpc', $_) for cuts("\3" . ns(ns('size=52428800', 'rcpts=10000',
	    'params=3072')) . '1:K,', "\3" . ns(ns('size=1')), "\3" .
    ns(ns('size=1', 'rcpts=9', 'params=1024', 'x=y', 'size=2')));
seed('qmtp', "\x80\1" . ns("\nx", 'a@b', ns('ret=hdrs'),
	ns('c@d', ns('notify=never'), 'e@f', '')));
seed('qmqpc', $_) for cuts((map { "\0$_" } @replies),
	"\1" . str("hi\n", 'a@b.test', @rcpts));

my @talks = ("HELO a\r\nMAIL FROM:<a\@b.test>\r\nRCPT TO:<c\@d.test>\r\n" .
	"RCPT TO:<e\@f.test>\r\nDATA\r\nhi\r\n..\r\n.\r\nQUIT\r\n",
	"EHLO leaf.test\r\nMAIL FROM:<a\@b.test> SIZE=5 BODY=8BITMIME\r\n" .
	"RCPT TO:<\"c d\"\@e.test>\r\nRCPT TO:<\@r,\@s:f\@[192.0.2.1]>\r\n" .
	"NOOP\r\nRSET\r\nVRFY x\r\nHELP\r\nDATA\r\n.\r\n",
	"MAIL FROM:<>\r\nRCPT TO:<\"\\\"\\\\ \"\@[IPv6:2001:db8::1]>\r\n",
	"mail from: <a> BODY=7bit\r\nrcpt to:<postmaster>\r\nx\xfe\xff\r\nNOOP\r\n",
	"NOOP\nDATA\r\r\nA\0B\r\n");
my @bodies = ("hi\r\n..\r\n.\r\n", ".\r\n", "a\r\n.\n.\r\n.b\r\n\r\n.\r\n",
	"a\n.\nb\r.\r\n.\r\n", "\r\r\n.\r\r\n.\r\n", "x\xfe\x20\r\n.\r\n", "..",
	".\r.\r\n.\r\n");
seed('smtpd', $_) for cuts((map { "\0$_" } @talks), map { ("\1$_", "\2$_") }
	    @bodies, "a\r.\n\n..\rb", "a\0");
seed('talk', $_) for cuts((map { "\0$_" } @talks), map { ("\1$_", "\2$_",
	    "\3$_") } @bodies);

seed('smtpc', $_) for cuts(
	"220 x\r\n250-x\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 9\r\n" .
	"250 ok\r\n250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n250 done\r\n" .
	"250 ok\r\n450 x\r\n550 x\r\n450 x\r\n354 go\r\n554 no\r\n250 r\r\n",
	"220 x\r\n502 x\r\n250 x\r\n250 ok\r\n250 ok\r\n250-a\r\n250 b\r\n" .
	"452 4.2.2 full\r\n354 go\r\n421 4.3.2 bye\r\n",
	"220 x\n250 x\n550 no\n250 rset\n", "554 no\r\n", "220 x\r\n421 x\r\n",
	"220-x\r\n221 y\r\n", "220 x\xfe\x40\r\n250 y\xfe\x20\r\n250 x\r\n", "999 ",
	"220 x\r\n250-PIPELINING\r\n250 x\r\n550 a\r\n250 b\r\n250 c\r\n250 d\r\n" .
	"354 e\r\n");

my @lists = ('Joe <joe@a.test>, "J. (x)" <@r.test:j@b.test>, team: ann, bob@c.test;',
	'a @ b, [x] <a@b>, "x y"@[192.0.2.1] (c (d) \) e),<>', 'a b', 'a@b@c',
	'"a@b', "\"a\r\n b\"\@c, \\\"x\@y", ': ;;,,', '"\""@b.test', 'a..b@c, .@d');
seed('header', $_) for cuts((map { "\1$_" } @lists), (map { "\0To: $_\n\nx" }
	    @lists),
	"\2From: a\nDate: x\nMessage-ID: y\nBcc: a,\n b\nResent-Bcc: c\nX: y\n\nt",
	"\0From joe Sat\nReturn-Path: <x>\nContent-Length:\n 12\nCc : a\nhello\n",
	"\0Resent-To: a\@b\nResent-Date: x\n\n", "\0To: a\xfe\x3f\n\nx", "\0: x\n");

sub hex_of { join ' ', map { sprintf "%0$_->[0]x", $_->[1] } @_ }
my $m = hex_of([16, 0x69300001000000a1], [16, 5], [8, 2], [8, 20], [16, 5], [8, 0]);
my $env = ns('a@b', 'c@d', 'e@f');
$m =~ s/00000014/sprintf '%08x', length $env/e;
seed('record', $_) for "\0$m i\n${env}text\n", "\0$m b\n$env",
    "\0" . hex_of([16, 9], [8, 3]) . " K ok", "\0" . hex_of([16, 9]) . ' 1',
    "\0" . ('0a' x 12) . " 0000000f\n",
    "\0version=1 salt=9ae0daaf created_us=0006\n",
    "\0" . ns('settles=00000000000000a1:1,2,30'),
    "\0index_at=" . ('0' x 15) . '9 keys_at=' . ('0' x 16) .
    ' n_keys=00000000 salt=9ae0daaf' . "\n",
    "\1\0\0\0\1\0\0\0\2abcdM\0\0\0\7payload",
    "\2\0\3abc\1\2xx\0\2de\4\4QL1 \10\3abc\100\1f",
    "\2\1\4QL1 \0\4QL1 \2\3abc\0\0\14\10QL1 QL1 \0\1x";
$m =~ s/^\S+/'0' x 15 . '1'/e;
seed('spool', $_) for "\1$m f\n$env", "\1$m i\n$env", "\2\5\6\7" .
    str('a@b', 'c@d', 'e@f'), "\2\0\0\0" . str("a\n", 'c'), "\2\0\0\0\0",
    "\0QL1 M 00000000 00000000 00000063 9ae0daaf\n$m f\n$env\n";

my $tables = "== me\nhub.test\n== listen\nqmqp 127.0.0.1:628\nqmtp [::1]:209\n" .
    "smtp 0.0.0.0:25\nqmtps 192.0.2.1:6209\n== access\n192.0.2.0/24 relay\n" .
    "::/0 none\n2001:db8::/32 relay repeats\nsha256:" . ('ab' x 32) .
    " leaf-7 relay\n== locals\nlocal.test\n== rcpthosts\n.a.test\nb.test\n" .
    "== users\nalice\@local.test maildir:mail/%u\n*\@local.test " .
    "maildir:/m/%d/%u\n== routes\na.test qmtp:h.test:209 smtp:mx\n" .
    ".b.test hold\nx\@c.test discard\n* qmtps:h.test:6209/sha256:" . ('cd' x 32) .
    " concurrency=3 rate=9 retry=5 lifetime=2d\n== qmqpservers\n192.0.2.1\n" .
    "2001:db8::1\n[::1]:700\nh.test:6280\n== rewrite\nrcpt root\@l.test a\@b.test\n" .
    "sender *\@l.test %u\@b.test\nfrom * n\@b.test\n== bouncefrom\nmailer\n" .
    "== bouncehost\nb.test\n";
seed('tables', $_) for $tables, (map { "== me\nhub.test\n== $_" } split /== /,
	$tables), "== locals\na..b\n-x\n" . ('a' x 64) . ".test\n== routes\n" .
    "*.x smtp:mx\n* hold smtp:mx\ny q:z\n*\n# c\n== users\n* maildir:../x\n" .
    "a\@b maildir:%x\nc maildir:\n== access\n10.0.0.1/8 relay\n1.2.3.4/33 x\n";

my $more = "== me\nhub.test\n== virtualdomains\na.test:alice\n.b.test:\nx\@c.test:y\n" .
    "== aliases\npost\@local.test a\@b.test c\@d.test\n*\@l.test z\@y.test\n" .
    "== agents\nuucp\n== limits\na.test concurrency=3 rate=2/m\n" .
    "smtp:mx.test:25 rate=5\n== tlspolicy\n* may\na.test verify name=x.test\n" .
    ".b.test encrypt\n== smtproutes\na.test:h.test:25\n:relay.test\n" .
    "== queuelifetime\n600000\n== concurrencyremote\n20\n== databytes\n99\n" .
    "== routes\n* local\n<>|a.test hold\na.test reject \"5.1.1 no\"\n" .
    "b.test uucp:x pool=p class=bulk weight=3,1 tls=verify\n" .
    "== pools\npool p helo=x.test\nmember p 192.0.2.1 h.test weight=2\n" .
    "== locals\nlocal.test\n== users\nl-*\@local.test maildir:m/%u\n" .
    "== access\n10.:allow,RELAYCLIENT=\"\"\n:deny\n";
seed('tables', $_) for $more, (map { "== me\nhub.test\n== $_" } split /== /,
	$more);

sub cdb_record { my ($t, $k, $v) = @_; chr($t) . str($k, $v) }
my @records = (cdb_record(0, '', 'hub.test'), cdb_record(1, 'qmqp', '1.2.3.4:6'),
	cdb_record(2, '', "\x80\x78"), cdb_record(2, "\x78" . "\0" x 10 .
	    "\xff\xff\xc0\0\2\0", '1'), cdb_record(2, "\0" x 32, '1 leaf'),
	cdb_record(3, 'local.test', ''), cdb_record(5, '*@local.test', 'maildir:%u'),
	cdb_record(6, '.b.test', 'qmtp:a:209 rate=3'), cdb_record(7, '', '15'),
	cdb_record(9, 'rcpt', '* a@b'), cdb_record(138, '*', 'smtp:mx'));
seed('config', $_) for chr(@records) . join('', @records),
    chr(@records) . join('', @records) . "\0\0\xff\0\4\xff\x08\x05\x80",
    "\0", "\1" . $records[0] . "\x08\x00\xff\x08\x04\xff";

sub frame { my ($t, $id, $rest) = @_; ns(sprintf '%s%016x%s', $t, $id, $rest // '') }
my $session = frame('O', 1) . frame('P', 1, 'trace=3') . frame('P', 1, 'relay=1') .
    frame('P', 1, 'client=x') . frame('T', 1, "R:\nhello\n") .
    frame('S', 1, 'a@b') . frame('R', 1, 'c@d') . frame('R', 1, 'e@f');
seed('door', $_) for cuts("\0" . $session . frame('C', 1) . frame('O', 2) .
	frame('S', 2, '') . frame('C', 2) . frame('O', 3) . frame('A', 3),
	"\0" . $session . frame('S', 1, 'x'), "\0" . frame('O', 70000),
	"\0" . $session . frame('P', 1, 'done=1'),
	"\1\0\1" . str('x=y') . "\2" . str('a@b') . "\3" . str('c@d') . "\3" .
	str('e@f') . "\4" . str('text') . "\5\100\106",
	"\2\340\0\1" . str('a@b') . "\2" . str('c@d') . "\0" . str('text') .
	"\4\0\301\4Kyes\370\0\0\350", "\2\340\0\200" . str(frame('L', 9, '5')),
	"\3\0\0\1" . str('a@b') . "\2" . str('c@d') . "\2" . str('e@f') . "\0" .
	str('text') . "\3" . str('y') . "\4\0\360\10\10\11" . str('s@t') . "\15\0");
my $job = frame('O', 5) . frame('P', 5, 'id=00000000000000a1') .
    frame('P', 5, 'birth=7') . frame('P', 5, 'size=6') . frame('P', 5, 'try=1') .
    frame('P', 5, 'nexthop=qmtp:a:209') . frame('S', 5, 'a@b') .
    frame('R', 5, 'c@d') . frame('R', 5, 'e@f') . frame('C', 5);
seed('door', $_) for cuts("\1\0\2" . str('a@b') . "\3" . str("c\nd") . "\3" .
	str('x') . "\5", "\1\0\2" . str("a\rb") . "\3" . str('x') . "\5");
seed('agent', $_) for cuts("\0" . $job . frame('T', 5, 'hel') . frame('T', 5, "lo\n"),
	"\0" . $job . frame('A', 5), "\0" . $job . frame('T', 5, 'too much'),
	"\0" . $job . $job, "\0" . frame('O', 5) . frame('C', 5),
	"\1" . frame('H', 0, 'qmtp 3') . "\xff\1" . frame('V', 1, 'Kok') .
	frame('V', 1, 'Zx') . frame('V', 1, 'Dy') . frame('W', 2, '10'),
	"\1" . frame('H', 0, 'qmtp 0') , "\1" . frame('V', 9, 'K'),
	"\2\3abc\5hello\1\2\3");

# Keys and certificates of openssl's, all made for this and of no other use.
sub openssl { my $der = `openssl @_ 2>/dev/null`; die "openssl @_\n" if $?; $der }
my @kinds = (['ec', '-newkey ec -pkeyopt ec_paramgen_curve:P-256'],
	['rsa', '-newkey rsa:2048'], ['p384', '-newkey ec -pkeyopt ec_paramgen_curve:P-384']);
my (@certs, @keys);
for (@kinds) {
	my ($name, $how) = @$_;
	my $key = "$dir/$name.key";
	push @certs, openssl("req -x509 $how -nodes -keyout $key -subj /CN=hub.test",
		'-days 9999 -addext subjectAltName=DNS:hub.test -outform DER');
	push @keys, openssl("pkcs8 -topk8 -nocrypt -in $key -outform DER");
	push @keys, openssl($name eq 'rsa' ? "rsa -traditional -in $key -outform DER"
		: "ec -in $key -outform DER");
	unlink $key;
}
sub two { pack('n', length $_[0]) . $_[0] }
seed('x509', "\2\5$_") for (map { ("\0$_", "\4" . two($_), "\5" . two($_)) } @certs),
    "\4" . two($certs[0]) . two($certs[1]), "\5" . two($certs[0]) . two($certs[2]),
    (map { ("\1$_", "\2$_", "\3$_") } @keys);
my $pem = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
seed('pem', $_) for "\0$pem", "\0x\n$pem$pem-----BEGIN X-----\n", "\0-----BEGIN",
    "\1" . str('abc', '', 'x' x 99), "\2sha256:" . 'aB' x 32, "\2sha256:" . 'ab' x 31;

my $sign = "\r\n\r\n\0\r\nQUIT\n";
seed('proxy', $_) for cuts("\0$sign\x21\x11\0\x0c" . "\xc0\0\2\1\xc0\0\2\2\4\0\2\x74" . 'x',
	"\0$sign\x21\x21\0\x28" . "\x20\1" . "\0" x 30 . "\1\2\3\4" . 'tlv!' . 'y',
	"\0$sign\x20\0\0\0", "\0$sign\x21\x31\0\xd8" . 'u' x 216, "\0$sign\x21\x12\0\x0c",
	"\0${sign}\x22", "\0\r\n\r\nQ",
	"\1\0\2\xc0\x2b\1\0\0\x12\0\x10\0\x0e\0\x0c\7quail/1\3xyz",
	"\1\0\2\xc0\x2b\1\0\0\4\0\5\0\0", "\1\0\2\xc0\x2b\1\0\0\0", "\1\0\2\xc0\x2b\1\0");

# What mutants.sh asked for.
seed('qmqp', $_) for cuts(ns(ns('x', 's', 'r') . ','), '3:1:a,0:,,');
seed('qmtp', $_) for cuts("1:\n,0:,5:1:a,,,");
seed('qmtpc', $_) for cuts("\3" . ns(ns('size=1', 'rcpts=9', 'params=1023')));
seed('qmqpc', $_) for cuts(map { "\0" . ns($_) } 'Dno', 'Zlater', 'Kok', 'Xno');
seed('tables', $_) for "== me\nh.test\n== locals\nl.test\n== users\n" .
    "a\@l.test maildir:m/../x\n", "== me\nh.test\n== limits\na.test rate\n";
seed('proxy', $_) for cuts("\0$sign\x21\x11\0\4abcd");
seed('smtpc', $_) for cuts("220 x\r\n250 x\r\n250 ok\r\n950 x\r\n250 x\r\n354 x\r\n");
seed('header', $_) for cuts("\1x\@\"a b\", c\@d", "\0Bcc: a, b\nTo: c\n\n");

# Files of the queue, and tables at work.
seed('holds', $_) for str('news-1@x.test') . str('new*') . "from news-*\@x.test\nfrom <>\n" .
	"dest smtp:mx/example.com\ndest qm?p:*\n", str('') . str('a*b') . "from *\n",
	str('x') . str('') . "dest a", str('x') . str('*') . "to x\n";
seed('warmup', $_) for str("\1\2\3\xfa\1\xe6\2\xfa\xc8") . str('x.test') . str('a b') .
	"20 192.0.2.1 g 100.\n20 192.0.2.1 x.test 7.\n21 192.0.2.1 g 5.\n20 192.0.2",
	str("\1" x 15 . "\xfa" . "\1" x 15) . str('g 7.') . str('1.') . '';
seed('aliases', $_) for str('a@hub.test b@x.test c@hub.test') . str('s@x.test') .
	str("Delivered-To: b\@hub.test\n") . "== aliases\na\@hub.test b\@hub.test a\@hub.test\n" .
	"b\@hub.test c\@x.test d\@x.test\nc\@hub.test b\@hub.test\n*\@far.test a\@hub.test\n",
	str('a@x.b.test') . str('s@d.test') . str('v') . "== routes\n* smtp:mx pool=p\n" .
	"== pools\npool p\nmember p 192.0.2.1 hub.test weight=3\nmember p 2001:db8::1 hub.test\n" .
	"sender p .test <>\nheader p x-k v\ngroup g .b.test\n";
seed('netdb', $_) for str('hub') . str("127.0.0.1 hub\n::1 hub hub6 # x\n") .
	str("nameserver 192.0.2.1\nsearch a.test b.test\n"),
	str('hub') . str("# none\n") . str("nameserver 192.0.2.1\nnameserver ::1\n") .
	str("\3" . "\xc0\x0c\0\1\0\1\0\0\0\1\0\4\xc0\0\2\1") .
	str("\3" . "\xc0\x0c\0\x1c\0\1\0\0\0\1\0\x10" . 'x' x 16) . str("\x30") . str("\x31"),
	str('hub.') . str('') . str("domain x.test\n") . str("\x31") . str("\x37" . 'x' x 40);
sub mail {
	my ($wrong, $numbers) = @_;
	return "\0\0" . str('a@b.test') . str('c@d.test') . str('') . str("5000:hello\n") .
	    $wrong . "\1\1" . ($numbers // '') . "\0";
}
my $mail = "\0\0" . str('a@b.test') . str('c@d.test') . str('key=x') . str("hello\n") . "\1\0\0\0";
seed('segment', $_) for "\4\2$mail\0\5\0\1\0\0\1\0\xff\3\3$mail\1\0\1\0\1\2\0\1\3\xff\0",
	"\6\2$mail\0$mail\1" . "\3\0\1\1" . "\2\0\0\0\1" . "\1\0\0\0\1" . str('ok') . "\0\xff\0\0",
	# an outcome of a recipient that is none; an envelope longer than its record
	"\4\2" . mail("\2") . "\1\1\1\1\4" . str('x') . "\0" . "\3\0\0\1\xff\0",
	"\3\2" . mail("\x51", "\xf0\x10") . "\3\0\0\1\xff\0";

# dns: a type and "make it fit", the number of records, then records
my $own = "\xc0\x0c";
sub rr { my ($type, $data) = @_; $own . pack("n n N n/a*", $type, 1, 60, $data) }
seed('dns', $_) for
    "\4\1" . rr(1, "\x7f\0\0\1"), "\5\2" . rr(28, "\0" x 16) x 2,
    "\6\3" . rr(15, "\0\x0a\2mx$own") . rr(15, "\0\x14\1B\4TEST\0") .
	rr(15, "\0\0\0"),
    "\4\2" . rr(5, $own) . rr(1, "\x7f\0\0\2"), "\x34\0", "\x24\0",
    "\6\1" . rr(15, "\0\1\xc0\x31"), "\6\1" . rr(15, "\0\1\1a\xc0\x31"),
    "\6\1" . rr(15, "\0\1" . ("\x3f" . "a" x 63) x 4 . "\0"),
    "\4\x20" . rr(5, $own) x 20, "\2\7\7\x81\0\0\1\0\1\0\0\0\0\1x\0";
