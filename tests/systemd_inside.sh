# systemd_inside.sh - the part of systemd.t that runs under systemd
#
# Says TAP into /share/said. /opt/quail has the programs, and their units are
# systemd's already.

exec >/share/said 2>&1
: >/share/begun
. /opt/quail/tests/tap.sh
node=/var/lib/quail
PATH=/opt/quail/bin:/opt/quail/libexec/quail:$PATH

wait_for() {
	tries=$(($1 * 10))
	shift
	while ! "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

# shown UNIT PROPERTY
shown() {
	systemctl show -p "$2" --value "$1"
}

is_state() {
	[ "$(shown "$1" ActiveState)" = "$2" ]
}

has_restarted() {
	[ "$(shown "$1" NRestarts)" -ge "$2" ]
}

send() {
	timeout 40 /opt/quail/tests/quail-load -p qmtp -s 4 -w 16 -b 300 -m "$1" \
	    ${2:+-R "$2"} -f a@b.test -t box@hub.test 127.0.0.1:2090 \
	    >/share/load 2>&1
	sent=$?
	sed 's/^/# /' /share/load
	return $sent
}

has_mail() {
	[ "$(ls $node/mail/box/new 2>/dev/null | wc -l)" -ge "$1" ]
}

# accepts - how many accept lines of the queue are in the journal
accepts() {
	journalctl --sync
	journalctl -q -u quail-queue -o cat | grep -c event=accept
}

has_accepts() {
	[ "$(accepts)" -ge "$1" ]
}

systemd-sysusers /opt/quail/lib/sysusers.d/quail.conf
systemd-tmpfiles --create /opt/quail/lib/tmpfiles.d/quail.conf
echo hub.test >$node/me
echo hub.test >$node/locals
echo '127.0.0.0/8 relay' >$node/access
echo 'qmtp 127.0.0.1:2090' >$node/listen
echo 'box@hub.test maildir:mail/box' >$node/users
check "tables" quail build $node
ip link set lo up 2>/dev/null

hub='quail-queue quail-qmtpd quail-maildir'
timeout 20 systemctl start $hub
for u in $hub; do
	check "$u runs" wait_for 10 is_state "$u" active
done
check "a message gets its K" send 1
check "and is in the mailbox" wait_for 10 has_mail 1

# more lines than journald takes of a unit in half a minute by default, though
# it takes more where the disk is large
many=36000
check "$many at 5000 a second get their K" send $many 5000
check "the journal has a line for each" wait_for 20 has_accepts $((many + 1))
is "$(accepts)" $((many + 1)) "and one only"

# trouble that passes: more restarts than systemd allows by default
mv $node/queue $node/queue.away
: >$node/queue
systemctl kill -s KILL quail-queue
check "without its directory the queue is tried again and again" \
    wait_for 30 has_restarted quail-queue 12
check "and not given up" [ "$(shown quail-queue ActiveState)" = activating ]
rm $node/queue
mv $node/queue.away $node/queue
check "it comes back by itself" wait_for 10 is_state quail-queue active
check "and takes mail" wait_for 5 send 1

chmod 0 $node/queue
systemctl kill -s KILL quail-queue
before=$(shown quail-queue NRestarts)
check "without rights too" wait_for 10 has_restarted quail-queue $((before + 3))
chmod 700 $node/queue
check "it comes back" wait_for 10 is_state quail-queue active

# no room: another file system, all of it taken
systemctl stop quail-queue
mv $node/queue $node/queue.away
mkdir $node/queue
mount -t tmpfs -o size=64k,mode=700,uid="$(id -u quailq)" none $node/queue
dd if=/dev/zero of=$node/queue/full bs=1k 2>/dev/null
systemctl start --no-block quail-queue
before=$(shown quail-queue NRestarts)
check "without room too, it is tried or waits" sleep 3
check "and is not given up" [ "$(shown quail-queue ActiveState)" != failed ]
umount -l $node/queue
rmdir $node/queue
mv $node/queue.away $node/queue
systemctl kill -s KILL quail-queue 2>/dev/null
check "it comes back" wait_for 10 is_state quail-queue active
check "and has kept its mail" wait_for 5 send 1

# wrong tables: another try is of no use
cp $node/config.cdb $node/good
echo garbage >$node/config.cdb
systemctl kill -s KILL quail-qmtpd
check "wrong tables end a daemon" wait_for 10 is_state quail-qmtpd failed
is "$(shown quail-qmtpd ExecMainStatus)" 100 "by 100"
before=$(shown quail-qmtpd NRestarts)
sleep 3
is "$(shown quail-qmtpd NRestarts)" "$before" "and it is not tried again"
mv $node/good $node/config.cdb
systemctl start quail-qmtpd
check "with right ones it starts" wait_for 5 is_state quail-qmtpd active
check "and takes mail" send 1
systemctl stop $hub
(tap_done)
: >/share/ended
