#!/bin/sh
# e2e_out.t - mail out of a hub and a leaf to programs that are not ours
#
# By QMTP to Debian's mailfront, by SMTP to Postfix's smtp-sink; from a leaf
# by QMQP to Postfix's qmqp-sink and to mailfront. What they kept is what was
# sent but for the trace lines, each message once.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/e2e_out
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

many=${MANY:-5000}
tag=e2eout000000

set -- $(free_ports 6)
qmtp=$1 mf_qmtp=$2 mf_qmqp=$3 smtp_sink=$4 qmqp_sink=$5 nobody=$6

table hub me <<T
hub.test
T
table hub listen <<T
qmtp 127.0.0.1:$qmtp
T
table hub access <<T
127.0.0.0/8 relay
T
table hub routes <<T
mf.test    qmtp:127.0.0.1:$mf_qmtp
sink.test  smtp:127.0.0.1:$smtp_sink
# the first next hop is dead: the second must get it
over.test  qmtp:127.0.0.1:$nobody smtp:127.0.0.1:$smtp_sink
*          hold
T

# mailfront PROTOCOL PORT - keeps what it gets in $work/PROTOCOL
mailfront() {
	mkdir -p "$work/$1/new" "$work/$1/tmp"
	QUEUEDIR=$work/$1 QUEUEDIR_NOSYNC=1 PROTO=TCP PLUGINS=accept
	export QUEUEDIR QUEUEDIR_NOSYNC PROTO PLUGINS
	background tcpserver -b 1000 -c 200 -HRDl0 127.0.0.1 "$2" \
	    sh "$here/peers.sh" run mailfront "$1" queuedir 2>/dev/null
	wait_for 5 port_answers "$2"
}

# bare FROM TO COMMAND - every file of FROM, without envelope, into TO
bare() {
	mkdir -p "$2"
	perl -e '
		my ($from, $to, $kind) = @ARGV;
		opendir my $d, $from or exit 1;
		for my $name (grep !/^\./, readdir $d) {
			local $/;
			open my $in, "<:raw", "$from/$name" or die;
			my $all = <$in>;
			if ($kind eq "queuedir") {
				$all =~ s/\A[^\0]*\0(?:[^\0\n]+\0)+\0?//;
			} else { # what smtp-sink puts in front and behind
				$all =~ s/\A(?:X-[^\n]*\n)+Received:[^\n]*\n//;
				$all =~ s/\A(?:[ \t][^\n]*\n)+//;
				$all =~ s/\n\z//;
			}
			open my $out, ">:raw", "$to/$name" or die;
			print $out $all;
		}' "$1" "$2" "$3"
}

load() {
	"$BUILD/tests/quail-load" -s 4 -w 64 -m "$many" -i "$tag" -t "$1" \
	    -L "$work/$2.ledger" "127.0.0.1:$qmtp" >"$work/load.said"
	load_status=$?
	sed 's/^/# /' "$work/load.said"
	return $load_status
}

# is_there LEDGER FROM KIND - is all of it in FROM? A sink makes its files
# before they are whole.
is_there() {
	rm -rf "$work/bare"
	bare "$2" "$work/bare" "$3"
	result=$(perl "$here/arrived.pl" -i "$tag-00000000" -t "$work/text" \
	    -l "$work/$1.ledger" "$work/bare" 2>"$work/why")
	[ "$result" = "files=$many ids=$many wrong=0 missing=0" ]
}

# expect TO LEDGER FROM KIND
expect() {
	"$BUILD/tests/quail-load" -P 0 -i "$tag" -t "$1" >"$work/text"
	wait_for 120 has_count "$3" "$many"
	wait_for 3 is_there "$2" "$3" "$4"
	sleep 0.5 # for what is once too often
	check 'all has arrived there, each once, unchanged' \
	    is_there "$2" "$3" "$4" || echo "# $result"
	cat "$work/why"
}

check 'the hub comes up' node_start hub || { cat "$work/hub.log"; tap_done; }

if why=$(sh "$here/peers.sh" have mailfront); then
	mailfront qmtp "$mf_qmtp"
	check "$many messages to mailfront, by QMTP" load u@mf.test mf
	expect u@mf.test mf "$work/qmtp/new" queuedir
else
	skip 'QMTP to mailfront' "$why"
fi

if why=$(sh "$here/peers.sh" have smtp-sink); then
	mkdir -p "$work/sink" && chmod 777 "$work/sink"
	cd "$work/sink" || exit 111
	if [ "$(id -u)" = 0 ]; then
		# it insists on another user, who may not reach this place
		background sh "$here/peers.sh" run smtp-sink -R "$work/sink" \
		    -d 'm.' "127.0.0.1:$smtp_sink" 1000
	else
		background sh "$here/peers.sh" run smtp-sink \
		    -d 'm.' "127.0.0.1:$smtp_sink" 1000
	fi
	cd "$here" || exit 111
	wait_for 5 port_answers "$smtp_sink"
	check "$many messages to smtp-sink" load u@sink.test sink
	expect u@sink.test sink "$work/sink" sink

	rm -f "$work/sink/"*
	many=100
	check 'to a route whose first next hop is dead' load u@over.test over
	expect u@over.test over "$work/sink" sink
else
	skip 'SMTP to smtp-sink' "$why"
fi
check 'the hub ends on TERM' node_stop hub
check 'none of its daemons has died' node_is_sound hub

# leaf PORT... - a leaf with these hubs
leaf() {
	echo leaf.test | table leaf me
	printf '127.0.0.1:%s\n' "$@" | table leaf qmqpservers
	"$BIN/quail" build "$work/leaf" || exit 111
}

submit() {
	QUAIL_DIR=$work/leaf "$BIN/sendmail" -i -f s@leaf.test a@b.test c@d.test \
	    <"$work/leaf.text"
}

"$BUILD/tests/quail-load" -P 7 -i "$tag" >"$work/leaf.text"
if why=$(sh "$here/peers.sh" have qmqp-sink); then
	background sh "$here/peers.sh" run qmqp-sink "127.0.0.1:$qmqp_sink" 100 \
	    2>/dev/null
	wait_for 5 port_answers "$qmqp_sink"
	leaf "$nobody" "$qmqp_sink"
	check 'sendmail to qmqp-sink, past a dead server' submit
else
	skip 'a leaf to qmqp-sink' "$why"
fi
if why=$(sh "$here/peers.sh" have mailfront); then
	mailfront qmqp "$mf_qmqp"
	leaf "$nobody" "$mf_qmqp"
	check 'sendmail to mailfront, by QMQP' submit
	is "$(perl -0777 -ne '
		/\A([^\0]*)\0((?:[^\0\n]+\0)+)/;
		print join " ", $1, split /\0/, $2;' "$work/qmqp/new"/*)" \
	    's@leaf.test a@b.test c@d.test' 'sender and both recipients'
	bare "$work/qmqp/new" "$work/leafed" queuedir
	is "$(cksum <"$work/leaf.text")" "$(cat "$work/leafed"/* | cksum)" \
	    'a message with all its header fields is sent unchanged'
else
	skip 'a leaf to mailfront' "$why"
fi
leaf "$nobody"
submit 2>/dev/null
is $? 75 'no hub at all: EX_TEMPFAIL'
tap_done
