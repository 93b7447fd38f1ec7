#!/bin/sh
# powerloss.t - power fails under a real file system, again and again
#
# An ext4, an xfs and a btrfs on loop devices carry the queue of a node. While
# a client sends as fast as it can, and while segments of 64 KiB come and go,
# the file system is shut down without its journal being written (disks.sh);
# then it is mounted again, sometimes shut down once more in the recovery, and
# whatever was acknowledged, by a ledger that stands elsewhere, must be
# delivered, byte by byte. 15 times each; LONG=1: 200 times. powernode.t does
# the same to a whole hub and its Maildirs.
#
# That this can show a loss is shown first, with the order that many mail
# servers use: write, fsync, link, and no sync of the directory. And that
# directories which somebody has just made, and never synced, are there once
# the one below has been synced, which final delivery relies on.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
. "$here/disks.sh"
work=$BUILD/powerloss
cycles=${CYCLES:-15}
[ -z "${LONG:-}" ] || cycles=${CYCLES:-200}
DISK_SIZE=400M

why=$(disks_why_not)
[ -z "$why" ] || skip_all "$why"
[ -n "${OWN_MOUNTS:-}" ] || ! unshare -m true 2>/dev/null ||
	OWN_MOUNTS=1 exec unshare -m --propagation private sh "$0" "$@"

# between LOW HIGH
between() {
	shuf -n 1 -i "$1-$2"
}

# ---- one file system; all of this works in $work/$fs

# run NAME COMMAND... - in the background; its pid goes into NAME.pid
run() {
	name=$1
	shift
	"$@" >>"$name.said" 2>&1 </dev/null &
	echo $! >"$name.pid"
}

end() {
	kill -9 "$(cat "$1.pid")"
	wait "$(cat "$1.pid")"
	rm -f "$1.pid"
} 2>/dev/null

start_queue() {
	rm -f node/run/*
	QUAIL_SEGMENT_SIZE=65536 run queue "$BIN/quail-queue" node
	tries=0
	until [ -S node/run/agent ] && [ -S node/run/door ]; do
		tries=$((tries + 1))
		[ $tries -lt 500 ] || return 1
		sleep 0.01
	done
}

# lose_power MILLISECONDS - from now
lose_power() {
	sleep "$(printf '0.%03d' "$1")"
	disk_down ledger
	for name in client queue; do
		[ ! -e $name.pid ] || end $name
	done
	disk_up
}

cycle() {
	start_queue || return 1
	run client "$BUILD/tests/crash-client" node ledger send 0 16
	lose_power "$(between 20 600)" || return 1
	if [ "$(between 0 2)" = 0 ]; then
		QUAIL_SEGMENT_SIZE=65536 run queue "$BIN/quail-queue" node
		lose_power "$(between 0 30)" || return 1
		echo again >>recoveries
	fi
	# sometimes what is left is added to
	[ "$(between 0 3)" != 0 ] || return 0
	check_ledger
}

check_ledger() {
	start_queue || return 1
	"$BUILD/tests/crash-client" node ledger check 30 >checked 2>&1
	how=$?
	end queue
	[ $how = 0 ] || return 1
	cat ledger >>ledgers
	awk '$1 == "B" && $2 > n { n = $2 } END { print "H", n, 0 }' \
	    ledgers >ledger
}

# order NAME - how many of 40 does a power loss leave?
order() {
	"$BUILD/tests/crash-orders" "$disk_at" names "$1" 40 || return 1
	disk_down /dev/null
	disk_up || return 1
	found=0
	while read -r name; do
		[ ! -e "$disk_at/$name" ] || found=$((found + 1))
	done <names
	disk_umount && disk_make && disk_mount || return 1
	echo "order $1 $found" >>result
}

leave() {
	for file in ./*.pid; do
		[ ! -s "$file" ] || kill -9 "$(cat "$file")" 2>/dev/null
	done
	disk_end
}

# Says in `result` how it went.
try() {
	mkdir -p node/run
	disk_begin "$1" "$PWD/node/queue" || {
		echo "skip $disk_why" >result
		return
	}
	for name in link linkdir made; do
		order $name
	done
	echo x.test >node/me
	echo x.test >node/locals
	echo '127.0.0.1 relay' >node/access # crash-client claims it
	echo '*@x.test maildir:mail' >node/users
	"$BIN/quail" build node >/dev/null || {
		echo 'failed to begin' >>result
		return
	}
	: >ledger
	n=0
	while [ $n -lt "$cycles" ]; do
		cycle || {
			echo "failed in cycle $n: $(tail -n 5 checked)" >>result
			return
		}
		n=$((n + 1))
	done
	check_ledger || {
		echo "failed at the end: $(tail -n 5 checked)" >>result
		return
	}
	echo "done $n $(grep -c ^K ledgers) $(cat recoveries 2>/dev/null |
		wc -l) $(grep -c event=torn queue.said) $(grep -c \
	    event=repeat queue.said)" >>result
}

if [ "${1:-}" = try ]; then
	cd "$work/$2" || exit 111
	trap leave EXIT
	trap 'exit 130' INT TERM HUP
	try "$2"
	exit
fi

# ---- all at the same time

rm -rf "$work"
for fs in ext4 xfs btrfs; do
	mkdir -p "$work/$fs" || exit 111
	sh "$0" try $fs >"$work/$fs/said" 2>&1 &
done
wait

report() {
	read -r word rest <"$work/$1/result" || word=nothing
	if [ "$word" = skip ]; then
		skip "$1" "$rest"
		return
	fi
	while read -r word first second third fourth fifth; do
		case $word,$first,$second in
		order,linkdir,40)
			pass "$1: write, fsync, link, fsync of the directory: 40 of 40"
			;;
		order,made,40)
			pass "$1: the same in new directories, the last one synced: 40 of 40"
			;;
		order,link,40)
			fail "$1: no loss without a sync of the directory: this test is blind"
			;;
		order,link,3[0-9])
			pass "$1: write, fsync, link: $second of 40 (so a loss is seen)"
			;;
		order,*) fail "$1: $first: $second of 40" ;;
		done,*)
			pass "$1: $first power losses and $third in recoveries: $second acknowledged, none lost, none twice, $fifth repeats recognised, $fourth torn tails"
			;;
		*) fail "$1: $word $first $second $third $fourth" ;;
		esac
	done <"$work/$1/result"
	grep -q '^done' "$work/$1/result" || {
		fail "$1: it did not get to the end"
		tail -n 20 "$work/$1/said" "$work/$1/queue.said" \
		    "$work/$1/checked" | sed 's/^/# /'
	}
}

for fs in ext4 xfs btrfs; do
	report $fs
done
[ -n "${KEEP:-}" ] || rm -rf "$work"
tap_done
