#!/bin/sh
# bounce.t - bounces end to end, read by somebody else's parser
#
# Python's email package reads what tests/bounce_test writes for it and what
# comes to a mailbox. Then the ways that bounces go: VERP, double bounces to
# where the tables say, and nowhere: the queue drains whatever is refused.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/bounce
rm -rf "$work"
mkdir -p "$work/samples" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

set -- $(free_ports 2)
qmtp=$1 refuse=$2

# judge FILE FAILED... - is it a report of these, by RFC 3464?
judge() {
	python3 - "$@" 2>"$work/judged" <<'PYTHON'
import email, email.policy, sys

name, failed = sys.argv[1], sys.argv[2:]
m = email.message_from_binary_file(open(name, 'rb'),
                                   policy=email.policy.default)
def need(good, what):
    if not good:
        sys.exit(what)

def walk(part):
    need(not part.defects, (part.get_content_type(), part.defects))
    if part.is_multipart():
        for p in part.iter_parts() if part is m else part.get_payload():
            walk(p)

walk(m)
need(m.get_content_type() == 'multipart/report', 'no report')
need(m.get_param('report-type') == 'delivery-status', 'no delivery-status')
need(m['auto-submitted'] == 'auto-replied', 'not said to be automatic')
for field in 'date', 'from', 'to', 'subject', 'message-id', 'mime-version':
    need(m[field], 'no ' + field)
need(m['from'].addresses, 'from is no address')
people, machine, copy = m.get_payload()
need(people.get_content_type() == 'text/plain', 'no text for people')
text = people.get_payload(decode=True)
need(text.startswith(b'Hi. This is the '), 'no QSBMF')
need(all(c == 10 or 32 <= c <= 126 for c in text), 'not plain text')
need(machine.get_content_type() == 'message/delivery-status', 'no status')
status = machine.get_payload()
need(status[0]['reporting-mta'].startswith('dns; '), 'no reporting-mta')
got = []
for s in status[1:]:
    need(s['action'] == 'failed' and s['diagnostic-code'], 'no action')
    need(s['status'].count('.') == 2 and s['status'][0] in '45', 'no status')
    kind, _, address = s['final-recipient'].partition(';')
    need(kind == 'rfc822', 'no rfc822')
    got.append(address.strip())
    need(('<%s>:\n' % got[-1]).encode() in text, 'not told to people')
need(sorted(got) == sorted(failed), 'failed: %r' % got)
need(copy.get_content_type() in ('message/rfc822', 'text/rfc822-headers'),
     'no copy')
PYTHON
	judged=$?
	[ $judged = 0 ] || sed "s/^/# ${1##*/}: /" "$work/judged"
	return $judged
}

if command -v python3 >/dev/null && python3 -c 'import email.policy'; then
	"$BUILD/tests/bounce_test" "$work/samples"
	check 'a sample of two' judge "$work/samples/two" two@d.test one@c.test
	check 'a hostile one' judge "$work/samples/hostile" 'b??@c.test'
	check 'a thousand' judge "$work/samples/many" \
	    $(perl -e 'print "b\@c.test " x 1000')
	has_python=1
else
	skip 'samples' 'there is no python3'
	has_python=
fi

echo hub.test | table hub me
echo "qmtp 127.0.0.1:$qmtp" | table hub listen
echo '127.0.0.0/8 relay' | table hub access
printf 'hub.test\nops.test\n' | table hub locals
table hub users <<T
box@hub.test    maildir:mail/box
list-@hub.test  maildir:mail/list
dead@ops.test   maildir:mail/dead
T
table hub routes <<T
refuse.test qmtp:127.0.0.1:$refuse
T
echo Bounces | table hub bouncefrom
echo ops.test | table hub bouncehost
echo dead | table hub doublebounceto
echo ops.test | table hub doublebouncehost
background perl "$here/qmtp_sink.pl" refuse "$refuse" "$work/refuse.log"
wait_for 5 port_answers "$refuse"
check 'the hub comes up' node_start hub || { cat "$work/hub.log"; tap_done; }

# send COUNT SENDER RCPT [RCPTS]
send() {
	"$BUILD/tests/quail-load" -s 1 -w 16 -m "$1" -f "$2" -t "$3" \
	    -r "${4:-1}" "127.0.0.1:$qmtp" >"$work/said" ||
		{ sed 's/^/# /' "$work/said"; return 1; }
}

# lines WORD COUNT - in the hub's log
lines() {
	[ "$(grep -c "event=$1 " "$work/hub.log")" -ge "$2" ]
}

is_drained() {
	"$BIN/quail" queue -d "$work/hub" stats | grep -q 'messages *0$'
}

check 'a message of two recipients' send 1 box@hub.test x@refuse.test 2
check 'both fail: one bounce comes' wait_for 10 has_count \
    "$work/hub/mail/box/new" 1
if [ "$has_python" ]; then
	check 'and is a report' judge "$work/hub/mail/box/new/"* \
	    0x@refuse.test 1x@refuse.test
fi
is "$(grep -c '^From: Bounces@ops.test$' "$work/hub/mail/box/new/"*)" 1 \
    'from whom the tables say'
is "$(head -n 1 "$work/hub/mail/box/new/"*)" 'Return-Path: <>' \
    'with an empty return path'

check 'a VERP sender' send 1 'list-@hub.test-@[]' x@refuse.test
check 'gets it without the -@[]' wait_for 10 has_count \
    "$work/hub/mail/list/new" 1

check 'a sender who refuses' send 1 a@refuse.test x@refuse.test
check 'the double bounce goes where the tables say' wait_for 10 has_count \
    "$work/hub/mail/dead/new" 1
is "$(head -n 1 "$work/hub/mail/dead/new/"*)" 'Return-Path: <#@[]>' \
    'from #@[]'

# now nobody wants anything
echo refuse.test | table hub doublebouncehost
check 'new tables' "$BIN/quail" build "$work/hub"
wait_for 10 lines config-new 1
check 'a hundred that all refuse' send 100 a@refuse.test x@refuse.test
check 'each bounces twice, then is dropped' \
    wait_for 20 lines double-bounce-dropped 100
sleep 1
is "$(grep -c 'event=bounce ' "$work/hub.log") \
$(grep -c 'event=double-bounce-dropped ' "$work/hub.log")" \
    "204 100" 'no bounce more than that: nothing goes in circles'
check 'the queue is empty' wait_for 5 is_drained
check 'the hub ends on TERM' node_stop hub
check 'and starts again' node_start hub
check 'with nothing in its queue' wait_for 5 is_drained
check 'it ends on TERM' node_stop hub
check 'none of its daemons has died' node_is_sound hub
tap_done
