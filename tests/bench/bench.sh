#!/bin/sh
# bench.sh - how many messages a second a hub acknowledges, beside the disk
#
# First what the disk allows (disk.c), then a hub that only keeps what it gets
# (its route is "hold"), 4 KB messages with one recipient, by each protocol;
# then the whole way into one Maildir. Everything on the file system of
# $BUILD, whose name and options are printed: a journal matters. MANY=N
# messages a run (5000).
set -u

: "${BIN:?make bench sets it}" "${BUILD:?make bench sets it}"
here=$(cd "$(dirname "$0")/.." && pwd)
work=$BUILD/bench
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/node.sh"

many=${MANY:-5000}

set -- $(free_ports 3)
qmqp=$1 qmtp=$2 smtp=$3

echo hub.test | table hub me
table hub listen <<T
qmqp 127.0.0.1:$qmqp
qmtp 127.0.0.1:$qmtp
smtp 127.0.0.1:$smtp
T
echo '127.0.0.0/8 relay' | table hub access
echo hub.test | table hub locals
echo '*@hub.test maildir:mail/%u' | table hub users
echo '* hold' | table hub routes

# load PROTOCOL PORT SESSIONS WINDOW RCPT
load() {
	printf 'quail protocol=%s sessions=%s window=%s ' "$1" "$3" "$4"
	"$BUILD/tests/quail-load" -p "$1" -s "$3" -w "$4" -m "$many" -t "$5" \
	    "127.0.0.1:$2"
}

echo "machine: $(nproc) processors, $(uname -sr)"
echo "file system: $(findmnt -no FSTYPE,OPTIONS -T "$work" 2>/dev/null)"
"$BUILD/tests/disk" "$work"

node_start hub || exit 111
for round in 1 2 3; do
	echo "accept and hold, $many messages, round $round"
	load qmtp "$qmtp" 1 1 x@held.test
	load qmtp "$qmtp" 1 64 x@held.test
	load qmtp "$qmtp" 50 16 x@held.test
	load qmqp "$qmqp" 1 1 x@held.test
	load qmqp "$qmqp" 50 1 x@held.test
	load smtp "$smtp" 1 1 x@held.test
	load smtp "$smtp" 50 1 x@held.test
done
node_stop hub

echo "accept by QMTP and deliver $many to one Maildir"
node_start hub || exit 111
begun=$(date +%s.%N)
load qmtp "$qmtp" 10 64 box@hub.test
wait_for 120 has_count "$work/hub/mail/box/new" "$many" || exit 111
perl -e 'printf "delivered per_second=%.0f\n", $ARGV[0] / ($ARGV[2] - $ARGV[1])' \
    "$many" "$begun" "$(date +%s.%N)"
node_stop hub
