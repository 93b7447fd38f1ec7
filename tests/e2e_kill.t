#!/bin/sh
# e2e_kill.t - kill -9 of any process at any time loses nothing
#
# Three load clients send to hub A by QMQP, QMTP and SMTP: to its own
# Maildirs, to hub B by QMTP and to hub B by SMTP. Meanwhile every daemon of
# both is killed in turn, then random ones, then hub A as a whole. At the end
# every message that was acknowledged is in a Maildir, unchanged. What is
# there twice is counted and told: that is allowed, lost is not.
#
# LONG=1 does it for a minute.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/e2e_kill
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

seconds=12
[ -z "${LONG:-}" ] || seconds=60
rate=300

set -- $(free_ports 5)
qmqp=$1 qmtp=$2 smtp=$3 b_qmtp=$4 b_smtp=$5

table a me <<T
a.test
T
table a listen <<T
qmqp 127.0.0.1:$qmqp
qmtp 127.0.0.1:$qmtp
smtp 127.0.0.1:$smtp
T
echo '127.0.0.0/8 relay' | table a access
echo a.test | table a locals
echo '*@a.test maildir:mail/%u' | table a users
table a routes <<T
b.test qmtp:127.0.0.1:$b_qmtp
s.test smtp:127.0.0.1:$b_smtp
T

echo b.host.test | table b me
table b listen <<T
qmtp 127.0.0.1:$b_qmtp
smtp 127.0.0.1:$b_smtp
T
printf '%s\n' b.test s.test b.host.test | table b locals
printf '%s\n' '*@b.test maildir:mail/%u' '*@s.test maildir:smtp/%u' \
    '*@b.host.test maildir:mail/%u' | table b users

# load PROTOCOL PORT TAG RCPT - in the background, for $seconds
load() {
	"$BUILD/tests/quail-load" -p "$1" -s 8 -w 16 -R $rate -m 100000 \
	    -d "$seconds" -D $((seconds + 60)) -i "$3" -t "$4" \
	    -L "$work/$3.ledger" "127.0.0.1:$2" >"$work/$3.said" 2>&1 &
	loads="$loads $!"
}

# kill_one NODE PROGRAM [MODE] - and wait a little
kill_one() {
	victim=$(node_process "$@") && kill -9 "$victim" 2>/dev/null &&
		killed=$((killed + 1))
	sleep 0.2
}

# all there is to kill, one a line
victims='a quail-queue
a qmqpd
a qmtpd
a smtp-gateway in
a maildir
a qmtpc
a smtp-gateway out
b qmtpd
b smtp-gateway in
b maildir
b quail-queue'

kill_in_turn() {
	while read -r victim_line; do
		kill_one $victim_line
	done <<T
$victims
T
}

kill_random() {
	while [ "$(date +%s)" -lt "$until" ]; do
		kill_one $(echo "$victims" | shuf -n 1)
		sleep "0.$(shuf -i 1-4 -n 1)"
	done
}

# whole TAG RCPT DIR - is every K of this ledger there?
whole() {
	"$BUILD/tests/quail-load" -P 0 -i "$1" -t "$2" >"$work/text"
	perl "$here/arrived.pl" -i "$1-00000000" -t "$work/text" \
	    -l "$work/$1.ledger" "$3" 2>"$work/why"
}

is_whole() {
	case $(whole "$@") in
	*' missing=0') return 0 ;;
	esac
	return 1
}

expect() {
	sed 's/^/# /' "$work/$1.said"
	check "trouble of our own is never a D" grep -q ' d=0 ' "$work/$1.said"
	check "all $(wc -l <"$work/$1.ledger") acknowledged for $2 are there" \
	    wait_for 60 is_whole "$@"
	result=$(whole "$@")
	echo "# $result"
	cat "$work/why"
	case $result in
	*' wrong=0 '*) pass 'and none is damaged' ;;
	*) fail 'and none is damaged' ;;
	esac
}

check 'hub B comes up' node_start b || tap_done
check 'hub A comes up' node_start a || tap_done

loads=
killed=0
until=$(($(date +%s) + seconds))
load qmqp "$qmqp" killqmqp0000 u@a.test
load qmtp "$qmtp" killqmtp0000 u@b.test
load smtp "$smtp" killsmtp0000 u@s.test
sleep 0.5
kill_in_turn
check 'each daemon was there to be killed' [ $killed = 11 ]
kill_random
echo "# $killed processes were killed"

# the whole node at once, in the middle of what is still under way
kill -9 "$(cat "$work/a.pid")"
rm -f "$work/a.pid"
sleep 0.5
check 'hub A comes up again after kill -9 of quail run' node_start a || {
	tail -n 30 "$work/a.log"
	tap_done
}
for pid in $loads; do
	wait "$pid"
done

# what was deferred is tried anew at a restart, and not hours later
check 'hub A ends on TERM' node_stop a
check 'hub B ends on TERM' node_stop b
check 'hub B comes up' node_start b
check 'hub A comes up' node_start a

expect killqmqp0000 u@a.test "$work/a/mail/u/new"
expect killqmtp0000 u@b.test "$work/b/mail/u/new"
expect killsmtp0000 u@s.test "$work/b/smtp/u/new"
check 'no sanitizer has spoken' \
    sh -c "! grep -aE 'Sanitizer|runtime error:' '$work/a.log' '$work/b.log'"
tap_done
