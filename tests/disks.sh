# disks.sh - file systems on loop devices, and power that fails under them;
# to be sourced
#
# A disk is the file $image; disk_begin decides where it lies. The power of an
# ext4 or an xfs fails by an ioctl that shuts it down without its journal being
# written. A btrfs does not know that call: its disk is copied in one moment, as
# reflinks of the xfs that it lies on, and the copy takes its place.
#
# Needs root, and mounts of one's own (unshare -m): whoever copies
# the machine's mounts (another test, a container) would keep a file system
# alive that was shut down, and it could not be mounted again.
#
# To be ended with disk_end, which unmounts.

# disks_why_not - says why there can be none
disks_why_not() {
	if [ "$(id -u)" != 0 ]; then
		echo 'only root can mount'
	elif [ ! -e /dev/loop-control ]; then
		echo 'there are no loop devices'
	fi
}

# disk_mounted DIR
disk_mounted() {
	grep -q " $1 " /proc/mounts
}

# disk_begin FS DIR - a disk with a new file system, mounted at DIR; DIR.disk
# and DIR.host* are its. 1, with $disk_why, where that cannot be.
disk_begin() {
	disk_fs=$1
	disk_at=$2
	image=$disk_at.disk
	mkdir -p "$disk_at"
	disk_why="there is no mkfs.$disk_fs"
	command -v "mkfs.$disk_fs" >/dev/null || return 1
	if [ "$disk_fs" = btrfs ]; then
		disk_why='there is no xfs to copy a btrfs on'
		mkdir -p "$disk_at.host"
		truncate -s 16G "$disk_at.hostdisk"
		mkfs.xfs -q -f -m reflink=1 "$disk_at.hostdisk" &&
			mount -o loop "$disk_at.hostdisk" "$disk_at.host" ||
			return 1
		image=$disk_at.host/disk
	fi
	disk_why="this kernel does not mount $disk_fs on a loop device"
	disk_make && disk_mount
}

# disk_make - a new file system, not mounted
disk_make() {
	rm -f "$image"
	truncate -s "${DISK_SIZE:-6G}" "$image"
	case $disk_fs in
	ext4) mkfs.ext4 -q -F "$image" ;;
	xfs) mkfs.xfs -q -f "$image" ;;
	btrfs) mkfs.btrfs -q -f "$image" ;;
	esac
}

disk_mount() {
	mount -o loop "$image" "$disk_at"
}

# A process that was killed may have it for a moment yet.
disk_umount() {
	disk_tries=0
	until umount "$disk_at" 2>/dev/null; do
		disk_mounted "$disk_at" || return 0
		disk_tries=$((disk_tries + 1))
		[ $disk_tries -lt 100 ] || return 1
		sleep 0.1
	done
}

# disk_down LEDGER - the power fails now. LEDGER gets an X just before: what is
# acknowledged behind it would have been heard by nobody.
#
# Whoever works there has to be ended before disk_up.
disk_down() {
	if [ "$disk_fs" = btrfs ]; then
		echo X >>"$1"
		cp --reflink=always "$image" "$image.lost"
	else
		"$BUILD/tests/crash-down" "$disk_at" "$1"
	fi
}

# disk_up - mount what the disk had when the power failed
disk_up() {
	disk_umount || return 1
	[ "$disk_fs" != btrfs ] || mv "$image.lost" "$image" || return 1
	disk_mount
}

disk_end() {
	[ -n "${disk_at:-}" ] || return 0
	! disk_mounted "$disk_at" || umount -l "$disk_at"
	! disk_mounted "$disk_at.host" || umount -l "$disk_at.host"
	rm -rf "$disk_at.disk" "$disk_at.hostdisk"
}
