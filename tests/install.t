#!/bin/sh
# install.t - what `make install` puts where, and with what rights: nothing
# that runs with more than its caller's
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/install
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"

make -s -C "$here/.." B="$BUILD" ${DEPS:+DEPS="$DEPS"} PREFIX=/usr \
    DESTDIR="$work/root" install >"$work/said" 2>&1
is "$?" 0 "make install"
is "$(find "$work/root" -perm /6000)" "" "no file is setuid or setgid"
is "$(find "$work/root" -type f -perm /022)" "" "none can be changed by others"
if command -v getcap >/dev/null 2>&1; then
	is "$(getcap -r "$work/root" 2>&1)" "" "none has a capability"
else
	skip "capabilities" "no getcap"
fi
for p in quail quail-queue qmqpd qmtpd qmtpc smtp-gateway maildir qmqpc \
    quail-leafdoor; do
	check "$p is there" [ -x "$work/root/usr/libexec/quail/$p" ]
done
for p in quail qmqpc sendmail mailq newaliases; do
	check "bin/$p leads to it" [ -x "$work/root/usr/bin/$p" ]
done
is "$(grep -rl "@LIBEXEC@\|@TMPFILES@" "$work/root")" "" "paths are filled in"

# systemd as the judge

units=$work/root/usr/lib/systemd/system
for f in "$units"/*.service; do
	grep -q '^ProtectSystem=strict$' "$f" &&
		grep -q '^NoNewPrivileges=yes$' "$f" &&
		! grep -q '^User=root' "$f" && grep -q '^User=quail' "$f" &&
		grep -q '^LimitCORE=0$' "$f" && grep -q '^MemoryMax=' "$f" &&
		grep -q '^TasksMax=' "$f" && grep -q '^IPAddressDeny=\|INET' "$f" ||
		fail "${f##*/} is not closed"
	case ${f##*/} in
	quail-queue.* | quail-maildir.* | quail-leafdoor.*)
		grep -q '^PrivateNetwork=yes$' "$f" &&
			grep -q '^IPAddressDeny=any$' "$f" ||
			fail "${f##*/} has a network" ;;
	esac
done
is "$(sed -n 's/^User=//p' "$units"/quail-[mqs]*.service | sort | uniq -d)" "" \
    "each daemon of a hub has a user of its own"
for f in "$units"/*.service "$units"/*.path; do
	grep -q '^StartLimitIntervalSec=0$' "$f" ||
		fail "${f##*/} is given up after some starts"
done
if command -v systemd-analyze >/dev/null 2>&1; then
	for t in sysinit basic shutdown network network-online multi-user \
	    timers paths; do
		echo '[Unit]' >"$units/$t.target"
	done
	said=$(systemd-analyze verify --man=no --root="$work/root" \
	    "$units"/quail-* 2>&1 | grep quail)
	is "$said" "" "systemd-analyze verify has nothing to say"
	for f in "$units"/*.service; do
		score=$(systemd-analyze security --offline=yes --no-pager \
		    "$f" 2>/dev/null | sed -n 's/.*exposure level .*: \([0-9.]*\) .*/\1/p')
		# who needs no network
		case ${f##*/} in
		quail-queue.* | quail-maildir.* | quail-leafdoor.*) most=0.5 ;;
		*) most=1.2 ;;
		esac
		if [ -z "$score" ]; then
			skip "${f##*/}" "systemd-analyze gives no score"
		elif awk "BEGIN { exit !($score <= $most) }"; then
			pass "${f##*/}: exposure $score of 10"
		else
			fail "${f##*/}: exposure $score of 10, at most $most"
		fi
	done
else
	skip "systemd's verdict" "no systemd-analyze"
fi
if command -v systemd-sysusers >/dev/null 2>&1; then
	mkdir -p "$work/root/etc"
	systemd-sysusers --root="$work/root" >"$work/said" 2>&1
	is "$(sed -n 's/^\(quail[a-z-]*\):.*/\1/p' "$work/root/etc/passwd" |
		sort | tr '\n' ' ')" "quail quail-leafdoor quail-maildir quail-qmqpd quail-qmtpc quail-qmtpd quail-queue quail-smtp-in quail-smtp-out " \
	    "systemd-sysusers makes a user for each daemon"
	is "$(grep '^quail-[dak][a-z]*:' "$work/root/etc/group" |
		cut -d : -f 1,4 | sort)" \
	    "quail-agent:quail-maildir,quail-qmtpc,quail-queue,quail-smtp-out
quail-door:quail-leafdoor,quail-qmqpd,quail-qmtpd,quail-queue,quail-smtp-in
quail-key:quail,quail-qmqpd,quail-qmtpc,quail-qmtpd" "and the groups"
else
	skip "users" "no systemd-sysusers"
fi
if [ "$(id -u)" = 0 ] && [ -s "$work/root/etc/passwd" ] &&
	command -v systemd-tmpfiles >/dev/null 2>&1; then
	systemd-tmpfiles --root="$work/root" --create quail.conf \
	    >"$work/said" 2>&1
	is "$(stat -c %a "$work/root/var/spool/quail")" 3733 \
	    "systemd-tmpfiles makes the spool, mode 3733"
	is "$(stat -c %a "$work/root/var/lib/quail/queue")" 700 \
	    "and the queue's directory, mode 700"
else
	skip "directories" "no systemd-tmpfiles, or not root"
fi
tap_done
