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

# all of the leaf's tests once more: nothing can be written but a directory
# of the test's own, and the network is a loopback of its own, so that all of
# them can run at once

cat >"$work/cell.sh" <<'T'
# cell.sh DIR COMMAND... - as root in new namespaces; 99: not possible here
dir=$1
shift
fail() {
	echo "$*" >&2
	exit 99
}
mount --make-rprivate / && mount --bind "$dir" "$dir" || fail "no mounts"
while read -r id parent dev root point rest; do
	case $point in
	"$dir" | /proc | /proc/* | /sys | /sys/* | /dev | /dev/*) ;;
	*) mount -o remount,bind,ro "$point" || fail "no remount of $point" ;;
	esac
done </proc/self/mountinfo
for place in / "$dir/.." /tmp /var/tmp /etc /root; do
	[ -d "$place" ] || continue
	! touch "$place/quail-cell" 2>/dev/null || fail "$place can be written"
done
perl -MSocket -e '
	socket my $s, PF_INET, SOCK_DGRAM, 0 or die;
	my $up = pack "a16 s x14", "lo", 1 | 64;
	ioctl $s, 0x8914, $up or die "lo: $!\n";' || fail "no loopback"
# for what makes its files in /tmp, whatever it is told
[ -z "${OWN_TMP:-}" ] || mount --bind "$dir" /tmp || fail "no /tmp"
exec "$@"
T

# cell_c NAME - the same with a C test
cell_c() {
	mkdir "$work/$1"
	cp "$BUILD/tests/$1" "$work/$1/test"
	chown -R $user "$work/$1"
	OWN_TMP=1 unshare -mn sh "$work/cell.sh" "$work/$1" \
	    setpriv --reuid $user --regid $user --clear-groups \
	    --no-new-privs --inh-caps=-all --bounding-set=-all \
	    env -u BUILD -C /tmp HOME=/nonexistent /tmp/test \
	    >"$work/$1.tap" 2>"$work/$1.err" </dev/null
	echo $? >"$work/$1.code"
}

# cell NAME - run a test, its output in NAME.tap, its code in NAME.code
cell() {
	mkdir "$work/$1"
	chown $user "$work/$1"
	unshare -mn sh "$work/cell.sh" "$work/$1" \
	    setpriv --reuid $user --regid $user --clear-groups \
	    --no-new-privs --inh-caps=-all --bounding-set=-all \
	    env BIN="$BIN" BUILD="$work/$1" TMPDIR="$work/$1" \
	    HOME=/nonexistent sh "$here/$1.t" >"$work/$1.tap" \
	    2>"$work/$1.err" </dev/null
	echo $? >"$work/$1.code"
}

# told NAME WHAT - by the files of cell
told() {
	is "$(cat "$work/$1.code")" 0 "$1 $2"
	grep '^not ok' -A 4 "$work/$1.tap" | head -n 20 | sed 's/^/# /'
}

c_cells="addrlist_test header_test hubs_test leaf_test leafdoor_test
    leaflibc_test leafparts_test rewrite_test sendmail_test talk_test
    textin_test"
cells="leaf leaf_hub leaf_inject leaf_smtp leaf_tls leaf_ways sendmail sendmail_table"
mkdir "$work/probe"
if unshare -mn sh "$work/cell.sh" "$work/probe" true 2>"$work/probe.err"; then
	how="as an ordinary user without privileges, the root read-only"
	waiting=
	for t in $cells; do
		cell $t &
		waiting="$waiting $!"
	done
	wait $waiting
	for t in $c_cells; do
		cell_c $t
	done
	for t in $cells $c_cells; do
		told $t "$how"
	done
else
	skip "a read-only root" \
	    "no namespaces here: $(head -n 1 "$work/probe.err")"
	for t in $cells; do
		mkdir "$work/$t"
		chown $user "$work/$t"
		as $user $user env BIN="$BIN" BUILD="$work/$t" \
		    TMPDIR="$work/$t" HOME=/nonexistent sh "$here/$t.t" \
		    >"$work/$t.tap" 2>"$work/$t.err" </dev/null
		echo $? >"$work/$t.code"
		told $t "as an ordinary user without privileges"
	done
fi

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
	    "fsync rename syncfs fsync " \
	    "the file is synced, named, and then its name, in two ways"
else
	skip "fsync, rename, syncfs, fsync" "no strace"
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
as $user $user "$BIN/qmqpc" --drain "$work/node" >"$work/said" 2>&1
check "who has the spool, and who asks, is said" grep -q \
    "only its owner .*spool: that is user $drain, this is $user" "$work/said"
as $drain $group "$BIN/qmqpc" --drain "$work/node" >"$work/said" 2>&1
is "$?" 0 "the drain, an ordinary user too, does"
is "$(count "$work/hub") $(grep -c "uid=$user" "$work/said")" "2 2" \
    "both are sent, and the log says whose they were"

# a key that only the drain may read: others spool, and it sends

mkdir "$work/keeper" "$work/keeper/tls"
keeper_pin=$("$BIN/quail" key -o "$work/keeper/tls")
node_pin=$("$BIN/quail" key -o "$work/node/tls")
chown -R $drain:$group "$work/node/tls"
chmod 755 "$work/node/tls"
keeper=$(free_ports 1)
echo keeper.test | table keeper me
echo "qmqps 127.0.0.1:$keeper" | table keeper listen
echo "$node_pin node-by-key relay" | table keeper access
echo in.test | table keeper locals
echo "*@in.test maildir:mail" | table keeper users
node_start keeper || fail "a hub with TLS"
echo "qmqps:127.0.0.1:$keeper/$keeper_pin" | table node qmqpservers
"$BIN/quail" build "$work/node" || exit 1
chmod 644 "$work/node/config.cdb"

send_in() {
	printf 'Subject: s\n\nt\n' | as $user $user env \
	    QUAIL_DIR="$work/node" "$BIN/sendmail" -v -i a@in.test b@in.test \
	    >"$work/said" 2>&1
}

send_in
is "$? $(count "$work/node/spool")" "0 3" "who cannot read the key spools"
check "and -v says why" grep -q 'tls/key.pem: Permission denied' "$work/said"
chmod 700 "$work/node/tls"
send_in
is "$? $(count "$work/node/spool")" "0 4" "nor look where it would be"
check "and -v says why" grep -q 'tls/cert.pem: Permission denied' "$work/said"
is "$(grep -c 'client=' "$work/keeper.log")" 0 "the hub was not even asked"
as $drain $group "$BIN/qmqpc" --drain "$work/node" >"$work/said" 2>&1
is "$? $(count "$work/node/spool")" "0 2" "the drain sends both"
four_mails() {
	has_count "$work/keeper/mail/new" 4
}
check "they are delivered" wait_for 30 four_mails
is "$(grep -c 'event=package.*name=node-by-key' "$work/keeper.log")" 2 \
    "and the hub knew the leaf by its key"

# who calls and where, as a hostile user database and host name tell it

cat >"$work/hostile.sh" <<'T'
# hostile.sh PASSWD HOST COMMAND... - as root in new namespaces
mount --make-rprivate / && mount --bind "$1" /etc/passwd || exit 99
printf '%s' "$2" >/proc/sys/kernel/hostname || exit 99
shift 2
exec "$@"
T

# hostile USER GECOS HOST - what a message for two looks like, sent by uid 4242
hostile() {
	rm -f "$work"/hub/*
	printf 'root:x:0:0:::\n%s:x:4242:4242:%s:/:/bin/sh\n' "$1" "$2" \
	    >"$work/passwd"
	chmod 644 "$work/passwd"
	printf 'Subject: s\n\nt\n' | unshare -mu sh "$work/hostile.sh" \
	    "$work/passwd" "$3" setpriv --reuid 4242 --regid 4242 \
	    --clear-groups --no-new-privs env QUAIL_DIR="$work/node" \
	    "$BIN/sendmail" -i a@b.test c@d.test >"$work/said" 2>&1 || return
	perl "$here/qmqp_show.pl" "$work"/hub/[0-9]* |
	    sed 's/^Date: .*/D/; s/^Message-ID: .*@leaf.test>$/M/' |
	    tr '\n' '|'
}

printf '%s\n' "127.0.0.1:$hub" order=spread | table node qmqpservers
"$BIN/quail" build "$work/node" || exit 1
chmod 644 "$work/node/config.cdb"
unshare -mu sh "$work/hostile.sh" /etc/passwd x true 2>/dev/null
if [ $? = 0 ]; then
	to='to <a@b.test>|to <c@d.test>||Subject: s|D|M|'
	is "$(hostile good 'G. O. Od,,,' host)" \
	    "from <good@leaf.test>|${to}From: \"G. O. Od\" <good@leaf.test>||t|" \
	    "a user as there are many"
	cr=$(printf '\r') ctl=$(printf '\001\033') high=$(printf '\377')
	for user_name in 'v@x.test' 'a b' 'x>, <v@x.test' "a${cr}b" \
	    "a${ctl}" "-f" '"q"' "$(printf '%0200d' 0)"; do
		is "$(hostile "$user_name" '' host)" \
		    "from <uid4242@leaf.test>|${to}From: <uid4242@leaf.test>||t|" \
		    "$(printf 'called %.20s' "$user_name" | tr '\r\001\033' '...')"
	done
	is "$(hostile good "a\" <v@x.test>,${cr}Bcc: v" host)" \
	    "from <good@leaf.test>|${to}From: \"a\\\" <v@x.test>\" <good@leaf.test>||t|" \
	    "a GECOS that closes its quotes"
	is "$(hostile good "a${cr}Bcc v@x.test${ctl}${high}" host)" \
	    "from <good@leaf.test>|${to}From: \"a?Bcc v@x.test???\" <good@leaf.test>||t|" \
	    "one with control characters and odd bytes"
	is "$(hostile good "$(printf '%05000d' 0)" host | wc -c)" \
	    "$(hostile good "$(printf '%0200d' 0)" host | wc -c)" "a long one"
	for host in 'v@x.test' 'x>, <v@x.test' "a${cr}Bcc: v" "$ctl$high" \
	    '$(id)' '%s%n' ''; do
		is "$(hostile good '' "$host")" \
		    "from <good@leaf.test>|${to}From: <good@leaf.test>||t|" \
		    "$(printf 'a host called %s' "$host" |
			tr '\r\001\033\377' '....')"
	done
else
	skip "hostile GECOS and host name" "no namespaces here"
fi

# what a hostile user can do to the others' spool

echo "127.0.0.1:$nobody" | table node qmqpservers
"$BIN/quail" build "$work/node" || exit 1
chmod 644 "$work/node/config.cdb"
as $user $user touch "$work/node/spool/full"
send 65531
is "$?" 0 "a planted mark stops nobody"
tap_done
