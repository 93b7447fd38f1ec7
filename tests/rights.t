#!/bin/sh
# rights.t - new tables count on connections that are open already
#
# Clients of every door have sent a message and stay connected: their key
# leaves the table access, or comes into it; their network loses its right;
# their limit becomes smaller; their balancer is not trusted any more. What
# they send next goes by the new tables. So does a hub's own connection, when
# it knows the next hop by another pin than it did.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/rights
rm -rf "$work"
mkdir -p "$work/a/tls" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

command -v openssl >/dev/null 2>&1 || skip_all 'there is no openssl'

set -- $(free_ports 9)
qmqp=$1 qmqps=$2 qmtp=$3 qmtps=$4 smtp=$5 behind=$6 smtp_behind=$7
leaf=$8 b=$9

for key in a/tls b/tls guest other; do
	mkdir -p "$work/$(dirname $key)"
	name=$(echo "$key" | tr / _)
	eval "pin_$name=\$(\"\$BIN/quail\" key -o \"\$work/$key\")"
done

# listen_with NETWORK - which balancers are trusted
listen_with() {
	table a listen <<T
qmqp 127.0.0.1:$qmqp
qmqp 127.0.0.1:$behind proxy=$1
qmqps 127.0.0.1:$qmqps
qmtp 127.0.0.1:$qmtp
qmtps 127.0.0.1:$qmtps
smtp 127.0.0.1:$smtp
smtp 127.0.0.1:$smtp_behind proxy=$1
T
}

# The right and the options of loopback, of those behind the balancer, and the
# lines of keys.
access_with() {
	printf '127.0.0.0/8 %s\n192.0.2.7 relay repeats\n' "$1" | table a access
	printf '%s\n' "$2" >>"$work/a/access"
}

known="$pin_guest guest relay repeats
$pin_b_tls b relay repeats"
echo a.test | table a me
listen_with 127.0.0.0/8
access_with 'relay repeats' "$known"
echo 'far.test hold' | table a routes
check 'the node comes up' node_start a || { cat "$work/a.log"; tap_done; }

# taken_up NODE N - have so many daemons of it the new tables?
taken_up() {
	[ "$(grep -acE 'event=config( what="a new|$| state=new)' \
	    "$work/$1.log")" -ge "$2" ]
}

# change NODE N - build it, and wait until N daemons have it
change() {
	n=$(grep -acE 'event=config( what="a new|$| state=new)' "$work/$1.log")
	"$BIN/quail" build "$work/$1" >/dev/null 2>&1
	wait_for 20 taken_up "$1" $((n + $2))
}

# Clients: each in a process of its own, with one connection. It sends a line
# of $work/NAME.do when it is there, with its \r and \n made to bytes, and
# writes what comes to $work/NAME.says.
cat >"$work/client.pl" <<'P'
use strict;
use warnings;
use IO::Socket::INET;
use IPC::Open2;
my ($name, $port, @tls) = @ARGV;
my ($in, $out);
if (@tls) {
	open2($in, $out, "openssl", "s_client", "-quiet", "-tls1_2",
		"-connect", "127.0.0.1:$port", "-cert", "$tls[0]/cert.pem",
		"-key", "$tls[0]/key.pem");
} else {
	$in = $out = IO::Socket::INET->new("127.0.0.1:$port") or die;
}
$out->autoflush(1);
$SIG{PIPE} = "IGNORE";
open my $says, ">", "$name.says" or die;
$says->autoflush(1);
my $done = 0;
alarm 120;
for (;;) {
	if (open my $f, "<", "$name.do") {
		my @lines = <$f>;
		while ($done < @lines && $lines[$done] =~ s/\n$//) {
			my $line = $lines[$done++];
			$line =~ s/\\([rn0])/{r=>"\r",n=>"\n",0=>"\0"}->{$1}/ge;
			$line =~ s/\\x(..)/chr hex $1/ge;
			print $out $line;
		}
	}
	my $r = "";
	vec($r, fileno $in, 1) = 1;
	next unless select $r, undef, undef, 0.02;
	sysread $in, my $bytes, 65536 or do { print $says "EOF\n"; exit };
	print $says $bytes;
}
P

client() {
	: >"$work/$1.do"
	# shellcheck disable=SC2086
	background perl "$work/client.pl" "$work/$1" "$2" ${3:-} 2>/dev/null
}

say() {
	printf '%s\n' "$2" >>"$work/$1.do"
}

# says NAME N TEXT - has it heard this so many times?
has_said() {
	[ "$(grep -aoF -- "$3" "$work/$1.says" 2>/dev/null | wc -l)" -ge "$2" ]
}

says() {
	check "$4" wait_for 10 has_said "$1" "$2" "$3" ||
		tail -n 3 "$work/$1.says" | sed 's/^/# /'
}

netstring() {
	printf '%d:%s,' "${#1}" "$1"
}

# package RCPT NUMBER - of QMTP; its line ends are one byte each
package() {
	text="Subject: $2xx"
	printf '%d:\\n%s,' $((${#text} + 1)) "$text"
	netstring s@ok.test
	netstring "$(netstring "$1")"
}

# single RCPT - a package of QMQP
single() {
	netstring "$(netstring 'Subject: one')$(netstring s@ok.test)$(netstring \
	    "$1")"
}

header='\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x0a\0\0\x01\x30\x39\x02\x74'
mail='MAIL FROM:<s@ok.test>\r\nRCPT TO:<x@far.test>\r\nRSET\r\n'

# everybody is connected, and may send

client qmqp "$qmqp"
client qmqp_behind "$behind"
client qmqps "$qmqps" "$work/guest"
client qmtp "$qmtp"
client qmtps "$qmtps" "$work/guest"
client unknown "$qmtps" "$work/other"
client smtp "$smtp"
client smtp_behind "$smtp_behind"
say smtp_behind "$header"
for c in smtp smtp_behind; do
	says $c 1 '220 ' "$c: greeted"
	say $c 'EHLO x\r\n'
	says $c 1 'ENHANCED' "$c: it says EHLO"
	say $c "$mail"
	says $c 1 '250 2.1.5' "$c: may send"
done
say qmqp_behind "$header"
for c in qmtp qmtps unknown; do
	say $c "$(package x@far.test 1)"
	says $c 1 ':Kok' "$c: may send"
done

# tables that say the same of them

printf '%s\n' 'more.test hold' >>"$work/a/routes"
check 'new tables are in use' change a 3
say smtp_behind "$mail"
says smtp_behind 2 '250 2.1.5' 'smtp: its balancer is trusted still'
say qmtps "$(package x@far.test 1b)"
says qmtps 2 ':Kok' 'qmtps: its key may send still'

# a revoked key, a network without its right, and balancers that are strangers

access_with none "$pin_b_tls b relay repeats"
listen_with 10.0.0.0/8
check 'other tables are in use' change a 3
say qmqp "$(single x@far.test)"
says qmqp 1 'you may not send here' 'qmqp: its network has no right any more'
say qmqps "$(single x@far.test)"
says qmqps 1 'you may not send here' 'qmqps: its key is revoked'
say qmqp_behind "$(single x@far.test)"
says qmqp_behind 1 'not trusted any more (#4.7.1)' \
    'qmqp: its balancer is not trusted any more'
for c in qmtp qmtps unknown; do
	say $c "$(package x@far.test 2)"
	says $c 1 'I do not relay' "$c: no more"
done
say smtp "$mail"
says smtp 1 '550 5.7.1' 'smtp: no more'
say smtp_behind "$mail"
says smtp_behind 1 '421 4.7.1' \
    'smtp: its balancer is not trusted any more'

# and back, to another key, with a smaller limit

access_with 'relay repeats size=5' "$known
$pin_other other relay repeats"
check 'others again' change a 3
say qmtps "$(package x@far.test 3)"
says qmtps 3 ':Kok' 'qmtps: its key is back'
say unknown "$(package x@far.test 3)"
says unknown 2 ':Kok' 'qmtps: a key that is known now'
check 'it has its name in the log' wait_for 5 grep -aq \
    'event=package .* name=other' "$work/a.log"
say qmtp "$(package x@far.test 3)"
says qmtp 1 'too large for this client' 'qmtp: a smaller limit'
say smtp 'MAIL FROM:<s@ok.test> SIZE=6\r\n'
says smtp 1 '552 5.3.4' 'smtp: a smaller limit'

# a leaf that listens by SMTP

echo leaf.test | table leaf me
echo "smtp 127.0.0.1:$leaf" | table leaf listen
echo "127.0.0.1:$qmqp" | table leaf qmqpservers
echo '127.0.0.1 relay' | table leaf access
check 'a leaf comes up' node_start leaf
client leaf "$leaf"
says leaf 1 '220 ' 'leaf: greeted'
say leaf 'EHLO x\r\n'
says leaf 1 'ENHANCED' 'leaf: it says EHLO'
say leaf "$mail"
says leaf 1 '250 2.1.5' 'leaf: may send'
echo '127.0.0.1 none' | table leaf access
check 'leaf: other tables are in use' change leaf 2
say leaf "$mail"
says leaf 1 '550 5.7.1' 'leaf: no more'

# a hub's own connections

policy() {
	echo "localhost verify pin=$1" | table b tlspolicy
}

# send N - from b to a; has it been answered there?
send() {
	"$BUILD/tests/quail-load" -m 1 -b 300 -t "$1@far.test" \
	    -f b@ok.test "127.0.0.1:$b" >/dev/null
}

delivered() {
	grep -aq "event=delivery .*to=$1@far.test verdict=$2" "$work/b.log"
}

n_connected() {
	grep -ac 'event=connected ' "$work/b.log"
}

echo b.test | table b me
echo "qmtp 127.0.0.1:$b" | table b listen
echo '127.0.0.1 relay' | table b access
echo "* qmtps:localhost:$qmtps" | table b routes
policy "$pin_a_tls"
check 'another hub comes up' node_start b
send one
check 'it sends' wait_for 20 delivered one K
echo 'more.test hold' >>"$work/b/routes"
check 'b: tables that say the same of the next hop' change b 2
send two
check 'it sends again' wait_for 20 delivered two K
is "$(n_connected)" 1 'on the same connection'
policy "$pin_other"
check 'b: tables with another pin' change b 2
send three
check 'it sends nothing to who has not that pin' wait_for 20 delivered three Z
is "$(n_connected)" 1 'on no connection at all'
policy "$pin_a_tls"
check 'b: the right one again' change b 2
send four
check 'it sends' wait_for 40 delivered four K
is "$(n_connected)" 2 'on a new connection'

for node in a leaf b; do
	kill "$(cat "$work/$node.pid")"
done
for node in a leaf b; do
	check "$node ends" node_stop $node
	check 'and was sound' node_is_sound $node
done
tap_done
