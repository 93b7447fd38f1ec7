#!/bin/sh
# leaf_tls.t - a leaf whose hubs are reached by TLS: known by their keys, by
# name, and not at all
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/leaf_tls
rm -rf "$work"
mkdir -p "$work/hub" "$work/other" "$work/leaf" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

set -- $(free_ports 10)
records=${10} hub=$1 clear=$2 nobody=$3 other=$4 deaf=$5 slam=$6 named=$7 expired=$8
foreign=$9

# A hub that only knows our leaf's key may relay for it, and another hub.

hub_table() { # NAME PORT
	echo "$1.test" | table "$1" me
	echo "qmqps 127.0.0.1:$2" | table "$1" listen
	echo in.test | table "$1" locals
	echo "*@in.test maildir:mail" | table "$1" users
}

hub_pin=$("$BIN/quail" key -o "$work/hub/tls")
other_pin=$("$BIN/quail" key -o "$work/other/tls")
leaf_pin=$("$BIN/quail" key -o "$work/leaf/tls" -n leaf.test)
hub_table hub "$hub"
echo "qmqp 127.0.0.1:$clear" >>"$work/hub/listen"
echo "$leaf_pin leaf-by-key relay" | table hub access
hub_table other "$other"
echo "127.0.0.0/8 relay" | table other access
node_start hub || exit 1
node_start other || exit 1

sink() { # NAME PORT BEHAVIOUR
	background perl "$here/qmqp_sink.pl" "$2" "$work/$1" "$3"
	wait_for 20 port_answers "$2"
}

sink deaf "$deaf" deaf
sink slam "$slam" slam
sink records "$records" records

leaf() { # LINE... - the leaf's hubs
	echo leaf.test | table leaf me
	printf '%s\n' "$@" | table leaf qmqpservers
	"$BIN/quail" build "$work/leaf" || exit 1
}

send() { # SUBJECT
	printf 'Subject: %s\n\nt\n' "$1" | QUAIL_DIR=$work/leaf \
	    QUAIL_TIMEOUT_S=${timeout:-20} "$BIN/sendmail" -v -i -f s@in.test \
	    a@in.test b@in.test >"$work/said" 2>&1
}

waits() {
	ls "$work/leaf/spool" 2>/dev/null | grep -c '^m\.'
}

drain() {
	QUAIL_TIMEOUT_S=${timeout:-20} "$BIN/qmqpc" --drain "$work/leaf" \
	    2>"$work/said"
}

mails() { # HUB N
	[ "$(count "$work/$1/mail/new")" -ge "$2" ]
}

said() { # TEXT
	grep -qF -- "$1" "$work/said"
}

# by key

leaf "qmqps:127.0.0.1:$hub/$hub_pin"
send one
is "$? $(grep -c ': ok' "$work/said")" "0 1" "a hub known by its key: K"
check "delivered to both" wait_for 30 mails hub 2
is "$(cat "$work"/hub/mail/new/* | tr -d '\n' |
    grep -c 'from leaf-by-key (127.0.0.1)  *by hub.test with QMQPS')" 1 \
    "the hub knows the leaf by its key"

perl -e 'print "Subject: big\n\n\0\377\r\1";
	print "x" x 70, "\n" for 1 .. 60000' >"$work/big"
QUAIL_DIR=$work/leaf "$BIN/sendmail" -i -f s@in.test big@in.test c@in.test \
    <"$work/big"
is $? 0 "four megabytes, more than is held in memory"
check "both are there" wait_for 30 mails hub 4
sed '1,/^$/d' "$work/big" >"$work/big.text"
for f in $(grep -l '^Subject: big' "$work"/hub/mail/new/*); do
	sed '1,/^$/d' "$f" | cmp - "$work/big.text" && echo same
done >"$work/cmp" 2>&1
is "$(cat "$work/cmp" | tr '\n' ' ')" "same same " "byte for byte"

# a wrong key: the next hub, else the spool; never a byte to the wrong one

leaf "qmqps:127.0.0.1:$hub/$other_pin" "qmqps:127.0.0.1:$other/$other_pin"
send two
is $? 0 "a hub with a wrong key: the next one takes it"
check "which is that" wait_for 30 mails other 2
leaf "qmqps:127.0.0.1:$hub/$other_pin"
send three
is "$? $(wc -l <"$work/said")" "75 1" "a wrong key and no spool: 75, one line"
check "it says what is wrong" said "127.0.0.1:$hub: TLS: the server's key is \
$hub_pin and not the one that we know it by"
mkdir "$work/leaf/spool"
send three
is "$? $(waits)" "0 1" "a wrong key, with a spool: kept"
drain
is "$? $(waits)" "75 1" "the drain gives it to nobody either"
check "and its log says why" said "the server's key is $hub_pin and not"
leaf "qmqps:127.0.0.1:$hub/$hub_pin"
drain
is "$? $(waits)" "0 0" "with the right one it does"
check "delivered" wait_for 30 mails hub 6

# no TLS there, nobody there, no answer there

timeout=3
for way in "clear $clear perhaps it speaks clear text there" \
    "nobody $nobody Connection refused" "deaf $deaf Connection timed out" \
    "records $records : TLS: the peer sends records without content" \
    "slam $slam : TLS: "; do # a reset or an end, as it comes
	set -- $way
	name=$1 port=$2
	shift 2
	leaf "qmqps:127.0.0.1:$port/$hub_pin"
	before=$(date +%s)
	send "$name"
	is "$? $(waits)" "0 1" "$name: spooled"
	check "within the deadline" [ $(($(date +%s) - before)) -le 8 ]
	check "it says: $*" said "$*"
	leaf "qmqps:127.0.0.1:$port/$hub_pin" "qmqps:127.0.0.1:$hub/$hub_pin"
	drain
	is "$? $(waits)" "0 0" "and sent by the next hub"
done
check "all delivered" wait_for 60 mails hub 16
timeout=20

# a key that the caller may not read, or that is none

leaf "qmqps:127.0.0.1:$hub/$hub_pin"
mv "$work/leaf/tls/key.pem" "$work/key.pem"
send missing
is "$? $(waits)" "0 1" "a certificate whose key is missing: spooled"
check "and it says so" said "tls/key.pem: No such file"
cp "$work/other/tls/key.pem" "$work/leaf/tls/key.pem"
send others
is "$? $(waits)" "0 2" "a key that is another's: spooled"
check "and it says so" said "does not belong to the private key"
cp "$work/key.pem" "$work/leaf/tls/key.pem"
drain
is "$? $(waits)" "0 0" "the right key: the drain sends them"
leaf "qmqps:127.0.0.1:$hub/$hub_pin"
mv "$work/leaf/tls" "$work/tls"
send none
is "$? $(waits)" "0 1" "without a key the hub does not know the leaf: Z"
check "and says so" said "you may not send here"
leaf "qmqps:127.0.0.1:$other/$other_pin"
drain
is "$? $(waits)" "0 0" "one that goes by addresses takes it"
mv "$work/tls" "$work/leaf/tls"

# by name, with openssl as the hub

if command -v openssl >/dev/null 2>&1; then
	authority() {
		openssl req -x509 -newkey ec -pkeyopt \
		    ec_paramgen_curve:P-256 -nodes -keyout "$work/$1.key" \
		    -out "$work/$1.pem" -subj "/CN=$1" -days 30 2>/dev/null
	}
	server() { # NAME AUTHORITY HOST DAYS
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		    -nodes -keyout "$work/$1.key" -out "$work/$1.csr" \
		    -subj "/CN=$3" 2>/dev/null
		echo "subjectAltName=DNS:$3" >"$work/$1.ext"
		openssl x509 -req -in "$work/$1.csr" -CA "$work/$2.pem" \
		    -CAkey "$work/$2.key" -CAcreateserial -days "$4" \
		    -extfile "$work/$1.ext" -out "$work/$1.pem" 2>/dev/null
	}
	judged() { # NAME - what it got is complete, or the test is over
		grep -qa 'b@in.test' "$work/$1.got" || [ -e "$work/over" ]
	}
	judge() { # NAME PORT
		: >"$work/$1.got"
		(wait_for 60 judged "$1" && printf '3:Kok,' &&
			wait_for 60 [ -e "$work/over" ]) |
			timeout 100 openssl s_server -accept "127.0.0.1:$2" \
			    -cert "$work/$1.pem" -key "$work/$1.key" -tls1_2 \
			    -quiet -verify 1 >"$work/$1.got" 2>"$work/$1.err" &
		pids="$pids $!"
		wait_for 20 grep -qi ":$(printf %04X "$2") 00000000:0000 0A" \
		    /proc/net/tcp
	}
	authority known
	authority unknown
	server named known localhost 20
	server expired known localhost -1
	server foreign unknown localhost 20
	cp "$work/known.pem" "$work/leaf/tls/ca.pem"
	for name in named expired foreign; do
		eval "judge $name \$$name"
	done
	leaf "qmqps:localhost:$named"
	send named
	is "$? $(waits)" "0 0" "a hub known by its name: K"
	check "it saw the leaf's certificate" wait_for 20 \
	    grep -qa 'CN = leaf.test' "$work/named.err"
	leaf "qmqps:localhost:$expired" "qmqps:localhost:$foreign"
	send bad
	is "$? $(waits)" "0 1" "hubs that are not who they say: spooled"
	check "expired" said "the peer's certificate has expired"
	check "of an authority that nobody knows" said \
	    "of no authority that we trust"
	is "$(cat "$work/expired.got" "$work/foreign.got")" "" \
	    "and they got nothing"
	echo rubbish >"$work/leaf/tls/ca.pem"
	send rubbish
	is "$? $(waits)" "0 2" "a file of authorities that is none: spooled"
	check "it says so" said "tls/ca.pem: there is no authority"
	rm -f "$work/leaf/tls/ca.pem"
	leaf "qmqps:127.0.0.1:$hub/$hub_pin"
	drain
	is "$? $(waits)" "0 0" "sent, with a pin"
	: >"$work/over"
else
	skip "hubs known by name" "no openssl"
fi

# a drain that stays takes up a new key

leaf "qmqps:127.0.0.1:$hub/$hub_pin"
"$BIN/quail" key --force -o "$work/leaf/tls" >/dev/null
new_pin=$("$BIN/quail" key --pin "$work/leaf/tls/cert.pem")
node_start leaf || fail "the leaf runs"
send rolled
is "$(waits)" 1 "the hub does not know the new key yet"
echo "$new_pin leaf-by-key relay" >>"$work/hub/access"
"$BIN/quail" build "$work/hub"
none_waits() {
	[ "$(waits)" = 0 ]
}
check "the drain sends it when it does" wait_for 60 none_waits
check "the leaf is sound" node_is_sound leaf
check "the hub is sound" node_is_sound hub
check "the other hub is sound" node_is_sound other

tap_done
