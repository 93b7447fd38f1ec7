#!/bin/sh
# demo.sh - a leaf, two hubs and an edge on loopback carry two messages
#
#   sendmail -> leaf -> QMQP -> hub A -> QMTP -> hub B -> Maildir
#                                  \---> QMTP -> edge -> SMTP -> a sink
#
# Everything lives in $BUILD/demo, runs as whoever calls this, and is ended
# and removed at the end. KEEP=1 leaves the directory for a look around.
set -u

work=${BUILD:?}/demo
rm -rf "$work"
mkdir -p "$work/sink" || exit 111
. "$(dirname "$0")/node.sh"

die() {
	echo "demo: $*" >&2
	for log in "$work"/*.log; do
		[ -s "$log" ] || continue
		echo "--- the end of $log:" >&2
		tail -n 15 "$log" >&2
	done
	exit 111
}

set -- $(free_ports 5)
[ $# = 5 ] || die "no free ports"
a_qmqp=$1 a_qmtp=$2 b_qmtp=$3 edge_qmtp=$4 sink=$5

# leaf: knows its name and its hub, nothing else; no daemon
table leaf me <<E
leaf.demo.test
E
table leaf qmqpservers <<E
127.0.0.1:$a_qmqp
E

# hub A: takes mail from the fleet, routes it
table hub-a me <<E
hub-a.demo.test
E
table hub-a listen <<E
qmqp 127.0.0.1:$a_qmqp
qmtp 127.0.0.1:$a_qmtp
E
table hub-a access <<E
127.0.0.0/8 relay
E
table hub-a routes <<E
inside.test  qmtp:127.0.0.1:$b_qmtp
*            qmtp:127.0.0.1:$edge_qmtp
E

# hub B: has mailboxes
table hub-b me <<E
hub-b.demo.test
E
table hub-b listen <<E
qmtp 127.0.0.1:$b_qmtp
E
table hub-b locals <<E
inside.test
hub-b.demo.test
E
table hub-b users <<E
*@inside.test      maildir:mail/%u
*@hub-b.demo.test  maildir:mail/%u
E

# edge: the only one that speaks SMTP
table edge me <<E
edge.demo.test
E
table edge listen <<E
qmtp 127.0.0.1:$edge_qmtp
E
table edge access <<E
127.0.0.0/8 relay
E
table edge routes <<E
*  smtp:127.0.0.1:$sink
E

# submit TO SUBJECT - as an application on the leaf does
submit() {
	QUAIL_DIR=$work/leaf "$BIN/sendmail" -f app@leaf.demo.test "$1" <<E
From: app@leaf.demo.test
To: $1
Subject: $2

The message to $1.
E
}

echo "demo: a leaf, hub A, hub B and an edge under $work"
"$BIN/quail" build "$work/leaf" >"$work/leaf.log" 2>&1 ||
	die "the leaf's tables do not compile"
background "$BUILD/tests/smtp-sink" "$work/sink" "127.0.0.1:$sink"
for node in hub-b edge hub-a; do
	node_start "$node" || die "$node did not come up"
	echo "demo: $node is ready"
done

submit alice@inside.test 'to a mailbox' || die "sendmail failed at the leaf"
submit bob@outside.test 'to the Internet' || die "sendmail failed at the leaf"
echo "demo: the leaf's sendmail handed both to hub A, and had its K"
wait_for 30 has_count "$work/hub-b/mail/alice/new" 1 ||
	die "nothing came to alice's Maildir within 30 s"
wait_for 30 test -e "$work/sink/0001" ||
	die "nothing came to the SMTP sink within 30 s"

for file in "$work"/hub-b/mail/alice/new/*; do
	echo
	echo "leaf -> QMQP -> hub A -> QMTP -> hub B -> Maildir, as $file:"
	sed 's/^/    /' "$file"
done
echo
echo "leaf -> QMQP -> hub A -> QMTP -> edge -> SMTP -> the sink got:"
sed 's/^/    /' "$work/sink/0001"
echo
for node in hub-a hub-b edge; do
	node_stop "$node" || die "$node did not end"
done
echo "demo: both have arrived; all is ended and removed"
