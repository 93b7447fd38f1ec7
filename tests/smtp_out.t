#!/bin/sh
# smtp_out.t - smtp-gateway out against servers that misbehave, and the DNS
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/smtp_out
rm -rf "$work"
mkdir -p "$work/got" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

modes='good old slow drop greet junk small full once'
set -- $(free_ports 13)
smtp=$1 mx=$2 dns=$3 dead=$4
shift 4
table hub me <<T
hub.test
T
table hub listen <<T
smtp 127.0.0.1:$smtp
T
table hub access <<T
127.0.0.0/8 relay
T
for mode in $modes; do
	echo "$mode.test smtp:127.0.0.1:$1" >>"$work/hub/routes"
	servers="${servers:-} $mode:127.0.0.1:$1"
	shift
done
cat >>"$work/hub/routes" <<T
dead.test smtp:127.0.0.1:$dead
sink.test hold
hub.test hold
* smtp:mx
T
# an MX of the first preference that does not answer, and a second that does
background perl "$here/smtp_fake.pl" "$work/got" $servers \
    "mx:127.0.0.4:$mx" "dns:127.0.0.1:$dns" >"$work/fake.out"
fake=$!
wait_for 10 grep -q ready "$work/fake.out"
QUAIL_DNS=127.0.0.1:$dns QUAIL_SMTP_PORT=$mx
export QUAIL_DNS QUAIL_SMTP_PORT
node_start hub || exit 1

# the ids of all messages; the log comes behind the replies
ids() {
	sed -n 's/.*event=message id=\([0-9a-f]*\).*/\1/p' "$work/hub.log"
}

has_ids() {
	[ "$(ids | wc -l)" -ge "$1" ]
}

# mail TEXT RCPT... - through smtp in; prints the id
mail() {
	before=$(ids | wc -l)
	{
		printf '1\n1 EHLO me\n1 MAIL FROM:<a@sink.test>\n'
		text=$1
		shift
		for rcpt; do
			printf '1 RCPT TO:<%s>\n' "$rcpt"
		done
		printf '1 DATA\n1 %s\\r\\n.\\r\\n\n' "$text"
	} | perl "$here/smtp_talk.pl" "$smtp" >"$work/talk"
	tail -n 1 "$work/talk" | grep -q '^250 2.0.0' ||
		sed 's/^/# /' "$work/talk" >&2
	wait_for 5 has_ids $((before + 1))
	ids | tail -n 1
}

attempts() {
	sed -n "s/.*event=attempt id=$1 //p" "$work/hub.log"
}

# outcome ID [N] - what the agent said of it, once it has N lines
outcome() {
	has_attempts() { [ "$(attempts "$1" | wc -l)" -ge "$2" ]; }
	wait_for 15 has_attempts "$1" "${2:-1}"
	attempts "$1" | sort
}

said() {
	cat "$work"/got/"$1".*
}

id=$(mail 'Subject: x\r\n\r\n..dot\r\nend' one@good.test bad@good.test \
    tmp@good.test two@good.test)
is "$(outcome "$id")" \
    'dest=127.0.0.1 k=2 z=1 d=1 reply="127.0.0.1 said: 250 2.0.0 got it (#2.0.0)"' \
    "one verdict for each recipient"
said good | tr -d '\r' | sed -n '/^DATA/,$p' | sed '/^Received/,/+0000$/d' \
    >"$work/text"
is "$(cat "$work/text")" "DATA
Subject: x

..dot
end
." "the text, with its dot"
is "$(said good | tr -d '\r' | sed '/^DATA/,$d; s/SIZE=[0-9]*/SIZE=n/')" \
    "EHLO hub.test
MAIL FROM:<a@sink.test> SIZE=n
RCPT TO:<one@good.test>
RCPT TO:<bad@good.test>
RCPT TO:<tmp@good.test>
RCPT TO:<two@good.test>" "and the envelope"

id=$(mail 'Subject: x\r\n\r\nx' bad1@good.test bad2@good.test)
is "$(outcome "$id")" \
    'dest=127.0.0.1 k=0 z=0 d=2 reply="127.0.0.1 said: 503 5.5.1 no (#5.5.1)"' \
    "nobody taken"
id=$(mail 'Subject: \xe4\r\n\r\nx' last@good.test)
outcome "$id" >/dev/null
is "$(ls "$work"/got/good.* | wc -l)" 1 "three mails on one connection"
check "BODY=8BITMIME where it is needed" grep -q 'BODY=8BITMIME' \
    "$work"/got/good.*

id=$(mail 'Subject: x\r\n\r\nx' one@old.test bad@old.test)
is "$(outcome "$id")" \
    'dest=127.0.0.1 k=1 z=0 d=1 reply="127.0.0.1 said: 250 2.0.0 got it (#2.0.0)"' \
    "HELO, one command at a time"
id=$(mail 'Subject: x\r\n\r\nx' one@slow.test)
is "$(outcome "$id" | cut -d' ' -f2-4)" "k=1 z=0 d=0" "replies byte by byte"
id=$(mail 'Subject: x\r\n\r\nx' one@drop.test two@drop.test)
is "$(outcome "$id")" \
    'dest=127.0.0.1 k=0 z=2 d=0 reply="127.0.0.1: connection closed while waiting for the reply to the text (#4.4.2)"' \
    "closed after the text: Z"
check "which may be a duplicate later, and is logged" \
    grep -q "event=possible-duplicate id=$id" "$work/hub.log"
id=$(mail 'Subject: x\r\n\r\nx' one@greet.test)
is "$(outcome "$id")" \
    'dest=127.0.0.1 k=0 z=1 d=0 reply="no connection: 127.0.0.1 said: 554 5.7.1 not you (#4.4.2)"' \
    "554 to us is no D for the mail"
id=$(mail 'Subject: x\r\n\r\nx' one@junk.test)
is "$(outcome "$id")" \
    'dest=127.0.0.1 k=0 z=1 d=0 reply="no connection: 127.0.0.1 talks no SMTP (#4.4.2)"' \
    "no SMTP: Z"
id=$(mail 'Subject: x\r\n\r\nx' one@small.test)
is "$(outcome "$id" | cut -d' ' -f2-4)" "k=0 z=0 d=1" \
    "larger than its SIZE: D"
check "which it was not even asked" \
    test "$(grep -c MAIL "$work"/got/small.*)" = 0
id=$(mail 'Subject: x\r\n\r\nx' one@full.test)
is "$(outcome "$id" | cut -d' ' -f2-4)" "k=0 z=0 d=1" "552 to the text: D"
id=$(mail 'Subject: x\r\n\r\n\x00' one@good.test)
is "$(outcome "$id")" \
    'dest=127.0.0.1 k=0 z=0 d=1 reply="the text has a NUL, which SMTP cannot carry (#5.6.0)"' \
    "a NUL: D"
id=$(mail 'Subject: x\r\n\r\nx' one@dead.test)
is "$(outcome "$id")" \
    'dest=127.0.0.1 k=0 z=1 d=0 reply="127.0.0.1: Connection refused while connecting (#4.4.1)"' \
    "nobody there: Z"

first=$(mail 'Subject: x\r\n\r\nx' one@once.test)
outcome "$first" >/dev/null
id=$(mail 'Subject: x\r\n\r\nx' two@once.test)
is "$(outcome "$id" | cut -d' ' -f2-4)" "k=1 z=0 d=0" \
    "a kept connection that was closed: once more on a new one"

# MX: several domains at once
id=$(mail 'Subject: x\r\n\r\nx' a@mx.test b@null.test c@none.test d@soft.test \
    e@self.test n@nodata.test f@bare.test g@MX.test h@lost.test i@backup.test \
    'j@[127.0.0.4]')
is "$(outcome "$id" 10)" \
    'dest=[127.0.0.4] k=1 z=0 d=0 reply="[127.0.0.4][127.0.0.4] said: 250 2.0.0 got it (#2.0.0)"
dest=backup.test k=1 z=0 d=0 reply="second.test[127.0.0.4] said: 250 2.0.0 got it (#2.0.0)"
dest=bare.test k=1 z=0 d=0 reply="bare.test[127.0.0.4] said: 250 2.0.0 got it (#2.0.0)"
dest=lost.test k=0 z=1 d=0 reply="no MX host of lost.test has an address (#4.4.4)"
dest=mx.test k=2 z=0 d=0 reply="second.test[127.0.0.4] said: 250 2.0.0 got it (#2.0.0)"
dest=nodata.test k=0 z=0 d=1 reply="the domain nodata.test has no mail host: neither MX nor address (#5.1.2)"
dest=none.test k=0 z=0 d=1 reply="there is no domain none.test (#5.1.2)"
dest=null.test k=0 z=0 d=1 reply="null.test takes no mail (#5.1.10)"
dest=self.test k=0 z=0 d=1 reply="mail for self.test loops back (#5.4.6)"
dest=soft.test k=0 z=1 d=0 reply="cannot find the MX of soft.test now (#4.4.3)"' \
    "MX, by domain"

# a long text, streamed, and to several transfers
lines=$(perl -e 'print map ".." . "x" x ($_ % 70) . "\\r\\n", 1 .. 40000')
id=$(mail "Subject: big\\r\\n\\r\\n$lines" big@good.test)
is "$(outcome "$id" | cut -d' ' -f2-4)" "k=1 z=0 d=0" "1.5 MB"
perl -e 'print map("." . "x" x ($_ % 70) . "\r\n", 1 .. 40000), "\r\n"' \
    >"$work/want"
said good | perl -0777 -ne 'print $1 while
	/^Subject: big\r\n\r\n(.*?)^\.\r\n/gms' |
	sed 's/^\.\././' >"$work/big"
check "byte for byte" cmp -s "$work/big" "$work/want"
id=$(mail "Subject: big\\r\\n\\r\\n$lines" a@mx.test b@bare.test)
is "$(outcome "$id" 2 | cut -d' ' -f2-4)" "k=1 z=0 d=0
k=1 z=0 d=0" "1.5 MB to two domains"
rcpts=$(perl -e 'print join " ", map "r$_\@good.test", 1 .. 250')
id=$(mail 'Subject: many\r\n\r\nx' $rcpts)
is "$(outcome "$id" 3 | cut -d' ' -f2-4)" "k=100 z=0 d=0
k=100 z=0 d=0
k=50 z=0 d=0" "250 recipients go in three"
# a name server that is no more
kill "$fake"
wait_for 10 is_gone "$fake"
id=$(mail 'Subject: x\r\n\r\nx' a@unheard.test)
is "$(outcome "$id")" \
    'dest=unheard.test k=0 z=1 d=0 reply="cannot find the MX of unheard.test now: no name server answers (asked: 127.0.0.1) (#4.4.3)"' \
    "nobody to ask: Z, and who was asked"
check "the node ends on TERM" node_stop hub
check "no daemon died on the way" sh -c '! grep "event=died" "$1"' - \
    "$work/hub.log"
tap_done
