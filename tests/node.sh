# node.sh - nodes for the demo and the end to end tests; to be sourced
#
# Needs $BIN (the programs), $BUILD and $work, a directory of the caller's own
# that node_cleanup removes. A node is a directory $work/NAME with tables in
# it. Whatever was started here is ended at exit, by its pid, also after a
# failure or Ctrl-C; nothing else is ever killed.

# whose user a node's daemons are must not depend on where a test runs
export QUAIL_ONE_USER=1

pids=        # of helpers, see background
node_names=  # of running nodes

# free_ports N - prints N ports on loopback that nobody has, one a line;
# below the range from which the kernel gives ports to clients
free_ports() {
	perl -MSocket -e '
		my ($want, %got) = ($ARGV[0]);
		for (1 .. 20000) {
			last if keys %got == $want;
			my $port = 20000 + int rand 12000;
			next if $got{$port};
			socket my $s, PF_INET, SOCK_STREAM, 0 or die;
			bind $s, pack_sockaddr_in($port, INADDR_LOOPBACK) or next;
			listen $s, 1 or next;
			$got{$port} = 1;
		}
		keys %got == $want or die "no free ports\n";
		print map "$_\n", keys %got;
	' "$1"
}

# wait_for SECONDS COMMAND... - until it succeeds; 1 when it never did
wait_for() {
	tries=$(($1 * 10))
	shift
	while ! "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

# background COMMAND... - run it until the end of the test
background() {
	"$@" &
	pids="$pids $!"
}

is_alive() {
	kill -0 "$1" 2>/dev/null
}

port_answers() {
	perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new(
		PeerAddr => "127.0.0.1", PeerPort => $ARGV[0], Timeout => 2)' \
	    "$1" 2>/dev/null
}

# table NODE NAME - write a table from stdin
table() {
	mkdir -p "$(dirname "$work/$1/$2")" && cat >"$work/$1/$2"
}

node_is_up_or_dead() {
	grep -q '^ready' "$work/$1.out" 2>/dev/null ||
		! is_alive "$(cat "$work/$1.pid")"
}

# node_start NODE - run it and wait for "ready"; 1 when that does not come
node_start() {
	: >"$work/$1.out"
	"$BIN/quail" run "$work/$1" >"$work/$1.out" 2>>"$work/$1.log" \
	    </dev/null &
	echo $! >"$work/$1.pid"
	node_names="$node_names $1"
	wait_for 20 node_is_up_or_dead "$1"
	grep -q '^ready' "$work/$1.out" || {
		echo "# node $1 did not come up; its log ends:"
		tail -n 20 "$work/$1.log" | sed 's/^/#   /'
		return 1
	} >&2
}

is_gone() {
	! is_alive "$1"
}

# node_stop NODE - TERM, and KILL after 15 s; 1 if that was needed
node_stop() {
	[ -s "$work/$1.pid" ] || return 0
	node_pid=$(cat "$work/$1.pid")
	rm -f "$work/$1.pid"
	kill "$node_pid" 2>/dev/null || return 0
	wait_for 15 is_gone "$node_pid" && return 0
	kill -9 "$node_pid"
	echo "# node $1 did not end on TERM" >&2
	return 1
}

# node_process NODE PROGRAM [MODE] - the pid of a daemon of a node
node_process() {
	perl -e '
		my ($parent, $program, $mode) = @ARGV;
		for my $d (glob "/proc/[0-9]*") {
			open my $f, "<", "$d/stat" or next;
			my $stat = <$f> // next;
			$stat =~ /^(\d+) \(.*\) \S (\d+) /s or next;
			my ($pid, $its) = ($1, $2);
			next unless $its == $parent;
			open my $c, "<", "$d/cmdline" or next;
			my @args = split /\0/, scalar(<$c>) // "";
			next unless ($args[0] // "") =~ m{(^|/)\Q$program\E$};
			next if $mode && ($args[1] // "") ne $mode;
			print "$pid\n";
			exit 0;
		}
		exit 1;
	' "$(cat "$work/$1.pid")" "$2" "${3:-}"
}

# node_is_sound NODE - did none of its daemons die or trip a sanitizer?
node_is_sound() {
	! grep -aE 'event=died|event=bug|Sanitizer|runtime error:' \
	    "$work/$1.log" >&2
}

# count DIR - how many files are in it
count() {
	ls "$1" 2>/dev/null | wc -l
}

has_count() {
	[ "$(count "$1")" -ge "$2" ]
}

node_cleanup() {
	for name in $node_names; do
		node_stop "$name"
	done
	for pid in $pids; do
		kill "$pid" 2>/dev/null
	done
	node_names=
	pids=
	# what is dead is no longer of interest to the shell
	wait 2>/dev/null
	[ -n "${KEEP:-}" ] || rm -rf "$work"
}

trap 'node_cleanup' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
