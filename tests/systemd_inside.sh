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
cat >$node/listen <<T
qmqp 0.0.0.0:628
qmtp 127.0.0.1:2090
qmtps 127.0.0.1:6209
smtp 0.0.0.0:25
T
printf '%s\n' 'box@hub.test maildir:mail/box' \
    'far@hub.test maildir:/srv/far' >$node/users
cat >$node/routes <<T
q.test qmtp:127.0.0.1:9
s.test smtp:127.0.0.1:9
T
umask 077 # the daemons must be able to read what we make
quail key -o $node/tls >/dev/null
check "tables" quail build $node
ip link set lo up 2>/dev/null

hub='quail-queue quail-qmqpd quail-qmtpd quail-smtp-in quail-maildir quail-qmtpc
    quail-smtp-out'
timeout 60 systemctl start $hub
for u in $hub; do
	check "$u runs" wait_for 30 is_state "$u" active ||
		journalctl -q -u "$u" -o cat -n 20 | sed 's/^/# /'
done
for u in $hub; do
	uid=$(sed -n 's/^Uid:\t\([0-9]*\)\t.*/\1/p' \
	    "/proc/$(shown "$u" MainPID)/status")
	is "$(id -un "$uid")" "$u" "$u is its user"
done
check "a message gets its K" send 1
check "and is in the mailbox" wait_for 30 has_mail 1
said_by() {
	timeout 40 /opt/quail/tests/quail-load -p "$1" -m 1 -b 100 -f a@b.test \
	    -t box@hub.test "127.0.0.1:$2" >/share/load 2>&1
}
check "and one by QMQP, at a port of systemd's" said_by qmqp 628
check "and one by SMTP" said_by smtp 25
check "both arrive" wait_for 30 has_mail 3
check "all four agents are let in" wait_for 30 sh -c \
    "[ \$(journalctl -q -u quail-queue -o cat | grep -c 'event=agent ') = 4 ]"
is "$(journalctl -q -u quail-queue -o cat | grep -c event=stranger)" 0 \
    "and nobody was a stranger"

# an address that the table has not, and one that the socket has not
mkdir -p /run/systemd/system/quail-smtp.socket.d
printf '[Socket]\nListenStream=\nListenStream=127.0.0.1:2525\n' \
    >/run/systemd/system/quail-smtp.socket.d/other.conf
systemctl daemon-reload
systemctl stop quail-smtp-in quail-smtp.socket
systemctl start --no-block quail-smtp-in
check "a socket that the table has not is not served" \
    wait_for 30 is_state quail-smtp-in failed
is "$(shown quail-smtp-in ExecMainStatus)" 100 "but said"
rm -r /run/systemd/system/quail-smtp.socket.d
systemctl daemon-reload
systemctl stop quail-smtp.socket
systemctl reset-failed quail-smtp-in
systemctl start quail-smtp-in
check "with the right one it starts" wait_for 30 is_state quail-smtp-in active

# more lines than journald takes of a unit in half a minute by default, though
# it takes more where the disk is large
many=36000
check "$many at 5000 a second get their K" send $many 5000
check "the journal has a line for each" wait_for 30 has_accepts $((many + 3))
is "$(accepts)" $((many + 3)) "and one only"

# trouble that passes: more restarts than systemd allows by default
mv $node/queue $node/queue.away
: >$node/queue
systemctl kill -s KILL quail-queue
check "without its directory the queue is tried again and again" \
    wait_for 30 has_restarted quail-queue 12
check "and not given up" [ "$(shown quail-queue ActiveState)" = activating ]
rm $node/queue
mv $node/queue.away $node/queue
check "it comes back by itself" wait_for 30 is_state quail-queue active
check "and takes mail" wait_for 5 send 1

# what other users, or a run as root, have left: an older version's
before=$(has_mail 1 && ls $node/mail/box/new | wc -l)
systemctl stop $hub
chown -R 4711:4711 $node/queue $node/mail $node/run
chmod 0 $node/queue
systemd-tmpfiles --create /opt/quail/lib/tmpfiles.d/quail.conf
chown -R root:root $node/run
systemctl start $hub
check "what is another user's is given to the daemons" \
    wait_for 30 is_state quail-queue active
check "and mail is taken" send 1
check "and delivered beside what there was" wait_for 30 has_mail $((before + 1))
is "$(find $node/mail $node/queue ! -user quail-maildir ! -user quail-queue)" \
    "" "nothing is left to the old user"
timeout 40 /opt/quail/tests/quail-load -p qmtp -m 1 -b 100 -f a@b.test \
    -t far@hub.test 127.0.0.1:2090 >/share/load 2>&1
tells_why() {
	journalctl --sync
	journalctl -q -u quail-maildir -o cat | grep event=deferred |
		grep -q "/srv/far: Read-only file system"
}
check "where it may not write, it says where and why" wait_for 30 tells_why

# no room: another file system, all of it taken
systemctl stop quail-queue
mv $node/queue $node/queue.away
mkdir $node/queue
mount -t tmpfs -o size=64k,mode=700,uid="$(id -u quail-queue)" none $node/queue
dd if=/dev/zero of=$node/queue/full bs=1k 2>/dev/null
systemctl start --no-block quail-queue
before=$(shown quail-queue NRestarts)
check "without room too, it is tried or waits" sleep 3
check "and is not given up" [ "$(shown quail-queue ActiveState)" != failed ]
umount -l $node/queue
rmdir $node/queue
mv $node/queue.away $node/queue
systemctl kill -s KILL quail-queue 2>/dev/null
check "it comes back" wait_for 30 is_state quail-queue active
check "and has kept its mail" wait_for 5 send 1

# wrong tables: another try is of no use
systemctl enable quail-qmtpd 2>/dev/null
systemctl start quail-hub.target
echo garbage >$node/config.cdb
systemctl kill -s KILL quail-qmtpd
check "wrong tables end a daemon" wait_for 30 is_state quail-qmtpd failed
is "$(shown quail-qmtpd ExecMainStatus)" 100 "by 100"
before=$(shown quail-qmtpd NRestarts)
sleep 3
is "$(shown quail-qmtpd NRestarts)" "$before" "and it is not tried again"
timeout 60 /opt/quail/tests/quail-load -p qmtp -m 1 -f a@b.test \
    -t box@hub.test 127.0.0.1:2090 >/dev/null 2>&1 &
client=$!
check "nor by its clients, for long" wait_for 60 is_state quail-qmtp.socket failed
kill $client 2>/dev/null
wait $client
quail build $node
systemctl start quail-hub.target
check "with right ones it starts" wait_for 30 is_state quail-qmtpd active
check "and takes mail" send 1
systemctl stop $hub quail-qmqp.socket quail-qmtp.socket quail-smtp.socket

# a leaf that listens by SMTP, whose hub is away
leaf=/etc/quail
echo leaf.test >$leaf/me
echo 127.0.0.1:628 >$leaf/qmqpservers
echo 'smtp 127.0.0.1:2526' >$leaf/listen
check "a leaf's tables" quail build $leaf
timeout 60 systemctl start quail-leaf-smtp
for u in quail-leaf-smtp quail-leafdoor quail-drain; do
	check "$u runs" wait_for 30 is_state "$u" active
done
check "it takes a message by SMTP" said_by smtp 2526
check "and keeps it, for the drain" [ "$(ls /var/spool/quail | wc -l)" -ge 1 ]
systemctl start quail-drain-once.path
check "the path unit waits for more" is_state quail-drain-once.path active
is "$(shown quail-drain-once.path TriggerLimitIntervalUSec)" 0 \
    "and is never given up"
systemctl stop quail-drain-once.path quail-leaf-smtp quail-leafdoor quail-drain

# a spool in the leaf's own directory, as a run as root leaves it
begun=$(date '+%Y-%m-%d %H:%M:%S')
rm $leaf/spool
mkdir -p $leaf/spool/failed $leaf/spool/full
chown root:root $leaf/run
timeout 60 systemctl start quail-leaf-smtp quail-drain-once.path
for u in quail-leaf-smtp quail-leafdoor quail-drain; do
	check "$u runs with that too" wait_for 30 is_state "$u" active
done
check "it takes a message" said_by smtp 2526
is "$(stat -c '%U %a' $leaf/spool)" "quail 3733" "the spool is the drain's"
check "it is kept there" [ "$(ls -d $leaf/spool/m.* | wc -l)" = 1 ]
drain_met() {
	[ -n "$(find $leaf/spool/failed -name tried -user quail)" ] ||
		journalctl -q -u quail-drain -o cat --since "$begun" |
		grep -q event=deferred
}
check "the drain finds it" wait_for 30 drain_met
is "$(journalctl -q -u quail-drain -o cat |
	grep -c 'event=unwritable\|event=place-taken')" 0 "and may write there"
systemctl show quail-drain-once.path -p Paths | grep -q "$leaf/spool "
is $? 0 "and the path unit looks there"
systemctl stop quail-drain-once.path quail-leaf-smtp quail-leafdoor quail-drain
(tap_done)
: >/share/ended
