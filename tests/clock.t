#!/bin/sh
# clock.t - a node whose clock is set, by days and years, while mail waits
#
# The programs run under a shim (tests/bench/clock.c) that moves the wall's
# clock for them alone.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/clock
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

shim=$BUILD/tests/clock.so
[ -e "$shim" ] || skip_all "no $shim; make tests builds it"

# set_clock DAYS - so far ahead of the true one, for whoever has the shim
set_clock() {
	perl -MFcntl -e 'sysopen my $f, $ARGV[0], O_RDWR | O_CREAT or die;
		print $f pack "q", 86400 * $ARGV[1]' "$work/ahead" "$1"
}
set_clock 0
QUAIL_CLOCK_FILE=$work/ahead
export QUAIL_CLOCK_FILE

set -- $(free_ports 2)
qmtp=$1 z=$2
echo hub.test | table hub me
echo "qmtp 127.0.0.1:$qmtp" | table hub listen
echo '127.0.0.0/8 relay' | table hub access
echo hub.test | table hub locals
printf 'a@hub.test maildir:mail/a\n' | table hub users
echo slow | table hub agents
echo 'slow.test slow:there' | table hub routes

# send SENDER [RCPT]
send() {
	"$BUILD/tests/quail-load" -s 1 -b 300 -m 1 -f "$1" \
	    -t "${2:-x@slow.test}" "127.0.0.1:$qmtp" >"$work/said"
}

taken() {
	[ "$(grep -c "^taken $1\$" "$work/agent.log")" -ge "$2" ]
}

has_line() {
	grep -q "$1" "$2"
}

# years ahead, back, and right again: what holds each time
holds_at() { # DAYS SENDER WHAT BY_S
	set_clock "$1"
	check "$3: it is seen" wait_for 5 has_line "event=clock-set by_s=$4" \
	    "$work/hub.log"
	check "$3: mail is taken" send "$2"
	check "$3: and tried at once" wait_for 3 taken "$2" 1
	send "$2" a@hub.test
	local_n=$((local_n + 1))
	check "$3: a mailbox gets it" \
	    wait_for 3 has_count "$work/hub/mail/a/new" "$local_n"
	sleep 2
	is "$(grep -c 'event=bounce ' "$work/hub.log")" 0 "$3: nothing bounces"
}
local_n=0

background perl "$here/stop_agent.pl" "$work/hub/run/agent" \
    "$work/agent.log" "$work/go"
touch "$work/go.z"
LD_PRELOAD=$shim
export LD_PRELOAD
check 'the hub comes up' node_start hub || tap_done
unset LD_PRELOAD
check 'a message is taken' send one@leaf.test
check '... and deferred' wait_for 5 taken one@leaf.test 1
holds_at 8 two@leaf.test 'forward by eight days' 69
holds_at -366 three@leaf.test 'back by a year' -323
kill "$(node_process hub quail-queue)"
check 'after a restart all of it is tried' \
    wait_for 5 taken one@leaf.test 2
check '... what came in the future too' wait_for 3 taken two@leaf.test 2
set_clock 3660
kill "$(node_process hub quail-queue)"
check 'and after one ten years later' wait_for 5 taken three@leaf.test 3
holds_at 0 four@leaf.test 'right again' -316
is "$("$BIN/quail" queue -d "$work/hub" list |
    awk '/@leaf.test>$/ && $2 ~ /^[0-9]+[sm]$/ { n++ } END { print n + 0 }')" 4 \
    'the tools tell the age of all four in seconds or minutes'
rm "$work/go.z"
touch "$work/go"
kill "$(node_process hub quail-queue)"
all_delivered() {
	[ "$(grep -c 'verdict=K nexthop=slow:there' "$work/hub.log")" = 4 ]
}
check 'all four are delivered in the end' wait_for 5 all_delivered
is "$(grep -c 'event=bounce ' "$work/hub.log")" 0 'nothing has bounced'
check 'no daemon has died of it' \
    test "$(grep -c 'signal=\|event=bug' "$work/hub.log")" = 0
check 'the node ends' node_stop hub

# a leaf that boots before its clock is set

background perl "$here/qmqp_sink.pl" "$z" "$work/z" 'Zcome again (#4.3.1)'
wait_for 5 port_answers "$z"
echo leaf.test | table leaf me
echo "127.0.0.1:$(free_ports 1)" | table leaf qmqpservers
"$BIN/quail" build "$work/leaf"
install -d -m 3733 "$work/leaf/spool"
set_clock -20000
printf 'Subject: x\n\ntext\n' | LD_PRELOAD=$shim QUAIL_DIR=$work/leaf \
    QUAIL_TIMEOUT_S=5 "$BIN/sendmail" -f '' a@b.test
check 'a leaf of the year 1972 spools a bounce' \
    has_count "$work/leaf/spool" 1
echo "127.0.0.1:$z" | table leaf qmqpservers
"$BIN/quail" build "$work/leaf"
set_clock 0
LD_PRELOAD=$shim "$BIN/qmqpc" --drain "$work/leaf" 2>"$work/said"
is "$? $(ls "$work/leaf/spool" | grep -c '^m\.') $(ls \
"$work/leaf/spool/failed" | grep -c '^m\.')" '75 1 0' \
    'and has it still when its clock is set and a hub says Z'
tap_done
