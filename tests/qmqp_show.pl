#!/usr/bin/perl
# qmqp_show.pl FILE [PART] - what is in a QMQP package, read strictly
#
# Prints "from <SENDER>", a line "to <RECIPIENT>" for each, an empty line
# and the text. PART: envelope or text, only that.
use strict;
use warnings;

my ($file, $part) = (@ARGV, "all");
binmode STDOUT;
open my $f, "<", $file or die "$file: $!\n";
binmode $f;
local $/;
my $bytes = <$f>;

# Take a netstring off the front.
sub take {
	my $in = shift;
	$$in =~ s/\A(0|[1-9]\d*):// or die "no netstring\n";
	my $len = $1;
	length $$in > $len or die "too short\n";
	my $got = substr $$in, 0, $len, "";
	$$in =~ s/\A,// or die "no comma\n";
	return $got;
}

my $inner = take(\$bytes);
die "more behind it\n" if length $bytes;
my $text = take(\$inner);
my $from = take(\$inner);
my @to;
push @to, take(\$inner) while length $inner;
die "no recipients\n" unless @to;
if ($part ne "text") {
	print "from <$from>\n", map "to <$_>\n", @to;
	print "\n" if $part eq "all";
}
print $text if $part ne "envelope";
