#!/bin/sh
# loops.t - aliases of two hubs that lead back to each other
#
# Each alias is heeded once in the life of a message, whichever hub it comes
# back over: all who are meant get one copy, and the sender one bounce. Then
# what a copy says of the alias that made it, and to whom.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/loops
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

set -- $(free_ports 2)
a=$1 b=$2

# hub NAME PORT OTHER OTHERS_PORT
hub() {
	echo "$1.test" | table "$1" me
	echo "qmtp 127.0.0.1:$2" | table "$1" listen
	echo '127.0.0.0/8 relay' | table "$1" access
	echo "$1.test" | table "$1" locals
	echo "*@$1.test maildir:mail/%u" | table "$1" users
	echo "$3.test qmtp:127.0.0.1:$4" | table "$1" routes
}
hub a "$a" b "$b"
hub b "$b" a "$a"
table a aliases <<T
team@a.test   x@b.test y@b.test ann@a.test
me@a.test     me@a.test me2@b.test
quiet@a.test  bob@b.test
lists@a.test  ann@a.test bob@b.test
kept@a.test   kept@a.test kept@b.test
T
table b aliases <<T
x@b.test      team@a.test bob@b.test
y@b.test      team@a.test carl@b.test
T
node_start a || exit 1
node_start b || exit 1

# send RCPT... - $work/text to them, at a
send() {
	perl -MIO::Socket::INET -e '
		my ($port, $file, @rcpts) = @ARGV;
		sub ns { length($_[0]) . ":$_[0]," }
		open my $f, "<", $file or die;
		my $text = do { local $/; <$f> };
		my $s = IO::Socket::INET->new("127.0.0.1:$port") or die;
		print $s ns("\n$text"), ns("sue\@a.test"),
		    ns(join "", map ns($_), @rcpts);
		my $k = 0;
		for (@rcpts) {
			$s->read(my $head, 1); my $n = $head;
			while ($s->read($head, 1) && $head ne ":") { $n .= $head }
			$s->read(my $answer, $n + 1);
			print "# $answer\n";
			$k += $answer =~ /^K/;
		}
		exit($k != @rcpts)' "$a" "$work/text" "$@"
}

boxes="a/mail/sue a/mail/ann a/mail/me a/mail/kept b/mail/bob b/mail/carl
    b/mail/me2 b/mail/kept a/mail/team a/mail/postmaster"

# got - the mailboxes that have something, and how much
got() {
	for box in $boxes; do
		n=$(count "$work/$box/new")
		[ "$n" = 0 ] || printf '%s=%s ' "${box#?/mail/}@${box%%/*}" "$n"
	done
}

empty() {
	for box in $boxes; do
		rm -f "$work/$box/new/"*
	done
}

is_idle() {
	for node in a b; do
		"$BIN/quail" queue -d "$work/$node" list 2>/dev/null |
			grep -q '[0-9a-f]\{16\}' && return 1
	done
	return 0
}

# rest - until both queues are empty, and stay so
rest() {
	wait_for 20 is_idle && sleep 0.3 && wait_for 20 is_idle
}

accepts() {
	cat "$work/a.log" "$work/b.log" | grep -c event=accept
}

printf 'Subject: to the team\n\nhello\n' >"$work/text"
before=$(accepts)
check "an alias that leads back twice gets its K" send team@a.test
check "and both hubs come to rest" rest
is "$(got)" "sue@a=1 ann@a=1 bob@b=1 carl@b=1 " \
    "one copy each, and the sender one bounce"
is $(($(accepts) - before)) 4 "four messages were made of it"
check "the bounce says why" grep -q '5\.4\.6' "$work"/a/mail/sue/new/*
check "and of whom" grep -q 'rfc822; team@a.test' "$work"/a/mail/sue/new/*
check "hub a says so in its log" \
    grep -q 'event=alias-loop .*rcpt=team@a.test' "$work/a.log"
check "and that it has told the sender already" \
    grep -q 'event=dropped' "$work/a.log"
is "$(sed -n 's/^\(Delivered-To: .*\|X-Quail[^ ]* [0-9]*\).*/\1/p' \
    "$work"/b/mail/carl/new/* | tr '\n' ' ')" \
    "Delivered-To: carl@b.test Delivered-To: y@b.test X-Quail-Expanded: 6 \
Delivered-To: team@a.test X-Quail-Expanded: 3 " "carl's copy tells its way"
empty

check "one that keeps a copy gets its K" send me@a.test
rest
is "$(got)" "me@a=1 me2@b=1 " "and both have theirs, without a bounce"
check "the kept copy says who kept it" grep -q \
    '^X-Quail-Expanded: 2 [0-9a-f]* me@a.test a.test$' "$work"/a/mail/me/new/*
is "$(grep -c '^Delivered-To: me@a.test' "$work"/a/mail/me/new/*)" 1 \
    "and was delivered once"
empty

check "an alias and others get their K" \
    send ann@a.test quiet@a.test lists@a.test
rest
is "$(got)" "ann@a=1 bob@b=1 " "once each, whichever way"
is "$(grep -l 'quiet@a.test' "$work"/a/mail/ann/new/* | wc -l)" 0 \
    "by which alias another was reached is not said"
check "and to him" grep -q '^Delivered-To: quiet@a.test$' \
    "$work"/b/mail/bob/new/*
empty

# a message that has a file of its own
perl -e 'print "Subject: large\n\n"; print "$_ line of the text\n" for 1 .. 40000' \
    >"$work/text"
check "a large one gets its K" send team@a.test
rest
is "$(got)" "sue@a=1 ann@a=1 bob@b=1 carl@b=1 " "and goes the same way"
for box in a/mail/ann b/mail/bob b/mail/carl; do
	sed '1,/^Subject: large$/d' "$work/$box/new/"* >"$work/came"
	check "unchanged to $box" sh -c \
	    "sed 1d '$work/text' | cmp - '$work/came'"
done
empty

# all of it again, from the disk: the queue is killed before anything goes out
is_loaded_again() {
	[ "$(grep -c event=loaded "$work/a.log")" = 2 ]
}
printf 'Subject: again\n\nhello\n' >"$work/text"
qmtpc=$(node_process a qmtpc) maildir=$(node_process a maildir)
kill -STOP "$qmtpc" "$maildir"
check "one more" send team@a.test me@a.test
kill -9 "$(node_process a quail-queue)"
wait_for 20 is_loaded_again
kill -9 "$qmtpc" "$maildir"
wait_for 20 has_count "$work/b/mail/carl/new" 1
wait_for 20 has_count "$work/a/mail/sue/new" 1
rest
is "$(got)" "sue@a=1 ann@a=1 me@a=1 bob@b=1 carl@b=1 me2@b=1 " \
    "after a kill the aliases are as they were"
node_stop a
node_stop b
tap_done
