#!/bin/sh
# leaf_crowd.t - the leaf's spool among users who mean each other harm: what
# any of them may put there, and what the others notice of it
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/quail-leaf-crowd-XXXXXX") || exit 111
chmod 755 "$work"
. "$here/tap.sh"
. "$here/node.sh"

[ "$(id -u)" = 0 ] || skip_all "only root can become others"
command -v setpriv >/dev/null || skip_all "no setpriv here"

drain=65533 group=65532 good=65531 bad=65530

as() { # UID COMMAND...
	as_uid=$1
	shift
	setpriv --reuid "$as_uid" --regid "$as_uid" --clear-groups \
	    --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
}

as $good "$BIN/qmqpc" --help >/dev/null 2>&1 ||
	skip_all "an ordinary user cannot get at $BIN"

set -- $(free_ports 3)
hub=$1 nobody=$2 slow=$3
background perl "$here/qmqp_sink.pl" "$hub" "$work/hub" 'Kok'
wait_for 20 port_answers "$hub"
wait_for 20 has_count "$work/hub" 1
background perl "$here/qmqp_sink.pl" "$slow" "$work/slow" slow
wait_for 20 port_answers "$slow"
wait_for 20 has_count "$work/slow" 1
rm -f "$work"/slow/*

# leaf NAME PORT [OPTION...] - a leaf with this hub; its spool is the drain's
leaf() {
	leaf_name=$1 spool=$work/$1/spool
	echo leaf.test | table "$1" me
	echo "127.0.0.1:$2" | table "$1" qmqpservers
	shift 2
	[ $# = 0 ] || echo "$*" >>"$work/$leaf_name/qmqpservers"
	"$BIN/quail" build "$work/$leaf_name" || exit 1
	chmod 644 "$work/$leaf_name/config.cdb"
	[ -d "$spool" ] || {
		mkdir "$spool"
		chown $drain:$group "$spool"
		chmod 3733 "$spool"
	}
	rm -f "$work"/hub/*
}

send() { # UID SUBJECT [BYTES]
	{
		printf 'Subject: %s\n\n' "$2"
		head -c "${3:-1}" /dev/zero | tr '\0' x
		echo
	} | as "$1" env QUAIL_DIR="$work/$leaf_name" "$BIN/sendmail" -i \
	    a@b.test c@d.test >"$work/said" 2>&1
}

drain() { # its exit code is told by code
	timeout 100 setpriv --reuid $drain --regid $group --clear-groups \
	    --no-new-privs --inh-caps=-all --bounding-set=-all \
	    "$BIN/qmqpc" --drain "$work/$leaf_name" >"$work/log" 2>&1
	echo $? >"$work/code"
}

code() {
	cat "$work/code"
}

got() { # SUBJECT - how many packages of the hub have it
	cat "$work"/hub/[0-9]* "$work"/slow/[0-9]* 2>/dev/null |
	    grep -ac "Subject: $1\$"
}

waits() {
	ls "$spool" | grep -c '^m\.'
}

# script NAME - one for bad to run, from stdin
script() {
	cat >"$work/$1"
	chmod 755 "$work/$1"
}

# what bad takes before the drain is there: each of the drain's places, by
# each kind of thing

for kind in 'mkdir NAME NAME/x' 'mkdir NAME; mkdir NAME/x; chmod 0 NAME' \
    'mkdir NAME' 'echo x >NAME' 'mkfifo NAME' 'ln -s /etc NAME'; do
	leaf "places$(echo "$kind" | cksum | cut -c1-6)" "$nobody" spool=10k
	as $bad sh -c "cd '$spool' && umask 0
	    $(echo "$kind" | sed 's/NAME/failed/g')
	    $(echo "$kind" | sed 's/NAME/full/g')"
	send $good good
	is "$? $(waits)" "0 1" "$kind: mail is taken"
	echo junk | as $good tee "$spool/m.0000000000000001" >/dev/null
	drain
	cp "$work/log" "$work/first"
	is "$(code) $(ls "$spool/failed" | grep '^m') $(stat -c '%u %a' \
	    "$spool/failed" | sed 's/ 2/ /')" "75 m.0000000000000001 $drain 700" \
	    "and the drain has its own failed/"
	for i in 1 2 3 4 5 6; do send $bad large 3000; done
	drain
	send $bad large
	is "$?" 75 "and a limit: bad has enough"
	send $good good
	is "$?" 0 "which is his alone"
	is "$(stat -c %u "$spool"/aside.* | sort -u | tr '\n' ' ')$(ls -d \
	    "$spool"/aside.* | wc -l)" "$bad 2" "what was there is set aside"
	is "$(grep -c event=set-aside "$work/first")" 2 "and the log says so"
	leaf "$leaf_name" "$hub"
	drain
	is "$(code) $(got good) $(got large) $(waits)" "0 2 6 0" "all is sent"
done

# where a place cannot be had at all: something is mounted there

leaf mounted "$hub"
as $bad mkdir "$spool/failed" "$spool/full"
send $good good
leaf mounted "$nobody"
send $good good
leaf mounted "$hub"
echo junk | as $bad tee "$spool/m.0000000000000001" >/dev/null
cat >"$work/mount.sh" <<'T'
mount --make-rprivate / && mount -t tmpfs none "$1/failed" &&
	mount -t tmpfs none "$1/full" && chown 65530 "$1/failed" "$1/full" ||
	exit 99
shift
exec "$@"
T
unshare -m sh "$work/mount.sh" "$spool" setpriv --reuid $drain \
    --regid $group --clear-groups --no-new-privs --inh-caps=-all \
    --bounding-set=-all "$BIN/qmqpc" --drain "$work/mounted" \
    >"$work/log" 2>&1
said=$?
if [ $said = 99 ]; then
	skip "places that are mounted" "no namespaces here"
else
	is "$(got good) $(grep -c place-taken "$work/log")" "1 2" \
	    "no failed/ to be had: mail goes, and the log says so ($said)"
fi

# one who takes the place again and again while drains begin

leaf race "$nobody"
script race.pl <<'P'
#!/usr/bin/perl
chdir shift or die;
open my $ready, ">", shift or die;
for (1 .. 5_000_000) {
	mkdir "failed";
	mkdir "failed/x";
	rmdir "failed/x";
	rmdir "failed";
	last if $_ % 1000 == 0 && !-e "going";
}
P
: >"$spool/going"
mkdir -m 1777 "$work/tmp"
for i in 1 2; do
	as $bad perl "$work/race.pl" "$spool" "$work/tmp/racer$i" &
	pids="$pids $!"
done
racers_run() {
	[ -e "$work/tmp/racer1" ] && [ -e "$work/tmp/racer2" ]
}
wait_for 20 racers_run
owners=
for i in 1 2 3 4 5 6; do
	rm -rf "$spool/failed"
	drain
	owners="$owners$(stat -c %u "$spool/failed") "
done
rm "$spool/going"
is "$owners" "$drain $drain $drain $drain $drain $drain " \
    "who makes and removes it in a loop does not win"

# a spool that cannot be written to: what is sent would be sent again

leaf frozen "$nobody"
send $good good
drain
leaf frozen "$hub"
cat >"$work/frozen.sh" <<'T'
mount --make-rprivate / && mount --bind "$1" "$1" &&
	mount -o remount,bind,ro "$1" || exit 99
shift
exec "$@"
T
unshare -m sh "$work/frozen.sh" "$spool" setpriv --reuid $drain \
    --regid $group --clear-groups --no-new-privs --inh-caps=-all \
    --bounding-set=-all "$BIN/qmqpc" --drain "$work/frozen" \
    >"$work/log" 2>&1
said=$?
if [ $said = 99 ]; then
	skip "a spool that is read only" "no namespaces here"
else
	is "$said $(got good) $(grep -c unwritable "$work/log")" "75 0 1" \
	    "from a spool that cannot be written to nothing is sent"
fi
chmod 0733 "$spool"
drain
is "$(stat -c %a "$spool") $(grep -c spool-mode "$work/log") $(got good)" \
    "3733 1 1" "one that all may write to is made sticky"

# names that cannot be removed, of a message and of what is none

leaf stuck "$nobody"
send $good good
echo junk | as $good tee "$spool/m.0000000000000001" >/dev/null
if chattr +i "$spool"/m.* 2>/dev/null; then
	send $good good
	leaf stuck "$hub"
	drain
	chattr -i "$spool"/m.*
	is "$(code) $(got good) $(waits) $(grep -c event=stuck "$work/log")" \
	    "75 2 2 1" "a name that cannot be removed holds up no other"
else
	skip "a name that cannot be removed" "no chattr here"
fi

# who calls sendmail, in whatever state

leaf callers "$nobody"
mkdir -m 777 "$work/gone"
for how in 'umask 777' 'trap "" TERM HUP CHLD ALRM PIPE' \
    'cd "$GONE" && rmdir "$GONE"' 'exec >&- 2>&-' 'ulimit -n 20' \
    'unset PATH HOME' 'LC_ALL=tr_TR.UTF-8 MALLOC_PERTURB_=1; export LC_ALL
    MALLOC_PERTURB_'; do
	before=$(waits)
	printf 'Subject: x\n\nx\n' | as $good env QUAIL_DIR="$work/callers" \
	    GONE="$work/gone" sh -c "$how; exec \"\$0\" -i a@b.test" \
	    "$BIN/sendmail" >/dev/null 2>&1
	is "$? $(($(waits) - before))" "0 1" "$how: spooled"
done
is "$(stat -c %a "$spool"/m.* | sort -u)" 640 "each with the rights it must have"
before=$(ls "$spool" | wc -l)
for how in 'ulimit -f 8' 'ulimit -n 4' 'ulimit -v 300'; do
	head -c 100000 /dev/zero | tr '\0' '\n' | as $good env \
	    QUAIL_DIR="$work/callers" sh -c "$how; exec \"\$0\" -i a@b.test" \
	    "$BIN/sendmail" >/dev/null 2>&1
	is "$(($? > 0)) $(($(ls "$spool" | wc -l) - before))" "1 0" \
	    "$how: the caller is told, and nothing is left"
done

printf 'Subject: x\n\nx\n' | as $good env QUAIL_DIR="$work/callers" \
    "$BIN/sendmail" -i "$(printf 'a\233@b.test')"
QUAIL_DIR=$work/callers "$BIN/mailq" >"$work/said" 2>&1
is "$(LC_ALL=C grep -ac 'a?@b.test' "$work/said") $(LC_ALL=C tr -d '\n\t -~' \
    <"$work/said" | wc -c)" "1 0" "mailq keeps odd bytes off the terminal"

# things that are no messages, of every kind, under names of messages

leaf odd "$nobody"
send $good good
leaf odd "$hub"
script odd.pl <<'P'
#!/usr/bin/perl
use Socket;
chdir shift or die;
my $n = 0;
sub name { sprintf "m.%016x", ++$n }
mkdir name();
mkdir $_ = name(), 0 and chmod 0, $_;
symlink "/etc/shadow", name();
symlink name(), sprintf "m.%016x", $n; # to itself
system "mkfifo", name();
socket my $s, PF_UNIX, SOCK_STREAM, 0;
bind $s, sockaddr_un(name());
sub file { open my $f, ">", $_[0] or die "$_[0]: $!"; print $f $_[1] // "" }
file my $two = name();
truncate $two, 1 << 40;
link $two, name();
file name(), "x" x 100;
file $_ = name(), "x" x 100;
chmod 0, $_;
file $_ = name();
truncate $_, 1 << 42;
file $_, "x" for "m.\n0123456789abcde", "n" x 255, "m.", "-rf",
    "m.0123456789ABCDEF", "tmp.\n", "aside.x", "\377\e[2J";
for ([0, 0], [2 ** 31 - 1, 2 ** 31 - 1], [2 ** 33, 2 ** 33]) {
	file $_[0] = name(), "QL1 M";
	utime @$_, $_[0];
}
# a lease: who opens the file waits, unless he says that he would not
file $_ = name(), "QL1 M 00000000 00000000 0000007c ea50a347\n" . "x" x 400;
open my $leased, "+<", $_ or die;
fcntl $leased, 1024, 1 or warn "lease: $!";
$SIG{IO} = "IGNORE";
file "/$ENV{READY}";
for (1 .. 600) {
	last if !-e $ENV{READY};
	select undef, undef, undef, 0.1;
}
P
READY=$work/tmp/ready
export READY
as $bad perl "$work/odd.pl" "$spool" 2>"$work/odd.err" &
odd=$!
pids="$pids $odd"
is_ready() {
	[ -e "$READY" ]
}
check "odd things are there" wait_for 20 is_ready
sed 's/^/# /' "$work/odd.err"
before=$(date +%s)
drain
took=$(($(date +%s) - before))
is "$(code) $(got good)" "75 1" "among odd things of every kind: it is sent"
check "and nobody was waited for: $took s" [ "$took" -lt 30 ]
is "$(grep -c 'event=ignored' "$work/log") $(grep -c 'event=failed' \
    "$work/log")" "1 1" "one line for each kind of them"
QUAIL_DIR=$work/odd timeout 30 "$BIN/mailq" >"$work/said" 2>&1
is "$? $(cat "$work/said")" "0 Mail queue is empty" "mailq lists none of them"
rm "$READY"
send $bad large
is "$?" 0 "two names for a terabyte fill no spool, not even his"

# very many of them

leaf many "$nobody"
as $bad perl -e 'chdir shift or die; for (1 .. 3000) {
	open my $f, ">", sprintf "m.%016x", $_ or die }' "$spool"
send $good good
leaf many "$hub"
drain
is "$(got good) $(ls "$spool/failed" | wc -l) $(waits)" "1 1000 2000" \
    "3,000 empty files: a thousand go to failed/, the rest is ignored"
check "and are told in a few lines: $(wc -l <"$work/log")" \
    [ "$(wc -l <"$work/log")" -lt 10 ]
if strace -V >/dev/null 2>&1 &&
    strace -o /dev/null -e trace=none true 2>/dev/null; then
	rm -f "$spool"/failed/m.*
	strace -f -o "$work/calls" -e trace=fsync "$BIN/qmqpc" --drain \
	    "$work/many" 2>"$work/log"
	n=$(grep -c 'fsync(' "$work/calls")
	check "a thousand moved with few syncs: $n" [ "$n" -lt 20 ]
else
	skip "syncs are few" "no strace"
fi

# turns

leaf turns "$nobody"
script flood.pl <<'P'
#!/usr/bin/perl
# flood.pl SPOOL FILE N - copies of a message under other names
my ($spool, $file, $n) = @ARGV;
open my $f, "<", $file or die;
my $text = join "", <$f>;
for (1 .. $n) {
	open my $to, ">", "$spool/tmp.x$_" or die;
	print $to $text;
	close $to;
	rename "$spool/tmp.x$_", sprintf "%s/m.%016x", $spool, $_;
}
P
send $bad flood
cp "$spool"/m.* "$work/flood"
chmod 644 "$work/flood"
as $bad perl "$work/flood.pl" "$spool" "$work/flood" 300
send $good early
leaf turns "$slow"
setpriv --reuid $drain --regid $group --clear-groups --no-new-privs \
    "$BIN/qmqpc" --drain --watch "$work/turns" >"$work/log" 2>&1 &
watch=$!
pids="$pids $watch"
early_is_there() {
	[ "$(got early)" = 1 ]
}
check "300 of one, and one of another" wait_for 60 early_is_there
check "the one is among the first: $(got flood) were before it" \
    [ "$(got flood)" -lt 10 ]
leaf nowhere "$nobody"
QUAIL_SPOOL=$work/turns/spool
export QUAIL_SPOOL
send $good late
unset QUAIL_SPOOL
late_is_there() {
	[ "$(got late)" = 1 ]
}
check "and one that comes while they are being sent" \
    wait_for 100 late_is_there
spool=$work/turns/spool
check "goes before the rest of them: $(waits) wait" [ "$(waits)" -gt 50 ]
kill "$watch"
wait "$watch" 2>/dev/null

[ -n "${KEEP:-}" ] || rm -rf "$work"
tap_done
