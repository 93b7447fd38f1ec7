#!/bin/sh
# smtp_in.t - smtp-gateway in, as a stranger and as a client that may relay
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/smtp_in
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

set -- $(free_ports 2)
smtp=$1 deaf=$2
table edge me <<T
edge.test
T
table edge listen <<T
smtp 127.0.0.1:$smtp
T
table edge access <<T
127.0.0.2/32 relay
T
table edge locals <<T
edge.test
T
table edge users <<T
joe@edge.test maildir:mail/joe
ann@edge.test maildir:mail/ann
postmaster@edge.test maildir:mail/postmaster
T
table edge rcpthosts <<T
edge.test
friend.test
T
table edge routes <<T
* hold
T
node_start edge || exit 1

talk() {
	perl "$here/smtp_talk.pl" "$smtp" "$@"
}

new=$work/edge/mail/joe/new
# text FILE - without our trace lines and what the Maildir puts in front
text() {
	perl -0777 -ne 's/\A.*?^(?=Subject:)//ms; print' "$@"
}

# order of commands, and what each is answered
is "$(talk <<'T'
1
1 MAIL FROM:<a@b.test>
1 EHLO me.test
1 DATA
1 RCPT TO:<joe@edge.test>
1 MAIL FROM:<a@b.test>
1 MAIL FROM:<c@b.test>
1 DATA
1 RCPT TO:<joe@edge.test>
1 RSET
1 DATA
1 MAIL FROM:<a@b.test>
1 EHLO again.test
1 RCPT TO:<joe@edge.test>
1 VRFY joe
1 HELP
1 NOOP
1 STARTTLS
2 QUIT
T
)" "220
503 5.5.1
250
503 5.5.1
503 5.5.1
250 2.1.0
503 5.5.1
554 5.5.1
250 2.1.5
250 2.0.0
503 5.5.1
250 2.1.0
250
503 5.5.1
252 2.5.0
214 2.0.0
250 2.0.0
500 5.5.1
221 2.0.0, closed" "the order of commands"

is "$(talk <<'T'
1
1 EHLO me.test
1 MAIL FROM:<a@b.test>
1 RCPT TO:<x@far.test>
1 RCPT TO:<nobody@edge.test>
1 RCPT TO:<x@friend.test>
1 RCPT TO:<PostMaster>
1 RCPT TO:<joe@EDGE.test>
1 RCPT TO:<joe@edge.test> NOTIFY=NEVER
1 MAIL FROM:<a@b.test> SIZE=52428801
1 RSET
1 MAIL FROM:<a@b.test> SIZE=52428801
1 MAIL FROM:<a@b.test> SIZE=52428800
T
)" "220
250
250 2.1.0
550 5.7.1
550 5.1.1
250 2.1.5
250 2.1.5
250 2.1.5
555 5.5.4
503 5.5.1
250 2.0.0
552 5.3.4
250 2.1.0" "a stranger: recipients and sizes"

is "$(talk 127.0.0.2 <<'T'
1
1 EHLO me.test
1 MAIL FROM:<a@b.test>
1 RCPT TO:<x@far.test>
1 RCPT TO:<nobody@edge.test>
T
)" "220
250
250 2.1.0
250 2.1.5
550 5.1.1" "a client that may relay"

# two mails, pipelined as far as is allowed, two recipients
is "$(talk <<'T'
1
1 EHLO me.test
4 MAIL FROM:<a@b.test>\r\nRCPT TO:<joe@edge.test>\r\nRCPT TO:<ann@edge.test>\r\nDATA\r\n
6 Subject: one\r\n\r\n..dot\r\n\x00\xff\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<no@edge.test>\r\nRCPT TO:<joe@edge.test>\r\nNOOP\r\nDATA\r\n
3 Subject: two\r\n\r\nx\r\n.\r\nQUIT\r\n
T
)" "220
250
250 2.1.0, 250 2.1.5, 250 2.1.5, 354
250 2.0.0, 250 2.1.0, 550 5.1.1, 250 2.1.5, 250 2.0.0, 354
250 2.0.0, 221 2.0.0, closed" "pipelined commands behind a text wait for it"
wait_for 10 has_count "$new" 2
is "$(count "$new"), $(count "$work/edge/mail/ann/new")" "2, 1" \
    "both arrive, the first for two"
text "$(grep -l 'Subject: one' "$new"/*)" >"$work/got"
printf 'Subject: one\n\n.dot\n\000\377\n' >"$work/want"
check "byte for byte" cmp -s "$work/got" "$work/want"
id=$(perl -ne 'print $1 if /with ESMTP id ([0-9a-f]{16})/' \
    "$(grep -l 'Subject: one' "$new"/*)")
check "the trace line has the id that the log has" \
    grep -q "event=message id=$id .*rcpts=2 " "$work/edge.log"

# nothing of what follows may arrive
before=$(count "$new")
head='1
1 EHLO me.test
3 MAIL FROM:<a@b.test>\r\nRCPT TO:<joe@edge.test>\r\nDATA\r\n'
told='220
250
250 2.1.0, 250 2.1.5, 354'
for end in '\n.\n' '\n.\r\n' '\r\n.\n' '\r.\r' '\r.\r\n' '\r\n.\r' '\r\r\n.\n'; do
	is "$(printf '%s\n%s\n' "$head" \
	    "2 Subject: smuggled\r\n\r\nx${end}MAIL FROM:<evil@b.test>\r\nRCPT TO:<joe@edge.test>\r\nDATA\r\nSubject: evil\r\n\r\n.\r\nQUIT\r\n" |
		talk)" "$told
550 5.5.2, closed" "smuggling, way $((way = ${way:-0} + 1))"
done
is "$(printf '1\n1 EHLO me\n2 NOOP\\nNOOP\\r\\n\n' | talk)" "220
250
500 5.5.2, closed" "a bare LF in a command"
is "$(printf '1\n2 EHLO me\\r\\nMAIL FROM:<a@b.test>\\r\\n\n' | talk)" "220
554 5.5.0, closed" "a command behind EHLO in one write"
is "$(printf '1\n1 HELO me\n2 NOOP\\r\\nNOOP\\r\\n\n' | talk)" "220
250
554 5.5.0, closed" "pipelining after HELO"
is "$(printf '%s\n' '1' '1 EHLO me.test' \
    '4 MAIL FROM:<a@b.test>\r\nRCPT TO:<joe@edge.test>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n' |
	talk)" "220
250
250 2.1.0, 250 2.1.5, 554 5.5.0, closed" "text before the 354"
is "$(perl -e 'print "1\n1 EHLO me\n"; print "1 JUNK\n" for 1 .. 19;
	print "3 JUNK\n"' | talk | tail -n 2)" "500 5.5.1
500 5.5.1, 421 4.7.0, closed" "twenty errors end the session"
is "$(perl -e 'print "1\n1 EHLO me\n1 MAIL FROM:<a\@b.test>\n";
	print "1 RCPT TO:<joe\@edge.test>\n" for 1 .. 1001' | talk |
	tail -n 2)" "250 2.1.5
452 4.5.3" "recipient 1001"
is "$(perl -e 'print "1\n1 NOOP ", "x" x 3000, "\n1 NOOP\n"' | talk)" "220
500 5.5.2
250 2.0.0" "a line that is too long"
printf '%s\n2 Subject: cut\\r\\n\\r\\nhalf a text\n' "$head" |
	sed 's/^2 /0 /' | talk >/dev/null
sleep 0.5
is "$(count "$new")" "$before" "nothing of all this has arrived"

# a text larger than all buffers, at once
perl -e 'print "Subject: big\n\n"; print ".", "x" x ($_ % 900), "\n"
	for 1 .. 10000' >"$work/want"
perl -pe 's/\A\./../; s/\n/\r\n/' "$work/want" >"$work/wire"
is "$(perl -e 'open my $f, "<", $ARGV[0]; local $/; my $t = <$f>;
	$t =~ s/\r/\\r/g; $t =~ s/\n/\\n/g;
	print "1\n1 EHLO me\n3 MAIL FROM:<a\@b.test>\\r\\n",
	    "RCPT TO:<joe\@edge.test>\\r\\nDATA\\r\\n\n1 $t.\\r\\n\n"' \
    "$work/wire" | talk)" "220
250
250 2.1.0, 250 2.1.5, 354
250 2.0.0" "4.5 MB"
wait_for 10 has_count "$new" 3
text "$(grep -l 'Subject: big' "$new"/*)" >"$work/got"
check "4.5 MB byte for byte" cmp -s "$work/got" "$work/want"

# TERM: the idle are told, what was begun is finished
printf '%s\nsleep 2\n3 Subject: last\\r\\n\\r\\n.\\r\\n\n' "$head" |
	talk >"$work/busy" &
busy=$!
printf '1\n1 EHLO me\n2\n' | talk >"$work/idle" &
idle=$!
sleep 1
kill "$(node_process edge smtp-gateway in)"
wait $busy $idle
is "$(tail -n 1 "$work/idle")" "421 4.3.2, closed" "TERM: 421 to the idle"
is "$(tail -n 1 "$work/busy")" "250 2.0.0, 421 4.3.2, closed" \
    "TERM: the message in hand is taken"
wait_for 10 has_count "$new" 4
is "$(count "$new")" 4 "and arrives"

# postmaster, whom nothing serves
table deaf me <<T
deaf.test
T
table deaf listen <<T
smtp 127.0.0.1:$deaf
T
table deaf routes <<T
* smtp:mx
T
node_start deaf || exit 1
smtp=$deaf
is "$(talk <<'T'
1
1 EHLO me.test
1 MAIL FROM:<a@b.test>
1 RCPT TO:<postmaster>
2 QUIT
T
)" "220
250
250 2.1.0
550 5.1.1
221 2.0.0, closed" "a postmaster whom nothing serves is refused at once"
tap_done
