#!/bin/sh
# leaf_hub.t - a leaf and a hub of ours: replies get lost, no mail does, and
# none comes twice
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/leaf_hub
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

set -- $(free_ports 2)
hub=$1 way=$2

echo hub.test | table hub me
echo "qmqp 127.0.0.1:$hub" | table hub listen
echo "127.0.0.0/8 relay" | table hub access
echo in.test | table hub locals
echo "*@in.test maildir:mail" | table hub users
node_start hub || exit 1

echo leaf.test | table leaf me
echo "127.0.0.1:$way" | table leaf qmqpservers
"$BIN/quail" build "$work/leaf" || exit 1
mkdir "$work/leaf/spool"

# The way to the hub. It takes the first LOSSES replies away once the hub has
# given them, so the hub has the message and the leaf does not know.
cat >"$work/way.pl" <<'P'
use IO::Socket::INET;
$SIG{PIPE} = "IGNORE";
my ($port, $hub, $count) = @ARGV;
my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port,
	Listen => 50, ReuseAddr => 1) or die;
while (my $s = $l->accept) {
	my ($b, $want, $reply) = ("");
	while (!defined $want || length $b < $want) {
		sysread $s, $b, 65536, length $b or last;
		$want = $+[0] + $1 + 1 if !defined $want && $b =~ /\A(\d+):/;
	}
	next if !defined $want || length $b < $want;
	my $h = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
		PeerPort => $hub) or next;
	print $h $b;
	$h->flush;
	$reply = "";
	1 while sysread $h, $reply, 4096, length $reply;
	open my $f, "<", $count;
	my $left = <$f> // 0;
	close $f;
	if ($left > 0) {
		open $f, ">", "$count.new";
		print $f $left - 1;
		close $f;
		rename "$count.new", $count;
		select undef, undef, undef, 3600 if $left == 1000;
		next;
	}
	print $s $reply;
}
P
echo 0 >"$work/losses"
background perl "$work/way.pl" "$way" "$hub" "$work/losses"
wait_for 20 port_answers "$way"

send() { # SUBJECT
	printf 'Subject: %s\n\nt\n' "$1" | QUAIL_DIR=$work/leaf \
	    "$BIN/sendmail" -f s@in.test a@in.test b@in.test \
	    >"$work/said" 2>&1
}

mails() {
	[ "$(count "$work/hub/mail/new")" -ge "$1" ]
}

waits() {
	ls "$work/leaf/spool" | grep -c '^m\.'
}

# how many mails of each subject there are
subjects() {
	cat "$work"/hub/mail/new/* | grep -a '^Subject: ' | sort | uniq -c |
	    sed 's/^ *\([0-9]*\) Subject: /\1 /' | tr '\n' ' '
}

send plain
is "$? $(waits)" "0 0" "nothing is lost: at the hub at once"
echo 1 >"$work/losses"
send one
is "$? $(waits)" "0 0" "a lost reply: asked again, and no spool needed"
echo 3 >"$work/losses"
send three
is "$? $(waits)" "0 1" "three lost replies: the spool"
"$BIN/qmqpc" --drain "$work/leaf" 2>"$work/log"
is "$? $(waits)" "0 0" "the drain gets the hub's K"
echo 7 >"$work/losses"
send seven
"$BIN/qmqpc" --drain "$work/leaf" 2>"$work/log"
is "$? $(waits)" "75 1" "a drain that loses them as well: it waits"
"$BIN/qmqpc" --drain "$work/leaf" 2>"$work/log"
is "$? $(waits)" "0 0" "until one comes through"

# a drain that is killed when the hub has the message
echo 3 >"$work/losses"
send killed
echo 1000 >"$work/losses"
"$BIN/qmqpc" --drain "$work/leaf" 2>/dev/null &
drain=$!
lost() {
	[ "$(cat "$work/losses")" = 999 ]
}
check "the hub has it" wait_for 30 lost
kill -9 "$drain"
wait "$drain" 2>/dev/null
is "$(waits)" 1 "the drain dies, the message waits"
echo 0 >"$work/losses"
set -- $(free_ports 1)
background perl "$work/way.pl" "$1" "$hub" "$work/losses"
wait_for 20 port_answers "$1"
echo "127.0.0.1:$1" | table leaf qmqpservers
"$BIN/quail" build "$work/leaf" || exit 1
"$BIN/qmqpc" --drain "$work/leaf" 2>"$work/log"
is "$? $(waits)" "0 0" "the next one brings it through"

check "all are there" wait_for 30 mails 10
send last
check "the last as well" wait_for 30 mails 12
is "$(subjects)" "2 killed 2 last 2 one 2 plain 2 seven 2 three " \
    "each once for each of two"
check "the hub is sound" node_is_sound hub

# A hub that says what nobody asked for: K before it can have the message, or
# with something else behind it. early: reads nothing more than is there.
cat >"$work/odd.pl" <<'P'
use IO::Socket::INET;
$SIG{PIPE} = "IGNORE";
my ($port, $how) = @ARGV;
my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port,
	Listen => 50, ReuseAddr => 1) or die;
while (my $s = $l->accept) {
	my ($b, $want) = ("");
	if ($how eq "early") {
		sysread $s, $b, 10;
		syswrite $s, "3:Kok,";
		select undef, undef, undef, 2;
		next;
	}
	while (!defined $want || length $b < $want) {
		sysread $s, $b, 65536, length $b or last;
		$want = $+[0] + $1 + 1 if !defined $want && $b =~ /\A(\d+):/;
	}
	syswrite $s, "3:Kok," . ($how eq "more" ? "3:Dno," : "");
}
P
for how in early more good; do
	set -- $(free_ports 1)
	background perl "$work/odd.pl" "$1" $how
	wait_for 20 port_answers "$1"
	echo "127.0.0.1:$1" | table leaf qmqpservers
	"$BIN/quail" build "$work/leaf" || exit 1
	rm -f "$work"/leaf/spool/m.*
	perl -e 'print "Subject: long\n\n"; print "x" x 70, "\n" for 1 .. 200000' |
		QUAIL_DIR=$work/leaf "$BIN/sendmail" -f s@in.test a@in.test \
		    >"$work/said" 2>&1
	kept=1
	[ $how != good ] || kept=0
	is "$? $(waits)" "0 $kept" "a hub's K, $how: what is in the spool"
done

tap_done
