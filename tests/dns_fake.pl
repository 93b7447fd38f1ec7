# dns_fake.pl - a name server that knows one name: dns_fake.pl PORT NAME IPV4
#
# ".NAME": all names below it. Answers over UDP on 127.0.0.1: an A of its name,
# nothing of other types, NXDOMAIN for other names. Before each answer goes
# one with another id and a wrong address, as of somebody who guesses.
use strict;
use warnings;
use IO::Socket::INET;

my ($port, $name, $address) = @ARGV;
my $s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $port,
	Proto => "udp") or die "port $port: $!\n";
alarm 60;
while (defined(my $from = $s->recv(my $q, 512))) {
	my ($id) = unpack "n", $q;
	my ($asked, $at) = ("", 12);
	while ((my $n = ord substr $q, $at, 1) > 0) {
		$asked .= substr($q, $at + 1, $n) . ".";
		$at += $n + 1;
	}
	my $type = unpack "n", substr $q, $at + 1, 2;
	my $question = substr $q, 12, $at + 5 - 12;
	my $known = $name =~ /^\./ ? $asked =~ /\Q$name.\E$/i :
	    lc $asked eq "$name.";
	my $reply = sub {
		my ($its_id, $ip) = @_;
		my $has = $known && $type == 1;

		pack("n6", $its_id, $known ? 0x8180 : 0x8183, 1, $has, 0, 0) .
		    $question . ($has ? pack("nnnNn", 0xc00c, 1, 1, 60, 4) .
			inet_aton($ip) : "");
	};
	$s->send($reply->($id ^ 1, "127.6.6.6"), 0, $from);
	$s->send($reply->($id, $address), 0, $from);
}
