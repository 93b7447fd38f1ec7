#!/bin/sh
# fair.t - one sender's hundred thousand messages are in nobody's way
#
# They go to a destination that takes ten a second. A single message to
# another destination arrives within a second; one of another sender to the
# same destination before the next hundred of the many. MANY=N makes N of the
# hundred thousand.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/fair
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

many=${MANY:-100000}

set -- $(free_ports 3)
qmtp=$1 slow=$2 quick=$3

echo hub.test | table hub me
echo "qmtp 127.0.0.1:$qmtp" | table hub listen
echo '127.0.0.0/8 relay' | table hub access
echo hub.test | table hub locals
echo 'box@hub.test maildir:mail/box' | table hub users
table hub routes <<T
slow.test   qmtp:127.0.0.1:$slow
quick.test  qmtp:127.0.0.1:$quick
T

# send COUNT SENDER RCPT
send() {
	"$BUILD/tests/quail-load" -s 4 -w 256 -b 300 -m "$1" -f "$2" -t "$3" \
	    "127.0.0.1:$qmtp" >"$work/said"
	send_status=$?
	[ "$1" -gt 1 ] && sed 's/^/# /' "$work/said"
	return $send_status
}

bulk() {
	grep -c '^bulk@' "$work/slow.log"
}

has_line() {
	grep -q "$1" "$2"
}

# milliseconds COMMAND...
milliseconds() {
	perl -MTime::HiRes=time -e '
		my $begun = time;
		for (1 .. 2000) {
			exit !printf "%.0f\n", 1000 * (time - $begun)
			    if system(@ARGV) == 0;
			select undef, undef, undef, 0.01;
		}
		print "20000\n"; exit 1' "$@"
}

background perl "$here/qmtp_sink.pl" slow=10 "$slow" "$work/slow.log"
background perl "$here/qmtp_sink.pl" good "$quick" "$work/quick.log"
wait_for 5 port_answers "$slow"
wait_for 5 port_answers "$quick"
check 'the hub comes up' node_start hub || tap_done
check "$many messages of one sender are taken" \
    send "$many" bulk@leaf.test x@slow.test
check 'they are on their way' wait_for 5 has_line '^bulk@' "$work/slow.log"

# the best of several, since other programs run here too
for i in 1 2 3 4 5; do
	send 1 "one$i@leaf.test" x@quick.test
	ms=$(milliseconds grep -q "^one$i@" "$work/quick.log")
	echo "# a message to another destination takes $ms ms"
	[ "$ms" -le 1000 ] && break
done
check 'a message to another destination arrives within a second' \
    test "$ms" -le 1000
send 1 local@leaf.test box@hub.test
ms=$(milliseconds sh -c "ls '$work/hub/mail/box/new' | grep -q .")
echo "# and one to a mailbox $ms ms"

# now and when the destination's pace has been learnt
for i in 1 2; do
	before=$(bulk)
	send 1 "other$i@leaf.test" y@slow.test
	check "another sender's message to the same destination arrives" \
	    wait_for 30 has_line "^other$i@" "$work/slow.log"
	between=$(sed "/^other$i@/q" "$work/slow.log" | grep -c '^bulk@')
	between=$((between - before))
	echo "# $between of the many came before it"
	check 'before the next hundred of the many' test "$between" -lt 100
	[ $i = 1 ] && sleep 8
done
check 'the hub ends on TERM' node_stop hub
check 'none of its daemons has died' node_is_sound hub
tap_done
