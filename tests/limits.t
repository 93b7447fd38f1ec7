#!/bin/sh
# limits.t - what a hub's doors allow: connections, balancers, senders, sizes,
# rates; a new key without a restart; the end in the middle of a message
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/limits
rm -rf "$work"
mkdir -p "$work/a" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

set -- $(free_ports 5)
qmqp=$1 behind=$2 smtp=$3 smtp_behind=$4 qmqps=$5

pin=$("$BIN/quail" key -o "$work/a/tls")
table a me <<T
a.test
T
table a listen <<T
qmqp 127.0.0.1:$qmqp
qmqp 127.0.0.1:$behind proxy=127.0.0.0/8
smtp 127.0.0.1:$smtp
smtp 127.0.0.1:$smtp_behind proxy=10.0.0.0/8,127.0.0.1
qmqps 127.0.0.1:$qmqps proxy=127.0.0.1
T
table a access <<T
127.0.0.1 none
127.0.0.2 relay senders=ok.test,.sub.test size=100
127.0.0.3 relay rate=2/h connections=1
192.0.2.7 relay repeats
2001:db8::/32 relay repeats
T
table a serverlimits <<T
connections-client 2
T
table a locals <<T
a.test
T
table a users <<T
*@a.test maildir:mail/%u
T
check 'the node comes up' node_start a || { cat "$work/a.log"; tap_done; }

says() {
	wait_for 20 grep -aqF "$1" "$work/a.log"
}

# netstring TEXT
netstring() {
	printf '%d:%s,' "${#1}" "$1"
}

# package RCPT... - of QMQP
package() {
	inner="$(netstring "Subject: x

x")$(netstring s@ok.test)"
	for rcpt; do
		inner="$inner$(netstring "$rcpt")"
	done
	netstring "$inner"
}

# header FAMILY HOST - of the PROXY protocol; LOCAL when there is no host
header() {
	perl -MSocket=inet_pton,AF_INET,AF_INET6 -e '
		my ($family, $host) = @ARGV;
		print "\r\n\r\n\0\r\nQUIT\n";
		print pack("CCn", 0x20, 0, 0) unless $host;
		my $v6 = $family == 6;
		my $a = inet_pton($v6 ? AF_INET6 : AF_INET, $host // exit);
		my $more = "\x04\0\x03abc";
		print pack("CCn", 0x21, $v6 ? 0x21 : 0x11,
			2 * length($a) + 4 + length $more),
			$a, $a, pack("nn", 4711, 25), $more;' "$@"
}

# talk PORT - send stdin from 127.0.0.1, print what comes back
talk() {
	timeout 20 perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
			PeerPort => $ARGV[0]) or exit 1;
		local $/;
		print $s <STDIN>;
		$s->flush;
		print <$s> // "";' "$1"
}

# balancers

case $({ header 4 192.0.2.7; package one@a.test two@a.test; } |
	talk "$behind") in
*:Kok*) pass 'a client behind a balancer: K' ;;
*) fail 'a client behind a balancer: K' ;;
esac
case $({ header 6 2001:db8::7; package one@a.test two@a.test; } |
	talk "$behind") in
*:Kok*) pass 'the same by IPv6' ;;
*) fail 'the same by IPv6' ;;
esac
check 'both are delivered' wait_for 20 has_count "$work/a/mail/two/new" 2
check 'the trace line names the client' \
    grep -qrF 'from (192.0.2.7)' "$work/a/mail/one/new"
check 'the log too' grep -aqE 'event=package .*client=2001:db8::7' "$work/a.log"
case $({ header 4 192.0.2.8; package one@a.test; } | talk "$behind") in
*'(#4.7.1)'*) pass 'whom access does not know: Z' ;;
*) fail 'whom access does not know: Z' ;;
esac
case $({ header 4; package one@a.test; } | talk "$behind") in
*'(#4.7.1)'*) pass 'LOCAL: the balancer itself' ;;
*) fail 'LOCAL: the balancer itself' ;;
esac
is "$(package one@a.test | talk "$behind")" '' 'no header: no word'
check 'and a line in the log' says 'no PROXY header of version 2'
is "$({ header 4 192.0.2.7; package one@a.test; } | talk "$qmqp")" '' \
    'a header where none is expected: no word'
check 'and a line in the log' says 'a PROXY header came from a client'
is "$(header 4 192.0.2.7 | timeout 20 perl -MIO::Socket::INET -e '
	my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
		PeerPort => $ARGV[0]);
	print $s <STDIN>;
	$s->flush;
	print substr(<$s>, 0, 4);
	print $s "QUIT\r\n";
	print substr(<$s>, 0, 4);' "$smtp_behind")" '220 221 ' \
    'SMTP behind a balancer'
check 'nothing else was accepted' sh -c \
    "[ \$(cat '$work'/a/mail/one/new/* | grep -c ^Subject) = 2 ]"

# what a client may do

smtp_says() { # FROM NAME EXPECTED, stdin as smtp_talk.pl has it
	is "$(perl "$here/smtp_talk.pl" "$smtp" "$1" | tr '\n' ' ')" "$3" "$2"
}
smtp_says 127.0.0.2 'SMTP: senders and sizes of a client' \
    '220 250 550 5.7.1 552 5.3.4 250 2.1.0 250 2.1.5 354 552 5.3.4 250 2.1.0 ' <<'T'
1
1 EHLO x
1 MAIL FROM:<a@bad.test>
1 MAIL FROM:<a@ok.test> SIZE=101
1 MAIL FROM:<a@x.sub.test>
1 RCPT TO:<one@a.test>
1 DATA
1 123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345\r\n.\r\n
1 MAIL FROM:<>
T
smtp_says 127.0.0.3 'SMTP: the rate of a client' \
    '220 250 250 2.1.0 250 2.0.0 250 2.1.0 250 2.0.0 451 4.7.0 ' <<'T'
1
1 EHLO x
1 MAIL FROM:<a@b.test>
1 RSET
1 MAIL FROM:<a@b.test>
1 RSET
1 MAIL FROM:<a@b.test>
T

# connections: two of a stranger, one of whom access says so

perl -MIO::Socket::INET -e '
	my ($port, $host, $n) = @ARGV;
	my @s = map IO::Socket::INET->new(PeerAddr => "127.0.0.1",
		PeerPort => $port, LocalAddr => $host), 1 .. $n;
	print map { (substr(<$_> // "closed", 0, 3) . " ") } @s;' \
    "$smtp" 127.0.0.9 3 >"$work/three"
is "$(cat "$work/three")" '220 220 421 ' 'SMTP: 421 for the third of a stranger'
check 'a line in the log' says \
    'event=refused client=127.0.0.9 why="too many connections from this client"'
perl -MIO::Socket::INET -e '
	my ($port, $host) = @ARGV;
	my @s = map IO::Socket::INET->new(PeerAddr => "127.0.0.1",
		PeerPort => $port, LocalAddr => $host), 1 .. 2;
	my $s = $s[1];
	syswrite $s, "9000000:" . "x" x 4000000 or print "not sent ";
	local $/;
	print <$s> // "";' "$qmqp" 127.0.0.3 >"$work/two"
is "$(cat "$work/two")" '41:Ztoo many connections, try again (#4.3.2),' \
    'QMQP: Z, though the client sends on'

# a new key

pid=$(node_process a qmqpd)
new=$("$BIN/quail" key --force -o "$work/a/tls" 2>/dev/null)
kill -HUP "$(cat "$work/a.pid")"
check 'a new key is read' says "event=key pin=$new"
is "$(node_process a qmqpd)" "$pid" 'without a restart'
check 'it is another one' [ "$new" != "$pin" ]
echo broken >"$work/a/tls/cert.pem"
kill -HUP "$pid"
check 'a broken one is told' says 'event=key bad='
is "$(node_process a qmqpd)" "$pid" 'and does no harm'
cat >"$work/a/serverlimits" <<T
connections-client 1
T
"$BIN/quail" key --force -o "$work/a/tls" >/dev/null 2>&1
"$BIN/quail" build "$work/a" 2>/dev/null
check 'a new configuration is in use' says 'what="a new one is in use"'

# the end, in the middle of messages

perl -MIO::Socket::INET -e '
	my ($qmqp, $smtp, $ready, $package) = @ARGV;
	my ($q, $s) = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1",
		PeerPort => $_, LocalAddr => "127.0.0.4") } $qmqp, $smtp;
	local $SIG{ALRM} = sub { print "late" };
	alarm 20;
	my $line = <$s>;
	for ("EHLO x", "MAIL FROM:<a\@b.test>", "RCPT TO:<three\@a.test>",
		"RCPT TO:<four\@a.test>", "DATA") {
		print $s "$_\r\n";
		do { $line = <$s> } while $line =~ /^\d\d\d-/;
	}
	print $q substr $package, 0, 20;
	open my $f, ">", $ready; close $f;
	sleep 2;
	print $s "Subject: y\r\n\r\ny\r\n.\r\n";
	print $q substr $package, 20;
	print substr(<$s> // "closed", 0, 4), substr(<$s> // "closed", 0, 4);
	local $/;
	print <$q> // "closed";' "$qmqp" "$smtp" "$work/ready" \
    "$(package one@a.test two@a.test)" >"$work/drained" &
talker=$!
wait_for 20 [ -e "$work/ready" ]
in=$(node_process a smtp-gateway in)
kill -TERM "$in" "$pid"
wait "$talker"
is "$(cut -c1-8 "$work/drained")" '250 421 ' \
    'SMTP: TERM lets a message end, and no more'
check 'QMQP: what was begun is answered' grep -q '(#4.7.1)' "$work/drained"
both_ended() {
	is_gone "$in" && is_gone "$pid"
}
check 'both have ended' wait_for 5 both_ended

check 'the node ends on TERM' node_stop a
# two of its daemons were told to end, so "died" is no fault here
check 'it was sound' sh -c \
    "! grep -aE 'event=bug|Sanitizer|runtime error:' '$work/a.log' >&2"
tap_done
