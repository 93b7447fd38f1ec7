#!/bin/sh
# tarpit.t - destinations that are dead in many ways hold up nobody else
#
# Ten that take connections and never answer (half of them by SMTP), one that
# closes at once, one that rejects everything. Mail to a Maildir and to a
# good hub flows beside them; how long it takes, with and without them, is
# printed. Nothing is lost, and nothing bounces but what was rejected.
# MANY=N messages each way (2000).
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/tarpit
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

many=${MANY:-2000}

set -- $(free_ports 14)
qmtp=$1 good=$2 refuse=$3 close=$4
shift 4

echo hub.test | table hub me
echo 3 | table hub stopwait # pits that have a mail and do not answer
echo "qmtp 127.0.0.1:$qmtp" | table hub listen
echo '127.0.0.0/8 relay' | table hub access
echo hub.test | table hub locals
table hub users <<T
box@hub.test   maildir:mail/box
loser@hub.test maildir:mail/loser
T
{
	echo "good.test   qmtp:127.0.0.1:$good"
	echo "refuse.test qmtp:127.0.0.1:$refuse"
	echo "close.test  qmtp:127.0.0.1:$close"
	n=0
	for port; do
		[ $((n % 2)) = 0 ] && kind=qmtp || kind=smtp
		echo "pit$n.test $kind:127.0.0.1:$port"
		n=$((n + 1))
	done
} | table hub routes

sink() {
	background perl "$here/qmtp_sink.pl" "$1" "$2" "$work/$3.log"
	wait_for 5 port_answers "$2"
}

# send COUNT RCPT [SENDER]
send() {
	"$BUILD/tests/quail-load" -s 2 -w 64 -b 1000 -m "$1" -t "$2" \
	    -f "${3:-a@elsewhere.test}" "127.0.0.1:$qmtp" >"$work/said" || {
		sed 's/^/# /' "$work/said"
		return 1
	}
}

lines() {
	[ "$(wc -l <"$work/good.log")" -ge "$1" ]
}

# flow N - seconds for it all, N messages more to each of the two
flow() {
	begun=$(date +%s.%N)
	send "$many" x@good.test && send "$many" box@hub.test || return 1
	wait_for 60 lines "$1" && wait_for 60 has_count "$work/hub/mail/box/new" "$1"
	flowed=$?
	perl -e 'printf "%.2f\n", $ARGV[1] - $ARGV[0]' "$begun" "$(date +%s.%N)"
	return $flowed
}

sink good "$good" good
sink refuse "$refuse" refuse
sink close "$close" close
n=0
for port; do
	sink tarpit "$port" "pit$n"
	n=$((n + 1))
done
: >"$work/good.log"
check 'the hub comes up' node_start hub || tap_done

seconds=$(flow "$many")
check "$many messages to a good hub and $many to a Maildir" test $? = 0
echo "# without the bad ones: $seconds s"

sent=0
for n in 0 1 2 3 4 5 6 7 8 9; do
	send 200 "x@pit$n.test" "s$n@elsewhere.test" && sent=$((sent + 1))
done
is "$sent" 10 '200 messages for each of ten that never answer'
check 'and for one that closes' send 200 x@close.test
check 'and 50 for one that rejects' send 50 x@refuse.test loser@hub.test
sleep 1

seconds=$(flow $((2 * many)))
check "as many beside them" test $? = 0
echo "# beside the bad ones: $seconds s"
check 'what was rejected has bounced' \
    wait_for 30 has_count "$work/hub/mail/loser/new" 50
is "$(count "$work/hub/mail/loser/new")" 50 'each once'
is "$(wc -l <"$work/good.log") $(sort -u "$work/good.log" | wc -l)" \
    "$((2 * many)) 1" 'nothing else has come to the good hub'
is "$(grep -c 'event=bounce ' "$work/hub.log")" 50 'and nothing else bounces'
is "$(sh -c "grep -ch ^connection $work/pit?.log" | grep -vc '^0')" 10 \
    'all ten were tried'
is "$("$BIN/quail" queue -d "$work/hub" list | grep -c '^[0-9a-f]\{16\}')" 2200 \
    'all that waits for the bad ones is still there'
check 'the hub ends on TERM' node_stop hub
check 'none of its daemons has died' node_is_sound hub
tap_done
