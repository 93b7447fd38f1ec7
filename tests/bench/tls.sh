#!/bin/sh
# tls.sh - our TLS stream beside openssl's, on this machine
#
# Handshakes: openssl's client (s_time) against both servers, then our client
# against both; new ones, and with a resumed session. Bytes: one connection,
# each client (s_client) to each server; s_server stops for
# a while between records when its stdin has ended, so it gets one that never does. The key is
# a P-256 one, as quail key makes it; TLS 1.2, one processor each.
# SECONDS_A_RUN=N (5), MB=N (2000).
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
mkfifo never || exit 111
exec 3<>never
# not by background, in which stdin would be /dev/null
openssl s_server -accept "127.0.0.1:$openssl" -cert cert.pem -key key.pem \
    -tls1_2 -quiet >/dev/null 2>&1 <&3 &
pids="$pids $!"
wait_for 10 port_answers "$ours" && wait_for 10 port_answers "$openssl" ||
	exit 111

# s_time PORT HOW - openssl's count, in real seconds
s_time() {
	openssl s_time -connect "127.0.0.1:$1" -tls1_2 "$2" -time "$seconds" \
	    2>/dev/null | sed -n \
	    's/^\([0-9]*\) connections in \([0-9]*\) real seconds.*/\1 \2/p' |
		awk '{ printf "per_second=%.0f\n", $1 / $2 }'
}

# s_client PORT - openssl's bytes, its handshake included
s_client() {
	perl -MTime::HiRes=time -e '
		my ($port, $mb) = @ARGV;
		my $from = time;
		open my $out, "|-", "exec openssl s_client -tls1_2 -quiet " .
			"-no_ign_eof -connect 127.0.0.1:$port >/dev/null 2>&1"
			or die;
		my $piece = "\0" x 1_000_000;
		print $out $piece for 1 .. $mb;
		close $out;
		printf "bytes megabytes_per_second=%.0f\n",
			$mb / (time - $from);' "$1" "$mb"
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
	for server in quail openssl; do
		port=$ours
		[ "$server" = quail ] || port=$openssl
		echo "client=quail server=$server" \
		    "$("$rate" client "$port" bytes "$mb")"
		echo "client=openssl server=$server $(s_client "$port")"
	done
	echo "openssl speed aes-128-gcm, records of 16 KB, no connection:" \
	    "$(openssl speed -elapsed -seconds 1 -bytes 16384 \
		-evp aes-128-gcm 2>/dev/null | tail -n 1)"
done
