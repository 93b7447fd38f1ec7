#!/bin/sh
# leaf_mount.t - what a user mounts on a name in the leaf's spool, and never
# answers for, keeps nobody waiting
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/quail-leaf-mount-XXXXXX") || exit 111
. "$here/tap.sh"
. "$here/node.sh"

[ "$(id -u)" = 0 ] || skip_all "only root can mount"
[ "$(uname -r | awk -F. '{ print ($1 * 100 + $2 >= 508) }')" = 1 ] ||
	skip_all "this kernel does not tell mounts"

set -- $(free_ports 2)
hub=$1 nobody=$2
background perl "$here/qmqp_sink.pl" "$hub" "$work/hub" Kok
wait_for 20 port_answers "$hub"
wait_for 20 has_count "$work/hub" 1
rm -f "$work"/hub/*
spool=$work/spool
mkdir -m 3733 "$spool"
QUAIL_SPOOL=$spool
export QUAIL_SPOOL

for one in "there $hub" "away $nobody"; do
	set -- $one
	echo leaf.test | table "$1" me
	echo "127.0.0.1:$2" | table "$1" qmqpservers
	"$BIN/quail" build "$work/$1" || exit 1
done

send() { # SUBJECT [COMMAND...]
	subject=$1
	shift
	printf 'Subject: %s\n\nx\n' "$subject" |
	    QUAIL_DIR=$work/away "$@" "$BIN/sendmail" -i a@b.test >/dev/null \
	    2>&1
}

# a file system of nobody's, for as long as this runs
cat >"$work/mount.sh" <<'T'
silent() {
	mount -i -n -t fuse -o \
	    "fd=3,rootmode=40000,user_id=0,group_id=0,allow_other" none "$1"
}
cd "$1" && mount --make-rprivate / && exec 3<>/dev/fuse &&
	mkdir m.0000000000000001 tmp.0000000000000002 &&
	silent m.0000000000000001 || exit 99
exec 4<>/dev/fuse && silent tmp.0000000000000002 3<&4 || exit 99
shift
if [ -n "${ON:-}" ]; then
	mkdir -p "$ON" && exec 5<>/dev/fuse && silent "$ON" 3<&5 || exit 99
fi
for it in 1 2 3; do
	case $it in
	1) n=sendmail ;;
	2) n=mailq ;;
	3) n=qmqpc\ --drain\ $THERE ;;
	esac
	[ $it = 1 ] && set -- -i a@b.test || set --
	printf 'Subject: beside\n\nx\n' | QUAIL_DIR=$AWAY timeout -s KILL 20 \
	    $BIN/$n "$@" >"$WORK/$it" 2>&1
	echo $? >"$WORK/code$it"
done
T
THERE=$work/there AWAY=$work/away WORK=$work
export THERE AWAY WORK BIN

for ON in '' full failed; do
	export ON
	send early
	timeout 100 unshare -m sh "$work/mount.sh" "$spool" 2>"$work/err"
	if [ $? = 99 ]; then
		skip "a silent mount on a message${ON:+ and on $ON}" \
		    "nothing can be mounted here"
		continue
	fi
	on="beside silent mounts${ON:+ also on $ON}"
	is "$(cat "$work/code1")" 0 "$on: sendmail takes mail"
	is "$(cat "$work/code2")" 0 "$on: mailq ends"
	check "$on: a drain ends ($(cat "$work/code3"))" \
	    [ "$(cat "$work/code3")" -lt 80 ]
	is "$(cat "$work"/hub/* | grep -ac 'Subject: \(early\|beside\)')" 2 \
	    "$on: the mail is sent"
	is "$(grep -c 'event=ignored' "$work/3")" 1 "$on: and the log says so"
	rm -rf "$work"/hub/* "$spool"/*
done

[ -n "${KEEP:-}" ] || rm -rf "$work"
tap_done
