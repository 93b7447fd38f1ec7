#!/bin/sh
# leaf_ways.t - other ways into a leaf than sendmail's: SMTP on stdin, and
# the stand-in for qmail-queue
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/leaf_ways
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

set -- $(free_ports 4)
k=$1 z=$2 d=$3 nobody=$4

sink() { # NAME PORT BEHAVIOUR
	background perl "$here/qmqp_sink.pl" "$2" "$work/$1" "$3"
	wait_for 20 port_answers "$2"
	wait_for 20 has_count "$work/$1" 1
	rm -f "$work/$1"/[0-9]*
}

sink k "$k" 'Kok 12 id 7'
sink z "$z" 'Zcome again (#4.3.1)'
sink d "$d" 'Dwe do not want it (#5.7.1)'

leaf() { # NAME PORT
	echo leaf.test | table "$1" me
	echo "127.0.0.1:$2" | table "$1" qmqpservers
	echo 'rcpt root@leaf.test ops@example.org' | table "$1" rewrite
	"$BIN/quail" build "$work/$1" || exit 1
}

leaf k "$k"
leaf z "$z"
leaf d "$d"

show() { # [PART] - of the newest package of k
	perl "$here/qmqp_show.pl" "$work/k/$(ls "$work/k" | grep -v tmp |
	    sort -n | tail -n 1)" "$@"
}

got() {
	count "$work/k"
}

plain() { # TEXT - for the name of a test: echo knows backslashes
	printf '%s\n' "$1" | tr '\\' /
}

# -bs

bs() { # LEAF - SMTP from stdin; what it answers, codes only, in one line
	QUAIL_DIR=$work/$1 "$BIN/sendmail" -bs >"$work/said" 2>"$work/err"
	echo $? >"$work/code"
	tr -d '\r' <"$work/said" | cut -c1-4 | tr -d '\n'
}

crlf() {
	sed 's/$/\r/'
}

is "$(crlf <<T | bs k
EHLO app
MAIL FROM:<a@b.test> SIZE=100 BODY=8BITMIME
RCPT TO:<c@d.test>
RCPT TO:<root>
DATA
Subject: s
Bcc: hidden@x.test
From: a@b.test

..dots
.x
.
QUIT
T
)" "220 250-250-250-250-250 250 250 250 354 250 221 " "-bs: one message"
is "$(cat "$work/code") $(show envelope | tr '\n' ' ')" \
    "0 from <a@b.test> to <c@d.test> to <ops@example.org> " "its envelope"
is "$(show text | sed 's/^Date: .*/D/; s/^Message-ID: .*/M/')" "Subject: s
From: a@b.test
D
M

.dots
x" "its text: dots undone, what was missing added, Bcc gone"
before=$(got)
crlf <<T | bs k >"$work/codes"
HELO app
MAIL FROM:<>
RCPT TO:<"odd one"@d.test>
DATA

one
.
MAIL FROM:<a@b.test>
RCPT TO:<c@d.test>
RSET
MAIL FROM:<e@f.test>
RCPT TO:<@route.test:g@h.test>
DATA

two
.
T
is "$(cat "$work/codes")" \
    "220 250 250 250 354 250 250 250 250 250 250 354 250 " "two messages"
is "$(($(got) - before)) $(show envelope | tr '\n' ' ')" \
    "2 from <e@f.test> to <g@h.test> " "both came, the second of its own"

said() { # COMMANDS... - one a line, behind EHLO; the last code
	printf '%s\r\n' "EHLO x" "$@" | bs k >/dev/null
	tail -n 1 "$work/said" | cut -c1-3
}

is "$(printf 'MAIL FROM:<a@b>\r\n' | bs k)" "220 503 " "no EHLO"
for try in '503 RCPT TO:<a@b.test>' '503 DATA' '501 MAIL FROM:a@b.test' \
    '501 MAIL TO:<a@b.test>' '553 MAIL FROM:<a@b.test, c@d.test>' \
    '553 MAIL FROM:<a@>' '555 MAIL FROM:<a@b.test> X=1' \
    '552 MAIL FROM:<a@b.test> SIZE=99999999999' \
    '501 MAIL FROM:<a@b.test> SIZE=x' '500 FROB' '500 ' '252 VRFY x' \
    '250 NOOP' '250 mail from: <a@b.test>'; do
	is "$(said "${try#* }")" "${try%% *}" "${try#* }"
done
for try in '503 MAIL FROM:<a@b.test>' '553 RCPT TO:<>' '553 RCPT TO:<a b>' \
    '555 RCPT TO:<a@b.test> X' '501 RCPT TO:a@b.test' '503 DATA'; do
	is "$(said 'MAIL FROM:<a@b.test>' "${try#* }")" "${try%% *}" \
	    "behind MAIL: ${try#* }"
done

# nobody hides a second message in one
before=$(got)
for end in '\n.\r\n' '\r\n.\n' '\n.\n' '\r.\r\n' '\r\n.\r' '\r.\r'; do
	printf "EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n\
x${end}MAIL FROM:<evil@x.test>\r\nRCPT TO:<v@x.test>\r\nDATA\r\ny\r\n.\r\n" |
	    bs k >/dev/null
	is "$(cat "$work/code") $(tail -n 1 "$work/said" | cut -c1-9) $(got)" \
	    "76 550 5.5.2 $before" "$(plain "$end") ends no text"
done
printf 'EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nhalf' |
    bs k >/dev/null
is "$(got)" "$before" "half a message is none"
is "$(perl -e 'print "FROB\r\n" x 40' | bs k | sed 's/500 //g')" "220 421 " \
    "twenty errors are enough"

whole='EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nx\r\n.\r\n'
is "$(printf "$whole" | bs z | tail -c 4)" "451 " "no hub: 451"
is "$(printf "$whole" | bs d | tail -c 4)" "554 " "D: 554"
mkdir "$work/z/spool"
is "$(printf "$whole" | bs z | tail -c 4)$(ls "$work/z/spool" | wc -l)" \
    "250 1" "no hub, but a spool: 250, and it is there"

# qmail-queue

ln -s "$BIN/qmqpc" "$work/qmail-queue"

queue() { # LEAF ENVELOPE - message on stdin; the exit code
	printf "$2" >"$work/envelope"
	QUAIL_DIR=$work/$1 "$work/qmail-queue" 1<"$work/envelope" \
	    2>"$work/err"
	echo $? >"$work/code"
}

printf 'Bcc: x\nno\r\n.\n\000end' >"$work/raw"
queue k 'Fa@b.test\0Tc@d.test\0Troot@leaf.test\0\0' <"$work/raw"
is "$(cat "$work/code") $(show envelope | tr '\n' ' ')" \
    "0 from <a@b.test> to <c@d.test> to <ops@example.org> " "qmail-queue"
show text >"$work/raw.got"
check "its message is as it was" cmp "$work/raw" "$work/raw.got"
queue k 'F\0Tc@d.test\0\0' <"$work/raw"
is "$(cat "$work/code") $(show envelope | head -n 1)" "0 from <>" \
    "without a sender"
before=$(got)
long=$(printf '%01000d' 0)
for try in '91 ' '91 F' '91 Fa@b\0' '91 Fa@b\0\0' '91 Fa@b\0Tc@d\0' \
    '91 Ta@b\0\0' '91 Fa@b\0Xc@d\0\0' '91 Fa@b\0Tc@d\0\0x' \
    '91 Fa@b\0Tc\nd\0\0' "11 F$long\\0Tc@d\\0\\0" "11 Fa@b\\0T$long\\0\\0"; do
	queue k "${try#* }" <"$work/raw"
	is "$(cat "$work/code")" "${try%% *}" \
	    "$(plain "$try" | cut -c1-30)"
done
is "$(got)" "$before" "none of these was sent"
queue d 'Fa@b\0Tc@d\0\0' <"$work/raw"
is "$(cat "$work/code")" 31 "D: 31"
leaf down "$nobody"
queue down 'Fa@b\0Tc@d\0\0' <"$work/raw"
is "$(cat "$work/code")" 71 "no hub: 71"
mkdir "$work/down/spool"
queue down 'Fa@b\0Tc@d\0\0' <"$work/raw"
is "$(cat "$work/code") $(ls "$work/down/spool" | wc -l)" "0 1" \
    "no hub, but a spool"
queue none 'Fa@b\0Tc@d\0\0' <"$work/raw"
is "$(cat "$work/code")" 55 "no configuration: 55"

tap_done
