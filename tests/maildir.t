#!/bin/sh
# maildir.t - a leaf, a hub and its Maildirs: what sendmail sends arrives
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/maildir_t
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

port=$(free_ports 1)
echo hub.test | table hub me
echo "qmqp 127.0.0.1:$port" | table hub listen
echo '127.0.0.0/8 relay' | table hub access
echo hub.test | table hub locals
table hub users <<T
ann@hub.test maildir:mail/ann
bob@hub.test maildir:mail/bob
*@hub.test   maildir:mail/%d/%u
T
table hub routes <<T
* hold
T
echo leaf.test | table leaf me
echo "127.0.0.1:$port" | table leaf qmqpservers
"$BIN/quail" build "$work/leaf" || exit 1
node_start hub || exit 1
mail=$work/hub/mail

send() {
	QUAIL_DIR=$work/leaf "$BIN/sendmail" -i -f s@leaf.test "$@" \
	    2>>"$work/said"
}

only_file() { # MAILDIR
	echo "$1"/new/*
}

printf 'Subject: s\n\ntext\n' | send ann@hub.test bob@hub.test x@hub.test
is $? 0 "a message for three"
for box in ann bob hub.test/x; do
	check "$box has it" wait_for 10 has_count "$mail/$box/new" 1
done
is "$(head -n 2 "$(only_file "$mail/bob")")" "Return-Path: <s@leaf.test>
Delivered-To: bob@hub.test" "Return-Path and Delivered-To"
is "$(ls "$mail/ann" | tr '\n' ' ')$(ls "$mail/ann/tmp")" "cur new tmp " \
    "a whole Maildir, tmp is empty"
is "$(stat -c %a "$mail/ann/new" "$(only_file "$mail/ann")" | tr '\n' ' ')" \
    "700 600 " "modes"
name=$(basename "$(only_file "$mail/ann")")
is "$(echo "$name" | sed 's/[0-9a-f]\{16\}/HEX/g; s/[0-9][0-9]*/N/g')" \
    'N.MNQHEXRHEX.hub.test' "its name"

# the message comes back: a loop for ann, none for c
send ann@hub.test c@hub.test <"$(only_file "$mail/ann")"
check "c has what ann had" wait_for 10 has_count "$mail/hub.test/c/new" 1
check "for ann it is rejected" \
    wait_for 10 grep -q 'rejected.*ann@hub.test.*5\.4\.6' "$work/hub.log"
is "$(count "$mail/ann/new")" 1 "and not delivered"

# large, to two: streamed, and the same for both
perl -e 'print "Subject: big\n\n"; print "x" x 70, "\n" for 1 .. 30000' \
    >"$work/big"
send big1@hub.test big2@hub.test <"$work/big"
for box in big1 big2; do
	check "a large message for $box" wait_for 20 \
	    has_count "$mail/hub.test/$box/new" 1
	sed -n '/^$/,$p' "$(only_file "$mail/hub.test/$box")" >"$work/got"
	sed -n '/^$/,$p' "$work/big" | cmp - "$work/got"
	is $? 0 "as it was sent"
done

# a planted link is not followed, and the others are not held up
mkdir -p "$mail/hub.test/evil" "$work/elsewhere/new" "$work/elsewhere/tmp" \
    "$work/elsewhere/cur"
ln -s "$work/elsewhere/new" "$mail/hub.test/evil/new"
mkdir "$mail/hub.test/evil/tmp" "$mail/hub.test/evil/cur"
printf 'Subject: s\n\ntext\n' | send evil@hub.test good@hub.test
check "a good mailbox beside a bad one" \
    wait_for 10 has_count "$mail/hub.test/good/new" 1
check "the bad one is deferred" \
    wait_for 10 grep -q 'deferred.*evil@hub.test.*4\.3\.5' "$work/hub.log"
is "$(count "$work/elsewhere/new")" 0 "nothing went through the link"

# the agent is killed: it comes back, and all arrives, once
i=0
while [ $i -lt 40 ]; do
	i=$((i + 1))
	printf 'Subject: %s\n\n' $i | send k1@hub.test k2@hub.test
	[ $((i % 10)) = 5 ] && kill -9 "$(node_process hub maildir)" 2>/dev/null
done
for box in k1 k2; do
	check "40 for $box" wait_for 60 has_count "$mail/hub.test/$box/new" 40
	is "$(cat "$mail/hub.test/$box"/new/* | grep -c ^Subject)" 40 \
	    "each once"
done

pid=$(node_process hub maildir)
check "it ends on TERM" node_stop hub
check "at once" is_gone "$pid"
tap_done
