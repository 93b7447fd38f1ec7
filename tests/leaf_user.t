#!/bin/sh
# leaf_user.t - the leaf as ordinary users have it: no privilege, none to be
# had, and a spool that belongs to somebody else
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/quail-leaf-user-XXXXXX") || exit 111
chmod 755 "$work"
. "$here/tap.sh"
. "$here/node.sh"

[ "$(id -u)" = 0 ] || skip_all "only root can become others"
command -v setpriv >/dev/null || skip_all "no setpriv here"

user=65534 drain=65533 group=65532

as() { # UID GID COMMAND...
	as_uid=$1 as_gid=$2
	shift 2
	setpriv --reuid "$as_uid" --regid "$as_gid" --clear-groups \
	    --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
}

as $user $user "$BIN/qmqpc" --help >/dev/null 2>&1 ||
	skip_all "an ordinary user cannot get at $BIN"
as $user $user cat "$here/leaf.t" >/dev/null 2>&1 ||
	skip_all "an ordinary user cannot read $here"

# no file of ours asks for more than its caller has
is "$(find "$BIN" -type f -perm /6000)" "" "nothing is setuid or setgid"

# all of the leaf's tests once more
mkdir "$work/user"
chown $user "$work/user"
for t in leaf sendmail; do
	as $user $user env BIN="$BIN" BUILD="$work/user" TMPDIR="$work/user" \
	    HOME=/nonexistent sh "$here/$t.t" >"$work/$t.tap" 2>"$work/$t.err"
	is $? 0 "$t.t as an ordinary user without privileges"
	grep '^not ok' -A 4 "$work/$t.tap" | head -n 20 | sed 's/^/# /'
done

# a spool of the drain's user, into which all may drop

set -- $(free_ports 2)
hub=$1 nobody=$2
echo leaf.test | table node me
echo "127.0.0.1:$nobody" | table node qmqpservers
"$BIN/quail" build "$work/node" || exit 1
chmod 644 "$work/node/config.cdb"
mkdir "$work/node/spool"
chown $drain:$group "$work/node/spool"
chmod 3733 "$work/node/spool"

send() { # UID
	printf 'Subject: s\n\nt\n' | as "$1" "$1" env QUAIL_DIR="$work/node" \
	    "$BIN/sendmail" -i a@b.test c@d.test >"$work/said" 2>&1
}

send $user
is "$? $(cat "$work/said")" "0 " "an ordinary user drops a message"
is "$(stat -c '%u %g %a' "$work"/node/spool/m.*)" "$user $group 640" \
    "which the drain's group may read"
QUAIL_DIR=$work/node as $user $user "$BIN/mailq" >"$work/said" 2>&1
is "$? $(wc -l <"$work/said")" "77 1" "but may not list the spool"
name=$(ls "$work/node/spool")
as $user $group cat "$work/node/spool/$name" >/dev/null
is $? 0 "its owner may read it"
as 65531 65531 cat "$work/node/spool/$name" >/dev/null 2>&1
is $? 1 "another user may not"
as 65531 65531 rm -f "$work/node/spool/$name" 2>/dev/null
check "nor remove it" [ -e "$work/node/spool/$name" ]
if strace -V >/dev/null 2>&1 &&
    strace -o /dev/null -e trace=none true 2>/dev/null; then
	printf 'Subject: s\n\nt\n' | strace -f -o "$work/calls" \
	    setpriv --reuid $user --regid $user --clear-groups env \
	    QUAIL_DIR="$work/node" "$BIN/sendmail" -i a@b.test 2>/dev/null
	is "$(sed -n 's/^[0-9 ]*\(fsync\|renameat2*\|rename\|syncfs\)(.*= 0$/\1/p' \
	    "$work/calls" | sed 's/renameat2*/rename/' | tr '\n' ' ')" \
	    "fsync rename syncfs " "the file is synced, named, and then its name"
else
	skip "fsync, rename, syncfs" "no strace"
	send $user
fi
as $user $user "$BIN/qmqpc" --drain "$work/node" >"$work/said" 2>&1
is "$? $(wc -l <"$work/said")" "77 1" "an ordinary user may not drain it"

background perl "$here/qmqp_sink.pl" "$hub" "$work/hub" 'Kok'
wait_for 20 has_count "$work/hub" 0
wait_for 20 port_answers "$hub"
wait_for 20 has_count "$work/hub" 1
rm -f "$work"/hub/*
echo "127.0.0.1:$hub" | table node qmqpservers
"$BIN/quail" build "$work/node" || exit 1
chmod 644 "$work/node/config.cdb"
as $drain $group "$BIN/qmqpc" --drain "$work/node" >"$work/said" 2>&1
is "$?" 0 "the drain, an ordinary user too, does"
is "$(count "$work/hub") $(grep -c "uid=$user" "$work/said")" "2 2" \
    "both are sent, and the log says whose they were"

# what a hostile user can do to the others' spool

echo "127.0.0.1:$nobody" | table node qmqpservers
"$BIN/quail" build "$work/node" || exit 1
chmod 644 "$work/node/config.cdb"
as $user $user touch "$work/node/spool/full"
send 65531
is "$?" 0 "a planted mark stops nobody"
rm -rf "$work/node/spool/failed"
as $user $user mkdir "$work/node/spool/failed"
as $drain $group "$BIN/qmqpc" --drain "$work/node" >"$work/said" 2>&1
is "$? $(grep -c failed "$work/said")" "75 1" \
    "a planted failed/ gets no mail: the drain refuses it"
check "the message is still there" has_count "$work/node/spool" 3

tap_done
