#!/bin/sh
# slots.t - nobody who says nothing keeps the slots that all share
#
# Sixty SMTP servers that take connections, answer EHLO and then nothing, and
# 600 domains whose name server says nothing. A next hop that works gets its
# first attempt beside them: while they have all of concurrencyremote, and
# when the hub has just been started and knows nobody. What was called back
# for it is still there. Each of the sixty has minutes before its time is up.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/slots
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

set -- $(free_ports 4)
qmtp=$1 pits=$2 good=$3 dns=$4

echo hub.test | table hub me
echo "qmtp 127.0.0.1:$qmtp" | table hub listen
echo '127.0.0.0/8 relay' | table hub access
echo 40 | table hub concurrencyremote
echo 3 | table hub stopwait
perl -e '
	print "pit$_.test smtp:127.1.0.$_:$ARGV[0]\n" for 1 .. 60;
	print "good.test smtp:127.0.0.1:$ARGV[1]\n* smtp:mx\n";
' "$pits" "$good" | table hub routes

# send TEXT RCPT... - one message by QMTP; what was not K is printed
send() {
	perl -MIO::Socket::INET -e '
		my ($port, $text, @rcpts) = @ARGV;
		my $n = sub { length($_[0]) . ":$_[0]," };
		my $s = IO::Socket::INET->new("127.0.0.1:$port") or die "$!\n";
		print $s $n->("\n$text\n") . $n->("a\@leaf.test") .
		    $n->(join "", map $n->($_), @rcpts);
		$s->flush;
		my $got = "";
		for (@rcpts) {
			my $whole = sub { $got =~ /\A(\d+):/ &&
			    length $got > $1 + length "$1:" };
			until ($whole->()) {
				sysread $s, $got, 4096, length $got or
				    die "no answer\n";
			}
			$got =~ s/\A(\d+):// or die;
			(substr $got, 0, $1 + 1, "") =~ /\AK/ or die "no K\n";
		}
	' "$qmtp" "$@"
}

# range FORMAT N - FORMAT with each number up to N
range() {
	perl -e 'printf "$ARGV[0] ", $_ for 1 .. $ARGV[1]' "$1" "$2"
}

# has_lines N FILE
has_lines() {
	[ "$(wc -l <"$2")" -ge "$1" ]
}

arrived() {
	cat "$work"/good/good.* 2>/dev/null | grep -q "^$1"
}

answered() {
	grep -c 'event=delivery.*nexthop=smtp:127.1' "$work/hub.log"
}

: >"$work/pits.log"
mkdir "$work/good"
background perl "$here/smtp_pits.pl" "$pits" "$work/pits.log"
background perl "$here/smtp_fake.pl" "$work/good" "good:127.0.0.1:$good"
# a name server that reads and says nothing
background perl -MIO::Socket::INET -e '
	my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$ARGV[0]",
	    Proto => "udp") or die;
	1 while defined $s->recv(my $in, 512)' "$dns"
export QUAIL_DNS="127.0.0.1:$dns"
wait_for 5 port_answers "$pits"
wait_for 5 port_answers "$good"
: >"$work/pits.log"
check 'the hub comes up' node_start hub || tap_done

for i in 1 2 3; do
	send "pit $i" $(range x@pit%d.test 60) || break
done
is "$i" 3 'three messages for each of sixty that never answer'
check 'they have all slots that they may' wait_for 20 has_lines 38 \
    "$work/pits.log"
check 'a message for one that answers' send first x@good.test
check 'is there while they still say nothing' wait_for 60 arrived first
is "$(answered)" 0 'none of them has been answered'
check 'the next one' send second x@good.test
check 'too' wait_for 60 arrived second

check 'one for each of 600 domains' \
    send strange $(range x@strange%d.test 600)
check 'the hub ends on TERM' node_stop hub
rm "$work/hub/concurrencyremote"
check 'and comes up again' node_start hub || tap_done
check 'a message for one that answers' send third x@good.test
check 'is there before the sixty and the 600' wait_for 60 arrived third
is "$(answered)" 0 'which have not been answered'
is "$("$BIN/quail" queue -d "$work/hub" list --to '*@pit*' |
	grep -c 'x@pit')" 180 'what was called back is still there'
check 'the hub ends on TERM' node_stop hub
check 'none of its daemons has died' node_is_sound hub
tap_done
