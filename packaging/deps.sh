#!/bin/sh
# deps.sh - install what building and testing need, and nothing else
#
#   deps.sh build          the compiler and the libraries that quail links
#   deps.sh test           what the tests use besides
#   deps.sh leaf           the compiler and the emulator for another machine
#   deps.sh tinycdb DIR    TinyCDB's library, unpacked under DIR, not installed
#
# Asks for no privilege and does nothing when all is there. Else it says in
# one line what it installs, and calls apt-get as root or through sudo. No
# mail server is ever installed: see tests/peers.sh.
set -u

build='gcc libc6-dev libowfat-dev libc-ares-dev libbearssl-dev'
# prove; mail clients and a super-server; the libraries of the peers that
# tests/peers.sh unpacks; a checker for the manual pages; what shows system
# calls; what boots a systemd
test='perl openssl swaks ucspi-tcp libdb5.3 libicu72 libnsl2 libsasl2-2
    libgnutls30 libstdc++6 libssl3 liblua5.1-0 mandoc strace systemd-container e2fsprogs xfsprogs
    btrfs-progs'
# a small leaf for another architecture, built and run
leaf='gcc gcc-aarch64-linux-gnu qemu-user'

die() {
	echo "deps: $*" >&2
	exit 111
}

is_installed() {
	[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = \
	    installed ] ||
		dpkg-query -W -f='${db:Status-Status}\n' "$1:*" 2>/dev/null |
		grep -qx installed
}

root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		die "must be root, or have sudo, for: $*"
	fi
}

# quietly COMMAND... - its output is shown only if it fails
quietly() {
	said=$("$@" 2>&1 </dev/null) && return 0
	printf '%s\n' "$said" >&2
	return 1
}

update() {
	quietly root env DEBIAN_FRONTEND=noninteractive apt-get -q update
}

is_known() {
	apt-cache show "$1" 2>/dev/null | grep -q '^Package:'
}

install_packages() {
	quietly root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
	    -o Dpkg::Use-Pty=0 --no-install-recommends --no-remove \
	    install "$@"
}

# install_missing NAME... - the one line, then the work. A package that
# this release does not have is left out: what needs it will say so.
install_missing() {
	missing=
	for p in "$@"; do
		is_installed "$p" || missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null 2>&1 || {
		echo "deps: no apt-get here; install by hand:$missing" >&2
		return 0
	}
	is_known gcc || update || die "could not install:$missing"
	wanted=
	for p in $missing; do
		if is_known "$p"; then
			wanted="$wanted $p"
		else
			echo "deps: this release has no package $p" >&2
		fi
	done
	[ -n "$wanted" ] || return 0
	echo "deps: installing with apt-get:$wanted"
	# shellcheck disable=SC2086
	install_packages $wanted 2>/dev/null || {
		# the lists may be older than the mirror
		update && install_packages $wanted
	} || die "apt-get could not install:$wanted"
}

# download DIR PACKAGE... - their .debs into DIR, without installing them
download() {
	dir=$1
	shift
	mkdir -p "$dir" || return 1
	sandbox=
	[ "$(id -u)" != 0 ] || sandbox='-o APT::Sandbox::User=root'
	# shellcheck disable=SC2086
	(cd "$dir" && apt-get -qq $sandbox download "$@") >/dev/null 2>&1 ||
		{
			update &&
				(cd "$dir" && apt-get -qq $sandbox download "$@")
		}
}

# libowfat-dev and libcdb-dev both own /usr/include/cdb.h, so that only one
# of them can be installed.
tinycdb() {
	command -v apt-get >/dev/null 2>&1 ||
		die "no apt-get here; set CDBDIR to where TinyCDB is"
	download "$1/dl" libcdb-dev || die "cannot download libcdb-dev"
	rm -rf "$1/tinycdb" && mkdir -p "$1/tinycdb" || exit 111
	for deb in "$1"/dl/libcdb-dev_*.deb; do
		dpkg-deb -x "$deb" "$1/tinycdb" || die "cannot unpack $deb"
	done
	# so that the archive is newer than any rule that asks for it
	find "$1/tinycdb" -name libcdb.a -exec touch {} +
}

case ${1:-} in
build) install_missing $build ;;
test) install_missing $test ;;
leaf) install_missing $leaf ;;
tinycdb) tinycdb "$2" ;;
download)
	shift
	download "$@"
	;;
*) die "usage: deps.sh build | test | leaf | tinycdb DIR | download DIR NAME..." ;;
esac
