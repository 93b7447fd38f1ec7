#!/bin/sh
# leaf_smtp.t - a leaf that listens on loopback for programs that only speak
# SMTP: no queue, the spool behind the door
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/leaf_smtp
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

set -- $(free_ports 3)
hub=$1 smtp=$2 gone=$3

echo hub.test | table hub me
echo "qmqp 127.0.0.1:$hub" | table hub listen
echo "127.0.0.0/8 relay" | table hub access
echo in.test | table hub locals
echo "*@in.test maildir:mail/%u" | table hub users
node_start hub || exit 1

echo leaf.test | table leaf me
echo "smtp 127.0.0.1:$smtp" | table leaf listen
echo "127.0.0.1:$hub" | table leaf qmqpservers
printf 'rcpt root@leaf.test admin@in.test\nfrom bob@leaf.test bob@in.test\n' |
	table leaf rewrite
node_start leaf || exit 1

# say LINE... - an SMTP client that waits for each reply; prints the replies
say() {
	perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
			PeerPort => shift, Timeout => 5) or die "connect: $!\n";
		alarm 10;
		my $r = sub { while (defined(my $l = <$s>)) {
			print $l; last if $l =~ /^\d{3} / } };
		$r->();
		for (@ARGV) { s/\n/\r\n/g; print $s "$_\r\n"; $r->(); }
	' "$smtp" "$@" | tr -d '\r'
}

send() { # SUBJECT RECIPIENT...
	subject=$1
	shift
	rcpts=
	for r in "$@"; do
		rcpts="$rcpts RCPT_TO:<$r>"
	done
	# shellcheck disable=SC2086
	set -- $rcpts
	for r in "$@"; do
		shift
		set -- "$@" "$(echo "$r" | tr _ ' ')"
	done
	say "EHLO me" "MAIL FROM:<bob@leaf.test>" "$@" DATA \
	    "From: bob@leaf.test
Bcc: secret@in.test
Subject: $subject

text
." QUIT
}

mails() { # USER N
	[ "$(count "$work/hub/mail/$1/new")" -ge "$2" ]
}

spooled() {
	ls "$work/leaf/spool" 2>/dev/null | grep -c '^m\.'
}

check "the leaf has no queue, and a door" \
    [ ! -e "$work/leaf/queue/lock" -a -S "$work/leaf/run/door" ]
check "and no program of a queue runs" \
    sh -c '! pgrep -P "$1" quail-queue >/dev/null' - "$(cat "$work/leaf.pid")"

begun=$(date +%s%N)
send one a@in.test b@in.test >"$work/said"
is "$(grep -c '^250 2.0.0 ok' "$work/said")" 1 "two recipients: taken"
check "delivered to the first" wait_for 20 mails a 1
took=$((($(date +%s%N) - begun) / 1000000))
check "and to the second" wait_for 20 mails b 1
check "the drain was woken, not waited for: $took ms" [ "$took" -lt 5000 ]
is "$(spooled)" 0 "nothing is left in the spool"
mail=$(cat "$work/hub/mail/a/new"/*)
is "$(echo "$mail" | grep "^From:")" "From: <bob@in.test>" "rewritten as by sendmail"
is "$(echo "$mail" | grep -c -e '^Date: ' -e '^Message-ID: ')" 2 \
    "what was missing is there"
is "$(echo "$mail" | grep -c '^Bcc')" 0 "Bcc is gone"
id=$(sed -n 's/^250 2.0.0 ok \([0-9a-f]\{16\}\)$/\1/p' "$work/said")
check "the id of the reply is in the trace line" \
    sh -c 'echo "$1" | grep -q "$2"' - "$mail" "$id"

send root root@leaf.test root >"$work/said"
check "the administrator has mail for root" wait_for 20 mails admin 1
is "$(count "$work/hub/mail/admin/new")" 1 "once, though it was named twice"

# programs of one user that go away in the middle of a message

cat >"$work/leave.pl" <<'P'
use IO::Socket::INET;
my ($port, $n) = @ARGV;
for (1 .. $n) {
	my $s = IO::Socket::INET->new("127.0.0.1:$port") or die;
	$s->autoflush;
	<$s>;
	for my $c ("HELO x", "MAIL FROM:<a\@b.test>", "RCPT TO:<a\@in.test>",
	    "DATA") {
		print $s "$c\r\n";
		$last = <$s>;
	}
	$last =~ /^354/ or die $last;
	print $s "x: y\r\n";
}
print "left\n";
P
is "$(perl "$work/leave.pl" "$smtp" 60)" left "sixty go away"
send behind w@in.test >"$work/said"
is "$(grep -c '^250 2.0.0 ok' "$work/said")" 1 "another is served"
n=$(grep -c 'event=lost' "$work/leaf.log")
check "and the log has few lines of it: $n" [ "$n" -gt 0 -a "$n" -le 30 ]

if command -v swaks >/dev/null 2>&1; then
	swaks --server "127.0.0.1:$smtp" --from s@leaf.test \
	    --to c@in.test,d@in.test --body x >"$work/swaks" 2>&1
	is "$?" 0 "swaks is content"
	check "both have it" wait_for 20 mails d 1
else
	skip "swaks" "not installed"
fi

# the hub is away, the leaf is killed

node_stop hub
for i in 1 2 3 4 5; do
	send "kept $i" k@in.test l@in.test >"$work/said"
	grep -q '^250 2.0.0 ok' "$work/said" || break
	case $i in
	2) kill -9 "$(node_process leaf quail-leafdoor)" ;;
	4) kill -9 "$(node_process leaf smtp-gateway in)" ;;
	esac
done
is "$i $(spooled)" "5 5" "five answered 250 wait in the spool, the door and \
the gateway killed in between"
leaf=$(cat "$work/leaf.pid")
kill -9 "$leaf"
is "$(spooled)" 5 "and are there behind a kill of the whole"
wait_for 5 is_gone "$leaf"
node_start leaf || fail "the leaf comes up again"
node_start hub || fail "the hub comes up again"
check "all are delivered" wait_for 40 mails k 5
check "to both" wait_for 40 mails l 5
is "$(cat "$work/hub/mail/k/new"/* | grep '^Subject: kept' | sort | uniq |
	wc -l)" 5 "each of the five"

# killed at every step of writing: what was not answered may be there, what
# was answered must. The door and its gateway run by themselves here: quail run
# would wait longer before each restart.

is_traced() {
	grep -q '^TracerPid:.[1-9]' "/proc/$1/status" 2>/dev/null
}

start_door() {
	: >"$work/door.up"
	NOTIFY_FD=9 "$BIN/quail-leafdoor" "$work/leaf" 2>>"$work/leaf.log" \
	    </dev/null 9>"$work/door.up" &
	door=$!
	wait_for 10 [ -s "$work/door.up" ]
}

# a daemon's own user cannot trace it
if [ "$(id -u)" = 0 ] && command -v strace >/dev/null 2>&1; then
	node_stop leaf
	node_stop hub
	background "$BIN/smtp-gateway" in "$work/leaf" 2>>"$work/leaf.log" \
	    </dev/null
	gateway=$!
	lost=0 answered=0 killed=0 traced=0
	for call in openat pwrite64 fsync renameat; do
		for n in 1 2; do
			start_door
			before=$(spooled)
			strace -f -qq -o /dev/null -p "$door" \
			    -e inject=$call:signal=SIGKILL:when=$n 2>/dev/null &
			tracer=$!
			wait_for 5 is_traced "$door" && traced=$((traced + 1))
			send "cut $call $n" n@in.test >"$work/said"
			if grep -q '^250 2.0.0 ok' "$work/said"; then
				answered=$((answered + 1))
				[ "$(spooled)" -gt "$before" ] ||
					lost=$((lost + 1))
			fi
			kill $tracer "$door" 2>/dev/null
			wait "$door" 2>/dev/null
			# by KILL: the shell may not have seen it before
			[ $? != 137 ] || killed=$((killed + 1))
			wait $tracer 2>/dev/null
		done
	done
	is "$lost" 0 "answered and lost: none ($killed of 8 killed, \
$answered answered)"
	if [ "$traced" = 0 ]; then
		skip "most of these kills hit" "only root may trace a daemon"
	else
		check "most of these kills hit" [ "$killed" -ge 6 ]
	fi
	kill "$gateway"
	wait "$gateway" 2>/dev/null
	node_start hub
	before=$(spooled)
	"$BIN/qmqpc" --drain "$work/leaf" 2>>"$work/leaf.log"
	check "what is in the spool of these comes to the hub: $before" \
	    wait_for 10 mails n "$before"
else
	skip "killed at every step" "no strace, or not root"
	node_stop leaf
fi

# the disk is full

if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	cat >"$work/full.sh" <<'S'
mount -t tmpfs -o size=9m tmpfs "$work/leaf/spool" || exit 90
chmod 3733 "$work/leaf/spool"
dd if=/dev/zero of="$work/leaf/spool/fill" bs=1M count=8 2>/dev/null
exec "$BIN/quail" run "$work/leaf"
S
	work=$work BIN=$BIN unshare -m sh "$work/full.sh" \
	    >"$work/leaf.out" 2>>"$work/leaf.log" </dev/null &
	full=$!
	pids="$pids $full"
	wait_for 20 grep -q '^ready' "$work/leaf.out"
	send full a@in.test >"$work/said"
	is "$(grep -c '^451 4.3.1' "$work/said")" 1 "a full disk: 451 4.3.1"
	kill "$full"
	wait "$full" 2>/dev/null
else
	skip "a full disk" "no mount namespace for this user"
fi

# what it is not

echo "203.0.113.0/24 relay" | table leaf access
"$BIN/quail" build "$work/leaf" || fail "builds"
node_start leaf || fail "the leaf comes up with a table access"
send stranger a@in.test >"$work/said"
is "$(grep -c '^550 5.7.1' "$work/said")" 1 \
    "with a table access only whom it names may send"
echo "127.0.0.0/8 relay" | table leaf access
echo "* hold" | table leaf routes
"$BIN/quail" build "$work/leaf" 2>/dev/null
kill -HUP "$(cat "$work/leaf.pid")"
check "with routes it is a hub, and has a queue" \
    wait_for 20 node_process leaf quail-queue

# a queue that nobody serves

idle() {
	"$BIN/quail" build "$work/leaf" 2>&1 | grep '^queue: '
}
is "$(rm "$work/leaf/routes" && idle)" "" "an empty queue is none"
echo "* hold" | table leaf routes
"$BIN/quail" build "$work/leaf"
taken() {
	send held a@in.test b@in.test >"$work/said"
	grep -q '^250 2.0.0 ok' "$work/said"
}
check "the hub takes mail" wait_for 10 taken
node_stop leaf
rm "$work/leaf/routes" "$work/leaf/access"
is "$(idle)" 'queue: 1 message is in it, and by these tables no daemon serves '"\
it; to empty it, write a table routes, such as \"* qmtp:HUB:209\", until \"quail \
queue list\" shows none" "mail in a queue that nobody serves: build tells"
node_start leaf
check "so does run" grep -q '^queue: 1 message ' "$work/leaf.log"
grep -aE 'event=bug|Sanitizer|runtime error:' "$work"/*.log
is "$?" 1 "no daemon tripped"
tap_done
