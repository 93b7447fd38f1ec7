#!/bin/sh
# run.t - quail run, build and explain: what they say, and what dies when.
# The daemons are stand-ins here; the real ones have demo.sh and the peers.
BIN=$(cd "${BIN:-build/bin}" && pwd) || exit 1
work=$(mktemp -d) || exit 1
n=0

ok() { # CONDITION-STATUS NAME
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else
		echo "not ok $n - $2"
		failed=1
	fi
}

is() { # GOT WANTED NAME
	[ "$1" = "$2" ]
	ok $? "$3"
	[ "$1" = "$2" ] || printf '# got:    %s\n# wanted: %s\n' "$1" "$2"
}

# Wait up to 15 seconds for a command to succeed.
soon() {
	tries=0
	until "$@" 2>/dev/null; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || return 1
		sleep 0.05
	done
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# A stand-in daemon writes down what it was given, says that it serves, and
# is a sleep from then on.
mkdir "$work/bin" "$work/node" || exit 1
cp "$BIN/quail" "$work/bin/quail"
cat >"$work/bin/stub" <<'STUB'
#!/bin/sh
name=$(basename "$0")
for dir; do :; done
echo "$LISTEN_FDNAMES" >"$dir/$name.names"
[ "$LISTEN_PID" = $$ ] || echo "not for $$" >"$dir/$name.names"
echo "$*" >"$dir/$name.arguments"
env >"$dir/$name.env"
[ -e "$dir/$name.shut" ] && rm "$dir/$name.shut" &&
	perl -e 'open my $s, "+<&=", 3 or die; shutdown $s, 0 or die'
ls -l /proc/$$/fd >"$dir/$name.fds"
echo $$ >"$dir/$name.pid.new" && mv "$dir/$name.pid.new" "$dir/$name.pid"
echo x >>"$dir/$name.starts"
[ -e "$dir/$name.refuse" ] && exit 100
[ -e "$dir/$name.deaf" ] && trap '' TERM
eval "echo >&$NOTIFY_FD; exec $NOTIFY_FD>&-"
exec sleep 1000
STUB
chmod +x "$work/bin/stub"
for p in quail-queue qmqpd qmtpd qmtpc smtp-gateway maildir; do
	cp "$work/bin/stub" "$work/bin/$p"
done
quail=$work/bin/quail
node=$work/node

supervisor=
begin() {
	rm -f "$node"/*.pid "$node"/*.starts "$work/out"
	PASSWORD=x SSH_AUTH_SOCK=x QUAIL_X=y "$quail" run "$node" >"$work/out" 2>"$work/log" 9</dev/null &
	supervisor=$!
}
await() { # -> $code; who takes longer than it may is killed: code 137
	(soon gone $supervisor || kill -KILL $supervisor) 2>/dev/null &
	wait $supervisor
	code=$?
}
finish() { # [SIGNAL] -> $code
	kill -${1:-TERM} $supervisor 2>/dev/null
	await
}
trap 'kill -TERM $supervisor 2>/dev/null; wait; rm -rf "$work"' EXIT
is_ready() { grep -q '^ready$' "$work/out"; }
started() { # NAME TIMES
	[ "$(wc -l <"$node/$1.starts")" -ge "$2" ]
}
descriptors() { # NAME; but for 10 and up to 12, which dash takes for itself
	sed -n 's/.* \([0-9]*\) -> .*/\1/p' "$node/$1.fds" | sort -n |
	    grep -vx -e 1[0-2] -e 255 | tr '\n' ' '
}
pid_of() { cat "$node/$1.pid"; }

# Ports of this test's own that nobody listens on.
port=21000
free_port() {
	while :; do
		port=$((port + 1))
		hex=$(printf ':%04X 0' $port)
		grep -q "$hex" /proc/net/tcp || return 0
	done
}
free_port; p1=$port
free_port; p2=$port
free_port; p3=$port
listens() { grep -q "$(printf '0100007F:%04X 00000000:0000 0A' "$1")" /proc/net/tcp; }
refuses() { ! listens "$1"; }

# the command itself

"$quail" >/dev/null 2>&1
is $? 100 "no subcommand: 100"
"$quail" frobnicate >/dev/null 2>&1
is $? 100 "an unknown subcommand: 100"
"$quail" help | grep -q 'quail explain'
ok $? "help names the subcommands"
"$quail" version | grep -q '^quail [0-9]'
ok $? "version"
for c in run build explain; do
	"$quail" $c >/dev/null 2>&1
	is $? 100 "$c without arguments: 100"
done
"$quail" run "$work/nowhere" >/dev/null 2>&1
is $? 100 "run in no directory: 100"
"$quail" build "$work/nowhere" 2>/dev/null
is $? 111 "build in no directory: 111"

# wrong tables

printf 'hub.test\n' >"$node/me"
printf '* smtp:nowhere\na b\n' >"$node/routes"
printf 'qmqp 127.0.0.1\n' >"$node/listen"
lines='listen:1:6: "127.0.0.1" is not an address and a port; write ADDRESS:PORT, such as 127.0.0.1:628 or [::1]:628
routes:1:3: "smtp:nowhere" has no good host and port; write smtp:HOST:PORT, such as smtp:mx.example.org:25, or smtp:mx
routes:2:3: "b" is not a next hop; write qmtp:HOST:PORT, qmtps:HOST:PORT, smtp:HOST:PORT, smtp:mx, NAME:PLACE for a NAME of agents, local, hold, discard or reject TEXT'
said=$("$quail" build "$node" 2>&1)
is $? 100 "build with wrong tables: 100"
is "$said" "$lines" "and all that is wrong"
said=$("$quail" run "$node" 2>&1)
is $? 100 "run with wrong tables: 100"
is "$said" "$lines" "and all that is wrong again"
[ ! -e "$node/config.cdb" ]
ok $? "nothing was made"

# explain

printf 'here.test\nhub.test\n' >"$node/locals"
printf '*@here.test maildir:mail/%%u\nroot@hub.test maildir:root\n' >"$node/users"
printf 'far.test qmtp:127.0.0.1:9 smtp:mx\nlater.test hold\n' >"$node/routes"
printf 'far.test\n' >"$node/rcpthosts"
printf 'qmqp 127.0.0.1:%s\nqmqp 127.0.0.1:%s\n' $p1 $p2 >"$node/listen"
said=$("$quail" build "$node" 2>&1)
is $?:"$said" 0: "good tables: nothing to say"
is "$("$quail" explain -d "$node" Joe@here.test)" \
'address   Joe@here.test
next hop  maildir:mail/joe  [users:1 *@here.test]
  agent   maildir
stranger  may send here by SMTP  [locals:1]' "explain a mailbox"
is "$("$quail" explain -d "$node" a@far.test)" \
'address   a@far.test
next hop  qmtp:127.0.0.1:9  [routes:1 far.test]
  agent   qmtpc
  tls     none  [routes:1]
next hop  smtp:mx  [routes:1 far.test]
  agent   smtp-gateway out
  tls     nothing is said of it
source    any address of this host
stranger  may send here by SMTP  [rcpthosts:1]' "explain a route"
is "$(QUAIL_DIR=$node "$quail" explain nobody a@later.test)" \
'address   nobody
decision  reject: no mailbox here by that name (#5.1.1)  [locals:2 hub.test]
stranger  is told by SMTP: no mailbox here by that name (#5.1.1)

address   a@later.test
decision  hold: queue it, do not try  [routes:2 later.test]
stranger  is told by SMTP: I do not relay there for you (#5.7.1)' "explain two"
"$quail" explain -d "$node" 'a/b@here.test' | grep -q '#5.1.3'
ok $? "explain a hostile local part"
touch -d '+1 hour' "$node/routes"
"$quail" explain -d "$node" a@b 2>&1 >/dev/null | grep -q 'routes has been edited'
ok $? "explain tells of an edited table"
touch "$node/routes"
"$quail" explain -d "$work" a@b >/dev/null 2>&1
is $? 100 "explain without config.cdb: 100"

# a node

begin
soon is_ready
ok $? "ready"
is "$(cat "$node/quail-queue.names")" door:agent:control "the queue's sockets"
is "$(cat "$node/qmqpd.names")" qmqp:qmqp "qmqpd's sockets"
is "$(cat "$node/qmtpc.names")" "" "qmtpc has none"
is "$(cat "$node/qmqpd.arguments")" "$node" "a daemon's argument"
is "$(cat "$node/smtp-gateway.arguments")" "out $node" "smtp-gateway out runs"
[ ! -e "$node/qmtpd.pid" ]
ok $? "qmtpd does not run"
is "$(descriptors qmtpc)" "0 1 2 3 " "a daemon has 0, 1, 2 and its notify pipe"
is "$(descriptors quail-queue)" "0 1 2 3 4 5 6 " "or its sockets before that"
is "$(stat -c %a "$node/run" "$node/queue" "$node/run/door" | tr '\n' ' ')" \
    "700 700 600 " "modes of what was made"
listens $p1 && listens $p2
ok $? "both ports listen"

is "$(grep -c -e ^PASSWORD= -e ^SSH_ "$node/qmqpd.env")" 0 \
    "what is the administrator's own stays with him"
is "$(grep -c -e ^QUAIL_X=y -e ^PATH= "$node/qmqpd.env")" 2 \
    "the rest is handed over"

said=$("$quail" run "$node" 2>&1)
is $? 111 "a second supervisor: 111"
case $said in *another*) true ;; *) false ;; esac
ok $? "and says why"

old=$(pid_of qmqpd)
kill -KILL "$old"
listens $p1
ok $? "a dead daemon's port still listens"
soon started qmqpd 2
ok $? "kill -9, and it is back"
grep -q 'event=died service=qmqpd .*signal=9' "$work/log"
ok $? "and the log says so"
[ "$(pid_of qmqpd)" != "$old" ] && is_ready
ok $? "as another process"
is "$(cat "$node/qmqpd.names")" qmqp:qmqp "with the same sockets"
i=0
while [ $i -lt 3 ]; do
	started qmqpd $((i + 2)) && kill -KILL "$(pid_of qmqpd)"
	i=$((i + 1))
	soon started qmqpd $((i + 2))
done
grep -q 'again_ms=800' "$work/log"
ok $? "pauses double"
starts=$(wc -l <"$node/qmqpd.starts")
touch "$node/qmqpd.shut"
kill -KILL "$(pid_of qmqpd)"
soon started qmqpd $((starts + 1))
listens $p1
is $? 1 "a captured daemon can shut its socket down"
kill -KILL "$(pid_of qmqpd)"
soon started qmqpd $((starts + 2))
listens $p1 && grep -q "event=bound-anew socket=qmqp at=127.0.0.1:$p1" \
    "$work/log"
ok $? "the next one has one that listens"
is "$(grep -c ready "$work/out")" 1 "ready is said once"

# new tables

printf 'qmqp 127.0.0.1:%s\nqmtp 127.0.0.1:%s\nbad\n' $p2 $p3 >"$node/listen"
kill -HUP $supervisor
soon grep -q tables-refused "$work/log"
ok $? "HUP with wrong tables changes nothing"
grep -q '^listen:3:4: ' "$work/log"
ok $? "and says what is wrong"
listens $p1
ok $? "and all goes on"
printf 'qmqp 127.0.0.1:%s\nqmtp 127.0.0.1:%s\n' $p2 $p3 >"$node/listen"
printf 'far.test smtp:mx\n' >"$node/routes"
old=$(pid_of qmqpd)
qmtpc=$(pid_of qmtpc)
queue=$(pid_of quail-queue)
kill -HUP $supervisor
soon started qmtpd 1
ok $? "HUP: qmtpd is needed now"
soon gone "$qmtpc"
ok $? "qmtpc is not"
soon test "$(pid_of qmqpd)" != "$old" || soon gone "$old"
ok $? "qmqpd begins anew"
soon grep -qx qmqp "$node/qmqpd.names"
ok $? "with the socket that is left"
listens $p2 && listens $p3 && ! listens $p1
ok $? "what listens is what the table says"
is "$(pid_of quail-queue)" "$queue" "the queue goes on"

# the end

queue=$(pid_of quail-queue)
finish
is $code 0 "TERM: 0"
gone "$queue" && gone "$(pid_of qmqpd)" && gone "$(pid_of maildir)"
ok $? "and all are gone"
[ ! -e "$node/run/door" ]
ok $? "and the door's socket too"
tail -n 1 "$work/log" | grep -q 'ended service=quail-queue'
ok $? "the queue ends last"

echo 1 >"$node/stopwait"
touch "$node/maildir.deaf"
begin
soon is_ready
queue=$(pid_of quail-queue)
deaf=$(pid_of maildir)
kill -KILL $supervisor
wait $supervisor 2>/dev/null
soon gone "$queue" && soon gone "$deaf"
ok $? "nobody outlives a supervisor that was killed"
begin
soon is_ready
ok $? "and another begins at once"
deaf=$(pid_of maildir)
kill -TERM $supervisor
soon refuses $p2 && soon refuses $p3 && ! gone "$deaf"
ok $? "while it waits for him, clients are refused"
await
is $code:"$(gone "$deaf" && echo gone)" 0:gone "who is deaf to TERM is killed 5 s after stopwait"
rm "$node/maildir.deaf"

touch "$node/qmtpd.refuse"
begin
await
is $code 100 "a daemon refuses its configuration: 100"
is "$(cat "$work/out")" "" "and no ready"
gone "$(pid_of quail-queue)"
ok $? "and no daemon is left"
rm "$node/qmtpd.refuse"

rm "$work/bin/qmtpd"
begin
await
is $code 100 "a program that is not there: 100"

begin_leaf=$work/leaf
mkdir "$begin_leaf"
echo leaf.test >"$begin_leaf/me"
node=$begin_leaf
begin
soon is_ready
ok $? "a node without daemons is ready too"
finish INT
is $code 0 "INT: 0"

# the disk is full

if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	node=$work/full
	mkdir "$node"
	cat >"$work/full.sh" <<'S'
mount -t tmpfs -o size=1m tmpfs "$node" || exit 90
echo "$1" >"$node/me"
"$quail" build "$node" && mkdir "$node/run" "$node/queue" || exit 91
cat /dev/zero >"$node/fill" 2>/dev/null
[ "$2" = same ] || echo "$2" 1<>"$node/me"
[ "$3" = whole ] || printf x | dd of="$node/config.cdb" bs=1 seek=2500 \
    conv=notrunc 2>/dev/null
exec "$quail" run "$node"
S
	begin_full() { # NAME NEW-NAME whole | torn
		rm -f "$work/out"
		node=$node quail=$quail unshare -m sh "$work/full.sh" "$@" \
		    >"$work/out" 2>"$work/log" </dev/null &
		supervisor=$!
	}
	begin_full one.test same whole
	soon is_ready
	ok $? "a full disk, and nothing to be written: it runs"
	finish
	is "$code:$(grep -c tables-unwritten "$work/log")" 0:0 "and says nothing"
	begin_full one.test two.test whole
	soon is_ready
	ok $? "no room for edited tables: it runs with what it has"
	finish
	grep -q 'event=tables-unwritten digest=[0-9a-f]* .*make room' "$work/log"
	ok $? "and says what is to be done"
	begin_full one.test two.test torn
	await
	is $code 111 "no room, and config.cdb is damaged: 111"
	grep -q '^config.cdb: No space left on device' "$work/log"
	ok $? "which says why"
	begin_full one.test two..est whole
	await
	is $code 100 "no room does not make wrong tables right: 100"
fi

echo "1..$n"
exit ${failed:-0}
