#!/bin/sh
# proxy.t - hubs behind a balancer, and what a key allows, over the wire
#
# A small balancer of ours puts a PROXY header in front of openssl's client;
# then Debian's HAProxy does, with its health checks. What access says about
# a key (senders, size, rate) must hold by QMQPS and by QMTPS, and a new key
# of the server be shown without a restart.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/proxy
rm -rf "$work"
mkdir -p "$work/a/tls" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

command -v openssl >/dev/null 2>&1 || skip_all 'there is no openssl'

set -- $(free_ports 9)
qmqp=$1 qmqps=$2 smtp=$3 qmtps=$4 direct=$5
ours=$6 at_qmqp=$7 at_qmqps=$8 at_smtp=$9

for key in a/tls bound paced free foreign; do
	name=$(echo "$key" | tr / _)
	eval "pin_$name=\$(\"\$BIN/quail\" key -o \"\$work/$key\")"
done
table a me <<T
a.test
T
table a listen <<T
qmqp 127.0.0.1:$qmqp proxy=127.0.0.1
qmqps 127.0.0.1:$qmqps proxy=127.0.0.1
smtp 127.0.0.1:$smtp proxy=127.0.0.1
qmqps 127.0.0.1:$direct
qmtps 127.0.0.1:$qmtps
T
table a access <<T
127.0.0.1 none
127.0.0.5 relay repeats
$pin_bound bound relay repeats senders=ok.test,.sub.test size=300
$pin_paced paced relay repeats rate=2/h
$pin_free free relay repeats
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

# list RCPT... - netstrings in a row
list() {
	for rcpt; do
		netstring "$rcpt"
	done
}

# qmqp_package SENDER TEXT RCPT...
qmqp_package() {
	inner=$(netstring "$2")$(netstring "$1")
	shift 2
	netstring "$inner$(list "$@")"
}

# qmtp_package SENDER TEXT RCPT...
qmtp_package() {
	netstring "
$2"
	netstring "$1"
	shift 2
	netstring "$(list "$@")"
}

# judged PORT KEY - openssl sends stdin with a key, and prints the answer
judged() {
	timeout 20 openssl s_client -connect "127.0.0.1:$1" -tls1_2 -quiet \
	    -cert "$work/$2/cert.pem" -key "$work/$2/key.pem" ${3:-} \
	    2>"$work/s_client"
}

# codes - the first letter of each reply, and the status codes
codes() {
	grep -oE '[0-9]+:[KZD]|\(#[0-9.]+\)' |
		sed 's/^[0-9]*://; s/(#//; s/)//' | tr '\n' ' '
}

# what a key allows

is "$(qmqp_package a@ok.test one one@a.test two@a.test |
	judged "$direct" bound | codes)" 'K ' 'QMQPS: a sender of its own: K'
is "$(qmqp_package a@bad.test one no@a.test no2@a.test |
	judged "$direct" bound | codes)" 'D 5.7.1 ' 'another sender: D'
large=$(printf '%0301d' 0)
is "$(qmqp_package a@ok.test "$large" no@a.test no2@a.test |
	judged "$direct" bound | codes)" 'D 5.3.4 ' 'too large: D'
is "$(qmqp_package a@bad.test "$large" three@a.test four@a.test |
	judged "$direct" free | codes)" 'K ' 'and a key without bounds has none'
is "$(for n in 1 2 3; do
	qmqp_package a@b.test "$n" five@a.test six@a.test |
		judged "$direct" paced | codes
done)" 'K K Z 4.7.0 ' 'the third in an hour: Z'

many() { # the whole session in one: its replies, in order
	{
		cat
		sleep 1
	} | judged "$qmtps" "$1" -no_ign_eof | codes
}
is "$({
	qmtp_package a@x.sub.test one seven@a.test eight@a.test
	qmtp_package a@bad.test one no@a.test no2@a.test
	qmtp_package a@ok.test "$large" no@a.test no2@a.test
	qmtp_package '' bounce seven@a.test eight@a.test
} | many bound)" 'K K D 5.7.1 D 5.7.1 D 5.3.4 D 5.3.4 K K ' \
    'QMTPS: senders and sizes of a key, a reply for each recipient'
sed -i "s|^$pin_paced.*|$pin_paced paced relay repeats rate=1/h|" \
    "$work/a/access"
"$BIN/quail" build "$work/a" 2>/dev/null
check 'both have the new rate' wait_for 20 sh -c \
    "[ \$(grep -ac 'what=\"a new one is in use\"' '$work/a.log') -ge 2 ]"
is "$({
	qmtp_package a@b.test 1 nine@a.test ten@a.test
	qmtp_package a@b.test 2 no@a.test no2@a.test
} | many paced)" 'K K Z 4.7.0 Z 4.7.0 ' 'QMTPS: the rate of a key'
case $(qmqp_package a@ok.test one no@a.test | judged "$direct" foreign) in
*'(#4.7.1)'*) pass 'a key without a line: Z' ;;
*) fail 'a key without a line: Z' ;;
esac

# a header in front of TLS: what comes to $ours goes on to the server behind
# one; like HAProxy's, but any client may stand in it

# balancer PORT TARGET ADDRESS - one connection after the other
balancer() {
	background perl -MIO::Socket::INET -MIO::Select -MSocket -e '
		my ($port, $target, $host) = @ARGV;
		my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1",
			LocalPort => $port, Listen => 5, ReuseAddr => 1) or die;
		my $a = inet_aton($host);
		while (my $c = $l->accept) {
			my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
				PeerPort => $target) or die;
			# in pieces: TLS comes right behind the last one
			syswrite $s, "\r\n\r\n\0\r\nQUIT\n\x21";
			select undef, undef, undef, 0.05;
			syswrite $s, pack("CnA4A4nn", 0x11, 12, $a, $a, 4711, 25);
			my $both = IO::Select->new($c, $s);
			while ($both->count == 2) {
				for my $from ($both->can_read) {
					my $to = $from == $c ? $s : $c;
					sysread($from, my $got, 65536)
						or $both->remove($from), last;
					syswrite $to, $got;
				}
			}
		}' "$@"
}
balancer "$ours" "$qmqps" 192.0.2.77
wait_for 20 port_answers "$ours"
is "$(qmqp_package a@ok.test proxied p1@a.test p2@a.test |
	judged "$ours" bound | codes)" 'K ' 'TLS behind a PROXY header: K'
check 'both are delivered' wait_for 20 has_count "$work/a/mail/p2/new" 1
cat "$work"/a/mail/p1/new/* 2>/dev/null | tr -d '\n' >"$work/p1"
check 'the trace line has the client out of the header, and its name' \
    grep -qF 'from bound (192.0.2.77)  by a.test with QMQPS (known by its key)' \
    "$work/p1"
check 'the log too' says 'client=192.0.2.77 name=bound'
is "$(qmqp_package a@bad.test x no@a.test no2@a.test |
	judged "$ours" bound | codes)" 'D 5.7.1 ' \
    'what the key may not, it may not behind a balancer'
is "$(qmqp_package a@ok.test x no@a.test no2@a.test |
	judged "$ours" foreign | codes)" 'Z 4.7.1 ' \
    'nor may another key what the balancer may'
qmqp_package a@ok.test x no@a.test | judged "$qmqps" bound >"$work/none"
is "$(cat "$work/none")" '' 'TLS where a header must be: no word'
check 'and a line in the log' says 'no PROXY header of version 2'

# HAProxy, where it is to be had

with_haproxy() {
	cat >"$work/haproxy.cfg" <<T
global
	stats socket $work/haproxy.sock level admin
defaults
	mode tcp
	timeout connect 5s
	timeout client 20s
	timeout server 20s
	default-server inter 100 send-proxy-v2 check check-send-proxy
listen qmqp
	bind 127.0.0.1:$at_qmqp
	option tcp-check
	server qmqp 127.0.0.1:$qmqp
listen qmqps
	bind 127.0.0.1:$at_qmqps
	option tcp-check
	server qmqps 127.0.0.1:$qmqps
listen smtp
	bind 127.0.0.1:$at_smtp
	option tcp-check
	tcp-check expect rstring ^220
	server smtp 127.0.0.1:$smtp
T
	background sh "$here/peers.sh" run haproxy -db -f "$work/haproxy.cfg" \
	    >"$work/haproxy.out" 2>&1
	wait_for 20 port_answers "$at_smtp" || cat "$work/haproxy.out"
}

# servers - HAProxy's opinion of them, and the last check's of each
servers() {
	perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new($ARGV[0]) or exit 1;
		print $s "show stat\n";
		$s->shutdown(1);
		my @names = split /,/, <$s> =~ s/^# //r;
		while (<$s>) {
			my %v;
			@v{@names} = split /,/;
			printf "%s=%s,%s ", @v{qw(svname status check_status)}
				if ($v{check_status} // "") ne "";
		}' "$work/haproxy.sock"
}
all_up() {
	[ "$(servers)" = 'qmqp=UP,L4OK qmqps=UP,L4OK smtp=UP,L7OK ' ]
}

# from_5 PORT - clear text from 127.0.0.5
from_5() {
	timeout 20 perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
			PeerPort => $ARGV[0], LocalAddr => "127.0.0.5") or exit 1;
		local $/;
		print $s <STDIN>;
		$s->flush;
		print <$s> // "";' "$1"
}

if why=$(sh "$here/peers.sh" have haproxy); then
	with_haproxy
	check 'HAProxy finds all healthy, SMTP by its greeting' \
	    wait_for 20 all_up || echo "# $(servers)"
	is "$(qmqp_package a@b.test x h1@a.test h2@a.test |
		from_5 "$at_qmqp" | codes)" 'K ' 'QMQP through HAProxy: K'
	check 'the client is the one in front of it' \
	    says 'client=127.0.0.5 size='
	is "$(qmqp_package a@ok.test x h3@a.test h4@a.test |
		judged "$at_qmqps" bound | codes)" 'K ' \
	    'QMQPS through HAProxy, with a key: K'
	is "$(qmqp_package a@bad.test x no@a.test no2@a.test |
		judged "$at_qmqps" bound | codes)" 'D 5.7.1 ' \
	    'and what the key may not: D'
	check 'all four are delivered' wait_for 20 has_count \
	    "$work/a/mail/h4/new" 1
	n=$(wc -l <"$work/a.log")
	sleep 1
	is "$(tail -n +$((n + 1)) "$work/a.log" |
		grep -avc 'event=delivered')" 0 \
	    'ten checks of each say nothing in the log'
else
	skip HAProxy "$why"
fi

# a new key of the server

# shown PORT - the pin of the key that a server shows
shown() {
	openssl s_client -connect "127.0.0.1:$1" -tls1_2 </dev/null \
	    2>/dev/null | openssl x509 >"$work/shown.pem" 2>/dev/null
	"$BIN/quail" key --pin "$work/shown.pem"
}
is "$(shown "$direct")" "$pin_a_tls" 'the key that quail key made is shown'
new=$("$BIN/quail" key --force -o "$work/a/tls" 2>/dev/null)
kill -HUP "$(cat "$work/a.pid")"
both_read() {
	[ "$(grep -aF "event=key pin=$new" "$work/a.log" | wc -l)" -ge 2 ]
}
check 'both daemons read the new one' wait_for 20 both_read
is "$(shown "$direct")" "$new" 'QMQPS shows it'
is "$(shown "$qmtps")" "$new" 'QMTPS too'
is "$(qmqp_package a@ok.test x last@a.test last2@a.test |
	judged "$direct" bound | codes)" 'K ' 'and takes mail under it'
is "$(ls "$work/a/mail" | grep -c '^no')" 0 'nothing else was accepted'

check 'the node ends on TERM' node_stop a
check 'it was sound' node_is_sound a
tap_done
