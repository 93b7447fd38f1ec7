#!/bin/sh
# poison.t - one mail that ends connections, and next hops that take nothing
#
# One of a thousand messages makes its connection end behind its text: the
# others arrive within a second, that one is tried once. By an agent that says
# so, by QMTP and by SMTP. Then next hops that are full, busy, out of reach
# and frozen, with another one and without. MANY=N makes N of the thousand.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/poison
rm -rf "$work"
mkdir -p "$work/smtp" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

many=${MANY:-1000}

set -- $(free_ports 3)
qmtp=$1 hub=$2 server=$3

echo hub.test | table hub me
echo "qmtp 127.0.0.1:$qmtp" | table hub listen
echo '127.0.0.0/8 relay' | table hub access
echo hub.test | table hub locals
echo fake | table hub agents
table hub routes <<T
die.test    fake:die
qmtp.test   qmtp:127.0.0.1:$hub
smtp.test   smtp:127.0.0.1:$server
strict.test fake:strict
full2.test  fake:full fake:good
busy2.test  fake:busy fake:good
away2.test  fake:away fake:good
ice2.test   fake:frozen fake:good
full.test   fake:full
T

# send COUNT RCPT
send() {
	"$BUILD/tests/quail-load" -s 2 -w 8 -b 300 -m "$1" -f a@leaf.test \
	    -t "$2" "127.0.0.1:$qmtp" >"$work/said.$2" ||
		sed 's/^/# /' "$work/said.$2"
}

# lines FILE [PATTERN]
lines() {
	grep -c "${2:-}" "$1" 2>/dev/null
}

has_lines() { # N FILE PATTERN
	[ "$(lines "$2" "$3")" -ge "$1" ]
}

# taken_in FILE PATTERN - milliseconds until all but one are there
taken_in() {
	perl -MTime::HiRes=time -e '
		my ($want, $file, $pattern) = @ARGV;
		my $begun = time;
		for (;;) {
			my $n = 0;
			if (open my $f, "<", $file) {
				/$pattern/ and $n++ while <$f>;
			}
			last if $n >= $want || time > $begun + 20;
			select undef, undef, undef, 0.01;
		}
		printf "%.0f\n", 1000 * (time - $begun)' \
	    "$((many - 1))" "$1" "$2"
}

# one_of_many DOMAIN FILE PATTERN - the poison in their midst; the sinks take
# some time for so many, so first without it
one_of_many() {
	send $((many - 1)) "k@$1"
	alone=$(taken_in "$2" "$3")
	: >"$2"
	send $((many - 1)) "k@$1" &
	wait_for 5 has_lines 1 "$2" "$3"
	send 1 "poison@$1"
	wait $!
	ms=$(taken_in "$2" "$3")
	echo "# $1: the last of $many has been taken after $ms ms, else $alone"
	check "$1: all others arrive within a second of that" \
	    test "$ms" -le $((alone + 1000))
}

state() { # NEXTHOP
	"$BIN/quail" queue -d "$work/hub" destinations |
	    sed -n "s/^\([a-z]*\) .* $1\$/\1/p"
}

deferred() { # RCPT-DOMAIN
	"$BIN/quail" queue -d "$work/hub" list --to "poison@$1" |
	    grep -c ' deferred '
}

background perl "$here/qmtp_sink.pl" die=3000 "$hub" "$work/qmtp.log"
background perl "$here/smtp_fake.pl" "$work/smtp" "die:127.0.0.1:$server"
wait_for 5 port_answers "$hub"
wait_for 5 port_answers "$server"
check 'the hub comes up' node_start hub || tap_done
background perl "$here/agent_fake.pl" "$work/hub/run/agent" "$work/fake.log"
check 'an agent too' wait_for 5 grep -q 'agent name=fake' "$work/hub.log"

one_of_many die.test "$work/fake.log" '^die K'
is "$(lines "$work/fake.log" '^die H')" 1 'die.test: that one was tried once'
is "$(state fake:die):$(deferred die.test)" "open:1" \
    'die.test: it waits for its time, the next hop is open'

one_of_many qmtp.test "$work/qmtp.log" '^a@leaf.test k@'
sleep 2
is "$(lines "$work/qmtp.log" '^died')" 1 'qmtp.test: that one was tried once'
is "$(state "qmtp:127.0.0.1:$hub"):$(deferred qmtp.test)" "open:1" \
    'qmtp.test: it waits for its time, the next hop is open'

one_of_many smtp.test "$work/smtp/die.taken" .
sleep 2
is "$(lines "$work/smtp/die.tried" .)" 1 'smtp.test: that one was tried once'
is "$(state "smtp:127.0.0.1:$server"):$(deferred smtp.test)" "open:1" \
    'smtp.test: it waits for its time, the next hop is open'

# what a peer says of an address
send 30 x@strict.test
check 'thirty are refused' wait_for 5 has_lines 30 "$work/fake.log" '^strict Z'
sleep 2
is "$(lines "$work/fake.log" '^strict')" 30 'each once'
is "$(state fake:strict)" open 'the next hop is open: a peer closes nothing'

# second next hops
for how in full busy away; do
	send 100 "$how@${how}2.test"
	check "$how: the second takes all" \
	    wait_for 5 has_lines 100 "$work/fake.log" "^good K $how@"
done

# frozen
send 100 ice@ice2.test
check 'frozen: what is not under way goes to the second' \
    wait_for 12 has_lines 80 "$work/fake.log" '^good K ice@'
is "$(state fake:frozen)" silent 'it is said to be silent'
n=$(lines "$work/fake.log" '^frozen - ice@')
echo "# $n are under way at the frozen one"
send 100 more@ice2.test
check 'new mail goes to the second at once' \
    wait_for 1 has_lines 100 "$work/fake.log" '^good K more@'
is "$(lines "$work/fake.log" '^frozen - more@')" 0 'and not to it'

# all that there is takes nothing
send 300 y@full.test
sleep 3
before=$(lines "$work/fake.log" '^full H y@')
sleep 10
n=$(($(lines "$work/fake.log" '^full H y@') - before))
echo "# 300 messages, a full next hop: $n attempts in 10 s"
check 'a full next hop is not hammered' test "$n" -ge 4 -a "$n" -le 12
is "$(state fake:full)" ailing 'it is said to be ailing'
check 'the hub ends on TERM' node_stop hub
check 'none of its daemons has died' node_is_sound hub
tap_done
