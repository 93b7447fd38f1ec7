#!/bin/sh
# sandbox.t - whole nodes in their sandboxes
#
# A hub and a leaf run under strace through all that happens to them: mail by
# every protocol, new tables and keys, a disk that is full, daemons that are
# killed. What each kind of daemon called, once it was in, must be in its list
# (lib/sandbox_calls.c). Rights follow new tables and files. And kernels that
# lack a part.
#
# LONG=1 also prints what of each list was never called.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)

# What is mounted here is seen by nobody else, and gone with us.
if [ -z "${SANDBOX_APART:-}" ] && unshare -m true 2>/dev/null; then
	SANDBOX_APART=1 exec unshare -m sh "$here/sandbox.t"
fi

work=$BUILD/sandbox
rm -rf "$work"
mkdir -p "$work/bin" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

unset QUAIL_SANDBOX # what is refused is to be seen, not to end a daemon
tool=$BUILD/tests/sandbox_test

# the command

echo a.test | table a me
"$BIN/quail" build "$work/a" || exit 1
"$BIN/quail" check --sandbox -d "$work/a" >"$work/said"
status=$?
sed 's/^/# /' "$work/said"
case $status in
0) pass 'quail check --sandbox: all parts are there' ;;
*) skip 'quail check --sandbox' 'this kernel lacks a part' ;;
esac
is "$(grep -c landlock= "$work/said")" 9 'a line for each daemon'
"$tool" without 444 "$BIN/quail" check --sandbox --json -d "$work/a" \
    >"$work/said"
is $? 111 'without landlock: 111'
is "$(grep -o '"landlock":0' "$work/said" | wc -l)" 9 'which is said for each'
is "$(grep -o '"why":"the kernel gives no landlock' "$work/said" | wc -l)" 9 'and why'
touch -d '2 hours ago' "$work/a/me"
touch -d '1 hour ago' "$work/a/config.cdb"
echo off | table a sandbox
"$BIN/quail" check --sandbox -d "$work/a" 2>&1 >/dev/null |
    grep -q 'table sandbox has been edited'
is $? 0 'it tells of an edited table'
"$BIN/quail" build "$work/a"
"$tool" without 444 "$BIN/quail" check --sandbox -d "$work/a" >/dev/null
is $? 0 'when the tables want none, none is missing'
echo require | table a sandbox
"$BIN/quail" build "$work/a"
"$tool" without 444 "$BIN/qmqpd" "$work/a" 2>"$work/said" </dev/null
is $? 100 'a daemon without what the tables require does not start'
rm "$work/a/sandbox"
[ "$status" = 0 ] || tap_done

# nodes under strace

if strace -o /dev/null true 2>/dev/null; then
	cat >"$work/bin/quail" <<T
#!/bin/sh
for dir; do :; done
exec strace -D -f -n -q -o "\$dir.trace" "$BIN/quail" "\$@"
T
	traced=1
else
	ln -s "$BIN/quail" "$work/bin/quail"
	traced=
fi
chmod +x "$work/bin/quail"

set -- $(free_ports 9)
qmqp=$1 qmqps=$2 qmtp=$3 qmtps=$4 smtp=$5 far=$6 sink=$7 leaf=$8 dns=$9
mkdir -p "$work/far"
pin=$("$BIN/quail" key -o "$work/a/tls" -n a.test)
far_pin=$("$BIN/quail" key -o "$work/far/tls" -n far.test)

echo far.test | table far me
echo far.test | table far locals
echo "qmtps 127.0.0.1:$far" | table far listen
echo "$pin a relay" | table far access
echo '*@far.test maildir:mail/%u' | table far users

echo a.test | table a locals
table a listen <<T
qmqp 127.0.0.1:$qmqp
qmqps 127.0.0.1:$qmqps
qmtp 127.0.0.1:$qmtp
qmtps 127.0.0.1:$qmtps
smtp 127.0.0.1:$smtp
T
echo '127.0.0.0/8 relay' | table a access
echo '*@a.test maildir:mail/%u' | table a users
table a routes <<T
far.test qmtps:127.0.0.1:$far/$far_pin
named.test qmtp:localhost:9
sink.test smtp:127.0.0.1:$sink
* smtp:mx
T

echo leaf.test | table leaf me
echo "127.0.0.1:$qmqp" | table leaf qmqpservers
echo "smtp 127.0.0.1:$leaf" | table leaf listen
echo '127.0.0.0/8 relay' | table leaf access
mkdir -m 3733 "$work/leaf/spool"

# a disk of its own for the hub's queue, so that it can be full
mkdir -p "$work/a/queue"
[ -n "${SANDBOX_APART:-}" ] &&
	mount -t tmpfs -o size=24m,mode=700 tmpfs "$work/a/queue" 2>/dev/null &&
	has_disk=1 || has_disk=
QUAIL_SEGMENT_SIZE=262144 QUAIL_DNS=127.0.0.1:$dns
export QUAIL_SEGMENT_SIZE QUAIL_DNS

real=$BIN
background "$BUILD/tests/quail-sink" smtp "127.0.0.1:$sink"
node_start far || exit 1
BIN=$work/bin
check 'the hub comes up' node_start a || exit 1
check 'the leaf comes up' node_start leaf || exit 1
BIN=$real

children() {
	perl -e 'for (glob "/proc/[0-9]*/stat") { open F, $_ or next;
		<F> =~ /^(\d+) \(.*\) \S (\d+) / && $2 == $ARGV[0] && print "$1\n" }' \
	    "$(cat "$work/$1.pid")"
}

# in_sandbox NODE - is each of its daemons, as the kernel says?
in_sandbox() {
	for pid in $(children "$1"); do
		grep -q '^Seccomp:.*2' "/proc/$pid/status" &&
			grep -q '^NoNewPrivs:.*1' "/proc/$pid/status" || return 1
	done
	[ -n "$pid" ]
}

check 'the kernel says that each of the hub is in' in_sandbox a
check 'and of the leaf' in_sandbox leaf

# load PROTOCOL PORT MESSAGES BYTES RCPT
load() {
	"$BUILD/tests/quail-load" -p "$1" -s 2 -m "$3" -b "$4" -r 2 -f x@a.test \
	    -t "$5" "127.0.0.1:$2" >>"$work/loads" 2>&1
}

delivered() {
	[ "$(grep -ac "event=delivery.*to=[^ ]*@$1 verdict=K" "$work/a.log")" \
	    -ge "$2" ]
}

has_line() {
	grep -aq "$1" "$work/$2.log"
}

all_loads() {
	load qmqp $qmqp 20 1000 "$1" && load qmtp $qmtp 20 1000 "$1" &&
		load smtp $smtp 20 1000 "$1"
}

for host in a far sink; do
	check "mail for $host.test is taken" all_loads "r@$host.test"
done
check 'large ones too' load qmtp $qmtp 2 700000 r@far.test
check 'and delivered' wait_for 30 delivered a.test 60
check 'and sent on' wait_for 30 delivered far.test 60
check 'and sent out' wait_for 30 delivered sink.test 60
load qmtp $qmtp 2 100 r@unknown.test # asks the DNS
load qmtp $qmtp 2 100 r@named.test
load smtp $leaf 5 200000 r@a.test
check 'and those of the leaf' wait_for 30 delivered a.test 62
for port in $qmqps $qmtps; do
	openssl s_client -connect "127.0.0.1:$port" </dev/null >/dev/null 2>&1
done

# what changes

"$BIN/quail" key --force -o "$work/a/tls" -n a.test >/dev/null
kill -HUP $(children a)
echo 5 | table a stopwait
"$BIN/quail" build "$work/a"
check 'new tables are in use' wait_for 10 has_line event=config-new a
check 'and a new key' wait_for 10 has_line event=key a
kill -9 "$(node_process a maildir)"
check 'an agent is lost' wait_for 10 has_line 'event=died service=maildir' a
kill -9 "$(node_process a quail-queue)"
check 'and the queue' wait_for 10 has_line 'event=died service=quail-queue' a
"$BIN/quail" queue -d "$work/a" list >/dev/null 2>&1
check 'mail goes on' wait_for 10 load qmtp $qmtp 5 1000 r@a.test
if [ -n "$has_disk" ]; then
	dd if=/dev/zero of="$work/a/queue/rubbish" bs=64k 2>/dev/null
	sleep 1.2
	load qmqp $qmqp 1 100000 r@a.test
	load smtp $smtp 1 1000 r@a.test
	rm "$work/a/queue/rubbish"
	check 'the disk was full' wait_for 10 load qmtp $qmtp 5 1000 r@a.test
fi

# rights follow

echo 'new@a.test maildir:boxes/%u' | table a users.d/new
kill -HUP "$(cat "$work/a.pid")"
check 'mailboxes elsewhere: maildir starts again' \
    wait_for 10 has_line 'event=sandbox stale=boxes' a
"$BUILD/tests/quail-load" -p qmtp -s 1 -m 1 -b 100 -f x@a.test -t new@a.test \
    "127.0.0.1:$qmtp" >>"$work/loads"
check 'and delivers there' wait_for 20 has_count "$work/a/boxes/new/new" 1
if [ -n "${SANDBOX_APART:-}" ] && cp /etc/hosts "$work/hosts" &&
	mount --bind "$work/hosts" /etc/hosts 2>/dev/null; then
	check 'another /etc/hosts: qmtpc starts again' \
	    wait_for 10 has_line 'qmtpc: event=sandbox stale=/etc/hosts' a
	check 'so does smtp-gateway out' wait_for 10 \
	    has_line 'smtp-gateway-out: event=sandbox stale=/etc/hosts' a
fi
a_pid=$(cat "$work/a.pid") leaf_pid=$(cat "$work/leaf.pid")
check 'all of them end in order' node_stop a
check 'the leaf too' node_stop leaf
is "$(grep -a 'event=died' "$work/a.log" "$work/leaf.log" |
	grep -av 'exit=0\|signal=9')" '' 'and none has died otherwise'
is "$(grep -ac 'event=sandbox landlock=[1-9].*seccomp=yes' "$work/a.log")" \
    "$(grep -ac 'event=sandbox landlock' "$work/a.log")" \
    'each was in its sandbox'

# what they called

called() {
	perl -e '
	my (%list, %used, %kind, %in, %parent, @refused);
	for my $k (qw(front out queue maildir leafdoor drain)) {
		$list{$k}{$_ + 0} = 1 for `$ENV{tool} list $k`;
	}
	my @lines = <>;
	for (@lines) { # a child may be seen before its parent has its number
		$parent{$2} = $1 if /^(\d+) .*\bclone3?\b.* = (\d+)$/;
	}
	for (@lines) {
		my ($pid, $n, $rest) = /^(\d+) +\[ *(\d+)\] (.*)/ or next;
		next if $rest =~ /^</; # the end of a call that was seen
		if ($rest =~ /^execve\("[^"]*\/([^\/"]+)", \["[^"]*"(?:, "(in|out)")?/) {
			$kind{$pid} = {qmqpd => "front", qmtpd => "front", qmtpc => "out",
			    "quail-queue" => "queue", maildir => "maildir",
			    "quail-leafdoor" => "leafdoor", qmqpc => "drain",
			    "smtp-gateway" => ($2 // "") eq "in" ? "front" : "out"}->{$1};
			$in{$pid} = 0;
		}
		if (!exists $in{$pid} && $parent{$pid}) {
			$kind{$pid} = $kind{$parent{$pid}};
			$in{$pid} = $in{$parent{$pid}};
		}
		my $k = $kind{$pid} or next;
		my ($name) = $rest =~ /^(\w+)/;
		$used{$k}{$n} = $name if $in{$pid};
		# directories above are synced where that may be; and another
		# /etc/hosts is beyond reach until the new start
		push @refused, "$k: $rest" if $in{$pid} &&
		    $rest =~ /= -1 E(ACCES|PERM)\b/ &&
		    $rest !~ m{^openat\(\d+, "\.\.?",|"/etc/hosts"|^socket\(AF_NETLINK,};
		$in{$pid} = 1 if $rest =~ /^seccomp\(SECCOMP_SET_MODE_FILTER/;
	}
	print map "refused $_\n", @refused;
	for my $k (sort keys %list) {
		my @odd = grep !$list{$k}{$_}, keys %{$used{$k}};
		print "odd $k: ", join(" ", map $used{$k}{$_}, @odd), "\n" if @odd;
		printf "# %s: %d calls of %d: %s\n", $k, scalar keys %{$used{$k}},
		    scalar keys %{$list{$k}}, join " ", sort values %{$used{$k}};
		print "# $k never: ", join(" ", grep !$used{$k}{$_},
		    sort { $a <=> $b } keys %{$list{$k}}), "\n" if $ENV{LONG};
	}' "$@"
}

traced_to_end() {
	grep -q "^$2 .*+++ exited" "$work/$1.trace"
}

if [ -n "$traced" ]; then
	export tool LONG
	wait_for 20 traced_to_end a "$a_pid"
	wait_for 20 traced_to_end leaf "$leaf_pid"
	called "$work/a.trace" "$work/leaf.trace" >"$work/calls"
	grep '^#' "$work/calls"
	is "$(grep ^odd "$work/calls")" '' 'no call is outside the lists'
	is "$(grep ^refused "$work/calls")" '' 'nothing that is needed is refused'
	is "$(grep -c '^# .* calls of' "$work/calls")" 6 'of all six kinds'
	check 'each was seen' [ "$(grep -c ': 0 calls' "$work/calls")" = 0 ]
else
	skip 'no call is outside the lists' 'strace is not here, or may not trace'
fi

# a kernel without

rm -f "$work/a/tls"/* && "$BIN/quail" key -o "$work/a/tls" >/dev/null
cat >"$work/bin/quail" <<T
#!/bin/sh
exec "$tool" without 444 "$BIN/quail" "\$@"
T
rm -rf "$work/a/queue"/* "$work/a.log"
chmod +x "$work/bin/quail"
BIN=$work/bin
check 'without landlock a node comes up' node_start a
BIN=$real
check 'and says so' has_line 'qmtpd: event=sandbox landlock=0 seccomp=yes why=' a
check 'and works' all_loads r@a.test
check 'and delivers' wait_for 30 delivered a.test 60
check 'and ends' node_stop a
[ -z "$has_disk" ] || umount "$work/a/queue"
tap_done
