#!/bin/sh
# pipes.t - sendmail's stdin and stdout as callers leave them: closed, or
# non-blocking
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/pipes
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

hub=$(free_ports 1)
background perl "$here/qmqp_sink.pl" "$hub" "$work/hub" Kok
wait_for 20 port_answers "$hub"
wait_for 20 has_count "$work/hub" 1
rm -f "$work"/hub/*
echo leaf.test | table leaf me
echo "127.0.0.1:$hub" | table leaf qmqpservers
"$BIN/quail" build "$work/leaf" || exit 1
export QUAIL_DIR="$work/leaf"
ln -s "$BIN/qmqpc" "$work/qmail-queue"
ln -s "$BIN/qmqpc" "$work/qmail-inject"

got() { # TEXT
	cat "$work"/hub/[0-9]* 2>/dev/null | grep -ac "$1"
}

# closed: no message at all, and the caller hears it

"$BIN/sendmail" -i a@b.test <&- >"$work/said" 2>&1
is "$? $(wc -l <"$work/said")" "74 1" "stdin closed: 74, with a line"
"$BIN/sendmail" -t <&- >"$work/said" 2>&1
is "$? $(wc -l <"$work/said")" "74 1" "-t: the same"
"$BIN/sendmail" -bs <&- >"$work/out" 2>"$work/said"
is "$? $(wc -l <"$work/said")" "74 1" "-bs: the same"
"$work/qmail-inject" a@b.test <&- >"$work/said" 2>&1
code=$?
check "qmail-inject fails: $code" [ "$code" = 111 ]
printf 'Fx@y.test\0Ta@b.test\0\0' >"$work/envelope"
"$work/qmail-queue" <&- 1<"$work/envelope" 2>/dev/null
is "$?" 54 "qmail-queue: 54"
is "$(ls "$work/hub" | wc -l)" 0 "nothing was sent"
"$BIN/sendmail" -i a@b.test </dev/null 2>"$work/said"
is "$? $(ls "$work/hub" | wc -l)" "0 1" "an empty stdin is an empty message"

# non-blocking, and whoever writes takes his time

cat >"$work/slow.pl" <<'P'
# slow.pl PROGRAM [ARGUMENT...] - its stdin, and stdout, by non-blocking pipes
use Fcntl;
pipe my $r, my $w;
pipe my $out_r, my $out_w;
for ($r, $out_w) {
	fcntl $_, F_SETFL, O_NONBLOCK | fcntl $_, F_GETFL, 0;
}
my $pid = fork;
if (!$pid) {
	open STDIN, "<&", $r;
	open STDOUT, ">&", $out_w if $ENV{OUT};
	close $_ for $r, $w, $out_r, $out_w;
	exec @ARGV;
}
close $_ for $r, $out_w;
for my $part (split /\|/, $ENV{PARTS}) {
	select undef, undef, undef, 0.3;
	$part =~ s/\\n/\n/g;
	$part =~ s/LONG/"y" x 100000/ge;
	syswrite $w, $part;
}
close $w;
if ($ENV{OUT}) {
	select undef, undef, undef, 0.5; # its pipe is full meanwhile
	my $n = 0;
	while (sysread $out_r, my $bytes, 65536) { $n += length $bytes; }
	print "$n\n";
}
waitpid $pid, 0;
exit $? >> 8;
P
PARTS='Subject: x\n\npart1\n|part2 one\n' perl "$work/slow.pl" \
    "$BIN/sendmail" -i a@b.test 2>"$work/said"
is "$? $(got part1) $(got 'part2 one')" "0 1 1" \
    "a non-blocking stdin is waited for"
PARTS="EHLO x\\r\\nMAIL FROM:<x@y.test>\\r\\nRCPT TO:<a@b.test>\\r\\nDATA\\r\\n|X: 1\\r\\n\\r\\npart2 two\\r\\n.\\r\\n|QUIT\\r\\n"
PARTS=$(printf "$PARTS") perl "$work/slow.pl" "$BIN/sendmail" -bs >"$work/out" \
    2>"$work/said"
is "$? $(got 'part2 two')" "0 1" "-bs: the same"
PARTS='Subject: x\n\n|part2 three\n' perl "$work/slow.pl" \
    "$work/qmail-queue" 1<"$work/envelope" 2>"$work/said"
is "$? $(got 'part2 three')" "0 1" "qmail-queue: the same"
n=$(OUT=1 PARTS="Subject: x\\n\\n|LONG\\n|LONG\\n" perl "$work/slow.pl" \
    "$work/qmail-inject" -n a@b.test 2>"$work/said")
check "a non-blocking stdout is waited for: $n bytes" [ "${n:-0}" -gt 200000 ]

tap_done
