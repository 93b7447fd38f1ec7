#!/bin/sh
# smtp_loops.t - mail and bounces that are meant to come back to us: how many
# messages do they make out of one?
#
# In a network of its own, where this hub listens at port 25 of all addresses.
# Nothing of what leads back may ever come in by SMTP again.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"

if [ "${1:-}" != inside ]; then
	as=-n
	[ "$(id -u)" = 0 ] || as=-rn
	unshare "$as" true 2>/dev/null ||
		skip_all 'no network of its own can be had here'
	exec unshare "$as" sh "$0" inside
fi
# lo up, and an address more on it: 10.99.0.1
perl -e '
	use Socket;
	socket my $s, PF_INET, SOCK_DGRAM, 0 or die;
	my $ask = sub { my ($what, $request) = @_; ioctl $s, $what, $request };
	$ask->(0x8914, pack "a16 s x22", "lo", 0x49) or die "up: $!\n";
	$ask->(0x8916, pack "a16 a16 x8", "lo:1",
	    pack_sockaddr_in(0, inet_aton("10.99.0.1"))) or die "address: $!\n";
	$ask->(0x891c, pack "a16 a16 x8", "lo:1",
	    pack_sockaddr_in(0, inet_aton("255.255.255.255"))) or die;
	$ask->(0x8914, pack "a16 s x22", "lo:1", 0x49) or die "up: $!\n";
' || skip_all 'no addresses can be set here'

work=$BUILD/smtp_loops
rm -rf "$work"
mkdir -p "$work/got" || exit 111
. "$here/node.sh"
unset QUAIL_SMTP_PORT
QUAIL_DNS=127.0.0.1:5300
export QUAIL_DNS
background perl "$here/smtp_fake.pl" "$work/got" "good:127.0.0.2:2525" \
    "dns:127.0.0.1:5300" >"$work/fake.out"
wait_for 10 grep -q ready "$work/fake.out"
echo hub.test | table hub me
{
	echo 'smtp 0.0.0.0:25'
	[ ! -s /proc/net/if_inet6 ] || echo 'smtp [::]:25'
} | table hub listen
printf '127.0.0.0/8 relay\n10.0.0.0/8 relay\n::1 relay\n' | table hub access
echo '* smtp:mx' | table hub routes
node_start hub || exit 1

came_in() {
	grep -c 'event=message id=' "$work/hub.log"
}

# mail FROM TO
mail() {
	printf '1\n1 EHLO me\n1 MAIL FROM:<%s>\n1 RCPT TO:<%s>\n1 DATA\n%s\n' \
	    "$1" "$2" '1 Subject: x\r\n\r\nx\r\n.\r\n' |
		perl "$here/smtp_talk.pl" 25 >"$work/talk"
	tail -n 1 "$work/talk" | grep -q '^250 ' ||
		sed "s/^/# $1 $2: /" "$work/talk"
}

# Each goes to a domain that is not there, from an address that leads back;
# and to it itself.
back='[127.0.0.1] [127.9.9.9] [0.0.0.0] [IPv6:::1] [IPv6:::]
[IPv6:::ffff:127.0.0.1] [IPv6:::ffff:0.0.0.0] [10.99.0.1]
[IPv6:::ffff:10.99.0.1] [IPv6:64:ff9b::7f00:1] [169.254.1.1] [224.0.0.1]
[255.255.255.255] [localhost]
a-loop.test a-any.test a-own.test a-link.test a-multi.test
mx-loop.test mx-any.test mx-own.test mx-link.test mx-multi.test'
n=0
for place in $back; do
	mail "x@$place" nobody@gone.test
	mail loop@gone.test "x@$place"
	n=$((n + 2))
done
waits() {
	"$BIN/quail" queue -d "$work/hub" list | grep -c '^[0-9a-f]\{16\}'
}
nothing_waits() {
	[ "$(came_in)" -ge "$n" ] && [ "$(waits)" = 0 ]
}
check 'all of it is over' wait_for 30 nothing_waits
sleep 1
is "$(came_in)" "$n" "$n messages are $n messages"
is "$(grep -c 'event=attempt.* k=1 ' "$work/hub.log")" 0 \
    'nothing was delivered anywhere'

# what is only private waits, until a table says that it may be
mail loop@gone.test 'x@[10.77.0.1]'
mail loop@gone.test x@a-private.test
mail loop@gone.test x@mx-private.test
private() {
	[ "$(grep -c 'event=attempt.*mxnetworks does not name it' \
	    "$work/hub.log")" -ge "$1" ]
}
check 'a private network waits for mxnetworks' wait_for 10 private 3
is "$(waits)" 3 'and is not returned'
explain() {
	"$BIN/quail" explain -d "$work/hub" "$1" | sed -n 's/^  mx  *//p'
}
is "$(explain 'x@[127.0.0.1]')" \
    'none: no host of others is there; such mail is returned' \
    'explain knows the loopback'
is "$(explain 'x@[10.77.0.1]')" \
    'none: a private network that mxnetworks does not name; such mail waits' \
    'and what is private'
is "$(explain 'x@[IPv6:2001:db8::1]')" 'that address' 'and what is public'
echo 10.77.0.0/24 | table hub mxnetworks
"$BIN/quail" build "$work/hub" >"$work/said" 2>&1
is "$(explain 'x@[10.77.0.1]')" 'that address  [mxnetworks:1]' \
    'and the line that allows it'
echo 127.0.0.0/8 | table hub mxnetworks
"$BIN/quail" build "$work/hub" >"$work/said" 2>&1
check 'the loopback is never allowed' grep -q \
    '^mxnetworks:1:.*127.0.0.0/8.* is no place for MX hosts' "$work/said"
is "$(came_in)" $((n + 3)) 'still nothing has come back'
check 'no daemon died' node_is_sound hub
node_stop hub
tap_done
