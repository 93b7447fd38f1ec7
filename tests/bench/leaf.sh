#!/bin/sh
# leaf.sh - one message from exec to exit: our leaf beside nullmailer, dma,
# msmtp and esmtp as Debian has them, same message, same hub
#
# Ours and msmtp and esmtp wait for the hub's durable K (or 250); dma and
# nullmailer only queue, on the file system of $BUILD (dma with DEFER, so that
# no delivery of one run disturbs the next). To a sink: one that answers at once,
# without a disk, so what is left is the program and its protocol: who waits for
# a delayed acknowledgement has 40 ms there. All alternate, $ROUNDS rounds of
# $MANY runs; each line of the result is the median of the rounds' medians, and a
# program that failed once has none. The result goes to $BUILD/bench_leaf.md, and
# with REPORT=FILE between its marks in that file.
# Needs root for a mount namespace, in which the peers find what they were
# compiled to find; without it only ours is measured.
set -u

: "${BIN:?make bench-leaf sets it}" "${BUILD:?make bench-leaf sets it}"
here=$(cd "$(dirname "$0")/.." && pwd)
work=$BUILD/bench_leaf
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/node.sh"

many=${MANY:-100} rounds=${ROUNDS:-5}
peers=$BUILD/deps-bench/leaf-peers
[ -z "${DEPS:-}" ] || peers=$DEPS/leaf-peers

set -- $(free_ports 5)
qmqp=$1 smtp=$2 qmqps=$3 qmqp_sink=$4 smtp_sink=$5
echo hub.test | table hub me
printf 'qmqp 127.0.0.1:%s\nqmqps 127.0.0.1:%s\nsmtp 127.0.0.1:%s\n' \
    "$qmqp" "$qmqps" "$smtp" | table hub listen
echo '127.0.0.0/8 relay repeats' | table hub access
echo '* hold' | table hub routes
pin=$("$BIN/quail" key -o "$work/hub/tls")
node_start hub || exit 111

echo leaf.test | table leaf me
echo "127.0.0.1:$qmqp" | table leaf qmqpservers
echo leaf.test | table secure me
echo "qmqps:127.0.0.1:$qmqps/$pin" | table secure qmqpservers
"$BIN/quail" build "$work/leaf" && "$BIN/quail" build "$work/secure" || exit 111
echo leaf.test | table away me # no hub: the spool, as dma and nullmailer do
echo "127.0.0.1:9" | table away qmqpservers
echo leaf.test | table sink me
echo "127.0.0.1:$qmqp_sink" | table sink qmqpservers
"$BIN/quail" build "$work/sink" || exit 111
background "$BUILD/tests/quail-sink" qmqp "127.0.0.1:$qmqp_sink" >/dev/null
background "$BUILD/tests/quail-sink" smtp "127.0.0.1:$smtp_sink" >/dev/null
"$BIN/quail" build "$work/away" && mkdir "$work/away/spool" || exit 111

{
	printf 'From: s@leaf.test\nTo: a@held.test\nSubject: bench\n'
	printf 'Date: Sat, 21 Nov 2026 12:00:00 +0000\n'
	printf 'Message-ID: <bench@leaf.test>\n\n'
	yes 'sixty bytes and some more of a plain text, to make it a KB.' |
		head -n 16
} >"$work/message"

# The peers, unpacked, with the libraries that this host lacks. Each by itself:
# they do not go together. If it is installed here, apt names nothing.
fetch() {
	[ ! -e "$peers/has-$1" ] || return 0
	needs=$(apt-get -s --no-install-recommends install "$1" 2>/dev/null |
	    awk '/^Inst/ { print $2 }')
	mkdir -p "$peers/$1" "$peers/root"
	# shellcheck disable=SC2086
	sh "$here/../packaging/deps.sh" download "$peers/$1" ${needs:-"$1"} \
	    >"$peers/$1/said" 2>&1 || return 0
	for deb in "$peers/$1"/*.deb; do
		[ ! -f "$deb" ] || dpkg-deb -x "$deb" "$peers/root"
	done
	: >"$peers/has-$1"
}
for p in dma msmtp esmtp nullmailer; do
	fetch $p
done

cat >"$work/run.sh" <<'S'
set -u
if [ "$1" = peers ]; then
	for d in etc spool; do
		mkdir -p "$work/up/$d" "$work/w/$d"
	done
	mkdir -p "$work/up/etc/dma" "$work/up/etc/nullmailer" \
	    "$work/up/spool/dma"
	for d in queue tmp failed; do
		mkdir -p "$work/up/spool/nullmailer/$d"
	done
	mkfifo "$work/up/spool/nullmailer/trigger"
	chmod -R a+rwX "$work/up/spool"
	printf 'SMARTHOST 127.0.0.1\nPORT %s\nDEFER\nMAILNAME leaf.test\n' \
	    "$smtp" >"$work/up/etc/dma/dma.conf"
	echo leaf.test >"$work/up/etc/nullmailer/me"
	echo leaf.test >"$work/up/etc/mailname"
	echo "127.0.0.1 smtp --port=$smtp" >"$work/up/etc/nullmailer/remotes"
	mount -t overlay -o "lowerdir=$peers/root/usr:/usr" overlay /usr &&
		mount -t overlay -o "lowerdir=$peers/root/etc:/etc,upperdir=$work/up/etc,workdir=$work/w/etc" overlay /etc &&
		mount --bind "$work/up/spool" /var/spool || exit 90
	mkdir -p /var/spool/dma
fi
printf 'hostname=127.0.0.1:%s\n' "$smtp" >"$work/esmtprc"
printf 'hostname=127.0.0.1:%s\n' "$smtp_sink" >"$work/esmtprc.sink"
chmod 600 "$work/esmtprc" "$work/esmtprc.sink"

one() { # NAME PROGRAM ARGUMENT...
	name=$1
	shift
	[ -x "$1" ] || { echo "$name none"; return; }
	echo "$name $(stat -Lc %s "$1") $("$BUILD/tests/spawn" "$many" \
	    "$work/message" "$@" 2>>"$work/err")"
}

i=0
while [ $i -lt "$rounds" ]; do
	i=$((i + 1))
	export QUAIL_DIR="$work/leaf"
	one quail "$BIN/qmqpc" -f s@leaf.test a@held.test
	one quail-static "$BUILD/leaf/qmqpc" -f s@leaf.test a@held.test
	one quail-static-plain "$BUILD/leaf/qmqpc-plain" -f s@leaf.test a@held.test
	QUAIL_DIR=$work/secure
	one quail-static-by-TLS "$BUILD/leaf/qmqpc" -f s@leaf.test a@held.test
	QUAIL_DIR=$work/away
	one quail-static-to-spool "$BUILD/leaf/qmqpc" -f s@leaf.test a@held.test
	QUAIL_DIR=$work/sink
	one quail-static-to-sink "$BUILD/leaf/qmqpc" -f s@leaf.test a@held.test
	if [ "$1" = peers ]; then
		one msmtp-to-sink /usr/bin/msmtp --host=127.0.0.1 \
		    --port="$smtp_sink" --from=s@leaf.test a@held.test
		one esmtp-to-sink /usr/bin/esmtp -C "$work/esmtprc.sink" \
		    -f s@leaf.test a@held.test
		one msmtp /usr/bin/msmtp --host=127.0.0.1 --port="$smtp" \
		    --from=s@leaf.test a@held.test
		one esmtp /usr/bin/esmtp -C "$work/esmtprc" -f s@leaf.test a@held.test
		one dma /usr/sbin/dma -f s@leaf.test a@held.test
		one nullmailer /usr/bin/nullmailer-inject -f s@leaf.test a@held.test
		rm -f /var/spool/dma/* /var/spool/nullmailer/queue/*
	fi
	rm -f "$work/away/spool"/m.*
done
S
export work peers smtp smtp_sink many rounds
if unshare -m true 2>/dev/null && [ -e "$peers/root/usr/sbin/dma" ]; then
	unshare -m sh "$work/run.sh" peers >"$work/result"
else
	echo "no peers: no mount namespace, or their packages cannot be had"
	sh "$work/run.sh" alone >"$work/result"
fi

report() {
	echo "$(nproc) processors, $(uname -sr)," \
	    "$(findmnt -no FSTYPE -T "$work" 2>/dev/null);" \
	    "$rounds rounds of $many messages of" \
	    "$(wc -c <"$work/message" | tr -d ' ') bytes. spread: the slowest round's"
	echo "median over the fastest's; above 1.5 read no more than who is first."
	echo
	perl -e '
	my (%us, %p90, %size, %rss, %failed, @order);
	while (<>) {
		my ($n, $s, $rest) = split " ", $_, 3;
		push @order, $n unless exists $size{$n};
		$size{$n} = $s;
		$rest //= "";
		push @{$us{$n}}, $1 if $rest =~ /median_us=(\d+)/;
		push @{$p90{$n}}, $1 if $rest =~ /p90_us=(\d+)/;
		$rss{$n} = $1 if $rest =~ /rss_kib=(-?\d+)/;
		$failed{$n} += $1 if $rest =~ /failed=(\d+)/;
	}
	print "| program | median us | spread | 90 % us | file | KiB |\n",
	    "|---|---|---|---|---|---|\n";
	for (@order) {
		my @u = sort { $a <=> $b } @{$us{$_} || []};
		my @p = sort { $a <=> $b } @{$p90{$_} || []};
		my @row = @u && !$failed{$_}
		    ? ($u[@u / 2], sprintf("%.1f", $u[-1] / ($u[0] || 1)),
		       $p[@p / 2], $size{$_}, $rss{$_})
		    : (@u ? "$failed{$_} failed" : "not there", ("-") x 4);
		print "| ", join(" | ", $_, @row), " |\n";
	}' "$work/result"
}
report | tee "$BUILD/bench_leaf.md"

# REPORT=FILE: put it between the two marks there.
[ -z "${REPORT:-}" ] || BLOCK=$BUILD/bench_leaf.md perl -0pi -e '
	BEGIN { local (@ARGV, $/) = ($ENV{BLOCK}); $block = <> }
	my $mark = "make bench-leaf";
	s/(<!-- $mark: begin -->\n).*?(<!-- $mark: end -->)/$1$block$2/s
	    or warn "no marks of $mark in it\n"' "$REPORT"
