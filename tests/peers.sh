#!/bin/sh
# peers.sh - other people's mail programs, for our tests
#
#   peers.sh fetch DIR          download and unpack them under DIR
#   peers.sh have NAME          can it run? else says why not, exit 1
#   peers.sh run NAME ARG...    become it
#
# Their Debian packages conflict with each other and would take over the
# host's mail, so they are downloaded and unpacked, and never installed.
# $PEERS is DIR for the last two. Names: qmqp-source, qmqp-sink, smtp-source,
# smtp-sink (Postfix), mailfront, nullmailer-qmqp, haproxy.
set -u

packages='postfix mailfront libbg2 libcvm1 nullmailer'
balancer='haproxy liblua5.3-0 libopentracing-c-wrapper0 libopentracing1
    libpcre2-8-0'

# get DIR PACKAGE... - all of them or none; below DIR/root
get() {
	mkdir -p "$1/root" || return 1
	rm -f "$1"/*.deb
	sh "$(dirname "$0")/../packaging/deps.sh" download "$@" \
	    >"$1/said" 2>&1 || {
		echo "peers: not to be had, their tests skip:" \
		    "$(tail -n 1 "$1/said")"
		return 0
	}
	for deb in "$1"/*.deb; do
		dpkg-deb -x "$deb" "$1/root" || return 1
	done
}

fetch() {
	dir=$1
	# shellcheck disable=SC2086
	[ -e "$dir/root/usr/sbin/mailfront" ] &&
		[ -e "$dir/root/usr/sbin/qmqp-source" ] &&
		[ -e "$dir/root/usr/lib/nullmailer/qmqp" ] ||
		get "$dir" $packages || return 1
	# shellcheck disable=SC2086
	[ -e "$dir/root/usr/sbin/haproxy" ] || get "$dir" $balancer
}

# where NAME - sets $program, and $library if it needs one
where() {
	root=${PEERS:-}/root
	library=
	case $1 in
	qmqp-source | qmqp-sink | smtp-source | smtp-sink)
		program=$root/usr/sbin/$1
		library=$root/usr/lib/postfix
		;;
	mailfront)
		program=$root/usr/sbin/mailfront
		library=$root/usr/lib
		MODULE_PATH=$root/usr/lib/mailfront
		export MODULE_PATH
		;;
	nullmailer-qmqp) program=$root/usr/lib/nullmailer/qmqp ;;
	haproxy)
		program=$root/usr/sbin/haproxy
		library=$(echo "$root"/usr/lib/*-linux-gnu*)
		;;
	*)
		program=
		;;
	esac
}

have() {
	where "$1"
	if [ -z "${PEERS:-}" ]; then
		echo "PEERS is not set: make test does it"
	elif [ -z "$program" ] || [ ! -x "$program" ]; then
		echo "$1 could not be downloaded"
	elif LD_LIBRARY_PATH=$library ldd "$program" 2>/dev/null |
	    grep 'not found' >/dev/null; then
		echo "$1 lacks a library"
	else
		return 0
	fi
	return 1
}

case ${1:-} in
fetch) fetch "$2" ;;
have) have "$2" ;;
run)
	shift
	where "$1"
	shift
	[ -z "$library" ] || export LD_LIBRARY_PATH="$library"
	# Postfix's sinks will not serve as root
	case $program in
	*/smtp-sink) [ "$(id -u)" != 0 ] || set -- -u nobody "$@" ;;
	esac
	exec "$program" "$@"
	;;
*)
	echo "usage: peers.sh fetch DIR | have NAME | run NAME ARG..." >&2
	exit 100
	;;
esac
