#!/bin/sh
# bench.sh - quail and its peers, the same work, in one run (make bench)
#
#   bench.sh [WORK...]     some of: disk w1 w1slow w2 w3 w4 w5 w6 w7 w8
#
# Needs root (or sudo): it makes a journaled ext4 in a file of DISK_MB (6144)
# megabytes under $BUILD, on a loop device with direct I/O, and enters mount,
# network and process namespaces of its own; the peers' Debian packages are
# downloaded and unpacked, never installed, and run in scratch roots there. At
# the end nothing is left but the packages and the report. QUICK=1: two rounds
# instead of five, fewer cases. ON=DIR: use that directory's file system.
# The report goes to $BUILD/bench/report.md, every single figure to
# $BUILD/bench/figures; REPORT=FILE has the tables put into that file too.
set -u

: "${BIN:?make bench sets it}" "${BUILD:?make bench sets it}"
here=$(cd "$(dirname "$0")" && pwd)
out=$BUILD/bench
peers=$out/peers
packages='postfix opensmtpd exim4-daemon-light dma nullmailer msmtp'

die() {
	echo "bench: $*" >&2
	exit 111
}

if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null 2>&1 ||
		die 'needs root: namespaces, a loop device, chroot'
	exec sudo env BIN="$BIN" BUILD="$BUILD" QUICK="${QUICK:-}" \
	    ON="${ON:-}" REPORT="${REPORT:-}" DISK_MB="${DISK_MB:-}" \
	    sh "$0" "$@"
fi

# fetch PACKAGE - it and what it needs that this host lacks, unpacked. If it is
# installed here, apt names nothing: then its own package alone.
fetch() {
	[ ! -d "$peers/$1/root/usr" ] || return 0
	mkdir -p "$peers/$1"
	needs=$(apt-get -s --no-install-recommends install "$1" 2>/dev/null |
	    awk '/^Inst/ { print $2 }')
	# shellcheck disable=SC2086
	sh "$here/../../packaging/deps.sh" download "$peers/$1" \
	    ${needs:-"$1"} >"$peers/$1/said" 2>&1 || {
		echo "bench: no $1: $(tail -n 1 "$peers/$1/said")" >&2
		return 0
	}
	for deb in "$peers/$1"/*.deb; do
		dpkg-deb -x "$deb" "$peers/$1/root" || return 1
		# shellcheck disable=SC2016
		dpkg-deb -W --showformat='${Package} ${Version}\n' "$deb"
	done | grep "^$1 " >"$peers/$1/version"
}

make_disk() {
	disk=$out/disk.img
	mb=${DISK_MB:-6144}
	[ "$(stat -c %s "$disk" 2>/dev/null)" = $((mb * 1048576)) ] || {
		echo "bench: writing $disk, $mb MB, once"
		rm -f "$disk"
		dd if=/dev/zero of="$disk" bs=1M count="$mb" status=none ||
			die "cannot write $disk: set ON=DIR or DISK_MB"
	}
	[ -z "$(losetup -j "$disk")" ] || die "$disk is in use"
	loop=$(losetup --direct-io=on -f --show "$disk") ||
		die "no loop device with direct I/O: set ON=DIR"
	mkfs.ext4 -q -F "$loop" || die 'mkfs.ext4'
}

mkdir -p "$peers" || exit 111
for p in $packages; do
	fetch "$p" || exit 111
done
loop=
if [ -n "${ON:-}" ]; then
	stage=$(mktemp -d "$ON/quail-bench.XXXXXX") || exit 111
else
	stage=$out/stage
	mkdir -p "$stage" && make_disk
fi
trap 'cleanup' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
cleanup() {
	if [ -n "$loop" ]; then
		losetup -d "$loop"
	else
		rm -rf "$stage"
	fi
}

# In the namespaces: everything that was started there ends with them.
# shellcheck disable=SC2016
unshare -m -n -p -f --kill-child --mount-proc sh -c '
	[ -z "$1" ] || mount "$1" "$2" || exit 111
	ip link set lo up || exit 111
	exec perl -I "$3" "$3/bench.pl" "$@"' \
    sh "$loop" "$stage" "$here" "$out" "$peers" "$@"
