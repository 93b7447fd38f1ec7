#!/bin/sh
# million.sh - a million queued messages: memory, start, and the rate beside
#
# A hub gets a million messages for a dead next hop (or ROUTE=hold). Its memory;
# the rate at which it takes more, beside that of a second hub whose queue is
# empty: seven times in turn, medians. Then it is started anew: the time to the
# first K, until all is loaded, memory and the rate again. MANY=N messages
# (1000000) of 1 KB; PROBE=N of a rate (50000).
set -u

: "${BIN:?make bench sets it}" "${BUILD:?make bench sets it}"
here=$(cd "$(dirname "$0")/.." && pwd)
work=$BUILD/million
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/node.sh"

many=${MANY:-1000000}
probe=${PROBE:-50000}

set -- $(free_ports 3)
qmtp=$1 nobody=$2 other=$3

# tables NODE PORT
tables() {
	echo "$1.test" | table "$1" me
	echo "qmtp 127.0.0.1:$2" | table "$1" listen
	echo '127.0.0.0/8 relay' | table "$1" access
	table "$1" routes <<T
null.test discard
* ${ROUTE:-qmtp:127.0.0.1:$nobody}
T
}
tables hub "$qmtp"
tables empty "$other"

# load PORT COUNT RCPT - prints K's a second
load() {
	"$BUILD/tests/quail-load" -s 8 -w 64 -b 1000 -m "$2" -t "$3" \
	    "127.0.0.1:$1" >"$work/said" || cat "$work/said" >&2
	sed 's/.*k_per_second=\([0-9]*\).*/\1/' "$work/said"
}

# median FILE - of seven
median() {
	sort -n "$1" | sed -n 4p
}

# rates TAG - of both hubs, in turn
rates() {
	node_start empty || exit 111
	load "$other" "$probe" "warm@null.test" >/dev/null
	: >"$work/full" && : >"$work/none"
	for i in 1 2 3 4 5 6 7; do
		load "$other" "$probe" "$1$i@null.test" >>"$work/none"
		load "$qmtp" "$probe" "$1$i@null.test" >>"$work/full"
	done
	echo "accepts beside them $(median "$work/full"), with an empty queue" \
	    "$(median "$work/none") messages a second" \
	    "(all: $(tr '\n' ' ' <"$work/full")/" \
	    "$(tr '\n' ' ' <"$work/none"))"
	node_stop empty
}

# memory WHEN - of quail-queue
memory() {
	perl -e '
		my ($when, $pid) = @ARGV;
		open my $f, "<", "/proc/$pid/status" or die;
		my %v = map /^(\w+):\s+(\d+) kB/ ? ($1, $2) : (), <$f>;
		printf "memory %s: resident=%.0f MB peak=%.0f MB\n", $when,
		    map $_ * 1024 / 1e6, @v{qw(VmRSS VmHWM)};
	' "$1" "$(node_process hub quail-queue)"
}

echo "machine: $(nproc) processors, $(uname -sr)"
echo "file system: $(findmnt -no FSTYPE,OPTIONS -T "$work" 2>/dev/null)"
node_start hub || exit 111
load "$qmtp" 5000 warm@dead.test >/dev/null
memory 'with few'
echo "filling: $(load "$qmtp" "$many" x@dead.test) messages a second"
sleep 3
memory 'with all'
rates a
node_stop hub
du -sm "$work/hub/queue" | sed 's/\([0-9]*\).*/on disk: \1 MB/'

# start - and what million.pl says of it
start() {
	: >"$work/hub.log"
	perl "$here/bench/million.pl" "$work/hub.pid" "$qmtp" \
	    "$work/hub.log" >"$work/start" &
	first=$!
	node_start hub || exit 111
	wait $first
	cat "$work/start"
}

echo 'started within ten minutes (what was taken lately is read first):'
start
node_stop hub
# as if all of it were older
touch -d '20 minutes ago' "$work"/hub/queue/*/*
echo 'started later:'
start
memory 'after the start'
sleep 15
memory 'and 15 s later'
rates b
node_stop hub
node_is_sound hub
