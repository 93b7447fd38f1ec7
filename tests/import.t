#!/bin/sh
# import.t - tables made of qmail's, Postfix's and nullmailer's files
#
# What comes out is compared as a whole; then what was made of a full qmail
# control directory and of a Postfix null client runs, and mail flows.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/import
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"
quail=$BIN/quail

set -- $(free_ports 3)
qmtp=$1 sink=$2 smtp=$3

put() { # FILE
	mkdir -p "$(dirname "$work/$1")" && cat >"$work/$1"
}
has() { # FILE
	sed '/^#/d' "$work/$1"
}

# qmail

echo hub.test | put q/control/me
printf 'hub.test\nlocal.test\n' | put q/control/locals
printf 'hub.test\nlocal.test\n.far.test\nvirtual.test\n' | put q/control/rcpthosts
echo more.test | put q/control/morercpthosts
printf 'virtual.test:joe\nnot@virtual.test:\n' | put q/control/virtualdomains
printf 'far.test:[127.0.0.1]:1\nmx.test:\n:127.0.0.1:%s\n' "$sink" |
    sed 's/\[127.0.0.1\]/127.0.0.1/' | put q/control/smtproutes
echo 86400 | put q/control/queuelifetime
echo 20 | put q/control/concurrencyremote
echo 5000000 | put q/control/databytes
echo '@spam.test' | put q/control/badmailfrom
echo postmaster | put q/control/doublebounceto
cat <<T | put q/users/assign
=root:alias:7790:2108:$work/mail/root:::
+joe-:joe:1000:1000:$work/mail/joe:-::
=bad:x
.
T
printf '&root@hub.test\n|/bin/false\n' | put q/alias/.qmail-info
printf 'root\n' | put q/alias/.qmail-default
cat <<'T' | put q/tcp.smtp
127.:allow,RELAYCLIENT=""
192.0.2.4-6:allow
=host.test:allow
:allow
T
"$quail" import qmail "$work/q" "$work/hub" >"$work/said" 2>&1
is $? 0 "qmail: imported and compiled"
is "$(grep -c 'not carried over: ' "$work/said")" 4 "four things are left"
is "$(has hub/smtproutes)" "far.test:127.0.0.1:1
mx.test:
:127.0.0.1:$sink" "smtproutes"
is "$(has hub/users)" "root@hub.test  maildir:$work/mail/root/Maildir
joe-*@hub.test  maildir:$work/mail/joe/Maildir" "users of assign"
is "$(has hub/aliases | sort)" "*@hub.test root@hub.test
info@hub.test root@hub.test" "aliases of .qmail files"
is "$(has hub/access)" '127.:allow,RELAYCLIENT=""
192.0.2.4-6:allow
:allow' "access of tcp.smtp"
is "$(grep -h '^# not' "$work"/hub/* | cut -d: -f 2-3 | sort)" \
' alias/.qmail-info: |/bin/false
 control/badmailfrom: the file
 tcp.smtp: =host.test
 users/assign: bad' "a comment for each thing left"
is "$(cat "$work/hub/virtualdomains" "$work/hub/morercpthosts" \
    "$work/hub/queuelifetime" "$work/hub/doublebounceto")" \
'virtual.test:joe
not@virtual.test:
more.test
86400
postmaster' "files that keep their names"

echo "qmtp 127.0.0.1:$qmtp" >"$work/hub/listen"
mkdir -p "$work/mail/root" "$work/mail/joe" "$work/sink"
background "$BUILD/tests/smtp-sink" "$work/sink" "127.0.0.1:$sink" \
    >"$work/sink.out" 2>&1
wait_for 5 port_answers "$sink"
check "qmail: it runs" node_start hub
load() { # TO TAG PORT
	"$BUILD/tests/quail-load" -f a@leaf.test -t "$1" -m 2 -i "$2" \
	    -p "${4:-qmtp}" "127.0.0.1:$3" 2>&1
}
load root@hub.test importA00000 "$qmtp" >/dev/null
wait_for 5 has_count "$work/mail/root/Maildir/new" 2
is "$(count "$work/mail/root/Maildir/new")" 2 "mail to a user arrives"
load x@virtual.test importB00000 "$qmtp" >/dev/null
wait_for 5 has_count "$work/mail/joe/Maildir/new" 2
is "$(count "$work/mail/joe/Maildir/new")" 2 "and to a virtual domain"
load x@else.test importC00000 "$qmtp" >/dev/null
sunk() { # NODE
	[ "$(grep -ac "verdict=K nexthop=smtp:127.0.0.1:$sink" \
	    "$work/$1.log")" -ge 2 ]
}
check "and elsewhere by smtproutes" wait_for 5 sunk hub

# Postfix, a null client

cat <<T | put p/main.cf
# a null client
myhostname = null.test
mydestination =
mynetworks = 127.0.0.0/8,
	[::1]/128 [::2
inet_interfaces = loopback-only
relayhost = [127.0.0.1]:$sink
smtp_tls_security_level = may
alias_maps = hash:/etc/aliases
T
printf 'dead.test  error:5.1.2 gone\nnull2.test  discard:\nin.test  smtp:[::1]:26\nx.test  :\nold.test  uucp:x\n' | put p/transport
"$quail" import postfix "$work/p" "$work/null" >"$work/said" 2>&1
is $? 0 "Postfix: imported and compiled"
is "$(has null/routes)" "dead.test  reject 5.1.2 gone
null2.test  discard
in.test  smtp:[::1]:26
x.test  smtp:mx
*  smtp:127.0.0.1:$sink" "transport and relayhost"
is "$(has null/access)" '127.0.0.0/8  relay
::1/128  relay' "mynetworks"
is "$(cat "$work/null/listen")" 'smtp 127.0.0.1:25' "inet_interfaces"
is "$(grep -c 'not carried over: ' "$work/said")" 4 "what is left is told"
echo "smtp 127.0.0.1:$smtp" >"$work/null/listen"
check "Postfix: it runs" node_start null
load x@else.test importD00000 "$smtp" smtp >/dev/null
check "mail flows to the relayhost" wait_for 5 sunk null

# nullmailer

printf 'leaf.test\n' | put n/me
printf '# hubs\nhub1.test qmqp\nhub2.test qmqp --port=6280\n' | put n/remotes
echo ops@hub.test | put n/adminaddr
"$quail" import nullmailer "$work/n" "$work/leaf" >"$work/said" 2>&1
is "$?:$(cat "$work/leaf/me" "$work/leaf/rewrite")" "0:leaf.test
rcpt  *@leaf.test  ops@hub.test" "nullmailer: a leaf"
is "$("$quail" explain -d "$work/leaf" root@leaf.test | tail -n 1)" \
    'rewritten as rcpt: ops@hub.test  [rewrite:1]' "adminaddr"
is "$(has leaf/qmqpservers | tr -d ' ')" 'hub1.test
hub2.test:6280' "remotes by QMQP"
printf 'smart.test smtp --port=587 --starttls\n' | put n/remotes
"$quail" import nullmailer "$work/n" "$work/leaf2" >"$work/said" 2>&1
is "$(has leaf2/routes)" '* smtp:smart.test:587' "remotes by SMTP"

# what cannot be

"$quail" import qmail "$work/q" "$work/hub" >/dev/null 2>&1
is $? 100 "nothing that is there is written over"
"$quail" import sendmail "$work/q" "$work/x" >/dev/null 2>&1
is $? 100 "unknown programs"
"$quail" import postfix "$work/q" "$work/x" >/dev/null 2>&1
is $? 100 "no main.cf"
check "no daemon died" node_is_sound hub
tap_done
