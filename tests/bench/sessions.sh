#!/bin/sh
# sessions.sh - what connections cost a hub: 10,000 idle ones, 1,000 of TLS,
# and 1,000 that stand in the middle of a message of 1 MiB and go on by a byte
# a second (sessions.c). CASES="idle tls drip dripstls" chooses. Process 0 is
# qmqpd, 1 is quail-queue.
set -u

: "${BIN:?make bench-sessions sets it}" "${BUILD:?make bench-sessions sets it}"
here=$(cd "$(dirname "$0")/.." && pwd)
work=$BUILD/sessions
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/node.sh"

# a process has its descriptors for itself: here, qmqpd, and the clients
ulimit -n "$(ulimit -Hn)"
case $(ulimit -n) in
unlimited | [2-9]???? | 1[1-9]??? | ??????*) ;;
*)
	echo "sessions.sh needs 11,000 descriptors; ulimit -n is" \
	    "$(ulimit -n)" >&2
	exit 111
	;;
esac

hub() {
	set -- $(free_ports 2)
	qmqp=$1 qmqps=$2
	rm -rf "$work/hub"
	echo hub.test | table hub me
	printf 'qmqp 127.0.0.1:%s\nqmqps 127.0.0.1:%s\n' "$qmqp" "$qmqps" |
		table hub listen
	echo '127.0.0.0/8 relay' | table hub access
	echo hub.test | table hub locals
	echo '*@hub.test maildir:mail/%u' | table hub users
	echo '* hold' | table hub routes
	pin=$("$BIN/quail" key -o "$work/hub/tls" | grep -o 'sha256:[0-9a-f]*' |
		head -n 1)
	node_start hub || exit 111
	set -- "$(node_process hub qmqpd)" "$(node_process hub quail-queue)"
	pids_of_hub="$1 $2"
}

# sessions CASE ARGUMENTS... - a hub of its own for each
sessions() {
	case " ${CASES:-idle tls drip dripstls} " in
	*" $1 "*) ;;
	*) return 0 ;;
	esac
	hub
	name=$1
	shift
	port=$qmqp
	case $name in
	*tls)
		port=$qmqps
		set -- -t "$pin" "$@"
		;;
	esac
	# shellcheck disable=SC2086
	"$BUILD/tests/quail-sessions" "$@" "127.0.0.1:$port" $pids_of_hub |
		sed "s/^/$name: /"
	node_is_sound hub
	node_stop hub
}

sessions idle -n 10000
sessions tls -n 1000
sessions drip -n 1000 -d 10
sessions dripstls -n 1000 -d 10
