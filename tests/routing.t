#!/bin/sh
# routing.t - one configuration: what it says of itself, and how it is changed
#
# quail explain, quail build --diff, quail rollback; files that no daemon
# takes; and a hundred builds while twenty thousand messages pass.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/routing
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

set -- $(free_ports 2)
qmtp=$1 smtp=$2
quail=$BIN/quail

build() { # NODE -> what it says
	"$quail" build "$work/$1" 2>&1
}

# explain

table say me <<T
hub.test
T
table say locals <<T
hub.test
T
table say users <<T
joe-*@hub.test  maildir:joe/%u
root@hub.test   maildir:root
T
table say virtualdomains <<T
virtual.test:joe
T
table say aliases <<T
info@hub.test  root@hub.test a@far.test
T
table say access <<T
10.0.0.0/8  relay
sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef leaf7 relay repeats
T
table say agents <<T
fax
T
table say routes.d/partners <<T
far.test  from=news.test  reject no news for you
far.test  qmtp:a.test:209 qmtps:b.test:6209 weights=3,1 concurrency=4 class=a
T
table say routes.d/rest <<T
fax.test  fax:7
*         smtp:mx pool=bulk rate=90/m
T
table say pools <<T
pool bulk
member bulk 192.0.2.1 out.test weight=2
T
table say limits <<T
big.test concurrency=50
T
table say queuelifetime <<T
86400
T
table say tlspolicy <<T
big.test verify
T
build say >"$work/said"
is "$(grep -vc ' is compiled, but \|cannot be done by SMTP yet' "$work/said")" 0 \
    "warnings only of what nothing uses yet"
explain() {
	"$quail" explain -d "$work/say" "$@"
}
is "$(explain x@virtual.test)" \
'address   x@virtual.test
virtual   joe-x@hub.test  [virtualdomains:1]
next hop  maildir:joe/joe-x  [users:1 joe-*@hub.test]
  agent   maildir
lifetime  86400 s  [queuelifetime:1]
stranger  may send here by SMTP' "explain: a virtual domain"
said=$(explain 'Joe <joe@far.test>' x@a..b x@far.test 2>&1 >/dev/null)
is "$?:$said" "100:quail: Joe <joe@far.test>: this is not an address: leave out the name and the < and >
quail: x@a..b: this is not an address: nothing between two dots, or before one" \
    "explain: what is no address"
is "$(explain --client 10.1.2.3 x@far.test)" \
'address   x@far.test
next hop  qmtp:a.test:209, weight 3  [routes.d/partners:2 far.test]
  agent   qmtpc
  tls     none  [routes.d/partners:2]
next hop  qmtps:b.test:6209, weight 1  [routes.d/partners:2 far.test]
  agent   qmtpc
  tls     always, with a valid certificate  [routes.d/partners:2]
limit     4 at a time  [routes.d/partners:2]
lifetime  86400 s  [queuelifetime:1]
class     a  [routes.d/partners:2]
client    10.1.2.3: may relay  [access:1]
accepted  yes' "explain: two weighted next hops, and a client's address"
is "$(explain --from x@news.test --client leaf7 x@far.test)" \
'address   x@far.test
sender    x@news.test
decision  reject: no news for you (#5.7.1)  [routes.d/partners:1 far.test]
because   the route is for this sender  [routes.d/partners:1 news.test]
client    leaf7: may relay, may repeat  [access:2]
accepted  yes' "explain: a sender's route, and a client by its key"
is "$(explain x@big.test)" \
'address   x@big.test
next hop  smtp:mx  [routes.d/rest:2 *]
  agent   smtp-gateway out
  tls     verify  [tlspolicy:1]
limit     50 at a time  [limits:1]
rate      90 a minute  [routes.d/rest:2]
lifetime  86400 s  [queuelifetime:1]
pool      bulk  [routes.d/rest:2]
  source  192.0.2.1 as out.test, weight 2  [pools:2]
stranger  is told by SMTP: I do not relay there for you (#5.7.1)' \
    "explain: limits, pool, policy of TLS"
is "$(explain --json info@hub.test x@fax.test)" \
'{"facts":[{"what":"address","value":"info@hub.test"},{"what":"alias","value":"root@hub.test a@far.test","line":"aliases:1"},{"what":"decision","value":"reject: no mailbox here by that name (#5.1.1)","line":"locals:1","pattern":"hub.test"},{"what":"stranger","value":"may send here by SMTP","line":"locals:1"}]}
{"facts":[{"what":"address","value":"x@fax.test"},{"what":"next hop","value":"fax:7","line":"routes.d/rest:1","pattern":"fax.test"},{"what":"agent","value":"the site'"'"'s own, fax"},{"what":"tls","value":"nothing is said of it"},{"what":"lifetime","value":"86400 s","line":"queuelifetime:1"},{"what":"stranger","value":"is told by SMTP: I do not relay there for you (#5.7.1)"}]}' \
    "explain: JSON"
touch -d '+1 hour' "$work/say/routes.d/rest"
explain a@b 2>&1 >/dev/null | grep -q 'table routes has been edited'
check "explain tells of an edited file of routes.d" test $? = 0
touch "$work/say/routes.d/rest"

# what would change?

cp -r "$work/say" "$work/diff"
build diff >/dev/null
diff() {
	"$quail" build --diff "$@" "$work/diff" 2>"$work/err"
}
is "$(diff)" "0 of 10 decisions change" "diff: nothing to tell"
sum=$(cksum <"$work/diff/config.cdb")
table diff routes.d/partners <<T
# a line more does not matter
far.test  from=news.test  reject no news for you
far.test  qmtp:a.test:209
new.test  hold
T
echo '10.0.0.0/9  relay' >"$work/diff/access"
is "$(diff)" \
'anybody@far.test
  - qmtp:a.test:209 qmtps:b.test:6209 concurrency=4 lifetime=86400s weights=3,1 class=a; strangers may not [routes.d/partners:2]
  + qmtp:a.test:209 lifetime=86400s; strangers may not [routes.d/partners:3]
anybody@new.test
  - smtp:mx rate=90/m lifetime=86400s pool=bulk; strangers may not [routes.d/rest:2]
  + hold: queue it, do not try lifetime=86400s; strangers may not [routes.d/partners:4]
besides, in other tables 3 records are removed and 2 added (listen, access, pools and the like)
2 of 11 decisions change' "diff: all keys"
cat >"$work/sample" <<T
# addresses
x@y.test
x@new.test  boss@hub.test
x@far.test  a@news.test
T
is "$(diff "$work/sample" | head -n 1)$(diff "$work/sample" | tail -n 1)" \
    'x@new.test from boss@hub.test1 of 3 decisions change' "diff: a sample"
is "$(cksum <"$work/diff/config.cdb")" "$sum" "diff: nothing was replaced"
[ ! -e "$work/diff/config.cdb.diff" ]
check "and nothing is left over" test $? = 0
echo '?' >"$work/diff/routes"
diff >/dev/null
is "$?:$(cat "$work/err" | grep -c '^routes:1:')" 100:1 "diff: wrong tables"
rm "$work/diff/routes"

# and back

build diff >/dev/null
is "$("$quail" explain -d "$work/diff" x@new.test | sed -n 2p | cut -c 11-14)" \
    hold "a new build"
said=$("$quail" rollback "$work/nowhere" 2>&1)
is "$?:$said" "100:quail: $work/nowhere: No such file or directory" \
    "rollback of nothing"
"$quail" rollback "$work/diff" 2>/dev/null
is "$?:$(cksum <"$work/diff/config.cdb")" "0:$sum" "rollback: the one before"
"$quail" rollback "$work/diff" 2>/dev/null
is "$("$quail" explain -d "$work/diff" x@new.test 2>/dev/null |
    sed -n 2p | cut -c 11-14)" hold "rollback again: the new one"

# a running node

table hub me <<T
hub.test
T
table hub listen <<T
qmtp 127.0.0.1:$qmtp
smtp 127.0.0.1:$smtp
T
table hub access <<T
127.0.0.0/8 relay
T
one() { # everything to one/: a local domain
	echo hub.test >"$work/hub/locals"
	echo '*@hub.test maildir:one' >"$work/hub/users"
	echo 'else.test hold' >"$work/hub/routes"
}
two() { # everything to two/: three tables say it together
	echo unused.test >"$work/hub/locals"
	printf '*@hub.test maildir:two\nx@unused.test maildir:x\n' \
	    >"$work/hub/users"
	echo 'hub.test local' >"$work/hub/routes"
}
one
check "the node comes up" node_start hub || { tap_done; }
load() { # MORE...
	"$BUILD/tests/quail-load" -f boss@leaf.test -t user@hub.test -b 500 \
	    -w 64 "$@" "127.0.0.1:$qmtp" >>"$work/load" 2>&1
}
load -m 2 -i routingA0000
wait_for 30 has_count "$work/hub/one/new" 2
is "$(count "$work/hub/one/new")" 2 "mail goes where the tables say"
two
build hub >/dev/null
# Four daemons run: each says so in its own words, or starts again.
all_say() { # new or bad
	[ "$(grep -ac "event=config-$1\|event=config .*$2" "$work/hub.log")" -ge 4 ]
}
check "a new build is noticed within about a second" \
    wait_for 30 all_say new 'new\|event=config me=\|event=start .*=maildir'
load -m 1 -i routingB0000
wait_for 30 has_count "$work/hub/two/new" 1
is "$(count "$work/hub/two/new")" 1 "and obeyed"

# replace FILE - as copying it from another host would
replace() {
	cp "$1" "$work/hub/config.cdb.copy"
	mv "$work/hub/config.cdb.copy" "$work/hub/config.cdb"
}
cp "$work/hub/config.cdb" "$work/good"
size=$(wc -c <"$work/good")
head -c $((size / 2)) "$work/good" >"$work/torn"
perl -pe 's/quail-config \d+/quail-config 9/' "$work/good" >"$work/newer"
printf 'not a cdb at all, but longer than nothing\n' >"$work/foreign"
for bad in torn newer foreign; do
	: >"$work/hub.log"
	replace "$work/$bad"
	check "a $bad file: refused by all, and they say so" \
	    wait_for 30 all_say bad bad
	[ "$bad" != newer ] || check "and that it is too new" \
	    grep -q 'newer version of quail' "$work/hub.log"
done
load -m 3 -i routingC0000
wait_for 30 has_count "$work/hub/two/new" 4
is "$(count "$work/hub/two/new")" 4 "and they go on with the one they have"
"$quail" build "$work/hub" 2>/dev/null

# a hundred builds under load

find "$work/hub/one/new" "$work/hub/two/new" -type f -delete
: >"$work/hub.log"
load -m 20000 -s 4 -R 4500 -i routingSWAP0 &
load_pid=$!
# A daemon looks once in a second: each of the two stays that long once.
i=0
while [ $i -lt 50 ]; do
	one && build hub >>"$work/builds" || break
	[ $i = 5 ] && sleep 1.3 || sleep 0.04
	two && build hub >>"$work/builds" || break
	[ $i = 10 ] && sleep 1.3 || sleep 0.04
	i=$((i + 1))
done
is "$i" 50 "a hundred builds"
wait $load_pid
is $? 0 "twenty thousand messages, a K for each"
all_there() {
	[ $(($(count "$work/hub/one/new") + $(count "$work/hub/two/new"))) \
	    -ge 20000 ]
}
wait_for 120 all_there
is $(($(count "$work/hub/one/new") + $(count "$work/hub/two/new"))) 20000 \
    "none is lost, and none comes twice"
check "some by the one, some by the other" \
    test "$(count "$work/hub/one/new")" -gt 0 -a \
    "$(count "$work/hub/two/new")" -gt 0
is "$(grep -ac 'event=bounce\|verdict=[ZD]\|no route' "$work/hub.log")" 0 \
    "none was decided by half a table"

# Where the kernel walls it in, a mailbox somewhere else is out of the agent's
# reach until it has started again: nobody is to see that.
three() {
	echo '*@hub.test maildir:three' >"$work/hub/users"
	build hub >/dev/null
}
: >"$work/hub.log"
load -m 3000 -s 4 -R 1500 -i routingTHIRD &
load_pid=$!
sleep 0.5
three
wait $load_pid
wait_for 60 test "$(echo "$work"/hub/three/new/*)" != "$work/hub/three/new/*"
all_there() {
	[ "$(find "$work/hub/one/new" "$work/hub/two/new" \
	    "$work/hub/three/new" -type f 2>/dev/null | wc -l)" -ge 23000 ]
}
wait_for 60 all_there
sleep 0.2
is "$(find "$work/hub" -path '*/new/*' -type f | wc -l)" 23000 \
    "a third place while mail comes: none is lost, and none comes twice"
is "$(grep -ac 'verdict=[ZD]\|event=possible-duplicate' "$work/hub.log")" 0 \
    "and none has to wait for it"

# queued mail follows

printf 'else.test hold\n*  hold\n' >"$work/hub/routes"
echo 'x@unused.test maildir:x' >"$work/hub/users"
: >"$work/hub.log"
build hub >/dev/null
wait_for 30 all_say new 'new\|event=config me=\|event=start .*=maildir'
"$BUILD/tests/quail-load" -f boss@leaf.test -t user@late.test -m 2 \
    -i routingLATE0 "127.0.0.1:$qmtp" >/dev/null 2>&1
is "$("$quail" queue -d "$work/hub" list 2>/dev/null | grep -c late.test)" 2 \
    "two are held"
find "$work/hub/two/new" -type f -delete
printf 'late.test local\n' >"$work/hub/routes"
echo '*@late.test maildir:two' >>"$work/hub/users"
build hub >/dev/null
wait_for 30 has_count "$work/hub/two/new" 2
is "$(count "$work/hub/two/new")" 2 "a new route moves what is queued"
is "$("$quail" explain -d "$work/hub" x@late.test | grep -c '  state   open')" \
    1 "explain shows the present state of the next hop"
check "no daemon died" node_is_sound hub
mkdir "$work/none"
for q in 'queue -d DIR list' 'explain -d DIR a@b.test' 'check --sandbox -d DIR'; do
	set -- $(echo "$q" | sed "s,DIR,$work/none,")
	is "$("$quail" "$@" 2>&1 | grep -c "$work/none: no node.* -d DIR")" 1 \
	    "quail $1 where there is no node: says where, and how to name it"
done
tap_done
