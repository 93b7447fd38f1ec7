#!/bin/sh
# tls.t - QMQPS and QMTPS between whole nodes, with openssl as the judge
#
# Node a sends what it gets to b, which knows it by its key. openssl's client
# talks to b, openssl's server takes a's mail. Whatever is wrong with a key,
# a certificate or a port must be told in one line, and nothing be accepted.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/tls
rm -rf "$work"
mkdir -p "$work/a" "$work/b" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

command -v openssl >/dev/null 2>&1 || skip_all 'there is no openssl'

set -- $(free_ports 16)
a_qmqp=$1 b_qmqps=$2 b_qmtps=$3 b_qmtp=$4 judge=$5 named=$6 expired=$7
foreign=$8 other=$9 resume=${10}
by_line=${11} by_ca=${12} by_pin=${13} not_pin=${14} later=${15} dns=${16}

# keys

pin_a=$("$BIN/quail" key -o "$work/a/tls" -n a.test)
pin_b=$("$BIN/quail" key -o "$work/b/tls")
pin_c=$("$BIN/quail" key -o "$work/c")
is "${#pin_a}" 71 'quail key prints a pin'
is "$(stat -c %a "$work/a/tls/key.pem")" 600 'only its owner may read a key'
check 'openssl finds the key good' sh -c \
    "openssl pkey -check -noout -in '$work/a/tls/key.pem' >/dev/null 2>&1"
check 'openssl finds the certificate good' sh -c "openssl verify -CAfile \
    '$work/a/tls/cert.pem' '$work/a/tls/cert.pem' >/dev/null 2>&1"
digest=$(openssl x509 -in "$work/a/tls/cert.pem" -noout -pubkey |
	openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
is "$pin_a" "sha256:$digest" 'openssl computes the same pin'
is "$("$BIN/quail" key --pin "$work/a/tls/key.pem")" "$pin_a" \
    'the pin of a private key'
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/rsa.key" \
    -out "$work/rsa.pem" -subj /CN=rsa.test -days 2 2>/dev/null
digest=$(openssl x509 -in "$work/rsa.pem" -noout -pubkey |
	openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)
pin_rsa=$("$BIN/quail" key --pin "$work/rsa.pem")
is "$pin_rsa" "sha256:$digest" 'the pin of an RSA certificate'
before=$(cat "$work/a/tls/key.pem")
"$BIN/quail" key -o "$work/a/tls" >/dev/null 2>&1
is "$?" 100 'a key that is there is not replaced'
is "$(cat "$work/a/tls/key.pem")" "$before" 'and stays as it is'
new=$("$BIN/quail" key --force -o "$work/c" 2>/dev/null)
check 'but with --force' [ "$new" != "$pin_c" ]

# a small authority, its servers, and another that nobody knows

authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$work/$1.key" -out "$work/$1.pem" -subj "/CN=$1" \
	    -days 30 2>/dev/null
}

# server NAME AUTHORITY HOST DAYS
server() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$work/$1.key" -out "$work/$1.csr" -subj "/CN=$3" \
	    2>/dev/null
	echo "subjectAltName=DNS:$3" >"$work/$1.ext"
	openssl x509 -req -in "$work/$1.csr" -CA "$work/$2.pem" \
	    -CAkey "$work/$2.key" -CAcreateserial -extfile "$work/$1.ext" \
	    -out "$work/$1.pem" -days "$4" 2>/dev/null
}

authority known
authority unknown
server named known localhost 20
server expired known localhost -1
server foreign unknown localhost 20
server other known other.test 20
cp "$work/known.pem" "$work/a/tls/ca.pem"

# the nodes

table b me <<T
b.test
T
table b listen <<T
qmqps 127.0.0.1:$b_qmqps
qmtps 127.0.0.1:$b_qmtps
qmtp 127.0.0.1:$b_qmtp
T
table b access <<T
$pin_a node-a relay
$pin_rsa node-rsa relay repeats
T
table b routes <<T
* hold
T
table b locals <<T
b.test
T
table b users <<T
*@b.test maildir:mail/%u
T
table a me <<T
a.test
T
table a listen <<T
qmqp 127.0.0.1:$a_qmqp
T
table a access <<T
127.0.0.0/8 relay repeats
T
table a routes <<T
b.test qmtps:127.0.0.1:$b_qmtps/$pin_b
wrongpin.test qmtps:127.0.0.1:$b_qmtps/$pin_a
clear.test qmtps:127.0.0.1:$b_qmtp/$pin_b
tls.test qmtp:127.0.0.1:$b_qmtps
judge.test qmtps:127.0.0.1:$judge/$pin_rsa
named.test qmtps:localhost:$named
expired.test qmtps:localhost:$expired
foreign.test qmtps:localhost:$foreign
other.test qmtps:localhost:$other
line.test qmtps:line.hop.test:$by_line
ca.test qmtps:ca.hop.test:$by_ca
pin.test qmtps:pin.hop.test:$by_pin
notpin.test qmtps:notpin.hop.test:$not_pin
later.test qmtps:later.hop.test:$later
may.test qmtps:may.hop.test:$by_line
T
table a tlspolicy <<T
line.hop.test verify name=other.test
ca.hop.test verify name=localhost ca=tls/unknown.pem
pin.hop.test verify pin=$pin_rsa
notpin.hop.test verify pin=$pin_a
later.hop.test verify name=localhost ca=tls/later.pem
* may name=other.test
T
cp "$work/unknown.pem" "$work/a/tls/unknown.pem"
cp "$work/known.pem" "$work/a/tls/later.pem"

background perl "$here/dns_fake.pl" "$dns" .hop.test 127.0.0.1
QUAIL_DNS=127.0.0.1:$dns
export QUAIL_DNS

chmod 644 "$work/b/tls/key.pem"
"$BIN/quail" build "$work/b" 2>"$work/said"
is "$?" 100 'a key that others may read is an error'
check 'and says so' grep -q 'others may read this private key' "$work/said"
chmod 600 "$work/b/tls/key.pem"
check 'node b comes up' node_start b || { cat "$work/b.log"; tap_done; }
check 'node a comes up' node_start a || { cat "$work/a.log"; tap_done; }

# netstring TEXT
netstring() {
	printf '%d:%s,' "${#1}" "$1"
}

# package SUBJECT RCPT... - a package of QMQP
package() {
	inner="$(netstring "Subject: $1

for $2, and two of them")$(netstring s@a.test)"
	shift
	for rcpt; do
		inner="$inner$(netstring "$rcpt")"
	done
	netstring "$inner"
}

# qmqp PORT - send stdin in clear text, print the answer
qmqp() {
	timeout 20 perl -MIO::Socket::INET -e '
		my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1",
			PeerPort => $ARGV[0]) or exit 1;
		local $/;
		print $s <STDIN>;
		$s->flush;
		print <$s> // "";' "$1"
}

# judged PORT ARGS... - openssl sends stdin, and prints the answer
judged() {
	port=$1
	shift
	timeout 20 openssl s_client -connect "127.0.0.1:$port" -tls1_2 \
	    -quiet "$@" 2>"$work/s_client"
}

says() { # NODE TEXT
	wait_for 60 grep -aqF "$2" "$work/$1.log"
}

# from node to node

case $(package one one@b.test two@b.test | qmqp "$a_qmqp") in
*:Kok*) pass 'a takes a message for two at b' ;;
*) fail 'a takes a message for two at b' ;;
esac
check 'the first is delivered' wait_for 60 has_count "$work/b/mail/one/new" 1
check 'and the second' wait_for 60 has_count "$work/b/mail/two/new" 1
cat "$work"/b/mail/one/new/* >"$work/one" 2>/dev/null
check 'the trace line tells who, and how it is known' sh -c "
	tr -d '\n' <'$work/one' | grep -qF 'Received: from node-a (127.0.0.1)  \
by b.test with QMTPS (known by its key) id '"
check 'the log tells whose key it was' says b "name=node-a key=$pin_a"
check 'and every package names it' \
    grep -aq 'event=package .*name=node-a' "$work/b.log"
check 'both in one package: quail/1' \
    grep -aq 'event=package .*name=node-a .*rcpts=2' "$work/b.log"
check 'the log says what is spoken' says a 'tls=full protocol=quail/1'

# what is at the limit has a line more behind the first hub

full=52428800
{
	perl -e 'my $n = $ARGV[0];
		my $rest = "1:s,11:max1\@b.test,11:max2\@b.test,";
		printf "%d:%d:Subject: x\n\n", length("$n:") + $n + 1 +
			length $rest, $n;
		print "x" x ($n - 12), ",", $rest, ",";' "$full"
} | qmqp "$a_qmqp" >"$work/full"
check 'a takes a message of just the size that it may have' \
    grep -q ':Kok' "$work/full"
check 'and so does b, with the trace line of a' \
    wait_for 60 has_count "$work/b/mail/max2/new" 1
check 'all of it' [ "$(cat "$work"/b/mail/max2/new/* | wc -c)" -gt "$full" ]
rm -rf "$work/b/mail/max1" "$work/b/mail/max2"

# quail/1 by hand: the greeting, a batch with parameters, one that has too many

# inner TEXT RCPT [PARAMS] ... - a package of quail/1, for the message's
# parameters $params
quail_package() {
	list=
	text=$1
	shift
	while [ $# -gt 1 ]; do
		list="$list$(netstring "$1")$(netstring "$2")"
		shift 2
	done
	netstring "
$text"
	netstring s@a.test
	netstring "$params"
	netstring "$list"
}
own="-cert $work/a/tls/cert.pem -key $work/a/tls/key.pem"
params=$(netstring ret=HDRS; netstring envid=id+2B7; netstring ret=WRONG)
orcpt=$(netstring "notify=SUCCESS,DELAY"; netstring "orcpt=rfc822;o@b.test")
held=$(printf '%0480d' 7)
long=$(netstring "orcpt=rfc822;$held")
{
	quail_package 'Subject: q

for nine@held.test' no@b.other '' nine@held.test "$orcpt" ten@held.test ''
	params=
	quail_package 'Subject: long' 1@held.test "$long" 2@held.test "$long" \
	    3@held.test "$long" 4@held.test "$long" 5@held.test "$long" \
	    6@held.test "$long" 7@held.test "$long" 8@held.test "$long"
	sleep 1
} | judged "$b_qmtps" -alpn quail/1 -no_ign_eof $own >"$work/quail"
is "$(head -c 51 "$work/quail")" \
    '47:13:size=52461568,11:rcpts=10000,11:params=2560,,' \
    'the server greets with what it takes'
is "$(grep -oE '[0-9]+:(K|Z|D)' "$work/quail" | cut -d: -f2 | tr -d '\n')" \
    'KKKKKKKKKKZ' 'a reply for each; too many parameters: Z'
check 'and says so' grep -q 'too many parameters in one package (#4.5.3)' \
    "$work/quail"
id=$("$BIN/quail" queue -d "$work/b" list 2>/dev/null |
	sed -n 's/^\([0-9a-f]\{16\}\).*/\1/p' | head -n 1)
"$BIN/quail" queue -d "$work/b" show "$id" >"$work/shown" 2>&1
check 'the queue keeps the parameters of the message' sh -c \
    "grep -q 'ret=HDRS' '$work/shown' && grep -q 'envid=id+2B7' '$work/shown'"
check 'and those of its recipients, by number' sh -c \
    "grep -q 'notify.1=SUCCESS,DELAY' '$work/shown' &&
	grep -q 'orcpt.1=rfc822;o@b.test' '$work/shown'"
check 'and nothing else' sh -c "! grep -q WRONG '$work/shown'"

# sessions that are resumed; openssl prints New or Reused for each connection
# and has no key but in the first run

# reconnects ARGS... - five more times with the session of the first
reconnects() {
	timeout 60 openssl s_client -connect "127.0.0.1:$b_qmtps" -tls1_2 \
	    -reconnect "$@" </dev/null 2>/dev/null |
		grep -oE '^(New|Reused)' | uniq -c | tr -s ' \n' ' '
}
own="-cert $work/a/tls/cert.pem -key $work/a/tls/key.pem"
is "$(reconnects $own)" ' 1 New 5 Reused ' 'openssl resumes five times'

# resumed HOW SUBJECT RCPT ARGS... - a message with a session that another
# message has left behind
resumed() {
	how=$1 subject=$2 rcpt=$3
	shift 3
	package "$subject first" "$rcpt" |
		judged "$b_qmqps" "$@" -sess_out "$work/session" >/dev/null
	package "$subject second" "$rcpt" |
		judged "$b_qmqps" -sess_in "$work/session" >"$work/answer"
	check "$how: the log says that it is resumed" says b \
	    "event=tls client=127.0.0.1 $how session=resumed"
}
resumed "name=node-a key=$pin_a" ses six@b.test $own
check 'who it is stays with the session: K' grep -q ':Kok' "$work/answer"
check 'both are delivered' wait_for 20 has_count "$work/b/mail/six/new" 2
resumed 'key=none' nobody seven@b.test
check 'and nobody stays nobody: Z' grep -q '4.7.1' "$work/answer"

# openssl's client

case $(package two three@b.test four@b.test | judged "$b_qmqps" $own) in
*:Kok*) pass 'openssl with the key of a: K' ;;
*) fail 'openssl with the key of a: K'; cat "$work/s_client" ;;
esac
check 'it is delivered' wait_for 60 has_count "$work/b/mail/four/new" 1
check 'with QMQPS' sh -c \
    "cat '$work'/b/mail/four/new/* | grep -q 'with QMQPS (known by its key)'"
case $(package rsa five@b.test | judged "$b_qmqps" -cert "$work/rsa.pem" \
	-key "$work/rsa.key") in
*:Kok*) pass 'an RSA key: K' ;;
*) fail 'an RSA key: K' ;;
esac
case $(package three none@b.test | judged "$b_qmqps") in
*'you may not send here (#4.7.1)'*) pass 'no key: Z' ;;
*) fail 'no key: Z' ;;
esac
check 'the log says so' says b 'key=none'
case $(package four none@b.test | judged "$b_qmqps" \
	-cert "$work/c/cert.pem" -key "$work/c/key.pem") in
*'you may not send here (#4.7.1)'*) pass 'an unknown key: Z' ;;
*) fail 'an unknown key: Z' ;;
esac
check 'the log has its pin' says b "key=$new"
for bad in expired foreign; do
	case $(package "$bad" none@b.test | judged "$b_qmqps" \
		-cert "$work/$bad.pem" -key "$work/$bad.key") in
	*'you may not send here (#4.7.1)'*)
		pass "a certificate, $bad, of a key without a pin: Z" ;;
	*) fail "a certificate, $bad, of a key without a pin: Z" ;;
	esac
	check 'and the log names its key' says b \
	    "key=$("$BIN/quail" key --pin "$work/$bad.pem")"
done
openssl s_client -connect "127.0.0.1:$b_qmqps" -tls1_3 </dev/null \
    >/dev/null 2>"$work/s_client"
check 'TLS 1.3 alone is refused' [ "$?" != 0 ]
package five none@b.test | qmqp "$b_qmqps" >"$work/clear"
check 'clear text at the port of TLS: nothing is taken' \
    sh -c "! grep -q K '$work/clear'"
check 'the log says so' says b 'the peer speaks clear text, not TLS'
package six none@b.test | judged "$b_qmtp" >/dev/null
check 'TLS at the port of clear text' says b \
    'the client speaks TLS to a port of clear text'

# a's mail to wrong servers, and to openssl's

# What judge NAME got is complete, or the test is over.
judge_done() {
	grep -qa ':y@' "$work/$1.got" || [ -e "$work/over" ]
}

# judge_start NAME PORT CERT ARGS... - what it gets is in $work/NAME.got; it
# answers K to the two packages
judge_start() {
	name=$1 port=$2 cert=$3
	shift 3
	: >"$work/$name.got"
	(wait_for 60 judge_done "$name" && printf '3:Kok,3:Kok,' &&
		wait_for 60 [ -e "$work/over" ]) |
		timeout 120 openssl s_server -accept "127.0.0.1:$port" \
		    -cert "$work/$cert.pem" -key "$work/$cert.key" -tls1_2 \
		    -quiet "$@" >"$work/$name.got" 2>"$work/$name.err" &
	pids="$pids $!"
	wait_for 20 port_listens "$port"
}

# without connecting: openssl would take it for its client
port_listens() {
	perl -e '
		my $want = sprintf ":%04X", $ARGV[0];
		open my $f, "<", "/proc/net/tcp" or exit 0;
		while (<$f>) {
			exit 0 if /^\s*\d+: \S+\Q$want\E \S+ 0A /;
		}
		exit 1;' "$1"
}

# goes DOMAIN - one message for two there, into a
goes() {
	case $(package "$1" "x@$1" "y@$1" | qmqp "$a_qmqp") in
	*:Kok*) ;;
	*) fail "a takes mail for $1" ;;
	esac
}

judge_start judge "$judge" rsa -verify 1
goes judge.test
check 'openssl as server gets it, known by its pin' \
    wait_for 60 grep -qa 'for x@judge.test' "$work/judge.got"
check 'and sees our certificate' wait_for 20 grep -qa 'CN = a.test' \
    "$work/judge.err"
judge_start named "$named" named
goes named.test
check 'openssl as server gets it, known by its name' \
    wait_for 60 grep -qa 'for x@named.test' "$work/named.got"
for bad in expired foreign other; do
	eval "port=\$$bad"
	judge_start "$bad" "$port" "$bad"
	goes "$bad.test"
done
goes wrongpin.test
goes clear.test
goes tls.test
check 'an expired certificate' says a \
    "the peer's certificate has expired, or is not valid yet"
check 'an unknown authority' says a \
    "the peer's certificate is of no authority that we trust"
check 'another name' says a "the server's certificate is for another name"
check 'a wrong key' says a "the server's key is $pin_b and not the one"
check 'clear text where TLS must be' says a 'perhaps it speaks clear text there'
check 'TLS where clear text must be' says a \
    'the next hop speaks TLS; routes must say so'
check 'b heard that its key is not liked' says b \
    'the peer refused: unknown authority'
for bad in expired foreign other; do
	is "$(cat "$work/$bad.got")" '' "nothing went to $bad.test"
done
is "$(ls "$work/b/mail" | tr '\n' ' ')" 'five four one six three two ' \
    'nothing else was accepted'

# what tlspolicy says of a next hop without a pin

judge_start line "$by_line" other
goes may.test
check 'a line that does not say verify is none: by its own name' \
    wait_for 60 grep -aq "event=tls-failed nexthop=qmtps:may.hop.test:.*\
the server's certificate is for another name" "$work/a.log"
is "$(cat "$work/line.got")" '' 'and nothing went there'
judge_start line2 "$by_ca" foreign
judge_start pin "$by_pin" rsa
judge_start notpin "$not_pin" rsa
judge_start later "$later" foreign
for domain in line ca pin notpin later; do
	goes "$domain.test"
done
check 'a line with another name' \
    wait_for 60 grep -qa 'for x@line.test' "$work/line.got"
check 'a line with authorities of its own' \
    wait_for 60 grep -qa 'for x@ca.test' "$work/line2.got"
check 'a line with a pin' \
    wait_for 60 grep -qa 'for x@pin.test' "$work/pin.got"
check 'and with a wrong one' says a \
    "the server's key is $pin_rsa and not the one"
check 'authorities that are of no use here' wait_for 60 grep -aq \
    "event=tls-failed nexthop=qmtps:later.hop.test:.*of no authority" "$work/a.log"
is "$(cat "$work/later.got" "$work/notpin.got")" '' 'nothing went to these two'
cp "$work/unknown.pem" "$work/a/tls/later.pem"
check 'another file is read without a restart' \
    wait_for 60 grep -qa 'for x@later.test' "$work/later.got"
is "$("$BIN/quail" explain -d "$work/a" x@line.test |
	sed -n 's/^  tls  *//p')" \
    'always, with a valid certificate  [tlspolicy:1]' 'quail explain knows it'

: >"$work/over"

# our client's sessions, with openssl as server

mkdir -p "$work/rate"
cp "$work/rsa.pem" "$work/rate/cert.pem"
openssl s_server -accept "127.0.0.1:$resume" -cert "$work/rsa.pem" \
    -key "$work/rsa.key" -tls1_2 -quiet >/dev/null 2>&1 </dev/null &
pids="$pids $!"
wait_for 20 port_listens "$resume"
(cd "$work/rate" && "$BUILD/tests/tlsrate" client "$resume" resumed 1) \
    >"$work/rate/out" 2>&1
handshakes=$(sed -n 's/.*handshakes=\([0-9]*\) .*/\1/p' "$work/rate/out")
is "$(sed -n 's/.*resumed=//p' "$work/rate/out")" "$((handshakes - 1))" \
    'openssl as server: all connections but the first are resumed'

check 'a ends on TERM' node_stop a
check 'b ends on TERM' node_stop b
check 'a was sound' node_is_sound a
check 'b was sound' node_is_sound b
tap_done
