#!/usr/bin/perl
# seeds.pl DIR - what fuzzing began with: a directory of inputs a harness
#
# Whoever changes how a harness reads its input makes new ones. Written by
# hand: the examples of the headers, and what lies beside them.
use strict;
use warnings;

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
seed('qmqpc', $_) for cuts((map { "\0$_" } @replies),
	"\1" . str("hi\n", 'a@b.test', @rcpts));
