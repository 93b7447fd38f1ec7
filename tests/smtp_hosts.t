#!/bin/sh
# smtp_hosts.t - smtp-gateway out: which host of several, when one has too
# many recipients, is not meant to have them, is frozen, or is ourselves; and
# an orderly stop
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/smtp_hosts
rm -rf "$work"
mkdir -p "$work/got" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

modes='few bye tls relay patient sluggish shy'
set -- $(free_ports 11)
smtp=$1 mx=$2 dns=$3
shift 3
echo hub.test | table hub me
echo out.hub.test | table hub helohost
echo "smtp 127.0.0.1:$smtp" | table hub listen
echo '127.0.0.0/8 relay' | table hub access
for mode in $modes; do
	echo "$mode.test smtp:127.0.0.1:$1" >>"$work/hub/routes"
	servers="${servers:-} $mode:127.0.0.1:$1"
	shift
done
n=5
for mode in later full4 busy grey frozen; do
	servers="$servers $mode:127.0.0.$n:$mx"
	n=$((n + 1))
done
cat >>"$work/hub/routes" <<T
named.test smtp:own-host.test:$smtp
sink.test discard
* smtp:mx
T
background perl "$here/smtp_fake.pl" "$work/got" $servers \
    "second:127.0.0.4:$mx" "dns:127.0.0.1:$dns" >"$work/fake.out"
wait_for 10 grep -q ready "$work/fake.out"
QUAIL_DNS=127.0.0.1:$dns QUAIL_SMTP_PORT=$mx
export QUAIL_DNS QUAIL_SMTP_PORT
node_start hub || exit 1

# the ids of all messages; the log comes behind the replies
ids() {
	sed -n 's/.*event=message id=\([0-9a-f]*\).*/\1/p' "$work/hub.log"
}

has_ids() {
	[ "$(ids | wc -l)" -ge "$1" ]
}

# mail RCPT... - through smtp in; prints the id
mail() {
	before=$(ids | wc -l)
	{
		printf '1\n1 EHLO me\n1 MAIL FROM:<a@sink.test>\n'
		for rcpt; do
			printf '1 RCPT TO:<%s>\n' "$rcpt"
		done
		printf '1 DATA\n1 Subject: x\\r\\n\\r\\nx\\r\\n.\\r\\n\n'
	} | perl "$here/smtp_talk.pl" "$smtp" >"$work/talk"
	wait_for 5 has_ids $((before + 1))
	ids | tail -n 1
}

# big RCPT - the same with 200 KB of text
big() {
	before=$(ids | wc -l)
	perl -e 'print "1\n1 EHLO me\n1 MAIL FROM:<a\@sink.test>\n",
	    "1 RCPT TO:<$ARGV[0]>\n1 DATA\n1 Subject: x\\r\\n\\r\\n",
	    ("x" x 70 . "\\r\\n") x 2800, ".\\r\\n\n"' "$1" |
	    perl "$here/smtp_talk.pl" "$smtp" >"$work/talk"
	wait_for 5 has_ids $((before + 1))
	ids | tail -n 1
}

attempts() {
	sed -n "s/.*event=attempt id=$1 //p" "$work/hub.log"
}

# outcome ID [N] - what the agent said of it, once it has N lines
outcome() {
	has_attempts() { [ "$(attempts "$1" | wc -l)" -ge "$2" ]; }
	wait_for 20 has_attempts "$1" "${2:-1}"
	attempts "$1"
}

said() {
	cat "$work"/got/"$1".*
}

# another host in the same attempt
second='k=1 z=0 d=0 reply="second.test[127.0.0.4] said: 250 2.0.0 got it (#2.0.0)"'
for test in 'later 451 4.3.0 later (#4.3.0)' 'full4 452 4.3.1 full (#4.3.1)' \
    'busy 503 5.5.1 no (#5.5.1)'; do
	mode=${test%% *}
	address=$(echo "$mode" | sed 's/later/5/; s/full4/6/; s/busy/7/')
	id=$(mail "a@two-$mode.test")
	is "$(outcome "$id" 2)" "dest=two-$mode.test k=0 z=1 d=0 reply=\"$mode.test[127.0.0.$address] said: ${test#* }\"
dest=two-$mode.test $second" "$mode: the second host, at once"
done
id=$(mail a@two-grey.test)
outcome "$id" >/dev/null
sleep 0.5
is "$(attempts "$id")" \
    'dest=two-grey.test k=0 z=1 d=0 reply="grey.test[127.0.0.8] said: 503 5.5.1 no (#5.5.1)"' \
    "4.7.1: not the second host, at a first attempt"

# a host that says nothing
begun=$(date +%s)
id=$(mail a@two-frozen.test)
is "$(outcome "$id" 1)" "dest=two-frozen.test $second" \
    "the second host when the first says nothing"
check "within seconds" test $(($(date +%s) - begun)) -lt 15
begun=$(date +%s)
sleep 6 # the connection is not kept so long
id=$(mail b@two-frozen.test)
is "$(outcome "$id" 1)" "dest=two-frozen.test $second" "the next mail"
check "goes there at once" test $(($(date +%s) - begun)) -lt 10

# too many recipients
id=$(mail 1@few.test 2@few.test 3@few.test 4@few.test 5@few.test)
is "$(outcome "$id" 3)" \
    'dest=127.0.0.1 k=2 z=0 d=0 rest=3 reply="127.0.0.1 said: 250 2.0.0 got it (#2.0.0)"
dest=127.0.0.1 k=2 z=0 d=0 rest=1 reply="127.0.0.1 said: 250 2.0.0 got it (#2.0.0)"
dest=127.0.0.1 k=1 z=0 d=0 reply="127.0.0.1 said: 250 2.0.0 got it (#2.0.0)"' \
    "too many recipients: the rest in a mail of its own, at once"
is "$(said few | grep -c '^RCPT') $(said few | grep -c '^DATA')" "8 3" \
    "and the number is learnt"
is "$(ls "$work"/got/few.* | wc -l)" 1 "all on one connection"

# a host that takes one mail a connection
for i in 1 2 3 4 5 6; do
	mail "$i@bye.test" >/dev/null
done
check "421 is in the log" grep -q 'event=sent-away dest=127.0.0.1 mails=1 ' \
    "$work/hub.log"
check "and does not come again and again" \
    test "$(grep -c event=sent-away "$work/hub.log")" -le 3

# no mail pays for what became of another one
shy=$(for i in 1 2 3 4 5 6 7 8 9 10; do mail "$i@shy.test"; done)
# shy_attempts PATTERN - how many of its attempts say so?
shy_attempts() {
	for id in $shy; do
		attempts "$id"
	done | grep -c "$1"
}
nine_are_there() {
	[ "$(shy_attempts k=1)" = 9 ]
}
check "a host that sends us away, then drops one mail: all others go" \
    wait_for 6 nine_are_there
is "$(shy_attempts 'z=1.*closed while waiting for the reply')" 1 \
    "the one it dropped is deferred"
is "$(shy_attempts z=1)" "$((1 + $(shy_attempts 'z=1.*"no connection: ')))" \
    "no other, but for the first connection"

# what is our set-up
id=$(mail a@tls.test)
is "$(outcome "$id" | cut -d' ' -f2-4)" "k=0 z=1 d=0" \
    "530 is no rejection of the mail"
id=$(mail a@relay.test)
is "$(outcome "$id" | cut -d' ' -f2-4)" "k=0 z=1 d=0" \
    "nor is it when a smarthost does not relay for us"

# what leads back to us
for domain in own zero localhost-mx us; do
	id=$(mail "a@$domain.test")
	case $domain in
	own) want="dest=own.test $second" what="its other host" ;;
	*) want="dest=$domain.test k=0 z=0 d=1 reply=\"mail for $domain.test loops back (#5.4.6)\"" what=5.4.6 ;;
	esac
	is "$(outcome "$id")" "$want" "MX of $domain.test: $what"
done
mail a@localhost >/dev/null
check "localhost is refused at the door" grep -q \
    'event=refused .*to=a@localhost ' "$work/hub.log"
id=$(mail 'a@[127.0.0.1]')
is "$(outcome "$id" | sed 's/.*reply=//')" \
    '"mail for [127.0.0.1] loops back (#5.4.6)"' "[127.0.0.1]"
id=$(mail a@named.test)
is "$(outcome "$id")" \
    'dest=own-host.test k=0 z=1 d=0 reply="the smarthost own-host.test is this host (#4.4.6)"' \
    "a smarthost whose name is our own door: Z"

# an orderly stop
id=$(mail a@patient.test)
wait_for 10 sh -c "grep -q '^\\.' $work/got/patient.*"
check "the node ends on TERM" node_stop hub
is "$(attempts "$id")" \
    'dest=127.0.0.1 k=1 z=0 d=0 reply="127.0.0.1 said: 250 2.0.0 got it (#2.0.0)"' \
    "when the answer to what was sent has come, 7 s later"
node_start hub || exit 1
sleep 2
is "$(said patient | grep -c '^DATA')" 1 "and it is not sent again"

# the end of the text lies in our socket when the time is over
node_stop hub
echo 1 | table hub stopwait
node_start hub || exit 1
id=$(big a@sluggish.test)
wait_for 10 test -e "$work/got/slept"
sleep 1
check "the node gives up what is not read" node_stop hub
node_start hub || exit 1
is "$(outcome "$id" | cut -d' ' -f2-4)" "k=1 z=0 d=0" "and sends it again"
sleep 4
is "$(cat "$work"/got/sluggish.* | tr -d '\r' | grep -cx '\.')" 1 \
    "the first end never arrives there"
check "so nothing is there twice" \
    test "$(grep -c "possible-duplicate id=$id" "$work/hub.log")" = 0
check "no daemon died on the way" node_is_sound hub
node_stop hub
tap_done
