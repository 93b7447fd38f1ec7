#!/bin/sh
# rescue.t - mail is saved from a damaged queue, with and without a daemon: what
# is whole is exported as such, what is not never is
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/rescue
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

set -- $(free_ports 1)
port=$1

table hub me <<T
hub.test
T
table hub listen <<T
qmqp 127.0.0.1:$port
T
table hub access <<T
127.0.0.0/8 relay
T
table hub routes <<T
*  hold
T

q() {
	"$BIN/quail" queue -d "$work/hub" "$@"
}

# load COUNT BYTES - by QMQP
load() {
	"$BUILD/tests/quail-load" -p qmqp -s 1 -m "$1" -b "$2" -f a@b.test \
	    -t c@d.test "127.0.0.1:$port" >/dev/null
}

# flip FILE TEXT - one bit, behind the third place where TEXT stands
flip() {
	perl -e '
		my ($file, $text) = @ARGV;
		open my $f, "+<", $file or die;
		binmode $f;
		local $/;
		my $all = <$f>;
		my $at = 0;
		$at = index($all, $text, $at + 1) for 1 .. 3;
		die "no $text" if $at < 0;
		$at += length($text) + 200;
		seek $f, $at, 0;
		print $f chr(4 ^ ord substr $all, $at, 1);
	' "$1" "$2"
}

segment() {
	ls "$work"/hub/queue/seg/* | grep -v 'damaged\|spare' | head -1
}

one_line() {
	tr '\n' ' ' | sed 's/ $//'
}

node_start hub || exit 111
load 20 600
load 2 400000

# a log that has no end, as after a kill

queue=$(node_process hub quail-queue)
kill -STOP "$(cat "$work/hub.pid")"
kill -9 "$queue"
cp -a "$work/hub/queue" "$work/killed"
kill -CONT "$(cat "$work/hub.pid")"
check "it is there again" wait_for 10 sh -c '"$@" 2>/dev/null |
	grep -q "^22 messages"' - "$BIN/quail" queue -d "$work/hub" list
check "it stops" node_stop hub
cp -a "$work/hub/queue" "$work/sealed"

put_back() {
	rm -rf "$work/hub/queue" "$work/export"
	cp -a "$work/$1" "$work/hub/queue"
}

state() {
	(cd "$work/hub/queue" && ls -lR --full-time . | cksum)
}

put_back killed
flip "$(segment)" 'a@b.test'
before=$(state)
is "$(q list 2>/dev/null | tail -1 | cut -d, -f1)" "22 messages" \
    "without a daemon all are listed"
is "$(q list 2>/dev/null | grep -c ' damaged ')" 1 "one as damaged"
q list 2>&1 | grep -q set-aside
is $? 1 "nobody says that anything was set aside"
id=$(q list 2>/dev/null | awk '$4 == "damaged" { print $1 }')
q export "$work/export" --all >"$work/said" 2>/dev/null
is $? 100 "an export with one that is damaged: 100"
is "$(one_line <"$work/said")" "exported 21 messages 1 are not what was \
written: see the files *.damaged" "and it says so"
is "$(cd "$work/export" && ls | grep damaged)" "$id.damaged" "it is there"
is "$(grep -c '^from a@b.test$' "$work/export/$id.env")" 1 "with its envelope"
is "$(state)" "$before" "and nothing was written to the queue"
mv "$work/export" "$work/offline"
node_start hub || exit 111
q export "$work/export" --all >/dev/null
is $? 100 "with a daemon: 100"
diff -r "$work/export" "$work/offline" >"$work/diff"
is "$(cat "$work/diff")" "" "and the same files"
node_stop hub

# texts that nobody has looked at yet

put_back sealed
big=$(ls "$work"/hub/queue/big/* | head -1)
flip "$big" '
'
id=$(basename "$big")
q cat "$id" >"$work/text" 2>"$work/said"
is $? 100 "cat of a changed text: 100"
check "it says why" grep -q 'not the text\|not what was written' "$work/said"
is "$(wc -c <"$work/text")" "$(wc -c <"$big")" "all of it is shown"
q export "$work/export" --all >/dev/null 2>&1
is $? 100 "its export: 100"
is "$(cd "$work/export" && ls | grep damaged)" "$id.damaged" "never as good"
check "its lines say it" grep -q '^damaged text$' "$work/export/$id.env"
put_back sealed
big=$(ls "$work"/hub/queue/big/* | head -1)
truncate -s 300000 "$big"
q export "$work/export" --all >"$work/said" 2>/dev/null
is $? 100 "a text that ends too soon: 100"
check "it says so" grep -q '^1 cannot be read to the end' "$work/said"
put_back sealed
q export "$work/export" --all >/dev/null 2>&1
is $? 0 "all is well: 0"

# the directory goes away under a queue that runs

node_start hub || exit 111
rm -rf "$work/hub/queue"
check "a queue that was removed ends the service" wait_for 5 \
    grep -q 'event=store-failed.*was removed' "$work/hub.log"
node_stop hub

tap_done
