#!/bin/sh
# ledger.t - twenty clients, a bad network and dying daemons: is every message
# that was acknowledged there, and is it there once?
#
# The clients send by QMQP, QMTP (pipelined) and SMTP to a hub that delivers
# to Maildirs, each message to two recipients, through proxies that cut
# connections behind any byte and lose answers. Meanwhile daemons of the hub are
# killed and stopped at random. What a client has no answer for it sends again,
# the same bytes. The ledger of what was acknowledged is then compared with
# the Maildirs. A minute; LONG=1: ten.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/ledger
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

seconds=${SECONDS_OF_CHAOS:-60}
[ -z "${LONG:-}" ] || seconds=600
rate=40 # messages a second of each protocol
# A repeat of the same bytes within ten minutes gets K and makes no copy: 1.
# 0: copies are only counted.
ONCE=1

set -- $(free_ports 6)
qmqp=$1 qmtp=$2 smtp=$3 bad_qmqp=$4 bad_qmtp=$5 bad_smtp=$6

echo hub.test | table hub me
echo hub.test | table hub locals
echo '*@hub.test maildir:mail/%u' | table hub users
echo '127.0.0.0/8 relay' | table hub access
table hub listen <<T
qmqp 127.0.0.1:$qmqp
qmtp 127.0.0.1:$qmtp
smtp 127.0.0.1:$smtp
T

# proxy NAME LISTEN TARGET
proxies=
proxy() {
	"$BUILD/tests/crash-proxy" "$2" "$3" >"$work/$1.proxy" 2>&1 </dev/null &
	pids="$pids $!"
	proxies="$proxies $!"
}

# load PROTOCOL PORT SESSIONS WINDOW - its tag is its name and zeros
loads=
load() {
	"$BUILD/tests/quail-load" -p "$1" -s "$3" -w "$4" -R $rate \
	    -m 1000000 -a -r 2 -b 2500 -d "$seconds" -D $((seconds + 40)) \
	    -i "chaos${1}000" -t u@hub.test -L "$work/$1.ledger" \
	    "127.0.0.1:$2" >"$work/$1.said" 2>&1 &
	loads="$loads $!"
	pids="$pids $!"
}

# arrived PROTOCOL RECIPIENT - compares ledger and Maildir
arrived() {
	grep "/$2\$" "$work/$1.ledger" >"$work/$1.$2"
	perl "$here/arrived.pl" -k "(?m)^Subject: quail-load (chaos${1}\\S+)" \
	    -i "chaos${1}000-00000000" -t "$work/$1.text" -l "$work/$1.$2" \
	    "$work/one/$1$2" 2>"$work/why"
}

# by protocol, since their texts differ
sort_out() {
	for p in qmqp qmtp smtp; do
		for r in 0 1; do
			rm -rf "$work/one/$p$r"
			mkdir -p "$work/one/$p$r"
			grep -l "^Subject: quail-load chaos${p}" -r \
			    "$work/hub/mail/${r}u/new" 2>/dev/null |
				xargs -r ln -t "$work/one/$p$r"
		done
	done
}

are_all_there() {
	sort_out
	for p in qmqp qmtp smtp; do
		for r in 0 1; do
			case $(arrived $p $r) in
			*' missing=0') ;;
			*) return 1 ;;
			esac
		done
	done
}

check 'the hub comes up' node_start hub || tap_done
proxy qmqp "$bad_qmqp" "$qmqp"
proxy qmtp "$bad_qmtp" "$qmtp"
proxy smtp "$bad_smtp" "$smtp"
for p in qmqp qmtp smtp; do
	: >"$work/$p.ledger"
	"$BUILD/tests/quail-load" -p $p -P 0 -r 2 -b 2500 -i "chaos${p}000" \
	    -t u@hub.test >"$work/$p.text"
done
load qmqp "$bad_qmqp" 7 1
load qmtp "$bad_qmtp" 7 16
load smtp "$bad_smtp" 6 1
perl "$here/chaos.pl" "$(cat "$work/hub.pid")" "$seconds" >"$work/chaos" &
pids="$pids $!"
wait $!
# what is under way may come to its end
kill -USR1 $proxies
for pid in $loads; do
	wait "$pid"
done
kill $proxies
sed 's/^/# /' "$work/chaos"

# what was deferred is tried at once after a start, and not hours later
check 'the hub ends on TERM' node_stop hub
check 'the hub comes up again' node_start hub
wait_for 40 are_all_there
for p in qmqp qmtp smtp; do
	echo "# $p: $(cat "$work/$p.proxy") $(cat "$work/$p.said")"
	check "$p: trouble of our own is never a D" grep -q ' d=0 ' \
	    "$work/$p.said"
	for r in 0 1; do
		result=$(arrived $p $r)
		set -- $(echo "$result" | tr -c '0-9\n' ' ')
		copies=$(($1 - $2))
		what="$p: $(wc -l <"$work/$p.$r") acknowledged for recipient $r"
		case $result in
		*' wrong=0 missing=0') pass "$what: all there, unchanged" ;;
		*)
			fail "$what: $result"
			cat "$work/why"
			;;
		esac
		if [ $ONCE = 1 ]; then
			is $copies 0 "$p: and none is there twice"
		else
			echo "# $p: copies of what was sent again: $copies"
		fi
	done
done
check 'clients did send again' grep -qv ' lost=0 ' "$work/qmtp.said"
tap_done
