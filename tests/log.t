#!/bin/sh
# log.t - whoever reads the log slowly, or not at all, stops no mail
#
# A whole hub logs to one pipe that nobody reads. Mail goes in by each protocol
# and out by each agent, and everything gets its K and arrives; then somebody
# reads: the lines are whole, and those that were lost have been counted.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/log
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

many=${MANY:-6000}
few=500

set -- $(free_ports 5)
qmqp=$1 qmtp=$2 smtp=$3 hop=$4 host=$5

echo hub.test | table hub me
table hub listen <<T
qmqp 127.0.0.1:$qmqp
qmtp 127.0.0.1:$qmtp
smtp 127.0.0.1:$smtp
T
echo '127.0.0.0/8 relay' | table hub access
echo hub.test | table hub locals
echo 'box@hub.test maildir:mail/box' | table hub users
table hub routes <<T
hop.test   qmtp:127.0.0.1:$hop
host.test  smtp:127.0.0.1:$host
T

# the pipe, and who does not read it before there is a file "read"
mkfifo "$work/pipe" || exit 111
background perl -e '
	open my $pipe, "<", "$ARGV[0]/pipe" or die;
	open my $to, ">", "$ARGV[0]/said" or die;
	select undef, undef, undef, 0.1 until -e "$ARGV[0]/read";
	while (sysread $pipe, my $bytes, 65536) { syswrite $to, $bytes }
' "$work"
# sink PROTOCOL PORT - takes $few, then says so
sink() {
	"$BUILD/tests/quail-sink" -m "$few" "$1" "127.0.0.1:$2" \
	    >"$work/$1.taken"
}
background sink qmtp "$hop"
background sink smtp "$host"

"$BIN/quail" run "$work/hub" >"$work/hub.out" 2>"$work/pipe" </dev/null &
echo $! >"$work/hub.pid"
node_names=hub
wait_for 20 node_is_up_or_dead hub

# send PROTOCOL PORT COUNT RCPT
send() {
	timeout 60 "$BUILD/tests/quail-load" -p "$1" -s 4 -b 300 -m "$3" \
	    -f a@b.test -t "$4" "127.0.0.1:$2" >"$work/$1.said" 2>&1
	send_status=$?
	sed "s/^/# $1: /" "$work/$1.said"
	return $send_status
}

has_taken() {
	grep -q "taken=$few" "$work/$1.taken"
}

check "$many by QMTP get their K" send qmtp "$qmtp" "$many" box@hub.test
check "$few by QMQP" send qmqp "$qmqp" "$few" box@hub.test
check "$few by SMTP" send smtp "$smtp" "$few" box@hub.test
check "and all are in the mailbox" \
    wait_for 30 has_count "$work/hub/mail/box/new" $((many + 2 * few))
check "$few to a hub get their K" send qmtp "$qmtp" "$few" x@hop.test
check "and arrive there" wait_for 30 has_taken qmtp
check "$few to a host get their K" send qmtp "$qmtp" "$few" x@host.test
check "and arrive there" wait_for 30 has_taken smtp
ask() {
	timeout 10 "$BIN/quail" queue -d "$work/hub" list >"$work/list"
}
check "the queue answers the operator" ask

# what the pipe does not hold waits in the programs, until somebody reads
: >"$work/read"
sleep 1
before=$(wc -l <"$work/said")
echo "# $before lines came of the pipe"
kill -HUP "$(cat "$work/hub.pid")"
check "one more gets its K" send qmtp "$qmtp" 1 box@hub.test
sleep 1
check "and is in the log" [ "$(grep -c event=accept "$work/said")" -gt 1000 ]
check "the supervisor too has gone on" grep -q event=tables "$work/said"
node_stop hub
sleep 0.5

# Each message makes two lines of quail-queue: accept and delivery. A few
# others may be among those that are lost.
perl -ne '
	BEGIN { $all = 2 * shift }
	my $value = qr/"[^"]*"|[^ "]+/;
	$n++;
	/^[a-z-]+: event=[a-z-]+( [a-z0-9_.]+=$value)*$/ or $bad++, print "# $_";
	$lost += $1 if /^quail-queue: event=log-lost n=(\d+)$/;
	$queue++ if /^quail-queue: event=(accept|delivery) /;
	END {
		print "# $n lines; of the queue $queue, and $lost lost\n";
		exit 1 if $bad || !$lost;
		exit 2 if $queue + $lost < $all || $queue + $lost > $all + 20;
	}' $((many + 4 * few + 1)) "$work/said"
r=$?
check "all lines are whole, and some are said to be lost" [ $r != 1 ]
check "as many as are not there" [ $r = 0 ]
tap_done
