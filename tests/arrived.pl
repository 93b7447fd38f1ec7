#!/usr/bin/perl
# arrived.pl - what has come to a Maildir, and is it what was sent?
#
#   arrived.pl [-t FILE [-i ID]] [-v HEADER]... [-k REGEX] [-l LEDGER] DIR...
#
# Takes the trace lines off each file (at the top: Return-Path, Delivered-To,
# Received, X-Quail-Expanded) and compares the rest with FILE, byte for byte, where
#   -i ID       stands in FILE for the message's own id
#   -v HEADER   a line that may differ, such as Date
# -k: how to find a message's id in it; without it, in quail-load's Subject.
# -l: ids that must be there, one a line ("ID/0", as quail-load writes them).
#
# Prints   files=N ids=N wrong=N missing=N
# and on stderr what the first wrong one and the first missing ones are.
use strict;
use warnings;

my (@vary, %o);
while (@ARGV && $ARGV[0] =~ /^-(.)/) {
	shift;
	if ($1 eq 'v') { push @vary, shift } else { $o{$1} = shift }
}
my $key = $o{k} ? qr/$o{k}/ : qr/^Subject: quail-load (\S+)/m;
my $vary = join '|', map quotemeta, @vary;

sub slurp {
	my ($name) = @_;
	open my $f, '<:raw', $name or die "$name: $!\n";
	local $/;
	return scalar <$f>;
}

sub blurred {
	my ($text) = @_;
	$text =~ s/^(?:$vary): [^\n]*\n/varies\n/mg if @vary;
	return $text;
}

my $want = defined $o{t} ? slurp($o{t}) : undef;
$want = blurred($want) if defined $want;

my ($files, $wrong, %ids) = (0, 0);
for my $dir (@ARGV) {
	opendir my $d, $dir or next;
	for my $name (grep !/^\./, readdir $d) {
		my $all = slurp("$dir/$name");
		$files++;
		my $id = $all =~ $key ? $1 : '';
		$ids{$id}++;
		next unless defined $want;
		my $rest = $all;
		$rest =~ s/\A(?:(?:Return-Path|Delivered-To|Received|
		    X-Quail-Expanded):[^\n]*\n
		    (?:[ \t][^\n]*\n)*)*//x;
		my $expected = $want;
		$expected =~ s/\Q$o{i}\E/$id/g if defined $o{i};
		next if blurred($rest) eq $expected;
		print STDERR "# differs: $dir/$name\n" unless $wrong++;
	}
}

my %missing;
if (defined $o{l} && open my $l, '<', $o{l}) {
	while (<$l>) {
		chomp;
		s{/\d+$}{};
		$missing{$_} = 1 unless $ids{$_};
	}
}
my @missing = sort keys %missing;
print STDERR "# missing: $missing[$_]\n" for grep $_ < @missing, 0 .. 4;
printf "files=%d ids=%d wrong=%d missing=%d\n", $files, scalar keys %ids,
    $wrong, scalar @missing;
