#!/bin/sh
# walls.t - each daemon's user taken over in turn: what can it do?
#
# quail run starts a hub as root, with a user for each daemon, out of a user
# database of the test's own (a mount namespace has it in place of /etc's), by
# packaging/sysusers.d. Then tests/walls_probe.pl is run as each user in turn
# and tries all that it can think of. What it got must be, word for word, the
# user's line in SECURITY.md. Then what a first run as root leaves, whatever
# its umask, and who may read the key.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"

sysusers=$here/../packaging/sysusers.d/quail.conf

# database DIR - /etc/passwd and /etc/group with ours, into DIR
database() {
	cp /etc/passwd "$1/passwd"
	cp /etc/group "$1/group"
	number=61100
	sed -n 's/^u \([a-z-]*\) .*/\1/p' "$sysusers" >"$1/users"
	for u in $(cat "$1/users"); do
		number=$((number + 1))
		sed -i "/^$u:/d" "$1/passwd" "$1/group"
		echo "$u:x:$number:$number::/:/bin/false" >>"$1/passwd"
		echo "$u:x:$number:" >>"$1/group"
	done
	for g in $(sed -n 's/^g \([a-z-]*\) .*/\1/p' "$sysusers"); do
		number=$((number + 1))
		members=$(sed -n "s/^m \([a-z-]*\) *$g\$/\1/p" "$sysusers" |
			paste -s -d , -)
		sed -i "/^$g:/d" "$1/group"
		echo "$g:x:$number:$members" >>"$1/group"
	done
}

if [ "${1:-}" != inside ]; then
	[ "$(id -u)" = 0 ] || skip_all "not root"
	command -v setpriv >/dev/null || skip_all "no setpriv"
	unshare -m true 2>/dev/null || skip_all "no mount namespaces here"
	# where every user can go, wherever the build is
	base=$(mktemp -d /tmp/quail-walls.XXXXXX) || exit 111
	trap 'rm -rf "$base"' EXIT
	chmod 755 "$base"
	mkdir "$base/bin" "$base/work"
	cp "$BIN"/* "$base/bin"
	cp "$here/walls_probe.pl" "$base"
	database "$base"
	setpriv --reuid 61101 --regid 61101 --clear-groups \
	    "$base/bin/quail" version >/dev/null 2>&1 ||
		skip_all "users cannot run programs in /tmp"
	BASE=$base unshare -m sh "$0" inside
	exit
fi

mount --bind "$BASE/passwd" /etc/passwd &&
	mount --bind "$BASE/group" /etc/group || skip_all "no bind mounts here"
id quail-queue >/dev/null 2>&1 || skip_all "users come from elsewhere here"
BIN=$BASE/bin
work=$BASE/work
. "$here/node.sh"
unset QUAIL_ONE_USER
umask 077 # as a careful administrator has it

set -- $(free_ports 4)
n=$work/hub
echo hub.test | table hub me
echo hub.test | table hub locals
table hub listen <<T
qmqp 127.0.0.1:$1
qmtp 127.0.0.1:$2
qmtps 127.0.0.1:$3
smtp 127.0.0.1:$4
T
echo '127.0.0.0/8 relay' | table hub access
echo '*@hub.test maildir:mail/%u' | table hub users
table hub agents <<T
qmtp processes=2
smtp processes=2
maildir processes=2
fax
T
table hub routes <<T
far.test hold
q.test qmtp:127.0.0.1:9
s.test smtp:127.0.0.1:9
T
chmod 755 "$work" "$n"
"$BIN/quail" key -o "$n/tls" >"$work/said" 2>&1
is "$(stat -c '%U:%G %a' "$n/tls/key.pem")" "root:quail-key 640" \
    "quail key makes a key for the daemons that speak TLS"
is "$(stat -c %a "$n/tls" "$n/tls/cert.pem" | paste -s -d ' ' -)" "755 644" \
    "whatever the umask"

# a first run by hand, all as root, that leaves something behind
QUAIL_ONE_USER=1 "$BIN/quail" run "$n" >"$work/first.out" 2>"$work/first.log" \
    </dev/null &
first=$!
wait_for 20 grep -q ready "$work/first.out"
check "as root with one user, that is said once" \
    [ "$(grep -c event=one-user "$work/first.log")" = 1 ]
caps() {
	sed -n 's/^CapPrm:\t*//p' "/proc/$1/status"
}
pid_of() { # PARENT PROGRAM [MODE]
	echo "$1" >"$work/of.pid"
	node_process of "$2" "${3:-}"
}
for p in qmqpd qmtpd 'smtp-gateway in' 'smtp-gateway out' qmtpc; do
	is "$(caps "$(pid_of $first $p)")" 0000000000000000 \
	    "$p has none of root's powers then"
done
kill $first
wait $first
chmod 600 "$n/config.cdb"
chown root:root "$n/tls/key.pem"
chmod 600 "$n/tls/key.pem"
# and what another user had
mkdir -p "$n/mail/joe/new"
: >"$n/mail/joe/new/1"
chown -R 4711:4711 "$n/mail"

touch "$n/queue/root" "$n/queue/another"
chown nobody "$n/queue/another"
check "the next one has a user for each daemon" node_start hub
! grep -q one-user "$work/hub.log"
is $? 0 "and nothing is said of one"
is "$(stat -c %a "$n/config.cdb")" 644 "config.cdb is for all of them"
is "$(stat -c '%U:%G %a' "$n/tls/key.pem")" "root:quail-key 640" \
    "the key is for its readers again"
is "$(find "$n/queue" ! -user quail-queue)" "$n/queue/another" \
    "the queue's files are its own, but for another user's"
is "$(find "$n/mail" ! -user quail-maildir)" "" "and so are the mailboxes"
is "$(grep -c 'event=given path=mail user=quail-maildir n=4' "$work/hub.log")" \
    1 "which is said"
is "$(stat -c '%U' "$n/run/door" "$n/run" | paste -s -d ' ' -)" \
    "quail-queue root" "run is root's, its sockets are not"
is "$(stat -c '%U:%G %a' "$n/run/door" "$n/run/agent" "$n/run/control" |
	paste -s -d ' ' -)" \
    "quail-queue:quail-door 660 quail-queue:quail-agent 660 quail-queue:quail-queue 600" \
    "and each socket has its group"

user_of() {
	id -un "$(sed -n 's/^Uid:\t\([0-9]*\)\t.*/\1/p' "/proc/$1/status")"
}

daemons=
for p in quail-queue:quail-queue qmqpd:quail-qmqpd qmtpd:quail-qmtpd \
    'smtp-gateway in:quail-smtp-in' qmtpc:quail-qmtpc \
    'smtp-gateway out:quail-smtp-out' maildir:quail-maildir; do
	pid=$(node_process hub ${p%:*}) || continue
	is "$(stat -c %U "/proc/$pid/status") $(user_of "$pid")" \
	    "root ${p#*:}" "${p%:*} runs as ${p#*:}, and is closed to it"
	is "$(sed -n 's/^Max core file size *//p' "/proc/$pid/limits" |
		tr -s ' ' | sed 's/ bytes *//')" "0 0" "and leaves no core"
	daemons="$daemons ${p#*:}=$pid"
done

# as USER [NAME] - its line
as() {
	setpriv --reuid "$1" --regid "$1" --init-groups \
	    perl "$BASE/walls_probe.pl" "$n" "$1" $daemons
}

page=$here/../SECURITY.md
for u in $(cat "$BASE/users") nobody; do
	[ "$u" != nobody ] || {
		id nobody >/dev/null 2>&1 && getent group nogroup >/dev/null ||
			continue
	}
	if [ "$u" = nobody ]; then
		line=$(setpriv --reuid nobody --regid nogroup --clear-groups \
		    perl "$BASE/walls_probe.pl" "$n" nobody $daemons)
	else
		line=$(as "$u")
	fi
	is "    ${line:-nothing}" "$(grep "^    $u " "$page")" \
	    "$u: as in SECURITY.md"
done
line=$(perl "$BASE/walls_probe.pl" "$n" root)
case $line in
*'door=- agent=- control=yes '*)
	pass "root is no front end and no agent, but an operator" ;;
*) fail "root: $line" ;;
esac
check "strangers are told of" grep -q 'event=stranger socket=door' "$work/hub.log"
is "$(grep -c 'event=stranger socket=door' "$work/hub.log")" 1 \
    "the first of them"
check "and so are claims" grep -q 'event=claim .*why=' "$work/hub.log"
# without a line each name is one process's; by other tables, which the queue
# takes up behind its walls
echo fax | table hub agents
"$BIN/quail" build "$n" 2>"$work/said"
check "tables change" wait_for 20 grep -q event=config-new "$work/hub.log"
for u in quail-maildir quail-smtp-out quail-qmtpc; do
	line=$(as $u)
	case $line in
	*' agent=- '*) pass "$u: no second agent of its name" ;;
	*) fail "$u: $line" ;;
	esac
done
check "the node is sound" node_is_sound hub
check "and ends" node_stop hub
is "$(stat -c %U "$n/run")" quail-queue "run is the queue's again then"

# a key that root cannot give away without asking is told of
ln "$n/tls/key.pem" "$n/tls/other"
chown root:root "$n/tls/key.pem"
chmod 600 "$n/tls/key.pem"
"$BIN/quail" build "$n" 2>"$work/said"
check "a key with two names is left alone, and what to do is said" \
    grep -q 'chown root:quail-key' "$work/said"
is "$(stat -c '%G %a' "$n/tls/key.pem")" "root 600" "it is"
rm "$n/tls/other"
"$BIN/quail" build "$n" 2>"$work/said"
check "with one it is mended, and that is said" \
    grep -q 'quail-key may read it now' "$work/said"

chown 4711:4711 "$n/tls/key.pem"
"$BIN/quail" build "$n" 2>"$work/said"
is "$(stat -c '%U:%G %a' "$n/tls/key.pem")" "root:quail-key 640" \
    "a key of another user's in a directory of root's is mended"
chown nobody "$n"
find "$n" -maxdepth 1 -type f -exec chmod 644 {} +
setpriv --reuid nobody --clear-groups "$BIN/quail" build "$n" 2>"$work/said"
check "who may not read it is not told to make a new one" \
    grep -q 'key.pem: Permission denied" (as root: quail build DIR' "$work/said"
chown root "$n"
# the spool, where all write: who moves a file there has not given it away
l=$work/leaf
echo leaf.test | table leaf me
echo 127.0.0.1:9 | table leaf qmqpservers
echo "smtp 127.0.0.1:$4" | table leaf listen
echo '127.0.0.0/8 relay' | table leaf access
chmod 755 "$l"
install -d -m 3733 "$l/spool"
install -d -m 700 "$l/spool/failed"
install -d -m 711 "$l/spool/full"
install -d -m 777 "$l/spool/d"
touch "$l/spool/d/roots" "$l/spool/roots" "$l/spool/failed/roots" \
    "$l/spool/nobodys" "$l/spool/moved"
chown nobody "$l/spool/d"
chown nobody:0 "$l/spool/nobodys"
chown nobody:daemon "$l/spool/moved"
"$BIN/quail" run "$l" >"$work/leaf.out" 2>"$work/leaf.log" </dev/null &
leaf=$!
check "a leaf" wait_for 20 grep -q ready "$work/leaf.out"
is "$(cd "$l/spool" && stat -c '%n=%U' . full failed d/roots |
	paste -s -d ' ' -)" ".=quail full=quail failed=quail d/roots=root" \
    "its spool is given to the drain, and not what is in it"
is "$(find "$l/spool" -name '*roots' -user quail | wc -l)" 0 \
    "nor what is root's"
is "$(find "$l/spool" -name nobodys -user nobody -group quail | wc -l)" 1 \
    "what was made there it may read"
is "$(find "$l/spool" -name moved -user nobody -group daemon | wc -l)" 1 \
    "not what was moved there"
kill $leaf
wait $leaf

# a queue that its starter tells who may call, as the units do
QUAIL_CALLERS='qmqpd=quail-qmqpd operator=nobody none=quail-not-there' \
    QUAIL_GROUPS='door=quail-door agent=quail-agent control=quail-queue' \
    setpriv --reuid quail-queue --regid quail-queue --init-groups \
    "$BIN/quail-queue" "$n" 2>"$work/alone.log" </dev/null &
pids=$!
check "the queue by itself" wait_for 20 test -S "$n/run/control"
wait_for 20 grep -q event=loaded "$work/alone.log"
is "$(stat -c '%U:%G %a' "$n/run/door" "$n/run/agent" "$n/run/control" |
	paste -s -d ' ' -)" \
    "quail-queue:quail-door 660 quail-queue:quail-agent 660 quail-queue:quail-queue 660" \
    "gives its sockets the groups that it was told"
check "a user that the system has not is told of" \
    grep -q 'event=caller-unknown caller=none' "$work/alone.log"
daemons=
for u in qmqpd:QMQP qmtpd:-; do
	line=$(as quail-${u%:*})
	case $line in
	*" door=${u#*:} "*) pass "and lets in only whom it was told: ${u%:*}" ;;
	*) fail "$line" ;;
	esac
done
# nothing is taken away from it
timeout 20 "$BIN/quail" run "$n" >"$work/second.log" 2>&1 </dev/null
is "$?" 111 "quail run leaves a node alone that has daemons"
check "and says so" grep -q 'event=locked .*run already' "$work/second.log"
is "$(stat -c %U "$n/run" "$n/run/door" "$n/run/agent" | sort -u)" quail-queue \
    "they have what they had"
kill $pids
wait $pids
pids=
# nor where another has its ports
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 1,
    LocalAddr => "127.0.0.1:$ARGV[0]", ReuseAddr => 1) or die; sleep 60' "$1" &
pids=$!
wait_for 20 port_answers "$1"
chown 4711 "$n/mail" "$n/run"
timeout 20 "$BIN/quail" run "$n" >"$work/second.log" 2>&1 </dev/null
is "$?" 111 "nor one whose ports are taken"
is "$(stat -c %u "$n/run" "$n/mail" | sort -u)" 4711 "and changes nothing"
kill $pids
wait $pids
pids=

# a leaf's first run: its drain needs a spool, which others may write into
echo leaf.test | table leaf me
echo 127.0.0.1:9 | table leaf qmqpservers
chmod 755 "$work/leaf"
mkdir -m 777 "$work/leaf/spool"
: >"$work/leaf/spool/m.1"
chown 61199 "$work/leaf/spool/m.1"
check "a leaf runs" node_start leaf
is "$(stat -c '%U:%G %a' "$work/leaf/spool")" "quail:quail 3733" \
    "with a spool of the drain's"
is "$(stat -c '%u:%G' "$work/leaf/spool/m.1")" "61199:quail" \
    "a message there is its sender's still, and the drain may read it"
check "and ends" node_stop leaf
tap_done
