#!/bin/sh
# leaf_static.t - the small static leaves: their size, their memory, and that
# each of them sends, spools, drains and looks names up
#
# Compiles them if `make leaf` has not: 15 s for each machine, once.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/leaf_static
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

PLAIN_MAX=73728   # bytes: 72 KiB
TLS_MAX=172032    # 168 KiB
MEMORY_MAX=512    # KiB

build() { # ARCH; DEPS as make test has it
	make -s -C "$here/.." B="$BUILD" ${DEPS:+DEPS="$DEPS"} LEAF_ARCH="$1" \
	    leaf >"$work/make" 2>&1
}

set -- $(free_ports 3)
hub=$1 gone=$2 secure=$3
echo hub.test | table hub me
printf 'qmqp 127.0.0.1:%s\nqmqps 127.0.0.1:%s\n' "$hub" "$secure" |
	table hub listen
pin=$("$BIN/quail" key -o "$work/hub/tls")
echo "127.0.0.0/8 relay" | table hub access
echo in.test | table hub locals
echo "*@in.test maildir:mail/%u" | table hub users
node_start hub || exit 1

echo leaf.test | table leaf me
echo "127.0.0.1:$hub" | table leaf qmqpservers
"$BIN/quail" build "$work/leaf" || exit 1
mkdir "$work/leaf/spool"
echo leaf.test | table far me
echo "127.0.0.1:$gone" | table far qmqpservers
"$BIN/quail" build "$work/far" || exit 1

echo leaf.test | table named me
echo hub:2628 | table named qmqpservers
"$BIN/quail" build "$work/named" || exit 1
printf 'nameserver 127.0.0.9\nnameserver 127.0.0.1\nsearch no.test fleet.test\n' \
    >"$work/resolv.conf"

printf 'nameserver 127.0.0.%s\n' 1 2 3 >"$work/mute.conf"

for way in right wrong; do
	echo leaf.test | table $way me
	[ $way = right ] || pin=$("$BIN/quail" key -o "$work/other")
	echo "qmqps:127.0.0.1:$secure/$pin" | table $way qmqpservers
	"$BIN/quail" build "$work/$way" || exit 1
done

# two_recipients DIR RUN PROGRAM - the same mail to both; each has it once
two_recipients() {
	printf 'Subject: two\n\n%s\n' "$3" | QUAIL_DIR=$work/$1 \
	    $2 "$3" -f s@in.test a@in.test b@in.test || return 1
	for u in a b; do
		wait_for 10 has_count "$work/hub/mail/$u/new" 1 || return 1
		is_once=$(cat "$work/hub/mail/$u/new"/* | grep -cFx "$3")
		[ "$is_once" = 1 ] || return 1
		rm -f "$work/hub/mail/$u/new"/*
	done
}

# refused DIR RUN PROGRAM WHY - exit 75, says why, and nothing is sent
refused() {
	printf 'Subject: no\n\nno\n' | QUAIL_DIR=$work/$1 \
	    $2 "$3" -f s@in.test a@in.test >"$work/said" 2>&1
	[ $? = 75 ] && grep -qF "$4" "$work/said" &&
		[ "$(count "$work/hub/mail/a/new")" = 0 ]
}

# spool_and_drain RUN PROGRAM - no hub, then one
spool_and_drain() {
	for i in 1 2 3; do
		printf 'Subject: later\n\n%s %s\n' "$2" $i |
			QUAIL_DIR=$work/far QUAIL_SPOOL=$work/leaf/spool \
			    $1 "$2" -f s@in.test a@in.test || return 1
	done
	[ "$(ls "$work/leaf/spool" | grep -c '^m\.')" = 3 ] || return 1
	$1 "$2" --drain "$work/leaf" 2>>"$work/drain.log" || return 1
	[ "$(ls "$work/leaf/spool" | grep -c '^m\.')" = 0 ] &&
		wait_for 10 has_count "$work/hub/mail/a/new" 3 &&
		rm -f "$work/hub/mail/a/new"/*
}

# watched RUN PROGRAM - a drain that waits sends what is dropped, and ends
# orderly when it is told to: what a handler interrupts goes on behind it
watched() {
	background $1 "$2" --drain --watch "$work/leaf"
	watch_pid=$!
	printf 'Subject: soon\n\nsoon %s\n' "$2" |
		QUAIL_DIR=$work/far QUAIL_SPOOL=$work/leaf/spool \
		    $1 "$2" -f s@in.test a@in.test || return 1
	wait_for 20 has_count "$work/hub/mail/a/new" 1 || return 1
	rm -f "$work/hub/mail/a/new"/*
	kill "$watch_pid" && wait "$watch_pid"
}

# large RUN PROGRAM - 3 MiB of lines, which do not fit into its memory
large() {
	perl -e 'print "Subject: large\n\n"; print "x" x 60, "\n" for 1..50000' |
		QUAIL_DIR=$work/leaf $1 "$2" -f s@in.test a@in.test || return 1
	wait_for 10 has_count "$work/hub/mail/a/new" 1 &&
		[ "$(cat "$work/hub/mail/a/new"/* | grep -c '^x\{60\}$')" = \
		    50000 ] && rm -f "$work/hub/mail/a/new"/*
}

# own_files PROGRAM - what does not fit into memory is for its owner alone, and
# so is what is dropped into a spool of its own
own_files() {
	perl -e 'print "Subject: large\n\n"; print "x" x 60, "\n" for 1..50000' |
		QUAIL_DIR=$work/far QUAIL_SPOOL=$work/leaf/spool \
		    strace -o "$work/calls" -e trace=open,openat \
		    "$1" -f s@in.test a@in.test || return 1
	rm -f "$work/leaf/spool"/m.*
	grep -q 'O_TMPFILE.*, 0600) = ' "$work/calls" &&
		grep -q '"tmp\..*O_CREAT.*, 0600) = [0-9]' "$work/calls"
}

# peak PROGRAM BYTES - most KiB of memory that it had, by wait4(2)
peak() {
	perl -e 'print "Subject: m\n\n"; print "x" x 60, "\n" x ($_ % 61 == 0)
	    for 1 .. $ARGV[0] / 60' "$2" >"$work/text"
	QUAIL_DIR=$work/leaf "$BUILD/tests/spawn" 1 "$work/text" \
	    "$1" -f s@in.test a@in.test | sed -n 's/.* rss_kib=//p'
}

# by_name PROGRAM - its hub has a name that only a name server of ours knows,
# the second of two, behind a domain of "search": in a network of its own
by_name() {
	cat >"$work/ns.sh" <<'S'
set -u
ip link set lo up
mount --bind "$work/resolv.conf" /etc/resolv.conf || exit 90
perl "$here/dns_fake.pl" 53 hub.fleet.test 127.0.0.1 &
helpers=$!
perl "$here/qmqp_sink.pl" 2628 "$work/sink" "Kok 1 id 2" >/dev/null 2>&1 &
helpers="$helpers $!"
sleep 0.3
for i in 1 2 3 4 5 6 7 8 9 10; do
	printf 'Subject: n\n\nname\n' | QUAIL_TIMEOUT_S=9 \
	    QUAIL_DIR=$work/named "$1" -v a@in.test b@in.test && break
	sleep 0.2
done
kill $helpers
S
	rm -f "$work/said"
	here=$here work=$work unshare -rmn sh "$work/ns.sh" "$1" \
	    >"$work/said" 2>&1
	grep -q '^sendmail: hub:2628: ' "$work/said"
}

# by_mute_names PROGRAM - three name servers that take questions and say
# nothing: 18 s and more if it asked them all, the sender's time is 1 s
by_mute_names() {
	cat >"$work/mute.sh" <<'S'
set -u
ip link set lo up
mount --bind "$work/mute.conf" /etc/resolv.conf || exit 90
perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Proto => "udp",
    LocalAddr => "0.0.0.0", LocalPort => 53) or die; print "up\n"; close STDOUT;
    alarm 60; sleep 1 while 1' >"$work/mute.up" &
helper=$!
until [ -s "$work/mute.up" ]; do sleep 0.05; done
printf 'Subject: n\n\nname\n' | QUAIL_TIMEOUT_S=1 QUAIL_DIR=$work/named \
    timeout 12 "$1" a@in.test b@in.test
echo "exit $?"
kill $helper
S
	here=$here work=$work unshare -rmn sh "$work/mute.sh" "$1" \
	    >"$work/said" 2>&1
	grep -q '^exit 75$' "$work/said"
}

can_trace=
strace -o /dev/null -e trace=none true 2>/dev/null && can_trace=yes

tries() { # ARCH DIR RUN
	for p in qmqpc qmqpc-plain; do
		prog=$2/$p
		case $p in
		qmqpc) max=$TLS_MAX ;;
		*) max=$PLAIN_MAX ;;
		esac
		size=$(wc -c <"$prog")
		echo "# $1 $p: $size bytes"
		if [ "$1" = amd64 ]; then
			check "$1 $p: has canaries" sh -c \
			    '[ "$(objdump -d "$1" | grep -c "%fs:0x28")" -gt 90 ]' \
			    - "$prog"
		fi
		if [ -z "$3" ]; then
			check "$1 $p: $size bytes, at most $max" \
			    [ "$size" -le "$max" ]
			for bytes in 1000 3000000; do
				kib=$(peak "$prog" "$bytes")
				check "$1 $p: a message of $bytes bytes, $kib \
KiB of memory, at most $MEMORY_MAX" [ "${kib:-9999}" -le $MEMORY_MAX ]
			done
			if [ -n "$can_trace" ]; then
				check "$1 $p: its files are its owner's" \
				    own_files "$prog"
			else
				skip "$1 $p: its files' modes" "no strace"
			fi
			wait_for 10 has_count "$work/hub/mail/a/new" 4
			rm -f "$work/hub/mail/a/new"/*
			if unshare -rmn true 2>/dev/null; then
				check "$1 $p: finds its hub by name" \
				    by_name "$prog"
				check "$1 $p: mute name servers end with its time" \
				    by_mute_names "$prog"
			else
				skip "$1 $p: hub by name" "no namespaces here"
			fi
		fi
		check "$1 $p: asks for no interpreter and no library" \
		    sh -c '! readelf -ldW "$1" 2>&1 | grep -qE "INTERP|NEEDED"' \
		    - "$prog"
		if [ $p = qmqpc ]; then
			check "$1 $p: lies elsewhere in each run" \
			    sh -c 'readelf -hW "$1" | grep -q "Type: *DYN"' - "$prog"
		fi
		check "$1 $p: two recipients" two_recipients leaf "$3" "$prog"
		if [ $p = qmqpc ]; then
			check "$1 $p: by TLS, to the hub of this key" \
			    two_recipients right "$3" "$prog"
			check "$1 $p: not to one of another key" \
			    refused wrong "$3" "$prog" "not the one that we know it by"
		else
			check "$1 $p: no clear text where TLS is asked for" \
			    refused right "$3" "$prog" "without TLS"
		fi
		check "$1 $p: into the spool, and out of it" \
		    spool_and_drain "$3" "$prog"
		check "$1 $p: a drain that waits, and ends" watched "$3" "$prog"
		check "$1 $p: more than its memory holds" large "$3" "$prog"
	done
}

# not_built ARCH - the packages can't be had: skip; they can: fail
not_built() {
	if [ -e "${DEPS:-$BUILD/deps}/leaf/done" ]; then
		fail "$1: make leaf"
		sed 's/^/# /' "$work/make" | tail -n 20
	else
		skip "$1" "cannot be built: $(tail -n 1 "$work/make")"
	fi
}

host=$(dpkg --print-architecture 2>/dev/null)
if build "${host:-none}"; then
	tries "$host" "$BUILD/leaf" ""
else
	not_built "${host:-this machine}"
fi
if [ "$host" = arm64 ]; then
	skip "another machine" "this is the other machine"
elif ! build arm64; then
	not_built arm64
elif command -v qemu-aarch64 >/dev/null 2>&1; then
	tries arm64 "$BUILD/leaf-arm64" qemu-aarch64
else
	skip "arm64" "no qemu-aarch64"
fi
check "none of the hub's daemons died" node_is_sound hub
node_cleanup
tap_done
