#!/bin/sh
# sendmail.t - the leaf's sendmail, against hubs that behave and hubs that
# do not
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/sendmail
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

set -- $(free_ports 14)
k=$1 k2=$2 z=$3 d=$4 nouser=$5 silent=$6 close=$7 slam=$8 early=$9
shift 9
garbage=$1 deaf=$2 nobody=$3 drip=$4 sip=$5

sink() { # NAME PORT BEHAVIOUR
	background perl "$here/qmqp_sink.pl" "$2" "$work/$1" "$3"
}

sink k "$k" 'Kok 1795293611 id 69300001000000a1'
sink k2 "$k2" 'Kok second'
sink z "$z" 'Zcome again (#4.3.1)'
sink d "$d" 'Dwe do not want it (#5.7.1)'
sink nouser "$nouser" 'Dnobody of that name (#5.1.1)'
sink silent "$silent" silent
sink close "$close" close
sink slam "$slam" slam
sink early "$early" early
sink garbage "$garbage" '=3:Kab'
sink deaf "$deaf" deaf
sink drip "$drip" drip
sink sip "$sip" sip

# leaf NAME PORT... - a leaf with these hubs
leaf() {
	leaf_name=$1
	shift
	echo leaf.test | table "$leaf_name" me
	for leaf_port in "$@"; do
		echo "127.0.0.1:$leaf_port"
	done | table "$leaf_name" qmqpservers
	"$BIN/quail" build "$work/$leaf_name" || exit 1
}

# send LEAF ARGUMENTS... - what sendmail says is in $work/said, its exit code
# is told by code (it runs in a pipe's own shell)
send() {
	send_dir=$work/$1
	shift
	QUAIL_DIR=$send_dir QUAIL_TIMEOUT_S=${timeout:-20} "$BIN/sendmail" "$@" \
	    >"$work/said" 2>&1
	echo $? >"$work/code"
}

code() {
	cat "$work/code"
}

last() { # SINK - its newest package
	ls "$work/$1" | grep -v tmp | sort -n | tail -n 1 | sed "s,^,$work/$1/,"
}

show() { # [PART] - of the newest package of k
	perl "$here/qmqp_show.pl" "$(last k)" "$@"
}

leaf leaf "$k"
leaf none "$nobody"
for port in $k $k2 $z $d $nouser $silent $close $slam $early $garbage $deaf $drip $sip; do
	wait_for 10 port_answers "$port"
done
rm -f "$work"/*/[0-9]*

full='Date: x
Message-ID: <y>
From: z'
me=$(id -un)@leaf.test
n=$(printf '%s\n\ntext\n' "$full" | wc -c)

# one package, byte for byte

printf '%s\n\ntext\n' "$full" | send leaf -f a@b.test c@d.test e@f.test
is "$(code)" 0 "a message for two: exit 0"
is "$(cat "$work/said")" "" "and nothing said"
inner="$n:$(printf '%s\n\ntext\n.' "$full")"
inner="${inner%.},8:a@b.test,8:c@d.test,8:e@f.test,"
is "$(cat "$(last k)")" "${#inner}:$inner," "the package, byte for byte"

printf '%s\n\ntext\n' "$full" | send leaf -v c@d.test e
is "$(cat "$work/said")" \
   "sendmail: 127.0.0.1:$k: ok 1795293611 id 69300001000000a1" \
   "-v prints the hub and the id"
is "$(show envelope)" "from <$me>
to <c@d.test>
to <e@leaf.test>" "bare names and the default sender are at me"

# -t

send leaf -t -i -f '' arg@x.test <<T
$full
To: "Doe, J." <j@d.test>, ann (Ann), team: bob@t.test, <@r.test:c@t.test>;
Bcc: hidden@x.test,
 second@x.test
Cc: "odd one"@x.test, j@d.test
Subject: s

To: not@this.test
T
is "$(code)" 0 "-t: exit 0"
is "$(show envelope)" "from <>
to <arg@x.test>
to <j@d.test>
to <ann@leaf.test>
to <bob@t.test>
to <c@t.test>
to <hidden@x.test>
to <second@x.test>
to <odd one@x.test>" "-t: arguments too, each recipient once"
is "$(show text)" "$full
To: \"Doe, J.\" <j@d.test>, ann (Ann), team: bob@t.test, <@r.test:c@t.test>;
Cc: \"odd one\"@x.test, j@d.test
Subject: s

To: not@this.test" "-t: Bcc is gone, the rest stands"

send leaf -t <<T
$full
To: old@x.test, (unreadable
Resent-To: new@x.test
Resent-Bcc: b@x.test
Resent-Date: x
Resent-From: y
Resent-Message-ID: <z>

T
is "$(code) $(show envelope | grep -v from)" "0 to <new@x.test>
to <b@x.test>" "-t: Resent fields take precedence"

printf 'To: a b, c\n\n' | send leaf -t
is "$(code)" 65 "-t: an unreadable list: 65"
printf 'Subject: s\n\n' | send leaf -t
is "$(code)" 64 "-t: no recipients: 64"

# what is missing is added

printf 'Subject: s\n\nt\n' | send leaf -F 'Joe "x" \ Doe' -f j@d.test a b
is "$(show text | sed 's/[0-9a-f]\{32\}@/HEX@/
	s/^Date: ..., .* +0000$/Date: D/')" 'Subject: s
Date: D
Message-ID: <HEX@leaf.test>
From: "Joe \"x\" \\ Doe" <j@d.test>

t' "Date, Message-ID and From are added"
printf 'no header\n' | send leaf a b
is "$(show text | sed -n '/^$/,$p')" "
no header" "a text without a header gets one"
is "$(show text | sed -n 's/^From:.*<\(.*\)>/\1/p')" "$me" "From who calls"
first=$(show text | grep Message-ID)
: | send leaf a b
is "$(code)" 0 "an empty message"
check "no two Message-IDs are alike" \
    [ "$first" != "$(show text | grep Message-ID)" ]

# lines

printf '%s\r\n\r\na\r\nb\rc\n.\r\nlost\n' "$full" | send leaf a b
is "$(show text)" "$(printf '%s\n\na\nb\rc' "$full" |
    sed 's/^\(Date: x\|Message-ID: <y>\)\r$/\1/')" "CRLF, and a single dot"
for dots in -i -oi '-o i'; do
	printf '%s\n\na\n.\n..\nb' "$full" | send leaf $dots a b
	is "$(show text)" "$(printf '%s\n\na\n.\n..\nb' "$full")" \
	    "$dots: dots are text"
done
printf '%s\n\n\000\377\r\001' "$full" >"$work/odd"
send leaf -i a b <"$work/odd"
show text >"$work/odd.got"
check "NUL, 8-bit, bare CR and no last LF survive" \
    cmp "$work/odd" "$work/odd.got"

# senders

for from in '' '<>' ' <> '; do
	: | send leaf -f "$from" a b
	is "$(show envelope | head -n 1)" "from <>" "-f '$from'"
done
for pair in 'root root@leaf.test' 'a@b a@b' 'Joe_<a@b> a@b' \
    'l-@h-@[] l-@h-@[]' '"a_b"@c a_b@c' '#@[] #@[]'; do
	: | send leaf -r "$(echo "${pair% *}" | tr _ ' ')" a b
	is "$(show envelope | head -n 1)" \
	    "from <$(echo "${pair#* }" | tr _ ' ')>" "-r ${pair% *}"
done
: | send leaf 'Joe <j@d.test>, bob' -- 2>&1
is "$(code)" 64 "flags behind recipients: 64"
: | send leaf -- -x@y.test 'Joe <j@d.test>, bob'
is "$(show envelope | grep to)" "to <-x@y.test>
to <j@d.test>
to <bob@leaf.test>" "behind -- all are recipients"

# what is refused before a hub sees it

refused() { # CODE NAME ARGUMENTS...
	refused_code=$1 refused_name=$2 refused_last=$(last k)
	shift 2
	printf 'Subject: s\n\nt\n' | send leaf "$@"
	is "$(code) $(wc -l <"$work/said") $(last k)" \
	    "$refused_code 1 $refused_last" "$refused_name: $refused_code"
}

nl='
'
refused 64 "no recipients"
refused 64 "an unknown flag" -y a
refused 64 "an unknown long flag" --frob a
refused 64 "a flag without its value" -f
refused 64 "a recipient that looks like a flag" a -b@c.test
refused 64 "no daemon" -bd
refused 69 "no list without a spool" -bp
refused 69 "no address test" -bt
refused 64 "an unknown mode" -bz
refused 64 "a name of two lines" -F "a${nl}Bcc: x@y.test" a
refused 64 "a sender of two lines" -f "a@b${nl}Bcc: x@y.test" a
refused 65 "a recipient of two lines" "a@b${nl}Bcc: x@y.test"
refused 64 "two senders" -f a@b,c@d a
refused 65 "an empty recipient" ''
refused 65 "a recipient without a host" a@

said_why() {
	printf 'Subject: s\n\nt\n' | send leaf "$@"
	sed 's/.*: this is/this is/' "$work/said"
}
l64=$(printf %064d 0)
is "$(said_why joe@a..test)" \
    "this is not an address: nothing between two dots, or before one" "two dots"
is "$(said_why "joe@$l64.test")" \
    "this is not an address: more than 63 bytes between two dots" "a long label"
is "$(said_why -f joe@ a)" \
    "this is not an address: no domain behind the @" "no domain"

# no file is read or written for a flag; harmless ones are ignored
cd "$work" || exit 111
: | send leaf -X "$work/x1" -C "$work/x2" -Oa=b -oQ"$work/x3" -D "$work/x4" \
    -A m -Ac -bm -B8BITMIME -d0.1 -em -G -h 5 -L t -m -n -N never -R hdrs \
    -U -V id -p x -oem -odb -x -E -J -T -tiv a@b.test
is "$(code)" 0 "flags that mean nothing here"
check "none of them made a file" [ ! -e "$work/x1" -a ! -e "$work/x2" -a \
    ! -e "$work/x3" -a ! -e "$work/x4" ]

ln -s "$BIN/sendmail" "$work/mailq"
ln -s "$BIN/sendmail" "$work/newaliases"
QUAIL_DIR=$work/leaf "$work/mailq" >"$work/said" 2>&1
is $? 69 "called as mailq"
QUAIL_DIR=$work/leaf "$work/newaliases" >"$work/said" 2>&1
is "$? $(cat "$work/said")" "0 " "called as newaliases"

# hostile surroundings

: | USER='x
Bcc: y' LOGNAME=z NAME='a
b' HOME=/nonexistent send leaf a b
is "$(show text | grep -c 'Bcc\|From: .*z@')" 0 "the environment has no say"
: | send leaf -F "$(printf 'a\001\033[31m')" a b
is "$(show text | grep ^From | cut -d' ' -f2)" '"a??[31m"' "control characters"
: | send leaf -F 'Jürgen Größe' a b
is "$(show text | grep ^From | cut -d' ' -f2)" \
    '=?UTF-8?B?SsO8cmdlbiBHcsO2w59l?=' "a name in UTF-8"
QUAIL_DIR=$work/leaf "$BIN/sendmail" a b <&- >&- 2>&-
is "$?" 74 "without stdin, stdout, stderr"

# large

perl -e 'print "Subject: big\n\n"; print "x" x 70, "\n" for 1 .. 40000' \
    >"$work/big"
send leaf -i a b <"$work/big"
is "$(code)" 0 "a message of 2.8 MB"
show text | sed -n '/^$/,$p' >"$work/big.got"
sed -n '/^$/,$p' "$work/big" | cmp - "$work/big.got"
is $? 0 "arrives as it was"
perl -e 'print "x" x 4095, "\n" for 1 .. 12801' | send leaf a b
is "$(code) $(cat "$work/said")" "65 sendmail: the message is too large" \
    "over 50 MiB: 65"
perl -e 'print "To: a"; print ", r$_\@x.test" for 1 .. 9999; print "\n\n"' |
    send leaf -t
is "$(code) $(show envelope | grep -c ^to)" "0 10000" "10,000 recipients"
perl -e 'print "To: a"; print ", r$_\@x.test" for 1 .. 10000; print "\n\n"' |
    send leaf -t
is "$(code)" 65 "10,001 are too many: 65"

if strace -V >/dev/null 2>&1 &&
    strace -o /dev/null -e trace=none true 2>/dev/null; then
	printf 'Subject: s\n\nt\n' | QUAIL_DIR=$work/leaf ASAN_OPTIONS=detect_leaks=0 \
	    strace -o "$work/calls" -e trace=sendto,sendmsg,writev \
	    "$BIN/sendmail" a b
	is "$(grep -c '^\(send\|writev\)' "$work/calls")" 1 \
	    "a small package goes out in one write"
else
	skip "one write" "no strace"
fi

# hubs in trouble

over() { # NAME PORTS... - the last one gets it
	over_name=$1
	shift
	leaf over "$@"
	over_last=$(last k)
	printf '%s\n\nfail-over\n' "$full" | send over a b
	check "$over_name: exit 0 ($(code) $(cat "$work/said"))" [ "$(code)" = 0 ]
	check "and the next one has it" [ "$over_last" != "$(last k)" ]
	is "$(show text | tail -n 1)" fail-over "all of it"
}

start=$(date +%s)
over "refused" "$nobody" "$k"
over "Z" "$z" "$k"
over "closes at once" "$slam" "$k"
over "closes after the message" "$close" "$k"
over "answers nonsense" "$garbage" "$k"
check "none of these waited for the deadline" \
    [ $(($(date +%s) - start)) -lt 8 ]
timeout=3
over "never answers" "$silent" "$k"
over "half the hubs down" "$nobody" "$silent" "$z" "$k"

# a large message is sent a second time, from its file
leaf over "$close" "$deaf" "$k"
timeout=6
send over -i a b <"$work/big"
is "$(code)" 0 "a large message is repeated"
show text | sed -n '/^$/,$p' | cmp - "$work/big.got"
is $? 0 "as it was"

timeout=20
leaf final "$d" "$k"
before=$(last k)
printf '%s\n\nx\n' "$full" | send final a b
is "$(code) $(cat "$work/said")" "69 sendmail: 127.0.0.1:$d rejects it: we do \
not want it (#5.7.1)" "D is final: 69"
is "$(last k)" "$before" "no other hub is asked"
leaf final "$nouser" "$k"
printf '%s\n\nx\n' "$full" | send final a b
is "$(code)" 67 "D 5.1.1: 67"
leaf final "$early" "$k"
send final -i a b <"$work/big"
check "D before the message was sent ($(code)): final, or the next hub" \
    [ "$(code)" = 69 -o "$(code)" = 0 ]

leaf down "$nobody" "$z" "$slam"
printf '%s\n\nx\n' "$full" | send down a b
is "$(code) $(wc -l <"$work/said")" "75 1" "no hub: 75 and one line"
check "that names each reason: $(cat "$work/said")" \
    grep -q "127.0.0.1:$nobody: connecting: Connection refused; \
127.0.0.1:$z: deferred: come again (#4.3.1); 127.0.0.1:$slam: " "$work/said"

leaf stuck "$silent" "$deaf"
timeout=2
start=$(date +%s)
send stuck -i a b <"$work/big"
is "$(code)" 75 "hubs that do not answer: 75"
took=$(($(date +%s) - start))
check "within the deadline ($took s)" [ "$took" -le 4 ]
leaf drips "$drip"
start=$(date +%s)
printf '%s\n\nx\n' "$full" | send drips a
is "$(code)" 75 "a hub that answers by bytes: 75"
leaf sips "$sip"
send sips -i a b <"$work/big"
is "$(code)" 75 "one that reads by bytes: 75"
took=$(($(date +%s) - start))
check "within the deadlines ($took s)" [ "$took" -le 8 ]
timeout=20

# names of hosts
echo leaf.test | table names me
echo "localhost:$k" | table names qmqpservers
"$BIN/quail" build "$work/names"
printf '%s\n\nby name\n' "$full" | send names a b
is "$(code) $(show text | tail -n 1)" "0 by name" "a hub by its name"

# rewriting
leaf rewrite "$k"
table rewrite rewrite <<T
rcpt    root@leaf.test   ops@example.org
rcpt    *@leaf.test      %u@example.org
sender  daemon@leaf.test noreply@example.org
sender  *@leaf.test      %u@example.org
from    *@leaf.test      %u@example.org
T
"$BIN/quail" build "$work/rewrite" || exit 1
printf 'To: root, joe, ops@example.org, x@y.test\nFrom: Old <old@leaf.test>\n\n
' | send rewrite -t -F Joe
is "$(code) $(show envelope | tr '\n' ' ')" "0 from <$(id -un)@example.org> \
to <ops@example.org> to <joe@example.org> to <x@y.test> " \
    "rewrite: sender and recipients, each once"
is "$(show text | grep -c ^From:) $(show text | grep ^From:)" \
    "1 From: \"Joe\" <$(id -un)@example.org>" "rewrite: another From"
printf '\n\n' | send rewrite -f daemon a b@other.test
is "$(show envelope | tr '\n' ' ')$(show text | grep ^From:)" \
    "from <noreply@example.org> to <a@example.org> to <b@other.test> \
From: <daemon@example.org>" "rewrite: the first line that fits"
printf 'From: x@other.test\n\n' | send rewrite -f x@other.test a@other.test b
is "$(show envelope | head -n 1) $(show text | grep ^From:)" \
    "from <x@other.test> From: x@other.test" "rewrite: who fits no line stays"
echo 'sender * all@example.org' | table rewrite rewrite
"$BIN/quail" build "$work/rewrite" || exit 1
printf '\n\n' | send rewrite -f a b
is "$(show envelope | head -n 1)" "from <all@example.org>" "rewrite: all"
printf '\n\n' | send rewrite -f '' a b
is "$(show envelope | head -n 1)" "from <>" "rewrite: never the empty sender"
table rewrite rewrite <<T
rcpt    root@leaf.test   ops@example.org
sender  *@leaf.test      %u@example.org
from    *@leaf.test      %u@example.org
T
"$BIN/quail" build "$work/rewrite" || exit 1
is "$("$BIN/quail" explain -d "$work/rewrite" root@leaf.test |
    grep '^rewritten')" \
    "rewritten as rcpt: ops@example.org  [rewrite:1]
rewritten as sender: root@example.org  [rewrite:2]
rewritten as from: root@example.org  [rewrite:3]" "quail explain shows it"

# configuration
echo leaf.test | table empty me
"$BIN/quail" build "$work/empty"
: | send empty a b
is "$(code) $(wc -l <"$work/said")" "75 1" "no hubs in the table: 75, one line"
: | send missing a b
is "$(code) $(wc -l <"$work/said")" "75 1" "no configuration: 75, one line"

tap_done
