#!/bin/sh
# smtp_hostile.t - smtp-gateway out between a queue and thousands of next hops
# that answer as no server should: what was told K has been taken
#
# SEED chooses other scripts; LONG=1 tries ten times as many.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/smtp_hostile
rm -rf "$work"
mkdir -p "$work/hub/run" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

seed=${SEED:-1}
scripts=10000
[ -z "${LONG:-}" ] || scripts=100000
port=$(free_ports 1)
table hub me <<T
hub.test
T
"$BIN/quail" build "$work/hub" >/dev/null || exit 111
background "$BIN/smtp-gateway" out "$work/hub" >"$work/out.log" 2>&1
perl "$here/smtp_hostile.pl" "$work/hub/run/agent" "$port" "$scripts" "$seed" \
    >"$work/said"
status=$?
cat "$work/said"
if [ "$status" != 0 ]; then
	grep -aE 'Sanitizer|runtime error|event=bug' "$work/out.log" >&2
	exit 1
fi
