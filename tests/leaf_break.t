#!/bin/sh
# leaf_break.t - mail at which the hub's connection breaks is its owner's
# trouble: the others' mail goes
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/quail-leaf-break-XXXXXX") || exit 111
chmod 755 "$work"
. "$here/tap.sh"
. "$here/node.sh"

[ "$(id -u)" = 0 ] || skip_all "only root can become others"
command -v setpriv >/dev/null || skip_all "no setpriv here"

drain=65533 group=65532 owners=20

as() { # UID COMMAND...
	as_uid=$1
	shift
	setpriv --reuid "$as_uid" --regid "$as_uid" --clear-groups "$@"
}

as 65400 "$BIN/qmqpc" --help >/dev/null 2>&1 ||
	skip_all "an ordinary user cannot get at $BIN"

set -- $(free_ports 4)
hub=$1 nobody=$2 broken=$3 good=$4
for one in "$hub choke" "$broken close" "$good Kok"; do
	set -- $one
	background perl "$here/qmqp_sink.pl" "$1" "$work/$1" "$2"
	wait_for 20 port_answers "$1"
	wait_for 20 has_count "$work/$1" 1
	rm -f "$work/$1"/*
done

# leaf NAME PORT... - a leaf with these hubs, and the spool of the first
leaf() {
	leaf_name=$1
	echo leaf.test | table "$1" me
	shift
	printf '127.0.0.1:%s\n' "$@" | table "$leaf_name" qmqpservers
	"$BIN/quail" build "$work/$leaf_name" || exit 1
	chmod 644 "$work/$leaf_name/config.cdb"
}

send() { # UID SUBJECT
	printf 'Subject: %s\n\nx\n' "$2" | as "$1" env QUAIL_DIR="$work/away" \
	    QUAIL_SPOOL="$spool" "$BIN/sendmail" -i a@b.test c@d.test \
	    >"$work/said" 2>&1
}

got() { # PORT WORD
	cat "$work/$1"/[0-9]* 2>/dev/null | grep -ac "Subject: $2"
}

has_got() { # PORT WORD N
	[ "$(got "$1" "$2")" -ge "$3" ]
}

drain() { # its exit code is told by code
	timeout 100 setpriv --reuid $drain --regid $group --clear-groups \
	    --no-new-privs "$BIN/qmqpc" --drain "$@" >"$work/log" 2>&1
	echo $? >"$work/code"
}

leaf away "$nobody"
spool=$work/spool
QUAIL_SPOOL=$spool
export QUAIL_SPOOL
mkdir "$spool"
chown $drain:$group "$spool"
chmod 3733 "$spool"

# all at once: one of each

i=0
while [ $i -lt $owners ]; do
	send $((65400 + i)) CHOKE
	i=$((i + 1))
done
leaf one "$hub"
setpriv --reuid $drain --regid $group --clear-groups --no-new-privs \
    "$BIN/qmqpc" --drain --watch "$work/one" >"$work/log" 2>&1 &
watch=$!
pids="$pids $watch"
check "the first breaks" wait_for 30 has_got "$hub" CHOKE 1
send 65500 good
check "good's mail goes, whatever $owners others drop" \
    wait_for 30 has_got "$hub" good 1
check "and each of theirs is tried in between" \
    wait_for 30 has_got "$hub" CHOKE $owners
check "none of them again at once: $(got "$hub" CHOKE)" \
    [ "$(got "$hub" CHOKE)" -lt $((3 * owners)) ]
is "$(ls "$spool" | grep -c '^m')" $owners "they wait"
kill "$watch"
wait "$watch" 2>/dev/null

# once, as from cron

rm -f "$work/$hub"/* "$spool"/m.*
i=0
while [ $i -lt 9 ]; do
	send $((65400 + i)) CHOKE
	i=$((i + 1))
done
send 65500 good2
n=$(ls "$spool" | grep -c '^m')
drain "$work/one"
is "$(cat "$work/code") $(got "$hub" good2)" "75 1" \
    "a drain that ends tries all of them too"
check "each of theirs: $(got "$hub" CHOKE)" has_got "$hub" CHOKE $((n - 1))

# it is the hub, as another takes what it breaks at

rm -f "$spool"/m.*
i=0
while [ $i -lt 12 ]; do
	send 65500 good3
	i=$((i + 1))
done
leaf two "$broken" "$good"
drain "$work/two"
is "$(cat "$work/code") $(got "$good" good3)" "0 12" \
    "what breaks at one hub goes to the next"
check "and the one rests longer and longer: $(got "$broken" good3)" \
    [ "$(got "$broken" good3)" -lt 20 ]

[ -n "${KEEP:-}" ] || rm -rf "$work"
tap_done
