#!/usr/bin/perl
# walls_probe.pl NODE USER NAME=PID... - what can this user do to a node?
#
# Run as a daemon's user in its place. It tries everything, and prints one
# line of what it got; a "-" stands for nothing:
#
#   USER reads=... writes=... door=... agent=... control=... daemons=... lies=...
#
# daemons: those that it could signal, trace or read the memory of. lies: what
# the queue believed of a client that the tables do not know.
use strict;
use warnings;
no warnings 'portable'; # ids have 64 bits
use IO::Select;
use IO::Socket::UNIX;

my ($node, $user, @daemons) = @ARGV;
chdir $node or die "$node: $!\n";

sub list { @_ ? join ",", @_ : "-" }

# files

sub reads {
	my ($path) = @_;
	return opendir(my $d, $path) if $path =~ m{/$};
	open my $f, "<", $path or return 0;
	return sysread $f, my $byte, 1;
}

sub writes {
	my ($dir) = @_;
	my $path = "$dir/probe.$$";
	open my $f, ">", $path or return 0;
	unlink $path;
	return 1;
}

sub appends { open(my $f, ">>", $_[0]) }

my %file = (config => "config.cdb", key => "tls/key.pem", queue => "queue/",
	    mail => "mail/");
my @reads = grep { reads($file{$_}) } qw(config key queue mail);
my %dir = (node => ".", run => "run", tls => "tls", queue => "queue",
	   mail => "mail");
my @writes = grep { writes($dir{$_}) } qw(node run tls queue mail);
push @writes, "config" if appends("config.cdb");
push @writes, "tables" if appends("access");
push @writes, "key" if appends("tls/key.pem");

# frames, doc/quail-door.7

sub frame {
	my ($letter, $id, $rest) = @_;
	my $payload = sprintf("%s%016x", $letter, $id) . ($rest // "");
	return length($payload) . ":$payload,";
}

sub get_frame { # -> letter, id, rest; nothing: it is closed, or says nothing
	my ($s, $wait) = @_;
	my $in = "";
	my $select = IO::Select->new($s);
	while ($select->can_read($wait)) {
		sysread($s, $in, 1, length $in) or return;
		next unless $in =~ /^(\d+):/;
		my ($all, $n) = (length($1) + $1 + 2, $1);
		while (length($in) < $all) {
			sysread($s, $in, $all - length $in, length $in)
			    or return;
		}
		my $payload = substr $in, length($n) + 1, $n;
		return unpack "a A16 a*", $payload;
	}
	return;
}

sub connect_to { IO::Socket::UNIX->new(Peer => "run/$_[0]") }

# offer PROTO CLIENT RELAY RCPT [PIN] - the verdict's letter; empty: refused
sub offer {
	my ($proto, $client, $relay, $rcpt, $pin) = @_;
	my $s = connect_to("door") or return "";
	my ($letter, $id) = get_frame($s, 20);
	return "" unless $letter;
	$id = hex $id;
	my @attrs = ("proto=$proto", "client=$client");
	push @attrs, "relay=1" if $relay;
	push @attrs, "pin=$pin" if $pin;
	print $s join "", frame("O", $id), map(frame("P", $id, $_), @attrs),
	    frame("S", $id, "a\@b.test"), frame("R", $id, $rcpt),
	    frame("T", $id, "Subject: x\n\nx\n"), frame("C", $id);
	$s->flush;
	my (undef, undef, $verdict) = get_frame($s, 20);
	return substr $verdict // "", 0, 1;
}

$SIG{PIPE} = "IGNORE";
my $pin = "sha256:" . "ab" x 32;
my @door = grep { offer($_, "127.0.0.1", 1, "a\@far.test") eq "K" }
    qw(QMQP QMTP ESMTP);
my @lies;
for my $proto (@door) {
	push @lies, "relay" if offer($proto, "198.51.100.1", 1, "a\@far.test") eq "K";
	push @lies, "none" if offer($proto, "local", 1, "a\@far.test") eq "K";
	push @lies, "recipient" if offer($proto, "198.51.100.1", 0, "a\@far.test") eq "K";
	push @lies, "pin" if offer($proto, "198.51.100.1", 1, "a\@far.test", $pin) eq "K";
}

sub is_closed { # now, or within so many seconds
	my ($s, $wait) = @_;
	my $select = IO::Select->new($s);
	while ($select->can_read($wait)) {
		return 1 unless sysread $s, my $bytes, 4096;
	}
	return 0;
}

# Nothing is said to an agent that is let in. But who breaks the contract is
# disconnected: when that has been seen twice, one after the other, whatever
# was said before has been decided.
sub queue_is_through {
	for (1, 2) {
		my $s = connect_to("agent") or return;
		print $s "x";
		$s->flush;
		is_closed($s, 20) or die "the queue does not answer\n";
	}
}

# hello NAME - may we serve these next hops?
sub hello {
	my $s = connect_to("agent") or return 0;
	print $s frame("H", 0, "$_[0] 1");
	$s->flush;
	queue_is_through();
	return !is_closed($s, 0);
}
my @agent = grep { hello($_) } qw(qmtp smtp maildir fax);

# control: it answers, or closes
sub control {
	my $s = connect_to("control") or return 0;
	print $s "7:4:help,,";
	$s->flush;
	my $select = IO::Select->new($s);
	return $select->can_read(20) && sysread($s, my $byte, 1) ? 1 : 0;
}

# processes, by number of the system call on x86_64 and aarch64
my %call = `uname -m` =~ /aarch64/
    ? (ptrace => 117, vm_readv => 270) : (ptrace => 101, vm_readv => 310);

sub traces {
	my ($pid) = @_;
	return 0 if syscall($call{ptrace}, 0x4206, $pid, 0, 0) != 0; # SEIZE
	syscall($call{ptrace}, 17, $pid, 0, 0); # DETACH
	return 1;
}

sub sees_memory {
	my ($pid) = @_;
	for my $name (qw(maps mem environ)) {
		open my $f, "<", "/proc/$pid/$name" or next;
		return 1 if sysread($f, my $byte, 1) || $name eq "mem";
	}
	my $room = "\0" x 16;
	my $at = unpack "J", pack "P", $room;
	my $local = pack "J J", $at, 16;
	my $there = pack "J J", 16, 16; # nothing is there
	$! = 0;
	return syscall($call{vm_readv}, $pid, $local, 1, $there, 1, 0) >= 0 ||
	    $!{EFAULT};
}

sub sees_files {
	my ($pid) = @_;
	return opendir(my $d, "/proc/$pid/fd");
}

my @theirs;
for (@daemons) {
	my ($name, $pid) = split /=/;
	my @how;
	push @how, "signal" if kill 0, $pid;
	push @how, "trace" if traces($pid);
	push @how, "memory" if sees_memory($pid);
	push @how, "files" if sees_files($pid);
	push @theirs, "$name:" . join "+", @how if @how;
}

print "$user reads=", list(@reads), " writes=", list(@writes),
    " door=", list(@door), " agent=", list(@agent),
    " control=", (control() ? "yes" : "-"), " daemons=", list(@theirs),
    " lies=", list(@lies), "\n";
