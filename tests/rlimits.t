#!/bin/sh
# rlimits.t - a hub whose processes may have small files, or few of them
#
# A message over the limit of file sizes is refused as by a full disk; the door
# stays open, for large ones that fit too, and for more mail than one file may
# have. Too few descriptors are said once, and the end.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/rlimits
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

port=$(free_ports 1)
echo hub.test | table hub me
echo '127.0.0.1 relay' | table hub access
echo hub.test | table hub locals
echo '*@hub.test maildir:mail/%u' | table hub users
echo 'away.test hold' | table hub routes
echo "qmqp 127.0.0.1:$port" | table hub listen

# send RCPT BYTES - a message of that size; prints the letter of the answer
send() {
	perl -MIO::Socket::INET -e '
		my ($port, $rcpt, $n) = @ARGV;
		sub ns { length($_[0]) . ":$_[0]," }
		$SIG{PIPE} = "IGNORE";
		my $s = IO::Socket::INET->new("127.0.0.1:$port") or die;
		my $text = "Subject: x\n\n" . ("x" x 63 . "\n") x ($n / 64);
		print $s ns(ns($text) . ns("sue\@hub.test") . ns($rcpt));
		local $/;
		print((<$s> // "") =~ /^\d+:(.)/ ? $1 : "none");' \
	    "$port" "$1" "$2"
}

(
	ulimit -n 64 || exit 1
	exec timeout 20 "$BIN/quail" run "$work/hub"
) >"$work/few.out" 2>"$work/few.log" </dev/null
is $? 100 'with 64 descriptors quail run ends, and need not be tried again'
is "$(grep -c . "$work/few.log")" 1 'with one line'
check 'that says what to do' grep -q 'files is 64, and this program needs' \
    "$work/few.log"

"$BIN/quail" build "$work/hub" >/dev/null 2>&1
for daemon in qmqpd qmtpd qmtpc smtp-gateway:in smtp-gateway:out maildir \
    quail-queue quail-leafdoor; do
	mode=${daemon#*:}
	[ "$mode" = "$daemon" ] && mode=
	(
		ulimit -n 64 || exit 1
		# shellcheck disable=SC2086
		exec timeout 20 "$BIN/${daemon%:*}" $mode "$work/hub"
	) >/dev/null 2>"$work/few.log" </dev/null
	is "$? $(grep -c . "$work/few.log")" '100 1' "$daemon: the same"
	check 'and says what to do' grep -q \
	    'limit of open files is 64, and this program needs 256; raise it' \
	    "$work/few.log"
done

# 600 clients of a hub that may have 512 descriptors: those over its limit are
# told so, and linger; what the daemon needs for itself stays
: >"$work/hub.out"
(
	ulimit -n 512
	exec "$BIN/quail" run "$work/hub" >"$work/hub.out" 2>>"$work/hub.log" \
	    </dev/null
) &
echo $! >"$work/hub.pid"
node_names="$node_names hub"
check 'a hub with 512 descriptors' wait_for 20 grep -q '^ready' "$work/hub.out"
qmqpd=$(node_process hub qmqpd)
perl -MIO::Socket::INET -e '
	my ($port, $pid) = @ARGV;
	my (@s, $refused, $most);
	for (1 .. 600) {
		push @s, IO::Socket::INET->new("127.0.0.1:$port") or die;
		my $n = () = glob "/proc/$pid/fd/*";
		$most = $n if $n > ($most // 0);
	}
	for (reverse @s) {
		my $r = "";
		vec($r, fileno $_, 1) = 1;
		$refused++ if select $r, undef, undef, $refused ? 0 : 10;
	}
	print "$refused $most\n"' "$port" "$qmqpd" >"$work/clients"
read -r refused most <"$work/clients"
is "$refused" 264 'of 600 clients 336 are let in, the others told so'
check "the daemon had $most descriptors, of 512" test "$most" -le 490
check 'the hub ends' node_stop hub

before=$(ulimit -f)
ulimit -S -f 2048 # of 512 bytes, or 1024: by the shell
check 'the hub comes up with a limit of file sizes' node_start hub || tap_done
ulimit -S -f "$before"
queue=$(node_process hub quail-queue)

is "$(send ann@hub.test 5000000)" Z 'a message over the limit gets Z'
is "$(send ann@hub.test 700)" K 'one behind it K'
is "$(ls "$work/hub/queue/big" | wc -l)" 0 'nothing is left of the large one'
is "$(send ann@hub.test 600000)" K 'one with a file that may be that large K'
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
	send far@away.test 200000
done >"$work/answers"
is "$(cat "$work/answers")" KKKKKKKKKKKKKKKK \
    'more than a file may have is in several'
is "$(node_process hub quail-queue)" "$queue" 'by one and the same queue'
check 'which says what it is allowed' grep -q 'event=file-limit ' \
    "$work/hub.log"
wait_for 20 has_count "$work/hub/mail/ann/new" 2
is "$(count "$work/hub/mail/ann/new")" 2 'and delivers'
check 'no daemon has died' node_is_sound hub
node_stop hub
tap_done
