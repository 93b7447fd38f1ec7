#!/bin/sh
# sessions.t - a front end whose queue stands still holds no more than it says
# (lib/budget.h), whatever its clients send, and no queue more than it says
# (queue/staging.h); others are served meanwhile, and then everybody. tests/bench/sessions.sh is the same, larger and measured.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/sessions-test
rm -rf "$work"
mkdir -p "$work/a" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

# Clients, each in the middle of 1 MiB, and what each may cost in KiB: 4 of the
# budget, 2 for the session, 30 more with TLS. Besides 4 MiB for all, and 2 more
# that no header states.
clients=100 each=6 each_tls=36 besides=6144

# Those for the queue each have sent as much as it may have in memory, 200 KiB:
# 80 MiB of 32, and 17 KiB a message, and 3 MiB for what connections bring.
many=400 many_kb=$((32768 + 17 * 400 + 3072))

set -- $(free_ports 5)
qmqp=$1 qmqps=$2 qmtp=$3 qmtps=$4 smtp=$5
pin=$("$BIN/quail" key -o "$work/a/tls" | grep -o 'sha256:[0-9a-f]*' |
	head -n 1)
echo a.test | table a me
table a listen <<T
qmqp 127.0.0.1:$qmqp
qmqps 127.0.0.1:$qmqps
qmtp 127.0.0.1:$qmtp
qmtps 127.0.0.1:$qmtps
smtp 127.0.0.1:$smtp
T
echo '127.0.0.0/8 relay' | table a access
echo a.test | table a locals
echo '*@a.test maildir:mail/%u' | table a users
echo '* hold' | table a routes
check 'the node comes up' node_start a || { cat "$work/a.log"; tap_done; }
queue=$(node_process a quail-queue)

# field NAME - of the lines on stdin: the largest value of NAME=
field() {
	grep -o "$1=[0-9]*" | cut -d= -f2 | sort -n | tail -n 1
}

# grown PROCESS PROGRAM - what it has more than behind its first message ever
grown() {
	base=$work/$2.base
	grep "process=$1" "$work/said" >"$work/one"
	[ -s "$base" ] || field rss_before_kb <"$work/one" >"$base"
	echo $(($(field rss_most_kb <"$work/one") - $(cat "$base")))
}

# sessions PROTOCOL ARGUMENTS... - and then they are all served
sessions() {
	name=$1
	shift
	"$BUILD/tests/quail-sessions" -d 1 -p "${name%s}" "$@" "$queue" \
	    >"$work/said" 2>&1
	check "$name: others are served" \
	    grep -q '^probes=[1-9][0-9]* not_k=0 ' "$work/said"
	check "$name: and then all" \
	    grep -q '^finished clients=\([0-9]*\) k=\1 of=\1$' "$work/said" ||
		sed 's/^/# /' "$work/said"
}

# drip PROTOCOL PORT PROGRAM KB [-t PIN] - the queue stands still
drip() {
	name=$1 port=$2 program=$3 most=$(($4 + besides))
	shift 4
	sessions "$name" -n "$clients" -S "$@" "127.0.0.1:$port" \
	    "$(node_process a "$program")"
	kb=$(grown 0 "$program")
	check "$name: $kb KiB more, of $most that are stated" \
	    test "$kb" -le "$most"
}

# stage PROTOCOL PORT PROGRAM - it does not
stage() {
	sessions "$1" -n "$many" -k 400 "127.0.0.1:$2" "$(node_process a "$3")"
	kb=$(grown 1 quail-queue)
	check "$1: the queue has $kb KiB more, of $many_kb" \
	    test "$kb" -le "$many_kb"
}

queue_rss_kb() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$queue/status"
}

# its own second has to pass twice
queue_is_small() {
	[ "$(queue_rss_kb)" -le $(($(cat "$work/quail-queue.base") + 6144)) ]
}

drip qmqp "$qmqp" qmqpd $((clients * each))
drip qmqps "$qmqps" qmqpd $((clients * each_tls)) -t "$pin"
drip qmtp "$qmtp" qmtpd $((clients * each))
drip qmtps "$qmtps" qmtpd $((clients * each_tls)) -t "$pin"
drip smtp "$smtp" smtp-gateway $((clients * each))
stage qmqp "$qmqp" qmqpd
stage qmtp "$qmtp" qmtpd
check 'the queue gives it back' wait_for 10 queue_is_small ||
	echo "# it has $(queue_rss_kb) KiB"
check 'no daemon died' node_is_sound a
tap_done
