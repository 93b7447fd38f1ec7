#!/bin/sh
# floods.t - what one client too many costs the others
#
# One flood after the other (flood.pl) against a hub and a leaf, and beside each
# of them another client of the same daemon: it must get all its answers while
# the flood lasts, no daemon may hold more than it says, and no log may grow by
# what a stranger does, though all of it is counted there. The table says how
# long the answers took, and of the slowest hundredth whether it is within twice
# its quiet value and 10 ms; what each daemon had in MiB at the most; how many
# lines were logged. FLOODS="hellos dots" chooses; LONG=1 gives each ten
# seconds, for figures of use.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/floods
rm -rf "$work"
mkdir -p "$work/hub" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

# another client's messages, and how many it begins a second
many=25 rate=50
[ -n "${LONG:-}" ] && many=1000 rate=100
floods=${FLOODS:-records alerts hellos refused lines strangers dots dashes \
    headers recipients replies drip spool domains}

set -- $(free_ports 11)
qmqp=$1 qmqps=$2 qmtp=$3 qmtps=$4 smtp=$5 good=$6 replies=$7 drip=$8
leaf=$9
shift 9
dns=$1
export QUAIL_DNS="127.0.0.1:$dns" # where nobody answers

"$BIN/quail" key -o "$work/hub/tls" >/dev/null
echo hub.test | table hub me
echo 1 | table hub stopwait
table hub listen <<T
qmqp 127.0.0.1:$qmqp
qmqps 127.0.0.1:$qmqps
qmtp 127.0.0.1:$qmtp
qmtps 127.0.0.1:$qmtps
smtp 127.0.0.1:$smtp
T
echo '127.0.0.1 relay' | table hub access
echo hub.test | table hub locals
printf '%s\n' held.test .many.test | table hub rcpthosts
echo 'box@hub.test maildir:mail/box' | table hub users
table hub routes <<T
good.test    smtp:127.0.0.1:$good
replies.test smtp:127.0.0.1:$replies
drip.test    smtp:127.0.0.1:$drip
.many.test   smtp:mx
*            hold
T
echo leaf.test | table leaf me
echo "smtp 127.0.0.1:$leaf" | table leaf listen
echo "127.0.0.1:$qmqp" | table leaf qmqpservers
check 'a hub comes up' node_start hub || { cat "$work/hub.log"; tap_done; }
check 'and a leaf' node_start leaf || { cat "$work/leaf.log"; tap_done; }

daemons='qmqpd qmtpd smtp-gateway:in smtp-gateway:out quail-queue'
for d in $daemons; do
	node_process hub "${d%:*}" "$(echo "$d:" | cut -d: -f2)" \
	    >"$work/pid.$d"
done

# The most that a daemon may have in memory, in KiB: budget.h states 42 MiB for
# a front end with a thousand clients, 72 with TLS; staging.h 32 MiB for the
# queue's messages, and what it knows of each.
most_kb() {
	case $1 in
	quail-queue) echo 131072 ;;
	*) echo 73728 ;;
	esac
}

# peaks - of each daemon in MiB, since the last time if the system lets us
peaks() {
	for d in $daemons; do
		kb=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' \
		    "/proc/$(cat "$work/pid.$d")/status" 2>/dev/null)
		(echo 5 >"/proc/$(cat "$work/pid.$d")/clear_refs") 2>/dev/null
		printf ' %4d' $((${kb:-0} / 1024))
		[ "${kb:-999999}" -le "$(most_kb "$d")" ] ||
			echo "$d has $kb KiB, of $(most_kb "$d")" >>"$work/large"
	done
}

log_lines() {
	cat "$work/hub.log" "$work/leaf.log" | wc -l
}

milliseconds() {
	perl -MTime::HiRes=time -e 'printf "%.0f\n", 1000 * time'
}

field() {
	grep -o "$1=[0-9.]*" "$work/said" | head -n 1 | cut -d= -f2
}

# other PROTOCOL PORT RCPT - the other client
other() {
	"$BUILD/tests/quail-load" -p "$1" -s 1 -w 1 -b 1000 -m "$many" \
	    -R "$rate" -D 40 -f a@elsewhere.test -t "$3" "127.0.0.1:$2" \
	    >"$work/said"
}

row() {
	printf '# %-11s %5s %8s %8s %6s %8s %s %6s\n' "$@"
}

# judged PROTOCOL P99 - against the quiet one, which the first has written
judged() {
	[ -s "$work/quiet.$1" ] || echo "$2" >"$work/quiet.$1"
	perl -e 'print $ARGV[1] <= 2 * $ARGV[0] + 10 ? "within" : "over"' \
	    "$(cat "$work/quiet.$1")" "$2"
}

# beside NAME PROTOCOL PORT [RCPT] - the other client, and a row of the table
beside() {
	before=$(log_lines)
	other "$2" "$3" "${4:-box@hub.test}"
	got=$?
	sleep 0.1 # for the log of the last
	lines=$(($(log_lines) - before))
	row "$1" "$(field k)" "$(field p50_ms)" "$(field p99_ms)" \
	    "$(judged "$2.$3" "$(field p99_ms)")" "$(field max_ms)" \
	    "$(peaks)" "$lines"
	return "$got"
}

flows() {
	grep -q flowing "$work/flood"
}

flood_begins() {
	: >"$work/flood"
	nice -n 19 perl "$here/flood.pl" "$1" "$2" >"$work/flood" &
	flood=$!
	pids="$pids $flood"
	wait_for 20 flows
}

flood_ends() {
	kill "$flood" 2>/dev/null
	wait "$flood" 2>/dev/null
	echo "#     $(tail -n 1 "$work/flood")"
}

# A line or two a message are its own, and a few are anybody's.
few_lines() {
	[ "$lines" -le $((many * 3 + 100)) ]
}

# counted EVENT - how often does the log say that there was one?
counted() {
	perl -ne '/ event=\Q'"$1"'\E .*client=(127\.0\.[1-9]|others)/ or next;
		$n += / times=(\d+)/ ? $1 : 1;
		END { print $n // 0 }' "$work/hub.log"
}

# flood KIND PORT PROTOCOL PORT - and the other client beside it
flood() {
	check "$1: it flows" flood_begins "$1" "$2" || return
	sleep 0.3
	check "$1: another client gets all its answers" beside "$1" "$3" "$4"
	flood_ends
}

has_ended() {
	! kill -0 "$1" 2>/dev/null
}

# deliver NAME PORT - is the other client's mail delivered beside that?
deliver() {
	"$BUILD/tests/quail-sink" -m "$many" smtp "127.0.0.1:$good" \
	    >"$work/sink" &
	sink=$!
	pids="$pids $sink"
	wait_for 5 port_answers "$good"
	begun=$(milliseconds)
	check "$1: another client gets all its answers" \
	    beside "$1" qmqp "$qmqp" x@good.test
	check "$1: its mail is delivered" wait_for 30 has_ended "$sink"
	echo "#     delivered after $(($(milliseconds) - begun)) ms"
}

# answer KIND PORT - servers that talk without an end
answer() {
	check "$1: it flows" flood_begins "$1" "$2" || return
	"$BUILD/tests/quail-load" -p qmqp -m 40 -b 500 -f '' -t "x@$1.test" \
	    "127.0.0.1:$qmqp" >/dev/null
	sleep 0.5
	deliver "$1"
	flood_ends
}

spool_files() {
	perl -e 'mkdir "$ARGV[0]/spool";
		for (1 .. 20000) {
			open my $f, ">", "$ARGV[0]/spool/none$_" or exit 1;
		}' "$work/leaf"
}

row flood k p50_ms p99_ms rule max_ms ' qmqp qmtp smtp  out  que' lines
peaks >/dev/null
for p in qmqp qmtp smtp; do
	eval "port=\$$p"
	check "quiet, by $p: all its answers" beside "quiet $p" "$p" "$port"
done
deliver quiet
check 'quiet, by a leaf: all its answers' beside 'quiet leaf' smtp "$leaf"

for kind in $floods; do
	case $kind in
	records | alerts) flood "$kind" "$qmqps" qmqp "$qmqp" ;;
	hellos) flood "$kind" "$qmtps" qmtp "$qmtp" ;;
	refused) flood "$kind" "$qmqp" qmqp "$qmqp" ;;
	strangers) flood "$kind" "$smtp" smtp "$smtp" ;;
	lines | dots | dashes | domains | headers | recipients)
		flood "$kind" "$qmtp" qmtp "$qmtp"
		;;
	replies) answer "$kind" "$replies" ;;
	drip) answer "$kind" "$drip" ;;
	spool)
		check 'spool: 20,000 empty files' spool_files
		check 'spool: another client gets all its answers' \
		    beside spool smtp "$leaf"
		;;
	esac
	case $kind in
	refused | lines | strangers)
		check "$kind: $lines lines of log" few_lines
		sed -n 's/^done=\([0-9]*\) .*/\1/p' "$work/flood" \
		    >"$work/done.$kind"
		;;
	esac
done

is "$(cat "$work/large" 2>/dev/null)" '' 'no daemon has held more than it says'
kill "$(cat "$work/hub.pid")" "$(cat "$work/leaf.pid")"
check 'the nodes end' node_stop hub
node_stop leaf
check 'and were sound' node_is_sound hub
for kind in refused:refused lines:end strangers:refused; do
	done=$(cat "$work/done.${kind%:*}" 2>/dev/null) || continue
	n=$(counted "${kind#*:}")
	check "${kind%:*}: $done at least, and the log has counted $n" \
	    test "$n" -ge "$done"
done
tap_done
