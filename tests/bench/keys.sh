#!/bin/sh
# keys.sh - ten minutes of mail from a client that may relay
#
# Each message is remembered for ten minutes, so that a repeat of it is known:
# does that ever stop the queue, or make it slow? A hub with default settings
# takes messages with a Message-ID by QMTP, each another one, and discards them,
# so that its segments are given back all the time. For each minute: how many
# a second, and how long a K took. RATE=N a second (3400; 0: as many as it
# takes), MINUTES=N (10), of SECONDS_EACH=N (60), BYTES=N of a message (1000).
#
# Fails when a daemon died, when a message had no K, when the p99.9 of a K is
# over 50 ms in any minute, or a minute's rate is under 85 % of the first's.
set -u

: "${BIN:?make bench-keys sets it}" "${BUILD:?make bench-keys sets it}"
here=$(cd "$(dirname "$0")/.." && pwd)
work=$BUILD/bench-keys
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/node.sh"
rate=${RATE:-3400} minutes=${MINUTES:-10} each=${SECONDS_EACH:-60}
bytes=${BYTES:-1000}
[ "$rate" = 0 ] && rate=
qmtp=$(free_ports 1)

echo hub.test | table hub me
echo "qmtp 127.0.0.1:$qmtp" | table hub listen
echo '127.0.0.0/8 relay' | table hub access
echo '* discard' | table hub routes

# field NAME - of what the load generator said last
field() {
	sed "s/.* *\b$1=\([0-9.]*\).*/\1/" "$work/said"
}

# state - what the queue has by now
state() {
	perl -e '
		open my $f, "<", "/proc/$ARGV[0]/status" or die;
		my %v = map /^(\w+):\s+(\d+) kB/ ? ($1, $2) : (), <$f>;
		printf "memory=%.0fMB", $v{VmRSS} * 1024 / 1e6;
	' "$(node_process hub quail-queue)"
	echo " segments=$(count "$work/hub/queue/seg")" \
	    "keys=$(du -sk "$work/hub/queue/recent" | sed 's/\t.*//')kB"
}

echo "machine: $(nproc) processors, $(uname -sr)," \
    "$(findmnt -no FSTYPE -T "$work" 2>/dev/null)"
node_start hub || exit 111
first=$(node_process hub quail-queue)
n=0 taken=0 bad=0 rate_1=
while [ "$n" -lt "$minutes" ]; do
	n=$((n + 1))
	"$BUILD/tests/quail-load" -s 8 -w 64 -b "$bytes" -m 9999999 \
	    ${rate:+-R "$rate"} -d "$each" -D $((each + 60)) \
	    -t "user@null.test" "127.0.0.1:$qmtp" >"$work/said"
	echo "minute $n: $(sed 's/.*seconds=/seconds=/' "$work/said") $(state)"
	taken=$((taken + $(field k)))
	rate_1=${rate_1:-$(field k_per_second)}
	[ "$(field sent)" = "$(field k)" ] || bad="a message without a K"
	[ "$(field p999_ms | sed 's/\..*//')" -lt 50 ] || bad='a K took long'
	[ $(($(field k_per_second) * 100)) -ge $((rate_1 * 85)) ] ||
		bad='it became slower'
done
[ "$(node_process hub quail-queue)" = "$first" ] || bad='the queue died'
node_stop hub
node_is_sound hub || bad='a daemon died'
echo "taken: $taken; $([ "$bad" = 0 ] && echo good || echo "bad: $bad")"
[ "$bad" = 0 ]
