#!/bin/sh
# powerloss.t - power fails under a real file system, again and again
#
# An ext4 and an xfs on loop devices carry the queue of a node. While a client
# sends as fast as it can, and while segments of 64 KiB come and go, the file
# system is shut down without its journal being written; then it is mounted
# again, sometimes shut down once more in the recovery, and whatever was
# acknowledged, by a ledger that stands elsewhere, must be delivered, byte by
# byte. 20 times each; LONG=1: 200 times.
#
# That this can show a loss is shown first, with the order that many mail
# servers use: write, fsync, link, and no sync of the directory.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
work=$BUILD/powerloss
cycles=${CYCLES:-20}
[ -z "${LONG:-}" ] || cycles=${CYCLES:-200}

[ "$(id -u)" = 0 ] || skip_all 'only root can mount'
[ -e /dev/loop-control ] || skip_all 'there are no loop devices'
# In mounts of our own: whoever copies the machine's (another test, a container)
# would keep a file system alive that was shut down, and it could not be
# mounted again.
[ -n "${OWN_MOUNTS:-}" ] || ! unshare -m true 2>/dev/null ||
	OWN_MOUNTS=1 exec unshare -m --propagation private sh "$0" "$@"

mounted() {
	grep -q " $1 " /proc/mounts
}

cleanup() {
	for fs in ext4 xfs; do
		for file in "$work/$fs"/*.pid; do
			[ -s "$file" ] && kill -9 "$(cat "$file")" 2>/dev/null
		done
		mounted "$work/$fs/node/queue" && umount -l "$work/$fs/node/queue"
	done
	[ -n "${KEEP:-}" ] || rm -rf "$work"
}

for fs in ext4 xfs; do
	mounted "$work/$fs/node/queue" && umount -l "$work/$fs/node/queue"
done
rm -rf "$work"
mkdir -p "$work" || exit 111
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# between LOW HIGH
between() {
	shuf -n 1 -i "$1-$2"
}

# ---- one file system; all of this works in $work/$fs

make_disk() {
	truncate -s 400M disk
	case $fs in
	ext4) mkfs.ext4 -q -F disk ;;
	xfs) mkfs.xfs -q -f disk ;;
	esac
}

mount_disk() {
	mount -o loop disk node/queue
}

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
	"$BUILD/tests/crash-down" node/queue "$1" ledger
	for name in client queue; do
		[ ! -e $name.pid ] || end $name
	done
	umount node/queue && mount_disk
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
	: >ledger
}

# order NAME WANTED - how many of 40 does a power loss leave?
order() {
	make_disk && mount_disk || return 1
	"$BUILD/tests/crash-orders" node/queue names "$1" 40
	umount node/queue && mount_disk || return 1
	found=0
	while read -r name; do
		[ ! -e "node/queue/$name" ] || found=$((found + 1))
	done <names
	umount node/queue
	echo "order $1 $found" >>result
}

# Says in `result` how it went.
try() {
	fs=$1
	mkdir -p "$work/$fs/node/run" "$work/$fs/node/queue" &&
		cd "$work/$fs" || exit 111
	command -v "mkfs.$fs" >/dev/null || {
		echo "skip there is no mkfs.$fs" >result
		return
	}
	make_disk && mount_disk || {
		echo "skip this kernel does not mount $fs on a loop device" >result
		return
	}
	umount node/queue
	order link
	order linkdir
	echo x.test >node/me
	echo x.test >node/locals
	echo '*@x.test maildir:mail' >node/users
	"$BIN/quail" build node >/dev/null && make_disk && mount_disk || {
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
	umount node/queue
	echo "done $n $(grep -c ^K ledgers) $(cat recoveries 2>/dev/null |
		wc -l) $(grep -c event=torn queue.said)" >>result
}

# ---- both at the same time

(try ext4) >"$work/ext4.out" 2>&1 &
first=$!
(try xfs) >"$work/xfs.out" 2>&1
wait $first

report() {
	read -r word rest <"$work/$1/result" || word=nothing
	if [ "$word" = skip ]; then
		skip "$1" "$rest"
		return
	fi
	while read -r word first second third fourth; do
		case $word,$first,$second in
		order,linkdir,40)
			pass "$1: write, fsync, link, fsync of the directory: 40 of 40"
			;;
		order,link,40)
			fail "$1: no loss without a sync of the directory: this test is blind"
			;;
		order,link,3[0-9])
			pass "$1: write, fsync, link: $second of 40 (so a loss is seen)"
			;;
		order,*) fail "$1: $first: $second of 40" ;;
		done,*)
			pass "$1: $first power losses and $third in recoveries: $second acknowledged, none lost, $fourth torn tails"
			;;
		*) fail "$1: $word $first $second $third $fourth" ;;
		esac
	done <"$work/$1/result"
	grep -q '^done' "$work/$1/result" || {
		fail "$1: it did not get to the end"
		tail -n 20 "$work/$1.out" "$work/$1/queue.said" \
		    "$work/$1/checked" | sed 's/^/# /'
	}
}

report ext4
report xfs
tap_done
