#!/bin/sh
# queue_hostile.t - quail-queue is captured: what can its answers and its files
# do to the administrator who asks?
#
# A stand-in for it answers with what a terminal obeys in every field; then
# there are FIFOs where its files were.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
work=$BUILD/queue_hostile
rm -rf "$work"
mkdir -p "$work/hub/run" || exit 111
work=$(cd "$work" && pwd)
cd "$work/hub" || exit 111

echo hub.test >me
echo hub.test >locals
echo '* qmtp:far.test:209' >routes
mkdir -p queue/seg queue/big queue/recent
"$BIN/quail" build . >"$work/said" 2>&1

# a socket of 5 characters, wherever the build is
perl -MIO::Socket::UNIX -e '
	my $s = IO::Socket::UNIX->new(Local => "run/control", Listen => 50)
		or die "$!";
	$SIG{ALRM} = sub { exit 1 };
	alarm 300;
	open my $f, ">", "../ready";
	close $f;
	my $e = "\e]0;x\a\e[31m\x9b\xc2\x9b2J\x7f\n";
	sub ns { length($_[0]) . ":$_[0]," }
	sub item { my $t = shift; ns($t . join "", map ns($_), @_) }
	while (my $c = $s->accept) {
		sysread $c, my $request, 65536;
		my $o;
		if ($request =~ /destinations/) {
			my @k = qw(state waiting running limit most rate
				   troubles retry_ms);
			$o = item("d", "hop=qmtp:far.test:209", map("$_=1$e", @k)) .
				item("d", "hop=$e", map("$_=1$e", @k));
		} elsif ($request =~ /stats/) {
			$o = item("s", "messages=$e", "f$e=1$e");
		} elsif ($request =~ /holds/) {
			$o = item("h", "kind=$e", "pattern=$e");
		} else {
			$o = item("m", map("$_=1$e", qw(id birth_us age_s size
				from rcpts live state attempts next_s what
				held_by))) . item("a", "$e=$e") .
			    item("r", map("$_=1$e", qw(index to done hops line
				answer text by at_s))) . ns("x$e") . ns("y$e");
		}
		print $c $o, $request =~ /bad/ ? ns("Z$e") :
			item("K", "n=$e", "missing=$e", "rule=$e");
	}
' 2>"$work/stub.log" &
stub=$!
trap 'kill $stub 2>/dev/null' EXIT
tries=0
until [ -e "$work/ready" ] || [ $tries = 200 ]; do
	sleep 0.05
	tries=$((tries + 1))
done

# obeyed ARGUMENT... - how many bytes of its answer a terminal would obey,
# and whether there was one
obeyed() {
	timeout 60 "$BIN/quail" "$@" >"$work/said" 2>&1
	perl -e '
		local $/;
		my $said = <STDIN>;
		my $n = () = $said =~ /[^ -~\n]/g;
		print $n, length $said > 10 ? "" : " of nothing", "\n";
	' <"$work/said"
}

for asked in list "show 1" "list --json" "show --json 1" destinations \
    "destinations --json" holds "holds --json" stats "stats --json" \
    "hold 1" "retry --all" "retry --to bad"; do
	# shellcheck disable=SC2086 # words
	is "$(obeyed queue -d . $asked)" 0 \
	    "quail queue $asked: a terminal obeys nothing of it"
done
is "$(obeyed explain -d . a@far.test)" 0 "nor of quail explain"
check "which asks for the state" grep -q 'state.*running=1' "$work/said"
kill $stub
wait $stub 2>/dev/null
rm -f run/control

# in_time ARGUMENT... - does it end by itself?
in_time() {
	timeout 20 "$BIN/quail" "$@" >"$work/said" 2>&1 </dev/null
	[ $? -ne 124 ]
}

rm locals routes
echo 127.0.0.1:1 >qmqpservers
for name in seg/00000001 seg/aaaaaaaa holds key clock sequence; do
	mkfifo "queue/$name"
	check "a FIFO at queue/$name: quail queue list ends" \
	    in_time queue -d . list
	check "so does quail build" in_time build .
	rm "queue/$name"
done
mkfifo queue/seg/00000001
check "and show" in_time queue -d . show 0000000100000001
check "and export" in_time queue -d . export "$work/out" --all

tap_done
