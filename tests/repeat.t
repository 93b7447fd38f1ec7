#!/bin/sh
# repeat.t - which message stands for what a client sends again, by SMTP, QMTP
# and QMQP: the id in each reply
#
# A client that may relay sends the same bytes by one connection and by several,
# with and without a Message-ID; the hub's log says what was stored.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/repeat
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"
set -- $(free_ports 3)
smtp=$1 qmtp=$2 qmqp=$3

echo hub.test | table hub me
echo '127.0.0.1 relay' | table hub access
echo '* discard' | table hub routes
table hub listen <<T
smtp 127.0.0.1:$smtp
qmtp 127.0.0.1:$qmtp
qmqp 127.0.0.1:$qmqp
T
check 'the hub comes up' node_start hub || tap_done

# ids PROTOCOL PORT FROM HEADER COUNT... - sends the same so many times by a
# connection, one behind the other; prints the letters of the ids in the replies:
# a for the first, the same letter for the same id
ids() {
	perl -MIO::Socket::INET -e '
		my ($proto, $port, $from, $header, @counts) = @ARGV;
		my ($s, %letters, $next, $out);
		$next = "a";
		sub net { length($_[0]) . ":$_[0]," }
		sub heard { my $l = <$s> // die "no reply\n"; $l }
		sub netreply {
			local $/ = ":";
			my $n = heard() + 0;
			read $s, my $text, $n + 1;
			$text;
		}
		my $text = "Subject: alarm\n$header\nHelp!\n";
		sub smtp {
			(my $crlf = $text) =~ s/\n/\r\n/g;
			for my $say ("MAIL FROM:<$from>", "RCPT TO:<a\@b.test>",
			    "DATA", "$crlf.") {
				print $s "$say\r\n";
				$out = heard();
			}
			$out;
		}
		my %way = (
			smtp => \&smtp,
			qmtp => sub {
				print $s net("\n$text"), net($from),
				    net(net("a\@b.test"));
				netreply();
			},
			qmqp => sub {
				print $s net(net($text) . net($from) .
				    net("a\@b.test"));
				netreply();
			});
		for my $count (@counts) {
			$s = IO::Socket::INET->new("127.0.0.1:$port") or die;
			$s->autoflush(1);
			if ($proto eq "smtp") {
				heard();
				print $s "HELO x\r\n";
				heard();
			}
			for (1 .. $count) {
				my $reply = $way{$proto}->();
				$reply =~ /([0-9a-f]{16})/ or die "$reply\n";
				$letters{$1} //= $next++;
				print $letters{$1};
			}
			close $s;
		}
	' "$@" 2>&1
}

id='Message-ID: <1@b.test>
'
for proto in smtp qmtp; do
	eval "port=\$$proto"
	is "$(ids $proto "$port" "1$proto@b.test" "$id" 1 1 1)" aaa \
	    "$proto: three connections, one message: its id each time"
	is "$(ids $proto "$port" "2$proto@b.test" "$id" 3)" abc \
	    "$proto: three times by one connection: three messages"
	is "$(ids $proto "$port" "3$proto@b.test" "$id" 1 2)" aab \
	    "$proto: where it has been answered it is a new one"
	is "$(ids $proto "$port" "4$proto@b.test" '' 1 1 1)" abc \
	    "$proto: without a Message-ID: three"
done
is "$(ids qmqp "$qmqp" 1qmqp@b.test "$id" 1 1 1)" aaa \
    'qmqp: three connections, one message: its id each time'
is "$(ids qmqp "$qmqp" 4qmqp@b.test '' 1 1 1)" abc \
    'qmqp: without a Message-ID: three'
is "$(grep -c event=accept "$work/hub.log")" 22 'so many were stored'
is "$(grep -c 'event=repeat id=[0-9a-f]* of=[0-9a-f]* ' "$work/hub.log")" 8 \
    'and the log names both of each repeat'
check 'the hub is sound' node_is_sound hub
tap_done
