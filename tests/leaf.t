#!/bin/sh
# leaf.t - the leaf's spool and its drain, with hubs in every kind of trouble
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/leaf
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

set -- $(free_ports 8)
k=$1 z=$2 d=$3 silent=$4 close=$5 later=$6 nobody=$7 late=$8

sink() { # NAME PORT BEHAVIOUR
	background perl "$here/qmqp_sink.pl" "$2" "$work/$1" "$3"
	wait_for 20 port_answers "$2"
	wait_for 20 has_count "$work/$1" 1
	rm -f "$work/$1"/[0-9]*
}

sink k "$k" 'Kok 1795293611 id 69300001000000a1'
sink z "$z" 'Zcome again (#4.3.1)'
sink d "$d" 'Dwe do not want it (#5.7.1)'
sink silent "$silent" silent
sink close "$close" close
sink late "$late" late

# leaf NAME PORT... - a leaf with these hubs and an empty spool
leaf() {
	leaf_name=$1
	shift
	echo leaf.test | table "$leaf_name" me
	for leaf_port in "$@"; do
		echo "127.0.0.1:$leaf_port"
	done | table "$leaf_name" qmqpservers
	"$BIN/quail" build "$work/$leaf_name" || exit 1
	[ -d "$work/$leaf_name/spool" ] || {
		mkdir "$work/$leaf_name/spool"
		chmod 3733 "$work/$leaf_name/spool"
	}
}

# send LEAF ARGUMENTS... - as in sendmail.t
send() {
	send_dir=$work/$1
	shift
	QUAIL_DIR=$send_dir QUAIL_TIMEOUT_S=${timeout:-20} "$BIN/sendmail" "$@" \
	    >"$work/said" 2>&1
	echo $? >"$work/code"
}

drain() { # LEAF - its exit code is told by code
	"$BIN/qmqpc" --drain "$work/$1" >"$work/log" 2>&1
	echo $? >"$work/code"
}

code() {
	cat "$work/code"
}

waits() { # LEAF - how many messages
	ls "$work/$1/spool" | grep -c '^m\.'
}

failed() { # LEAF
	ls "$work/$1/spool/failed" | grep -c '^m\.'
}

waits_are() { # LEAF N
	[ "$(waits "$1")" = "$2" ]
}

got() { # SINK - how many packages
	ls "$work/$1" 2>/dev/null | grep -vc tmp
}

last() { # SINK
	ls "$work/$1" | grep -v tmp | sort -n | tail -n 1 | sed "s,^,$work/$1/,"
}

show() { # [PART] - of the newest package of k
	perl "$here/qmqp_show.pl" "$(last k)" "$@"
}

message() {
	printf 'Subject: %s\n\ntext\n' "$1"
}

# nobody takes it: spooled; a hub is back: sent, as it was

leaf a "$nobody"
message one | send a -v -f s@x.test a@b.test c
is "$(code) $(waits a)" "0 1" "no hub: exit 0, one message waits"
check "and -v says where: $(cat "$work/said")" \
    grep -q "waits in the spool as $(ls "$work/a/spool" | grep '^m' | cut -c3-)" \
    "$work/said"
is "$(ls -l "$work/a/spool" | grep m\\. | cut -c1-10)" "-rw-r-----" \
    "its group, the drain's, may read it and nobody else"
message two | send a -f '' a@b.test c
is "$(code) $(cat "$work/said")$(waits a)" "0 2" "without -v nothing is said"
QUAIL_DIR=$work/a "$BIN/mailq" >"$work/said"
is "$(sed 's/.*<\(.*\)>/\1/' "$work/said" | sort | tr '\n' ' ')" \
    " a@b.test a@b.test c@leaf.test c@leaf.test s@x.test " "mailq lists them"
drain a
is "$(code) $(waits a)" "75 2" "a drain without hubs: 75, they wait on"
leaf a "$nobody" "$z"
drain a
is "$(code) $(waits a) $(got z)" "75 2 2" "Z: both were tried, they wait on"
leaf a "$nobody" "$k"
drain a
is "$(code) $(waits a) $(got k)" "0 0 2" "a hub is back: sent and removed"
is "$(for f in "$work"/k/*; do perl "$here/qmqp_show.pl" "$f" envelope; done |
    sort | tr '\n' ' ')" "from <> from <s@x.test> to <a@b.test> \
to <a@b.test> to <c@leaf.test> to <c@leaf.test> " "the envelopes"
QUAIL_DIR=$work/a "$BIN/sendmail" -bp >"$work/said"
is "$(cat "$work/said")" "Mail queue is empty" "-bp: nothing"

# large, and odd bytes

perl -e 'print "Subject: big\n\n\0\377\r\1"; print "x" x 70, "\n" for 1 .. 9000' \
    >"$work/big"
leaf b "$nobody"
send b -i a b <"$work/big"
leaf b "$k"
drain b
show text | sed '1,/^$/d' >"$work/big.got"
sed '1,/^$/d' "$work/big" | cmp - "$work/big.got"
is "$? $(waits b)" "0 0" "a large message with odd bytes"

# D

leaf c "$nobody"
message refused | send c -f s@x.test a@b.test c@d.test
leaf c "$d"
before=$(got d)
drain c
is "$(waits c) $(failed c)" "0 1" "D, and its bounce too: failed/"
is "$(perl "$here/qmqp_show.pl" "$(last d)" envelope | tr '\n' ' ')" \
    "from <> to <s@x.test> " "the bounce was tried, from nobody"
is $(($(got d) - before)) 2 "both once"
message refused | send c -f s@x.test a@b.test c@d.test
is "$(code)" 69 "without the spool in between D is the caller's"
leaf c "$nobody"
message refused | send c -f '' a@b.test c@d.test
leaf c "$d"
before=$(got d)
drain c
is "$(waits c) $(failed c) $(($(got d) - before))" "0 2 1" \
    "a bounce makes no bounce: failed/"

# a hub that refuses the message, and takes its bounce
cat >"$work/picky.pl" <<'P'
use IO::Socket::INET;
$SIG{PIPE} = "IGNORE";
my ($port, $dir, $word) = @ARGV;
mkdir $dir;
my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port,
	Listen => 50, ReuseAddr => 1) or die;
my $n = 0;
while (my $s = $l->accept) {
	my ($b, $want) = ("", undef);
	while (!defined $want || length $b < $want) {
		sysread $s, $b, 65536, length $b or last;
		$want = $+[0] + $1 + 1 if !defined $want && $b =~ /\A(\d+):/;
	}
	next if !defined $want || length $b < $want;
	open my $f, ">", "$dir/" . ++$n;
	print $f $b;
	close $f;
	if ($word eq "hang" && $b =~ /poison/) { push @kept, $s; next }
	my $a = $b =~ /Subject: refused/ && $b !~ /failure notice/
	    ? "Dnobody of that name (#5.1.1)" : "Kok";
	syswrite $s, length($a) . ":$a,";
}
P
set -- $(free_ports 2)
picky=$1 hang=$2
background perl "$work/picky.pl" "$picky" "$work/picky" none
background perl "$work/picky.pl" "$hang" "$work/hang" hang
wait_for 20 port_answers "$picky"
wait_for 20 port_answers "$hang"
leaf e "$nobody"
message refused | send e -f s@x.test a@b.test c@d.test
leaf e "$picky"
drain e
is "$(code) $(waits e) $(failed e)" "0 0 0" "D: the bounce was taken"
bounce=$(perl "$here/qmqp_show.pl" "$work/picky/2" text)
is "$(perl "$here/qmqp_show.pl" "$work/picky/2" envelope | tr '\n' ' ')" \
    "from <> to <s@x.test> " "by the sender"
for part in 'Subject: failure notice' 'Auto-Submitted: auto-replied' \
    '<a@b.test>:' '<c@d.test>:' 'nobody of that name (#5.1.1)' \
    'Return-Path: <s@x.test>' 'Subject: refused'; do
	check "it says: $part" sh -c 'echo "$1" | grep -qF "$2"' - "$bounce" \
	    "$part"
done

# a lifetime, by time that drains have seen pass

# waited LEAF HOURS ANSWERS - as if drains had seen all of its mail wait for so
# long, and hubs had said Z so often
waited() {
	perl -e '
		my ($spool, $hours, $answers) = @ARGV;
		open my $up, "<", "/proc/uptime" or die;
		my ($boot, $now) = (int <$up> =~ s/ .*//sr, time);
		open my $f, ">", "$spool/failed/tried" or die;
		print $f "now $now $now $boot\n";
		printf $f "%s %d 9 %d\n", m{([0-9a-f]{16})$},
		    $now - 3600 * $hours, $answers for glob "$spool/m.*";
		print $f "end\n";
	' "$work/$1/spool" "$2" "$3"
}

leaf f "$nobody"
message late | send f -f s@x.test a@b.test
leaf f "$z"
touch -d '9 days ago' "$work"/f/spool/m.*
drain f
is "$(waits f) $(failed f)" "1 0" "the date of its file makes no mail old"
check "nor a bounce" [ -z "$(grep -al 'too long' "$work"/z/*)" ]
touch -d '1970-01-02' "$work"/f/spool/m.*
drain f
check "nor one before the clock was set" \
    [ "$(waits f) $(grep -al 'too long' "$work"/z/* | wc -l)" = "1 0" ]
touch -d '2031-01-02' "$work"/f/spool/m.*
waited f 216 1
drain f
is "$(waits f) $(grep -al 'too long' "$work"/z/* | wc -l)" "1 0" \
    "9 days, but a hub has answered twice only: not yet"
waited f 216 2
drain f
is "$(waits f) $(failed f)" "1 0" "at the third its bounce gets Z: it waits"
check "a bounce was tried, also of what is stamped in the future" \
    grep -aq 'too long (#5.4.7)' "$(last z)"
waited f 360 2
drain f
is "$(code) $(waits f) $(failed f)" "69 0 1" "15 days: failed/, and 69"

leaf w "$nobody"
message short | send w -f s@x.test a@b.test
leaf w "$z"
before=$(grep -al 'too long' "$work"/z/* | wc -l)
drain w
tried=$(ls -i "$work/w/spool/failed/tried")
drain w
is "$(ls -i "$work/w/spool/failed/tried")" "$tried" \
    "it is not written at each drain"
for i in 1 2 3; do
	sleep 1.1
	QUAIL_SPOOL_LIFETIME_S=1 drain w
done
is "$(($(grep -al 'too long' "$work"/z/* | wc -l) > before))" 1 \
    "a lifetime of a second is over after three drains"

# the whole spool has a limit

leaf g "$nobody"
for i in 1 2 3; do message $i | send g a@b.test; done
QUAIL_SPOOL_BYTES=500 drain g
mark=$work/g/spool/full/$(id -u)
check "the drain marks a full spool" [ -e "$mark" ]
message 4 | send g a@b.test
is "$(code) $(waits g) $(wc -l <"$work/said")" "75 3 1" "then: 75 and one line"
leaf g "$k"
drain g
drain g
check "and takes the mark away" [ ! -e "$mark" ]

# the same, and the times, out of the table

options() { # LEAF OPTION... PORT - one hub
	options_leaf=$1
	shift
	options_line=
	while [ $# -gt 1 ]; do
		options_line="$options_line $1"
		shift
	done
	leaf "$options_leaf" "$1"
	echo "$options_line" >>"$work/$options_leaf/qmqpservers"
	"$BIN/quail" build "$work/$options_leaf" || exit 1
}

options n spool=1k "$nobody"
for i in 1 2 3 4 5; do message $i | send n -f s@x.test a@b.test c@d.test; done
is "$(code) $(grep -c 'the spool is full' "$work/said") \
$(($(waits n) > 1 && $(waits n) < 5))" "75 1 1" "spool=1k: room for some"
before=$(waits n)
options n lifetime=1d spool=1g "$z"
drain n
is "$(waits n) $(failed n)" "$before 0" "lifetime=1d: not yet"
waited n 36 2
drain n
check "36 hours old: a bounce" grep -aq 'too long (#5.4.7)' "$(last z)"
waited n 72 2
drain n
is "$(waits n) $(failed n)" "0 $before" "three days old: failed/"
options o timeout=1s "$silent"
before=$(date +%s)
message x | QUAIL_DIR=$work/o "$BIN/sendmail" a@b.test c@d.test
is "$? $(waits o) $(($(date +%s) - before < 10))" "0 1 1" \
    "timeout=1s: spooled when it is over"

# half of the hubs are down, one of them without a word: the others take it

timeout=8
leaf p "$nobody" "$silent" "$close" "$z" "$k"
before=$(got k)
for i in 1 2; do message $i | send p a@b.test c@d.test; done
is "$(code) $(waits p) $(($(got k) - before))" "0 0 2" \
    "four in every kind of trouble, and one that takes it"
rm -f "$work"/close/[0-9]*

# spread: an order of one's own, and always the same

leaf q $(free_ports 6)
listed=$(sed 's/^.*://' "$work/q/qmqpservers" | tr '\n' ' ')
echo order=spread >>"$work/q/qmqpservers"
"$BIN/quail" build "$work/q" || exit 1
asked() { # the ports in the order in which they were asked
	message x | send q -v a@b.test c@d.test
	grep -o '127.0.0.1:[0-9]*' "$work/said" | cut -d: -f2 | tr '\n' ' '
}
first=$(asked)
is "$(asked)$(asked)" "$first$first" "order=spread: the same order each time"
is "$(echo "$first" | tr ' ' '\n' | sort)" "$(echo "$listed" | tr ' ' '\n' |
    sort)" "and all of them"
timeout=20

# what others may have planted

leaf h "$nobody"
message good | send h -f s@x.test a@b.test
echo secret >"$work/secret"
ln -s "$work/secret" "$work/h/spool/m.0000000000000001"
ln "$work/secret" "$work/h/spool/m.0000000000000002"
mkfifo "$work/h/spool/m.0000000000000003"
mkdir "$work/h/spool/m.0000000000000004"
echo junk >"$work/h/spool/m.0000000000000005"
: >"$work/h/spool/m.0000000000000006"
echo x >"$work/h/spool/stray"
leaf h "$k"
before=$(got k)
drain h
is "$(($(got k) - before)) $(failed h) $(cat "$work/secret")" "1 2 secret" \
    "only the message goes; files that are none: failed/"
is "$(ls "$work/h/spool" | tr '\n' ' ')" "failed full m.0000000000000001 \
m.0000000000000002 m.0000000000000003 m.0000000000000004 stray " \
    "links, a FIFO, a directory: not touched"

# hubs in trouble, and no loss

over() { # NAME PORTS...
	over_name=$1
	shift
	leaf over "$@"
	message "$over_name" | send over a@b.test c@d.test
	is "$(code) $(waits over)" "0 1" "$over_name: spooled"
	leaf over "$k"
	before=$(got k)
	drain over
	is "$(waits over) $(($(got k) - before))" "0 1" "and sent once"
}

timeout=2
over "refused" "$nobody"
over "never answers" "$silent"
over "Z" "$z"
over "half of them down" "$nobody" "$z" "$silent"
asked=$(got close)
over "closes behind the message" "$close"
check "it was asked again at once, before another ($(got close))" \
    [ "$(got close)" -ge $((asked + 2)) ]
is "$(for f in "$work"/close/*; do cksum <"$f"; done | sort -u | wc -l)" 1 \
    "with the same bytes"
timeout=20

# the same bytes at every try: a hub of ours takes them once
leaf i "$z"
message same | send i a@b.test
drain i
leaf i "$k"
drain i
is "$(cat "$work/z"/* | wc -c) $(cksum <"$(last z)")" \
    "$(cat "$work/z"/* | wc -c) $(cksum <"$(last k)")" "by hand and by drain"

# two drains

leaf j "$nobody"
message x | send j a@b.test
echo 1 >"$work/j/stopwait"
leaf j "$silent"
"$BIN/qmqpc" --drain "$work/j" 2>/dev/null &
first=$!
before=$(got silent)
wait_for 20 has_count "$work/silent" $((before + 1))
QUAIL_TIMEOUT_S=2
export QUAIL_TIMEOUT_S
drain j
unset QUAIL_TIMEOUT_S
is "$(code) $(grep -c 'another drain' "$work/log")" "75 1" \
    "a second drain does not begin"
kill "$first"
wait "$first" 2>/dev/null
rm "$work/j/stopwait"
leaf j "$k"
drain j
is "$(waits j)" 0 "when the first is gone it does"

# an orderly end waits for a hub that has the whole message

leaf p "$nobody"
message x | send p a@b.test
leaf p "$late"
"$BIN/qmqpc" --drain "$work/p" 2>"$work/log" &
first=$!
wait_for 20 has_count "$work/late" 1
kill "$first"
wait "$first"
is "$? $(waits p) $(got late)" "0 0 1" "TERM: its K is waited for, and counts"
leaf p "$nobody"
message x | send p a@b.test
echo 1 >"$work/p/stopwait"
leaf p "$silent"
before=$(got silent)
"$BIN/qmqpc" --drain "$work/p" 2>"$work/log" &
first=$!
wait_for 20 has_count "$work/silent" $((before + 1))
kill "$first"
wait "$first"
is "$? $(waits p) $(grep -c possible-duplicate "$work/log")" "0 1 1" \
    "for as long as stopwait says; then it may come twice, and the log says so"

# a message that a hub chokes on holds up nobody for long

leaf l "$nobody"
message poison | send l a@b.test
for i in 1 2 3; do message $i | send l a@b.test; done
leaf l "$hang" "$k"
QUAIL_TIMEOUT_S=4
export QUAIL_TIMEOUT_S
node_start l
unset QUAIL_TIMEOUT_S
check "three pass by" wait_for 60 waits_are l 0

# a node: all hubs down and back

leaf m "$later"
node_start m || fail "the leaf runs"
check "quail run makes the spool" [ -d "$work/m/spool/failed" ]
for i in 1 2 3 4 5; do
	message "$i" | send m a@b.test c@d.test
done
is "$(waits m)" 5 "five wait while all hubs are down"
sink later "$later" 'Kok'
check "the drain notices that it is back" wait_for 60 waits_are m 0
check "each was sent" has_count "$work/later" 5
before=$(got later)
node_stop m
message six | send m a@b.test
is "$(code) $(waits m)" "0 0" "and what comes now goes at once"
check "the leaf is sound" node_is_sound m

tap_done
