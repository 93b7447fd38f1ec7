#!/usr/bin/perl
# pack.pl - many inputs in one file, a netstring each
#
#   pack.pl pack DIR >PACK       the files of DIR, in the order of their size
#   pack.pl unpack DIR <PACK     into DIR, named by what is in them
use strict;
use warnings;
use Digest::SHA 'sha1_hex';

my ($verb, $dir) = @ARGV;
die "usage: pack.pl pack|unpack DIR\n" unless defined $dir;
binmode STDIN;
binmode STDOUT;
local $/;

if ($verb eq 'pack') {
	my @inputs;
	for my $file (glob "$dir/*") {
		open my $f, '<:raw', $file or die "$file: $!\n";
		push @inputs, scalar(<$f>) // '';
	}
	print length $_, ":$_," for sort { length $a <=> length $b or $a cmp $b }
	    @inputs;
	exit 0;
}
my $pack = <STDIN> // '';
while (length $pack) {
	$pack =~ s/^(\d+):// or die "not a pack\n";
	my $input = substr $pack, 0, $1, '';
	$pack =~ s/^,// or die "not a pack\n";
	open my $f, '>:raw', "$dir/" . sha1_hex($input) or die "$dir: $!\n";
	print $f $input;
	close $f or die "$dir: $!\n";
}
