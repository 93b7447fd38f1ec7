#!/bin/sh
# systemd.t - a hub's units under a real systemd
#
# The machine's own need not be one: systemd-nspawn boots another on the same
# files, all of /etc and /var empty, without a network. There the units are
# installed, and tests/systemd_inside.sh does the work. Wrong tables end a
# daemon for good; any other trouble never does: it comes back by itself. And
# the journal takes whatever the daemons say.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/systemd
rm -rf "$work"
mkdir -p "$work/units" "$work/share" || exit 111
. "$here/tap.sh"

[ "$(id -u)" = 0 ] || skip_all "not root"
command -v systemd-nspawn >/dev/null 2>&1 || skip_all "no systemd-nspawn"

make -s -C "$here/.." B="$BUILD" ${DEPS:+DEPS="$DEPS"} PREFIX=/opt/quail \
    DESTDIR="$work/root" install >"$work/made" 2>&1 ||
	skip_all "make install failed"
root=$work/root/opt/quail
cp "$root"/lib/systemd/system/quail-* "$work/units"
mkdir -p "$root/tests"
cp "$BUILD/tests/quail-load" "$here/tap.sh" "$here/systemd_inside.sh" "$root/tests"
cat >"$work/units/quailtest.service" <<'T'
[Service]
Type=oneshot
ExecStart=/bin/sh /opt/quail/tests/systemd_inside.sh
ExecStopPost=/usr/bin/systemctl --force poweroff
TimeoutStartSec=170
T
printf '[Unit]\nRequires=quailtest.service\n' >"$work/units/quailtest.target"

for u in qmtp:2090 leaf-smtp:2526; do
	mkdir -p "$work/units/quail-${u%:*}.socket.d"
	printf '[Socket]\nListenStream=\nListenStream=127.0.0.1:%s\n' "${u#*:}" \
	    >"$work/units/quail-${u%:*}.socket.d/port.conf"
done

# a moment to boot, and the time of the work; its end is the container's
timeout -k 5 185 systemd-nspawn -q --register=no --keep-unit -D / \
    --volatile=yes --private-network --machine="quailtest$$" --console=pipe \
    --bind="$work/units:/etc/systemd/system" --bind="$work/share:/share" \
    --bind-ro="$root:/opt/quail" -b -- \
    systemd.firstboot=off systemd.unit=quailtest.target \
    >"$work/booted" 2>&1 </dev/null
[ -e "$work/share/begun" ] || {
	tail -n 5 "$work/booted" | sed 's/^/# /'
	skip_all "systemd does not boot in a container here"
}
cat "$work/share/said"
[ -e "$work/share/ended" ] || {
	echo "not ok - it did not end in time"
	sed 's/^/# /' "$work/booted" | tail -n 20
	exit 1
}
! grep -q '^not ok' "$work/share/said"
