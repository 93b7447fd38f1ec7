#!/bin/sh
# sessions.sh - what connections cost a hub: 10,000 idle ones, 1,000 of TLS,
# and 1,000 that stand in the middle of a message of 1 MiB and go on by a byte
# a second (sessions.c): by QMQP, QMTP and SMTP. CASES="idle tls qmqp qmqps qmtp
# qmtps smtp" chooses. Process 0 is the front end, 1 is quail-queue.
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
	set -- $(free_ports 5)
	qmqp=$1 qmqps=$2 qmtp=$3 qmtps=$4 smtp=$5
	rm -rf "$work/hub"
	echo hub.test | table hub me
	table hub listen <<T
qmqp 127.0.0.1:$qmqp
qmqps 127.0.0.1:$qmqps
qmtp 127.0.0.1:$qmtp
qmtps 127.0.0.1:$qmtps
smtp 127.0.0.1:$smtp
T
	echo '127.0.0.0/8 relay' | table hub access
	echo hub.test | table hub locals
	echo '*@hub.test maildir:mail/%u' | table hub users
	echo '* hold' | table hub routes
	pin=$("$BIN/quail" key -o "$work/hub/tls" | grep -o 'sha256:[0-9a-f]*' |
		head -n 1)
	node_start hub || exit 111
}

# sessions CASE PROTOCOL ARGUMENTS... - a hub of its own for each
sessions() {
	case " ${CASES:-idle tls qmqp qmqps qmtp qmtps smtp} " in
	*" $1 "*) ;;
	*) return 0 ;;
	esac
	hub
	name=$1 protocol=$2
	shift 2
	case $protocol in
	qmqp) port=$qmqp program=qmqpd ;;
	qmqps) port=$qmqps program=qmqpd ;;
	qmtp) port=$qmtp program=qmtpd ;;
	qmtps) port=$qmtps program=qmtpd ;;
	smtp) port=$smtp program=smtp-gateway ;;
	esac
	case $protocol in
	*s) set -- -t "$pin" "$@" ;;
	esac
	"$BUILD/tests/quail-sessions" -p "${protocol%s}" "$@" \
	    "127.0.0.1:$port" "$(node_process hub "$program")" \
	    "$(node_process hub quail-queue)" | sed "s/^/$name: /"
	node_is_sound hub
	node_stop hub
}

sessions idle qmqp -n 10000
sessions tls qmqps -n 1000
for protocol in qmqp qmqps qmtp qmtps smtp; do
	sessions $protocol $protocol -n 1000 -d 10
done
