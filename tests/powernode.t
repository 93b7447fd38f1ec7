#!/bin/sh
# powernode.t - a whole hub loses its power, again and again, under all kinds
# of mail
#
# The hub's directory lies on an ext4, an xfs and a btrfs of its own: its
# queue, its tables and the Maildirs that it delivers to (whole); or the
# Maildirs alone, while the queue is only killed (mail). Clients with the right
# to relay, so that repeats are looked for, send by QMTP and QMQP, without end:
#
#   small    to two Maildirs
#   large    300 KB to two Maildirs, and 3 MB to one
#   alias    an address that stands for two
#   relay    to a second hub, which keeps its power
#   bounce   to an address that the second hub rejects
#   new      to a Maildir that is made by its first delivery, another in each
#            cycle
#
# At a random moment those who tell others of K are stopped (the front ends, so
# that each K that a client has heard is a promise; where only the Maildirs
# are lost, the agent), the file system is shut down, all is killed, it is
# mounted again, one time in three shut down again in the recovery, and the hub
# is started. What the clients had no answer for they send again, the same
# bytes. At the end each message that was acknowledged is there for each of
# its recipients, unchanged, or its bounce is; and none is there twice.
#
# LONG=1: 40 cycles each. FS="ext4 btrfs" and LAYOUT=mail: only these.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
. "$here/disks.sh"
cycles=${CYCLES:-6}
[ -z "${LONG:-}" ] || cycles=${CYCLES:-40}
# segments that come and go
export QUAIL_SEGMENT_SIZE="${QUAIL_SEGMENT_SIZE:-131072}"

# between LOW HIGH
between() {
	shuf -n 1 -i "$1-$2"
}

# ---- one file system and layout, in a process of its own

# load NAME PORT RCPT OPTION... - begin to send; its tag is its name and zeros
load() {
	name=$1 port=$2 rcpt=$3
	shift 3
	tag=$(printf '%.12s' "${name}000000000000")
	set -- -i "$tag" -t "$rcpt" -f back@a.test "$@"
	: >"$work/$name.ledger"
	"$BUILD/tests/quail-load" -P 0 "$@" >"$work/$name.text"
	"$BUILD/tests/quail-load" -a -m 1000000 -d 3600 -D 3600 \
	    -L "$work/$name.ledger" "$@" "127.0.0.1:$port" \
	    >"$work/$name.said" 2>&1 </dev/null &
	eval "pid_$name=\$!"
	pids="$pids $!"
}

# to NAME RCPT DIR - what the ledger of NAME has of one recipient, by its
# number, or of all (-), must be in this Maildir
to() {
	echo "$1 $2 $work/$3/new" >>"$work/places"
}

# load_end NAME - what is under way may come to its end
load_end() {
	eval "pid=\$pid_$1"
	kill "$pid"
	wait "$pid" || : # there is more that it could send
}

loads_begin() {
	load small "$qmtp" u@a.test -p qmtp -s 4 -w 16 -R 800 -r 2 -b 2500
	to small 0 a/mail/0u
	to small 1 a/mail/1u
	load qmqp "$qmqp" u@a.test -p qmqp -s 8 -R 300 -b 1500
	to qmqp - a/mail/u
	load big "$qmtp" big@a.test -p qmtp -s 2 -w 4 -R 5 -r 2 -b 300000
	to big 0 a/mail/0big
	to big 1 a/mail/1big
	load huge "$qmqp" huge@a.test -p qmqp -s 2 -R 1 -b 3000000
	to huge - a/mail/huge
	load alias "$qmtp" both@a.test -p qmtp -s 2 -w 8 -R 100 -b 2000
	to alias - a/mail/one
	to alias - a/mail/two
	load relay "$qmtp" u@b.test -p qmtp -s 2 -w 8 -R 100 -b 5000
	to relay - b/mail/u
	load bounce "$qmqp" gone@b.test -p qmqp -s 4 -R 30 -b 1000
	to bounce - a/mail/back
}

make_hubs() {
	echo a.test | table a me
	echo a.test | table a locals
	echo '*@a.test maildir:mail/%u' | table a users
	echo 'both@a.test one@a.test two@a.test' | table a aliases
	echo "b.test qmtp:127.0.0.1:$b_qmtp" | table a routes
	echo '127.0.0.0/8 relay' | table a access
	printf '%s\n' "qmqp 127.0.0.1:$qmqp" "qmtp 127.0.0.1:$qmtp" |
		table a listen
	echo host.b.test | table b me
	echo b.test | table b locals
	echo 'u@b.test maildir:mail/u' | table b users
	echo '127.0.0.0/8 relay' | table b access
	echo "qmtp 127.0.0.1:$b_qmtp" | table b listen
	sync -f "$work/a/me"
}

# processes PARENT - the pids of its children
processes() {
	perl -e '
		for my $name (glob "/proc/[0-9]*/stat") {
			open my $f, "<", $name or next;
			my $stat = <$f> // next;
			print "$1\n" if $stat =~ /^(\d+) \(.*\) \S (\d+) /s &&
			    $2 == $ARGV[0];
		}' "$1"
}

is_stopped() {
	case $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) in
	T*|'') return 0 ;;
	esac
	return 1
}

# Those whose K is a promise that the disk that is lost must keep.
find_tellers() {
	parent=$(cat "$work/a.pid")
	all="$parent $(processes "$parent" | tr '\n' ' ')"
	if [ "$layout" = whole ]; then
		tellers="$(node_process a qmqpd) $(node_process a qmtpd)"
	else
		tellers=$(node_process a maildir)
	fi
}

# lose_power LOW HIGH - in between so many hundredths of a second
lose_power() {
	find_tellers
	sleep "$(printf '0.%02d' "$(between "$1" "$2")")"
	kill -STOP $tellers
	for pid in $tellers; do
		while ! is_stopped "$pid"; do
			:
		done
	done
	disk_down /dev/null
	kill -9 $all 2>/dev/null
	wait "$parent" 2>/dev/null
	rm -f "$work/a.pid"
	disk_up
}

cycle() {
	load "new$1" "$qmtp" "new$1@a.test" -p qmtp -s 1 -w 4 -R 40 -b 1000
	to "new$1" - "a/mail/new$1"
	lose_power 5 99 || return 1
	echo first >>"$work/losses"
	if [ "$(between 0 2)" = 0 ] && node_start a; then
		lose_power 0 30 || return 1
		echo again >>"$work/losses"
	fi
	node_start a || return 1
	sleep "$(printf '0.%02d' "$(between 30 80)")"
	load_end "new$1"
}

# found NAME RCPT DIR - compare the ledger with a Maildir
found() {
	tag=$(cut -c 1-12 "$work/$1.ledger" | head -n 1)
	text="-t $work/$1.text -i $tag-00000000"
	[ "$1" != bounce ] || text= # there it is a part of another
	grep "/${2#-}" "$work/$1.ledger" >"$work/$1.want"
	perl "$here/arrived.pl" -k "(?m)^Subject: quail-load ($tag\\S+)" $text \
	    -l "$work/$1.want" "$3"
}

# What has become of it all, a line for each place.
tell() {
	while read -r name rcpt dir; do
		result=$(found "$name" "$rcpt" "$dir" 2>>"$work/why")
		case $result in
		*' wrong=0 '*) ;;
		*)
			differs=$(sed -n 's/# differs: //p' "$work/why")
			head -c 1000 "${differs##*
}" >>"$work/why"
			;;
		esac
		echo "place $name $(wc -l <"$work/$name.want") $result"
	done <"$work/places"
	for name in small qmqp big huge alias relay bounce; do
		echo "load $name $(cat "$work/$name.said")"
	done
	echo "losses $(grep -c first "$work/losses") $(grep -c again \
	    "$work/losses")"
}

is_drained() {
	"$BIN/quail" queue -d "$work/a" stats --json 2>/dev/null |
		grep -q '"messages": *0,'
}

end() {
	kept=${KEEP:-}
	KEEP=1
	node_cleanup
	disk_end
	KEEP=$kept
}

if [ "${1:-}" = one ]; then
	fs=$2
	layout=$3
	work=$BUILD/powernode/$fs-$layout
	. "$here/node.sh"
	trap end EXIT
	set -- $(free_ports 3)
	qmqp=$1 qmtp=$2 b_qmtp=$3
	lost=$work/a
	[ "$layout" = whole ] || lost=$work/a/mail
	disk_begin "$fs" "$lost" || {
		echo "skip $disk_why"
		exit 0
	}
	make_hubs
	node_start b && node_start a || exit 1
	: >"$work/losses"
	loads_begin
	n=0
	while [ $n -lt "$cycles" ]; do
		cycle $n || exit 1
		n=$((n + 1))
	done
	for name in small qmqp big huge alias relay bounce; do
		load_end $name
	done
	# what was deferred is tried at once after a start
	node_stop a && node_start a || exit 1
	wait_for 60 is_drained || echo 'the queue does not empty'
	tell
	exit 0
fi

# ---- all of them

why=$(disks_why_not)
[ -z "$why" ] || skip_all "$why"
[ -n "${OWN_MOUNTS:-}" ] || ! unshare -m true 2>/dev/null ||
	OWN_MOUNTS=1 exec unshare -m --propagation private sh "$0" "$@"
work=$BUILD/powernode
rm -rf "$work"

# sum WORD - of all the WORD=N in the result
sum() {
	tr ' ' '\n' <"$result" | awk -F= -v word="$1" '
		$1 == word { n += $2 } END { print n + 0 }'
}

report() {
	result=$work/$1.result
	if grep -q '^skip' "$result"; then
		skip "$1" "$(sed -n 's/^skip //p' "$result")"
		return
	fi
	[ -z "${KEEP:-}" ] || sed 's/^/# /' "$result"
	losses=$(sed -n 's/^losses //p' "$result")
	[ -n "$losses" ] || {
		fail "$1: it did not get to the end"
		tail -n 20 "$work/$1.said" "$work/$1/a.log" | sed 's/^/# /'
		return
	}
	check "$1: the queue gets empty" [ -z "$(sed -n '/queue/p' "$result")" ]
	acked=$(awk '$1 == "place" { n += $3 } END { print n }' "$result")
	is "$(sum missing) lost, $(sum wrong) changed" '0 lost, 0 changed' \
	    "$1: power lost ${losses% *} times and ${losses#* } times in the recovery: $acked acknowledged, $(sum files) files checked, none is lost" ||
		sed 's/^/# /' "$work/$1/why"
	is $(($(sum files) - $(sum ids))) 0 \
	    "$1: $(sum lost) were sent again, and none is there twice"
	is "$(sum d)" 0 "$1: and the hub has never blamed the mail"
}

for layout in ${LAYOUT:-whole mail}; do
	for fs in ${FS:-ext4 xfs btrfs}; do
		mkdir -p "$work/$fs-$layout" || exit 111
		sh "$0" one "$fs" "$layout" >"$work/$fs-$layout.result" \
		    2>"$work/$fs-$layout.said" &
	done
	wait
	for fs in ${FS:-ext4 xfs btrfs}; do
		report "$fs-$layout"
	done
done
[ -n "${KEEP:-}" ] || [ "$tap_failed" != 0 ] || rm -rf "$work"
tap_done
