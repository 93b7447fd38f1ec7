#!/bin/sh
# million.sh - a million queued messages: memory, start, and the rate beside
#
# The rate at which a hub takes mail with an empty queue; then a million for a
# dead next hop (or ROUTE=hold); its memory; the rate beside them; then it is
# started anew: the time to the first K, until all is loaded, and memory
# again. MANY=N messages (1000000) of 1 KB; PROBE=N of a rate (50000).
set -u

: "${BIN:?make bench sets it}" "${BUILD:?make bench sets it}"
here=$(cd "$(dirname "$0")/.." && pwd)
work=$BUILD/million
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/node.sh"

many=${MANY:-1000000}
probe=${PROBE:-50000}

set -- $(free_ports 2)
qmtp=$1 nobody=$2

echo hub.test | table hub me
echo "qmtp 127.0.0.1:$qmtp" | table hub listen
echo '127.0.0.0/8 relay' | table hub access
table hub routes <<T
null.test discard
* ${ROUTE:-qmtp:127.0.0.1:$nobody}
T

# load COUNT RCPT - prints K's a second
load() {
	"$BUILD/tests/quail-load" -s 8 -w 64 -b 1000 -m "$1" -t "$2" \
	    "127.0.0.1:$qmtp" >"$work/said" || cat "$work/said" >&2
	sed 's/.*k_per_second=\([0-9]*\).*/\1/' "$work/said"
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
load 5000 warm@dead.test >/dev/null
echo "empty queue: $(load "$probe" a@null.test) $(load "$probe" b@null.test)" \
    "$(load "$probe" c@null.test) messages a second"
memory 'with few'
echo "filling: $(load "$many" x@dead.test) messages a second"
sleep 3
memory 'with all'
echo "beside them: $(load "$probe" d@null.test) $(load "$probe" e@null.test)" \
    "$(load "$probe" f@null.test) messages a second"
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
echo "beside them: $(load "$probe" g@null.test) $(load "$probe" h@null.test)" \
    "$(load "$probe" i@null.test) messages a second"
node_stop hub
node_is_sound hub
