#!/bin/sh
# killcalls.t - the real quail-queue, stopped before each system call in turn,
# and each of its calls to the disk failed in turn
#
# See tests/crash/step.c. Every third call, and every fourth to the disk;
# LONG=1: every one.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
work=$BUILD/killcalls
calls=3
disk_calls=4
[ -z "${LONG:-}" ] || calls=1 disk_calls=1

rm -rf "$work"
mkdir -p "$work" || exit 111
# segments that come and go while the work is done
export QUAIL_SEGMENT_SIZE=16384

# step ERROR STRIDE
step() {
	mkdir -p "$work/$1/run"
	echo x.test >"$work/$1/me"
	echo x.test >"$work/$1/locals"
	echo '127.0.0.1 relay' >"$work/$1/access" # crash-client claims it
	echo '*@x.test maildir:mail' >"$work/$1/users"
	"$BIN/quail" build "$work/$1" >/dev/null 2>&1
	"$BUILD/tests/crash-step" "$work/$1" "$BIN/quail-queue" \
	    "$BUILD/tests/crash-client" "$1" "$2" \
	    >"$work/$1.said" 2>&1 </dev/null
	echo $? >"$work/$1.how"
}

"$BUILD/tests/crash-step" / /nonexistent x kill 0 2>/dev/null
[ $? = 100 ] || skip_all 'crash-step was not built'

ways='ENOSPC EIO EDQUOT EINTR EMFILE short'
[ "$(uname -m)" = x86_64 ] || ways=
{
	echo kill $calls
	for way in $ways; do
		echo "$way $disk_calls"
	done
} >"$work/ways"
# they mostly wait, so all at once
while read -r way stride; do
	step "$way" "$stride" &
done <"$work/ways"
wait

while read -r way stride; do
	result=$(grep "^$way at " "$work/$way.said" | tail -n 1)
	if [ "$(cat "$work/$way.how")" = 0 ]; then
		pass "$result"
	else
		fail "$way: ${result:-it did not get to the end}"
		tail -n 30 "$work/$way.said" | sed 's/^/# /'
	fi
done <"$work/ways"
[ -n "$ways" ] || skip 'each call fails' 'calls can be made to fail on x86-64 only'
[ "$tap_failed" != 0 ] || rm -rf "$work"
tap_done
