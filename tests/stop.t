#!/bin/sh
# stop.t - an orderly stop of the queue waits for what may have been taken
#
# The agent is one of a site's own (stop_agent.pl): it answers when we say so.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/stop
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

qmtp=$(free_ports 1)
echo hub.test | table hub me
echo "qmtp 127.0.0.1:$qmtp" | table hub listen
echo '127.0.0.0/8 relay' | table hub access
echo hub.test | table hub locals
echo 'box@hub.test maildir:mail/box' | table hub users
echo slow | table hub agents
echo 'slow.test slow:there' | table hub routes

# send SENDER
send() {
	"$BUILD/tests/quail-load" -s 1 -b 300 -m 1 -f "$1" -t x@slow.test \
	    "127.0.0.1:$qmtp" >"$work/said"
}

taken() {
	[ "$(grep -c "^taken $1\$" "$work/agent.log")" -ge "$2" ]
}

has_line() {
	grep -q "$1" "$2"
}

another_queue() {
	queue=$(node_process hub quail-queue) && [ "$queue" != "$1" ]
}

background perl "$here/stop_agent.pl" "$work/hub/run/agent" \
    "$work/agent.log" "$work/go"
check 'the hub comes up' node_start hub || tap_done
check 'a message is taken' send one@leaf.test
check '... by its agent, which does not answer' wait_for 5 taken one@leaf.test 1
queue=$(node_process hub quail-queue)
kill "$queue"
sleep 1.5
check 'TERM: the queue waits for it' is_alive "$queue"
check 'its agents are told' has_line '^end' "$work/agent.log"
check 'meanwhile mail is taken' send two@leaf.test
check '... and nothing begun' test "$(grep -c two "$work/agent.log")" = 0
touch "$work/go"
check 'it ends with the answer' wait_for 3 is_gone "$queue"
check 'and begins anew' wait_for 5 another_queue "$queue"
check 'what came meanwhile is delivered' wait_for 5 taken two@leaf.test 1
sleep 0.5
check 'what was answered is not tried again' \
    test "$(grep -c one "$work/agent.log")" = 1
check 'nothing may be there twice' \
    test "$(grep -c possible-duplicate "$work/hub.log")" = 0

rm "$work/go"
check 'another message' send three@leaf.test
check '... is begun' wait_for 5 taken three@leaf.test 1
queue=$(node_process hub quail-queue)
kill "$queue"
sleep 0.5
kill "$queue"
check 'TERM twice: the queue ends at once' wait_for 2 is_gone "$queue"
check '... and says that it may come twice' \
    has_line 'event=possible-duplicate id=.* nexthop=slow:there rcpts=1' \
    "$work/hub.log"
check 'which it does' wait_for 5 taken three@leaf.test 2

echo 1 | table hub stopwait
"$BIN/quail" build "$work/hub" >/dev/null
check 'stopwait is taken up' wait_for 3 has_line event=config-new "$work/hub.log"
queue=$(node_process hub quail-queue)
kill "$queue"
check 'with stopwait=1 it waits for a second' wait_for 4 is_gone "$queue"
touch "$work/go"
check 'nothing is lost' wait_for 10 taken three@leaf.test 3
check 'the node ends' node_stop hub

# a second TERM to quail run is one to all that wait: agents, then the queue

read_only() { # PORT GREETING - takes connections and all they say, then nothing
	exec perl -MIO::Socket::INET -MIO::Select -e '
		my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1",
			LocalPort => $ARGV[0], Listen => 5, ReuseAddr => 1)
			or die;
		my $all = IO::Select->new($l);
		while (1) {
			for my $s ($all->can_read) {
				if ($s != $l) {
					sysread $s, my $in, 65536 or
						$all->remove($s);
					next unless $ARGV[1];
					syswrite $s, $in =~ /^DATA/m ?
						"354 go\r\n" : "250 ok\r\n"
						if $in =~ /^[A-Z]{4}/;
					next;
				}
				$all->add(my $new = $l->accept);
				syswrite $new, "220 a\r\n" if $ARGV[1];
			}
		}' "$1" "$2"
}
set -- $(free_ports 2)
background read_only "$1" 0
background read_only "$2" 1
rm -f "$work/go"
echo 60 | table hub stopwait
{
	echo 'slow.test slow:there'
	echo "qmtp.test qmtp:127.0.0.1:$1"
	echo "smtp.test smtp:127.0.0.1:$2"
	echo "wrong.test qmtp:127.0.0.1:$2"
} | table hub routes
node_start hub || tap_done
"$BUILD/tests/quail-load" -s 1 -b 300 -m 1 -f wrong@leaf.test \
    -t x@wrong.test "127.0.0.1:$qmtp" >"$work/said"
check 'what speaks no QMTP' wait_for 5 \
    has_line 'event=lost .*does not speak QMTP' "$work/hub.log"
check '... has taken no mail' \
    test "$(grep -c "possible-duplicate .*nexthop=127.0.0.1:$2" \
    "$work/hub.log")" = 0
for to in slow qmtp smtp; do
	"$BUILD/tests/quail-load" -s 1 -b 300 -m 1 -f "$to@leaf.test" \
	    -t "x@$to.test" "127.0.0.1:$qmtp" >"$work/said"
done
check 'a message waits at each' wait_for 5 taken slow@leaf.test 1
sleep 1
node=$(cat "$work/hub.pid")
kill "$node"
sleep 1.5
check 'TERM: the node waits' is_alive "$node"
kill "$node"
check 'TERM twice: it ends at once' wait_for 4 is_gone "$node"
check '... and not by force' test \
    "$(grep -c 'event=ended .*signal=' "$work/hub.log")" = 0
for hop in nexthop=127.0.0.1 host=127.0.0.1 nexthop=slow:there; do
	check "... $hop may have it" has_line \
	    "event=possible-duplicate .* $hop" "$work/hub.log"
done
node_stop hub
tap_done
