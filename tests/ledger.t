#!/bin/sh
# ledger.t - twenty-five clients, a bad network and dying daemons: is every
# message that was acknowledged there, and is it there once?
#
# The clients send by QMQP, QMTP (pipelined) and SMTP to a hub that delivers
# to Maildirs, each message to two recipients, through proxies that cut
# connections behind any byte and lose answers. Some of it is large (300 KB), for
# an address that stands for two, for a second hub, or rejected by that and
# returned. Meanwhile daemons of the hub are killed and stopped at random. What
# a client has no answer for it sends again, the same bytes. The ledger of what
# was acknowledged is then compared with the Maildirs of both. A minute;
# LONG=1: ten.
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

set -- $(free_ports 7)
qmqp=$1 qmtp=$2 smtp=$3 bad_qmqp=$4 bad_qmtp=$5 bad_smtp=$6 far=$7

echo hub.test | table hub me
echo hub.test | table hub locals
echo '*@hub.test maildir:mail/%u' | table hub users
echo 'both@hub.test one@hub.test two@hub.test' | table hub aliases
echo "far.test qmtp:127.0.0.1:$far" | table hub routes
echo '127.0.0.0/8 relay' | table hub access
table hub listen <<T
qmqp 127.0.0.1:$qmqp
qmtp 127.0.0.1:$qmtp
smtp 127.0.0.1:$smtp
T
echo host.far.test | table far me
echo far.test | table far locals
echo 'u@far.test maildir:mail/u' | table far users
echo '127.0.0.0/8 relay' | table far access
echo "qmtp 127.0.0.1:$far" | table far listen

# proxy NAME LISTEN TARGET
proxies=
proxy() {
	"$BUILD/tests/crash-proxy" "$2" "$3" >"$work/$1.proxy" 2>&1 </dev/null &
	pids="$pids $!"
	proxies="$proxies $!"
}

# load NAME PROTOCOL PORT RCPT OPTION... - its tag is its name and zeros
names=
loads=
load() {
	name=$1 protocol=$2 port=$3 rcpt=$4
	shift 4
	tag=$(printf '%.12s' "${name}000000000000")
	set -- -p "$protocol" -i "$tag" -t "$rcpt" -f back@hub.test "$@"
	echo "$tag" >"$work/$name.tag"
	: >"$work/$name.ledger"
	"$BUILD/tests/quail-load" -P 0 "$@" >"$work/$name.text"
	"$BUILD/tests/quail-load" -m 1000000 -a -d "$seconds" \
	    -D $((seconds + 40)) -L "$work/$name.ledger" "$@" \
	    "127.0.0.1:$port" >"$work/$name.said" 2>&1 &
	names="$names $name"
	loads="$loads $!"
	pids="$pids $!"
}

# to NAME RCPT DIR - what the ledger of NAME has of one recipient, by its
# number, or of all (-), must be in this Maildir
to() {
	echo "$1 $2 $work/$3/new" >>"$work/places"
}

# found NAME RCPT DIR - compare the ledger with a Maildir
found() {
	tag=$(cat "$work/$1.tag")
	text="-t $work/$1.text -i $tag-00000000"
	[ "$1" != bounce ] || text= # there it is a part of another
	grep "/${2#-}" "$work/$1.ledger" >"$work/$1.want"
	perl "$here/arrived.pl" -k "(?m)^Subject: quail-load ($tag\\S+)" $text \
	    -l "$work/$1.want" "$3" 2>"$work/why"
}

are_all_there() {
	while read -r name rcpt dir; do
		case $(found "$name" "$rcpt" "$dir") in
		*' missing=0') ;;
		*) return 1 ;;
		esac
	done <"$work/places"
}

check 'the far hub comes up' node_start far || tap_done
check 'the hub comes up' node_start hub || tap_done
proxy qmqp "$bad_qmqp" "$qmqp"
proxy qmtp "$bad_qmtp" "$qmtp"
proxy smtp "$bad_smtp" "$smtp"
for p in qmqp qmtp smtp; do
	sessions=7 window=1
	[ $p != qmtp ] || window=16
	eval "port=\$bad_$p"
	load $p $p "$port" $p@hub.test -r 2 -s $sessions -w $window -R $rate \
	    -b 2500
	to $p 0 hub/mail/0$p
	to $p 1 hub/mail/1$p
done
load large qmtp "$bad_qmtp" large@hub.test -r 2 -s 2 -w 2 -R 2 -b 300000
to large 0 hub/mail/0large
to large 1 hub/mail/1large
load alias qmqp "$bad_qmqp" both@hub.test -s 1 -R 10 -b 2000
to alias - hub/mail/one
to alias - hub/mail/two
load relay smtp "$bad_smtp" u@far.test -s 2 -R 20 -b 2000
to relay - far/mail/u
load bounce qmtp "$bad_qmtp" gone@far.test -s 1 -w 4 -R 10 -b 1000
to bounce - hub/mail/back
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
sleep 1 # a copy more?
for p in qmqp qmtp smtp; do
	echo "# proxy of $p: $(cat "$work/$p.proxy")"
done
for name in $names; do
	echo "# $name: $(cat "$work/$name.said")"
	check "$name: trouble of our own is never a D" grep -q ' d=0 ' \
	    "$work/$name.said"
done
while read -r name rcpt dir; do
	result=$(found "$name" "$rcpt" "$dir")
	set -- $(echo "$result" | tr -c '0-9\n' ' ')
	what="$name: $(wc -l <"$work/$name.want") acknowledged for $rcpt"
	case $result in
	*' wrong=0 missing=0') pass "$what: all there, unchanged" ;;
	*)
		fail "$what: $result"
		cat "$work/why"
		;;
	esac
	if [ $ONCE = 1 ]; then
		is $(($1 - $2)) 0 "$name: and none is there twice"
	else
		echo "# $name: copies of what was sent again: $(($1 - $2))"
	fi
done <"$work/places"
check 'clients did send again' grep -qv ' lost=0 ' "$work/qmtp.said"
tap_done
