#!/bin/sh
# sessions.t - a front end whose queue stands still holds no more than it says
# (lib/budget.h), whatever its clients send; others are served meanwhile, and
# then everybody. tests/bench/sessions.sh is the same, larger and measured.
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

# drip PROTOCOL PORT PROGRAM KB [-t PIN] - what it has more than behind its
# first message ever
drip() {
	name=$1 port=$2 front=$(node_process a "$3") most=$(($4 + besides))
	base=$work/$3.base
	shift 4
	"$BUILD/tests/quail-sessions" -n "$clients" -d 1 -S -p "${name%s}" "$@" \
	    "127.0.0.1:$port" "$front" "$queue" >"$work/said" 2>&1
	grep 'process=0' "$work/said" >"$work/front"
	[ -s "$base" ] || field rss_before_kb <"$work/front" >"$base"
	grown=$(($(field rss_most_kb <"$work/front") - $(cat "$base")))
	check "$name: $grown KiB more, of $most that are stated" \
	    test "$grown" -le "$most"
	check "$name: others are served" \
	    grep -q '^probes=[1-9][0-9]* not_k=0 ' "$work/said"
	check "$name: and then all" \
	    grep -q "^finished clients=$clients k=$clients " "$work/said" ||
		sed 's/^/# /' "$work/said"
}

drip qmqp "$qmqp" qmqpd $((clients * each))
drip qmqps "$qmqps" qmqpd $((clients * each_tls)) -t "$pin"
drip qmtp "$qmtp" qmtpd $((clients * each))
drip qmtps "$qmtps" qmtpd $((clients * each_tls)) -t "$pin"
drip smtp "$smtp" smtp-gateway $((clients * each))
check 'no daemon died' node_is_sound a
tap_done
