#!/usr/bin/perl
# golden.t - wrong tables, and exactly what an administrator is told of them
#
# tests/golden/tables holds the cases: "=== NAME" begins one, "--- FILE [MODE]"
# a file of it, and "--- says CODE" what quail build must say and end with.
# Where there is no file me, me is hub.example. GOLDEN=FILE in the environment
# writes the cases anew with what is said now, to be read before it is kept.
use strict;
use warnings;
use File::Basename qw(dirname);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use IPC::Open3;

my $quail = "$ENV{BIN}/quail";
my $work = tempdir(CLEANUP => 1);
my ($n, $failed) = (0, 0);
my @cases;

sub write_file {
	my ($path, $bytes, $mode) = @_;
	make_path(dirname($path));
	open my $f, '>:raw', $path or die "$path: $!";
	print $f $bytes;
	close $f or die;
	chmod oct($mode), $path;
}

open my $in, '<:raw', dirname($0) . "/golden/tables" or die $!;
while (<$in>) {
	if (/^=== (.*)/) {
		push @cases, {name => $1, files => []};
	} elsif (/^--- (\S+)(?: (\d+))?$/ && @cases) {
		push @{$cases[-1]{files}}, [$1, $2, ''];
	} elsif (@cases && @{$cases[-1]{files}}) {
		$cases[-1]{files}[-1][2] .= $_;
	}
}

my $out;
if ($ENV{GOLDEN}) {
	open $out, '>:raw', $ENV{GOLDEN} or die $!;
}
for my $case (@cases) {
	my $dir = "$work/node";
	my ($expect, $code) = ('', 0);
	remove_tree($dir);
	write_file("$dir/me", "hub.example\n", '644');
	for (@{$case->{files}}) {
		my ($name, $mode, $text) = @$_;
		if ($name eq 'says') {
			($expect, $code) = ($text, $mode);
		} else {
			write_file("$dir/$name", $text, $mode // '600');
		}
	}
	chdir $dir or die;
	my $pid = open3(my $to, my $from, undef, $quail, 'build', '.');
	close $to;
	my $said = do { local $/; <$from> } // '';
	waitpid $pid, 0;
	my $got = $? >> 8;
	chdir '/';
	my $good = $said eq $expect && $got == $code;
	$good &&= $code == 0 || !-e "$dir/config.cdb";
	$n++;
	print $good ? "ok" : "not ok", " $n - $case->{name}\n";
	if (!$good) {
		$failed = 1;
		print "# exit $got, said:\n", map "#   $_\n", split /\n/, $said;
	}
	next unless $out;
	print $out "=== $case->{name}\n";
	for (@{$case->{files}}) {
		my ($name, $mode, $text) = @$_;
		next if $name eq 'says';
		print $out "--- $name", defined $mode ? " $mode" : '', "\n$text";
	}
	print $out "--- says $got\n$said";
}
print "1..$n\n";
exit $failed;
