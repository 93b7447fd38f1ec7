#!/bin/sh
# e2e_in.t - mail from programs that are not ours, into a whole hub
#
# Postfix's qmqp-source and smtp-source, nullmailer's qmqp, swaks, and our
# load generator: all arrives in the Maildir, each once, byte for byte but
# for the trace lines. What must arrive is told by Debian's mailfront, which
# gets the same from the same program.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/e2e_in
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

many=${MANY:-5000}
id_line='^\s+by \S+ with \S+ id ([0-9a-f]{16})'

peer() {
	sh "$here/peers.sh" run "$@"
}

set -- $(free_ports 5)
qmqp=$1 qmtp=$2 smtp=$3 model_qmqp=$4 model_smtp=$5

table hub me <<T
hub.test
T
table hub listen <<T
qmqp 127.0.0.1:$qmqp
qmtp 127.0.0.1:$qmtp
smtp 127.0.0.1:$smtp
T
table hub access <<T
127.0.0.0/8 relay repeats
T
table hub locals <<T
hub.test
T
table hub users <<T
*@hub.test maildir:mail/%u
T

# model PROTOCOL PORT - mailfront keeps what it gets in $work/PROTOCOL
model() {
	mkdir -p "$work/$1/new" "$work/$1/tmp"
	QUEUEDIR=$work/$1 PROTO=TCP PLUGINS=accept
	export QUEUEDIR PROTO PLUGINS
	background tcpserver -b 1000 -c 100 -HRDl0 127.0.0.1 "$2" \
	    sh "$here/peers.sh" run mailfront "$1" queuedir 2>/dev/null
	wait_for 5 port_answers "$2"
}

# modelled PROTOCOL - the text alone of the one message that it has kept
modelled() {
	perl -0777 -pe 's/\A[^\0]*\0(?:[^\0\n]+\@hub\.test\0)+\0?//' \
	    "$work/$1"/new/*
}

arrived() {
	user=$1
	shift
	wait_for 120 has_count "$work/hub/mail/$user/new" "$many"
	sleep 0.5 # for what is once too often
	perl "$here/arrived.pl" "$@" "$work/hub/mail/$user/new"
}

check 'the hub comes up' node_start hub || { cat "$work/hub.log"; tap_done; }

if why=$(sh "$here/peers.sh" have qmqp-source); then
	model qmqp "$model_qmqp"
	peer qmqp-source -m 1 -l 4096 -f s@leaf.test -t qmqp@hub.test \
	    "inet:127.0.0.1:$model_qmqp"
	modelled qmqp >"$work/qmqp.text"
	is "$(wc -c <"$work/qmqp.text")" 4096 'mailfront tells what qmqp-source sends'
	check "qmqp-source: $many messages into qmqpd" \
	    peer qmqp-source -s 20 -m "$many" -l 4096 -f s@leaf.test \
	    -t qmqp@hub.test "inet:127.0.0.1:$qmqp"
	is "$(arrived qmqp -k "(?m)$id_line" -t "$work/qmqp.text" -v Date -v Message-Id)" \
	    "files=$many ids=$many wrong=0 missing=0" \
	    'all have arrived, each once, unchanged'
else
	skip 'qmqp-source into qmqpd' "$why"
fi

if why=$(sh "$here/peers.sh" have smtp-source); then
	model smtp "$model_smtp"
	peer smtp-source -m 1 -l 4096 -f s@leaf.test -t smtp@hub.test \
	    "inet:127.0.0.1:$model_smtp"
	modelled smtp >"$work/smtp.text"
	check 'mailfront tells what smtp-source sends' \
	    grep -q '^Message-Id:' "$work/smtp.text"
	check "smtp-source: $many messages into smtp-gateway" \
	    peer smtp-source -s 20 -m "$many" -l 4096 -f s@leaf.test \
	    -t smtp@hub.test "inet:127.0.0.1:$smtp"
	is "$(arrived smtp -k '(?m)^Message-Id: (\S+)' -t "$work/smtp.text" -v Date -v Message-Id)" \
	    "files=$many ids=$many wrong=0 missing=0" \
	    'all have arrived, each once, unchanged'
	check 'smtp-source, ten messages a connection, three recipients each' \
	    peer smtp-source -d -s 5 -m 50 -r 3 -l 1000 -f s@leaf.test \
	    -t many@hub.test "inet:127.0.0.1:$smtp"
	wait_for 30 has_count "$work/hub/mail/3many/new" 50
	wait_for 30 has_count "$work/hub/mail/many/new" 50
	is "$(count "$work/hub/mail/many/new") $(count "$work/hub/mail/2many/new") $(count "$work/hub/mail/3many/new")" \
	    '50 50 50' 'each recipient has its copy'
else
	skip 'smtp-source into smtp-gateway' "$why"
fi

many=1
if why=$(sh "$here/peers.sh" have nullmailer-qmqp); then
	printf 'Subject: from nullmailer\n\n.dot\n\303\274ber\nlast' \
	    >"$work/null.text"
	{
		printf 's@leaf.test\nnull@hub.test\n\n'
		cat "$work/null.text"
	} >"$work/null.mail"
	peer nullmailer-qmqp -p "$qmqp" --host=127.0.0.1 \
	    3<"$work/null.mail" >/dev/null 2>&1
	is $? 0 "nullmailer's qmqp: one message"
	is "$(arrived null -k '(?m)^Subject: (.*)' -t "$work/null.text")" \
	    'files=1 ids=1 wrong=0 missing=0' 'it has arrived, unchanged'
else
	skip "nullmailer's qmqp" "$why"
fi

if command -v swaks >/dev/null 2>&1; then
	# it ends the data with a line end of its own
	printf 'Subject: from swaks\n\n.dot\n\nlast line' >"$work/swaks.data"
	(cat "$work/swaks.data" && echo) >"$work/swaks.text"
	check 'swaks: one message' swaks --silent 2 --helo leaf.test \
	    --server 127.0.0.1 --port "$smtp" --from s@leaf.test \
	    --to swaks@hub.test --data "@$work/swaks.data"
	is "$(arrived swaks -k '(?m)^Subject: (.*)' -t "$work/swaks.text")" \
	    'files=1 ids=1 wrong=0 missing=0' 'it has arrived, unchanged'
else
	skip 'swaks' 'it is not installed'
fi

many=${MANY:-5000}
tag=e2einqmtp000
"$BUILD/tests/quail-load" -P 0 -i $tag -t qmtp@hub.test >"$work/load.text"
for protocol in qmtp qmqp smtp; do
	eval "port=\$$protocol"
	said=$("$BUILD/tests/quail-load" -p $protocol -s 10 -w 64 -m $many \
	    -i $tag -t qmtp@hub.test -L "$work/$protocol.ledger" \
	    "127.0.0.1:$port")
	check "quail-load: $many by $protocol" [ $? = 0 ]
	echo "# $protocol $said"
	is "$(arrived qmtp -i $tag-00000000 -t "$work/load.text" \
	    -l "$work/$protocol.ledger")" \
	    "files=$many ids=$many wrong=0 missing=0" \
	    'all have arrived, each once, unchanged'
	rm -rf "$work/hub/mail/qmtp/new"
	mkdir "$work/hub/mail/qmtp/new"
done

check 'the hub ends on TERM' node_stop hub
check 'none of its daemons has died' node_is_sound hub
tap_done
