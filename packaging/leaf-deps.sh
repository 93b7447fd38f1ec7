#!/bin/sh
# leaf-deps.sh - what `make leaf` is made of, unpacked under DIR
#
#   leaf-deps.sh DIR ARCH...     Debian's names: amd64, arm64
#
# The sources of BearSSL, libowfat and TinyCDB, and for each ARCH musl's
# headers and archive, from Debian's source and binary packages. Nothing is
# installed and no other architecture becomes known to the system: apt works
# on lists of its own under DIR, from the system's mirrors and by its keys.
# Upstream's tarball is taken without Debian's patches: the one to libowfat
# that matters here does harm (see doc/decisions.md, -Dpure=).
set -u

die() {
	echo "leaf-deps: $*" >&2
	exit 111
}

[ $# -ge 2 ] || die "usage: leaf-deps.sh DIR ARCH..."
mkdir -p "$1/dl" || exit 111
dir=$(cd "$1" && pwd) || exit 111
shift
command -v apt-get >/dev/null 2>&1 || die "no apt-get here"

# Sources are asked for besides binaries, and what is not Debian's is left.
lists() {
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -r "$f" ] && grep '^deb .*debian' "$f"
	done | sed 'p; s/^deb /deb-src /' >"$dir/apt/parts/old.list"
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -r "$f" ] && grep -q '^URIs:.*debian' "$f" || continue
		sed 's/^Types:.*/Types: deb deb-src/' "$f" \
		    >"$dir/apt/parts/${f##*/}"
	done
}

prepare() {
	mkdir -p "$dir/apt/parts" "$dir/apt/state/lists/partial" \
	    "$dir/apt/cache/archives/partial" || exit 111
	: >"$dir/apt/status"
	lists
	{
		echo "Dir::Etc::sourcelist \"/dev/null\";"
		echo "Dir::Etc::sourceparts \"$dir/apt/parts\";"
		echo "Dir::State \"$dir/apt/state\";"
		echo "Dir::State::status \"$dir/apt/status\";"
		echo "Dir::Cache \"$dir/apt/cache\";"
		echo "APT::Sandbox::User \"$(id -un)\";"
		echo "Acquire::Languages \"none\";"
		echo "APT::Architectures { $(printf '"%s"; ' "$@")};"
	} >"$dir/apt/conf"
	apt_do update
}

apt_do() {
	said=$(cd "$dir/dl" && APT_CONFIG=$dir/apt/conf apt-get -q "$@" \
	    2>&1 </dev/null) && return 0
	printf '%s\n' "$said" >&2
	return 1
}

# unpack_source NAME - the one tarball of that name, without its first folder
unpack_source() {
	for tar in "$dir/dl/$1"_*.tar.[gx]z none; do
		[ "${tar%.debian.tar.?z}" = "$tar" ] && break
	done
	set -- "$1" "$tar"
	[ -f "$2" ] || die "no source of $1 came"
	rm -rf "${dir:?}/$1" && mkdir "$dir/$1" &&
		tar -xf "$2" -C "$dir/$1" --strip-components=1 ||
		die "cannot unpack $2"
}

unpack_musl() {
	set -- "$1" "$dir/dl"/musl-dev_*_"$1".deb
	[ -f "$2" ] || die "no musl for $1 came"
	rm -rf "$dir/musl-$1" "$dir/musl.new"
	dpkg-deb -x "$2" "$dir/musl.new" || die "cannot unpack $2"
	mkdir "$dir/musl-$1"
	mv "$dir"/musl.new/usr/include/*-linux-musl* "$dir/musl-$1/include" &&
		mv "$dir"/musl.new/usr/lib/*-linux-musl* "$dir/musl-$1/lib" ||
		die "musl for $1 is laid out in another way"
	rm -rf "$dir/musl.new"
}

sources='bearssl libowfat tinycdb'
muslpkgs=$(printf 'musl-dev:%s ' "$@")
prepare "$@" || die "cannot read the mirror's lists"
# shellcheck disable=SC2086
apt_do source --download-only $sources && apt_do download $muslpkgs ||
	die "cannot download $sources $muslpkgs"
for s in $sources; do
	unpack_source "$s"
done
for a in "$@"; do
	unpack_musl "$a"
done
rm -rf "$dir/apt"
date >"$dir/done"
