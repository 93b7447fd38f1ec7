#!/bin/sh
# tls.sh - our TLS stream beside openssl's, on this machine
#
# Handshakes: openssl's client (s_time) against both servers, then our client
# against both; new ones, and with a resumed session. Bytes: one connection of
# ours, beside openssl's cipher alone (its s_server waits for its stdin between
# records, and so measures itself). The key is a P-256 one, as quail key makes
# it; TLS 1.2, one processor each. SECONDS_A_RUN=N (5), MB=N (2000).
set -u

: "${BIN:?make bench-tls sets it}" "${BUILD:?make bench-tls sets it}"
here=$(cd "$(dirname "$0")/.." && pwd)
work=$BUILD/bench-tls
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/node.sh"
seconds=${SECONDS_A_RUN:-5} mb=${MB:-2000}
rate=$BUILD/tests/tlsrate

"$BIN/quail" key -o "$work" -n bench.test >/dev/null || exit 111
cd "$work" || exit 111
set -- $(free_ports 2)
ours=$1 openssl=$2
background "$rate" server "$ours" cert.pem key.pem
background openssl s_server -accept "127.0.0.1:$openssl" -cert cert.pem \
    -key key.pem -tls1_2 -quiet >/dev/null 2>&1 </dev/null
wait_for 10 port_answers "$ours" && wait_for 10 port_answers "$openssl" ||
	exit 111

# s_time PORT HOW - openssl's count, in real seconds
s_time() {
	openssl s_time -connect "127.0.0.1:$1" -tls1_2 "$2" -time "$seconds" \
	    2>/dev/null | sed -n \
	    's/^\([0-9]*\) connections in \([0-9]*\) real seconds.*/\1 \2/p' |
		awk '{ printf "per_second=%.0f\n", $1 / $2 }'
}

echo "machine: $(nproc) processors, $(openssl version | cut -d' ' -f1-2)"
for round in 1 2 3; do
	echo "round $round"
	for how in new reuse; do
		echo "client=openssl server=quail $how $(s_time "$ours" -$how)"
		echo "client=openssl server=openssl $how $(s_time "$openssl" -$how)"
	done
	for how in full resumed; do
		echo "client=quail server=quail $("$rate" client "$ours" $how "$seconds")"
		echo "client=quail server=openssl $("$rate" client "$openssl" $how "$seconds")"
	done
	echo "client=quail server=quail $("$rate" client "$ours" bytes "$mb")"
	echo "openssl speed aes-128-gcm, records of 16 KB, no connection:" \
	    "$(openssl speed -elapsed -seconds 1 -bytes 16384 \
		-evp aes-128-gcm 2>/dev/null | tail -n 1)"
done
