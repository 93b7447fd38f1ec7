#!/bin/sh
# pool_out.t - over the wire: which address mail goes out from, under what
# name, in what shares; and what asks for TLS never goes in clear text
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/pool_out
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

N=${MANY:-2000}
set -- $(free_ports 3)
qmqp=$1 sink=$2 dead=$3
table hub me <<T
hub.test
T
table hub listen <<T
qmqp 127.0.0.1:$qmqp
T
table hub access <<T
127.0.0.0/8 relay repeats
T
table hub routes <<T
hub.test hold
pool.test smtp:127.0.0.1:$sink pool=p
warm.test smtp:127.0.0.1:$sink pool=warm
rate.test smtp:127.0.0.1:$sink pool=rate
head.test smtp:127.0.0.1:$sink
lost.test smtp:127.0.0.1:$sink pool=lost
name.test smtp:localhost:$sink pool=six
safe.test smtp:127.0.0.1:$sink tls=encrypt
* smtp:127.0.0.1:$sink
T
table hub pools <<T
pool p
member p 127.0.0.2 out2.test weight=5
member p 127.0.0.3 out3.test weight=3 concurrency=2
member p 127.0.0.4 out4.test weight=2
pool warm over=others
member warm 127.0.0.7 warm.test warmup=slow start=$(date -u +%F)
member warm 127.0.0.8 rest.test
curve slow * 40 40
pool rate
member rate 127.0.0.9 rate.test rate=50
pool gold
member gold 127.0.0.5 gold.test
header gold X-Tier gold
pool lost
member lost 192.0.2.7 lost.test
pool six
member six ::1 six.test
member six 127.0.0.6 four.test
T
table hub helohost <<T
helo.test
T
background perl "$here/pool_sink.pl" "$sink" "$work/got" >"$work/sink.out"
wait_for 10 grep -q ready "$work/sink.out"
node_start hub || exit 1

got() {
	wc -l 2>/dev/null <"$work/got"
}
has() {
	[ "$(got)" -ge "$1" ]
}
# mail RCPT [HEADER] - by the leaf's command
mail() {
	QUAIL_DIR=$work/leaf "$BIN/sendmail" -f a@hub.test "$1" <<T
Subject: x
${2:-X-None: y}

text
T
}
mkdir -p "$work/leaf"
printf 'leaf.test\n' >"$work/leaf/me"
printf '127.0.0.1:%s\n' "$qmqp" >"$work/leaf/qmqpservers"
"$BIN/quail" build "$work/leaf" >/dev/null

"$BUILD/tests/quail-load" -p qmqp -s 20 -m "$N" -t x@pool.test \
    "127.0.0.1:$qmqp" >"$work/load" 2>&1
wait_for $((60 + N / 40)) has "$N"
is "$(got)" "$N" "all have come"
is "$(sort -u "$work/got")" "127.0.0.2 out2.test
127.0.0.3 out3.test
127.0.0.4 out4.test" "each address says its own name"
share() {
	n=$(grep -c "$1" "$work/got")
	want=$((N * $2 / 10))
	[ "$n" -ge $((want * 98 / 100 - 1)) ] &&
		[ "$n" -le $((want * 102 / 100 + 1)) ] && return
	echo "# $1: $n, not $want"
	return 1
}
check "a half" share out2 5
check "three tenths" share out3 3
check "a fifth" share out4 2
check "never more than two connections from the one that may have two" \
    [ "$(grep -c '^127.0.0.3 ' "$work/got.most")" -le 2 ]

# send N DOMAIN - and wait until they have come
send() {
	: >"$work/got"
	"$BUILD/tests/quail-load" -p qmqp -s 20 -m "$1" -t "x@$2" \
	    "127.0.0.1:$qmqp" >"$work/load" 2>&1
	wait_for 60 has "$1"
}
send 200 warm.test
is "$(sort "$work/got" | uniq -c | sed 's/^ *//')" "40 127.0.0.7 warm.test
160 127.0.0.8 rest.test" "a new address sends what its first day allows"
# 50 a second, and a burst of a tenth of a second: 150 in no less than 2.9 s
begun=$(date +%s%N)
send 150 rate.test
took_ms=$((($(date +%s%N) - begun) / 1000000))
echo "# 150 at 50 a second: $took_ms ms"
check "no faster than its rate" [ $took_ms -ge 2850 ]

: >"$work/got"
mail x@head.test 'X-Tier: Gold'
mail x@head.test
wait_for 10 has 2
is "$(sort "$work/got")" "127.0.0.1 helo.test
127.0.0.5 gold.test" "by a header; else helohost, from any address"

: >"$work/got"
mail x@safe.test
mail x@lost.test
wait_for 10 grep -q 'event=delivery .*to=x@safe.test' "$work/hub.log"
check "what asks for TLS waits, and says why" grep -q \
    'to=x@safe.test verdict=Z .*ask for TLS there.*4\.3\.3' "$work/hub.log"
wait_for 10 grep -q 'event=delivery .*to=x@lost.test' "$work/hub.log"
check "an address that is not ours: it waits" grep -q \
    'to=x@lost.test verdict=Z .*4\.4\.1' "$work/hub.log"
mail x@name.test
wait_for 10 has 1
is "$(cat "$work/got")" "127.0.0.6 four.test" \
    "the next hop's family decides, whatever stands first"
tap_done
