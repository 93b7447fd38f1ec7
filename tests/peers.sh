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
# smtp-sink (Postfix), mailfront, nullmailer-qmqp.
set -u

packages='postfix mailfront libbg2 libcvm1 nullmailer'

fetch() {
	dir=$1
	[ ! -e "$dir/root/usr/sbin/mailfront" ] ||
		[ ! -e "$dir/root/usr/sbin/qmqp-source" ] ||
		[ ! -e "$dir/root/usr/lib/nullmailer/qmqp" ] || return 0
	mkdir -p "$dir/root" || return 1
	# shellcheck disable=SC2086
	sh "$(dirname "$0")/../packaging/deps.sh" download "$dir" $packages \
	    >"$dir/said" 2>&1 || {
		echo "peers: not to be had, their tests skip:" \
		    "$(tail -n 1 "$dir/said")"
		return 0
	}
	for deb in "$dir"/*.deb; do
		dpkg-deb -x "$deb" "$dir/root" || return 1
	done
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
