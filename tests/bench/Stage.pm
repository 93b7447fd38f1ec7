# Stage.pm - where the benchmark plays: scratch roots, control groups, the
# slow disk, and what is measured of a set of processes. bench.pl uses it.
#
# A target (quail or a peer) runs in a control group of its own, by which its
# CPU time is counted, its memory read and its processes ended: no process of
# the host is ever touched. A peer has a root directory of its own on the
# benchmark's file system: its unpacked packages over the host's /usr, its own
# /etc/passwd; nobody is added to the host's.
package Stage;

use strict;
use warnings;
use IO::Socket::INET;
use POSIX ':sys_wait_h';
use Time::HiRes qw(time sleep);

our ($stage, $build, $bin, $peers, $cgroups, $slow, %leader, $slow_on);

# begin STAGE BUILD BIN PEERS - directories; STAGE is on the file system that
# is measured, and we are in namespaces of our own
sub begin {
	($stage, $build, $bin, $peers) = @_;
	mkdir "$stage/$_" for qw(roots cg log work);
	$cgroups = "$stage/cg";
	system('mount', '-t', 'cgroup2', 'none', $cgroups) == 0
		or die "bench: no control groups (cgroup2): $?\n";
	$slow = "$stage/slow";
	flushes(0);
	return;
}

sub write_file {
	my ($path, $text) = @_;
	open my $f, '>', $path or die "$path: $!\n";
	print $f $text;
	close $f or die "$path: $!\n";
	return;
}

sub read_file {
	my ($path) = @_;
	open my $f, '<', $path or return '';
	local $/;
	return scalar <$f> // '';
}

# ---- roots

sub run_quietly {
	my @command = @_;
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		open STDOUT, '>>', "$stage/log/setup";
		open STDERR, '>&', \*STDOUT;
		exec @command or POSIX::_exit(127);
	}
	waitpid $pid, 0;
	return $? == 0;
}

my @accounts = (
	['root', 0], ['postfix', 65501], ['postdrop', 65502],
	['opensmtpd', 65503], ['opensmtpq', 65504], ['Debian-exim', 65505],
	['box', 65506], ['mail', 8], ['dma', 65508], ['nobody', 65534],
	['nullmail', 65509], ['nogroup', 65534],
);

# uid NAME - of an account in the scratch roots
sub uid {
	my ($name) = @_;
	my ($a) = grep { $_->[0] eq $name } @accounts;
	return $a->[1];
}

sub accounts_write {
	my ($root) = @_;
	write_file("$root/etc/passwd", join '', map {
		"$_->[0]:x:$_->[1]:$_->[1]::/:/bin/sh\n" } @accounts);
	write_file("$root/etc/group", join '', map {
		"$_->[0]:x:$_->[1]:\n" } @accounts);
	write_file("$root/etc/hosts", "127.0.0.1 localhost peer.test\n");
	write_file("$root/etc/nsswitch.conf",
		"passwd: files\ngroup: files\nhosts: files\n");
	write_file("$root/etc/services", "smtp 25/tcp\nqmqp 628/tcp\n");
	write_file("$root/etc/protocols", "tcp 6 TCP\nudp 17 UDP\n");
	write_file("$root/etc/resolv.conf", "nameserver 127.0.0.1\n");
	write_file("$root/etc/mailname", "peer.test\n");
	return;
}

sub devices {
	my ($root) = @_;
	my %number = (null => '1 3', zero => '1 5', random => '1 8',
		urandom => '1 9');
	for (keys %number) {
		run_quietly('mknod', '-m', '666', "$root/dev/$_", 'c',
			split / /, $number{$_});
	}
	run_quietly('mount', '-t', 'proc', 'proc', "$root/proc");
	return;
}

# root NAME PACKAGE - make a peer's root; false when its package is not there
sub root {
	my ($name, $package) = @_;
	my ($root, $from) = ("$stage/roots/$name", "$peers/$package/root");
	return 0 unless -d "$from/usr";
	return 1 if -d $root;
	mkdir $root;
	mkdir "$root/$_" for qw(etc usr var dev proc tmp run mail);
	chmod 01777, "$root/tmp";
	symlink "usr/$_", "$root/$_" for grep { -l "/$_" } qw(bin sbin lib lib64);
	run_quietly('mount', '-t', 'overlay', 'overlay', '-o',
		"ro,lowerdir=$from/usr:/usr", "$root/usr") or return 0;
	run_quietly('cp', '-a', "$from/etc/.", "$root/etc/");
	run_quietly('cp', '-a', "$from/var/.", "$root/var/") if -d "$from/var";
	run_quietly('cp', "$build/tests/slow.so", "$root/etc/slow.so");
	run_quietly('cp', "$build/tests/spawn", "$root/etc/spawn");
	run_quietly('cp', '-a', '/etc/ld.so.conf', '/etc/ld.so.conf.d',
		"$root/etc/");
	accounts_write($root);
	devices($root);
	symlink '../run', "$root/var/run" unless -e "$root/var/run";
	chown uid('box'), uid('box'), "$root/mail";
	run_quietly('chroot', $root, '/sbin/ldconfig');
	return 1;
}

# ---- the slow disk

# flushes EXTRA_MS - what every flush of programs started from now on takes
# more; their count begins anew. Without the shim (undef) nothing is counted
sub flushes {
	my ($extra_ms) = @_;
	$slow_on = defined $extra_ms;
	my $bytes = pack 'QQ', $extra_ms // 0, 0;
	for my $path ($slow, glob "$stage/roots/*/run/bench-slow") {
		write_file($path, $bytes);
	}
	return;
}

sub shim_set {
	my ($root) = @_;
	my $text = $slow_on ? "/etc/slow.so\n" : '';
	write_file("$root/etc/ld.so.preload", $text);
	write_file("$root/run/bench-slow", substr read_file($slow), 0, 8);
	open my $f, '>>', "$root/run/bench-slow";
	print $f pack 'Q', 0;
	return;
}

# flush_count NAME - so far; of quail without a root
sub flush_count {
	my ($name) = @_;
	my $root = "$stage/roots/$name";
	my $bytes = read_file(-d $root ? "$root/run/bench-slow" : $slow);
	return unpack 'Q', substr $bytes, 8, 8;
}

# ---- processes

sub pids {
	my ($name) = @_;
	return split /\n/, read_file("$cgroups/bench-$name/cgroup.procs");
}

sub port_answers {
	my ($port) = @_;
	return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
		PeerPort => $port, Timeout => 2);
}

sub wait_until {
	my ($seconds, $test, $pause) = @_;
	my $end = time() + $seconds;
	while (!$test->()) {
		return 0 if time() > $end;
		sleep($pause // 0.02);
	}
	return 1;
}

# start NAME PORTS COMMAND... - in a control group, with the root of this name
# if there is one; returns when the ports answer, false when they never do
sub start {
	my ($name, $ports, @command) = @_;
	my $root = "$stage/roots/$name";
	my $group = "$cgroups/bench-$name";
	mkdir $group;
	shim_set($root) if -d $root;
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		setpgrp;
		write_file("$group/cgroup.procs", $$);
		open STDIN, '<', '/dev/null';
		open STDOUT, '>>', "$stage/log/$name";
		open STDERR, '>&', \*STDOUT;
		if (-d $root) {
			chdir $root and chroot $root or POSIX::_exit(126);
			chdir '/';
			%ENV = (PATH => '/usr/sbin:/usr/bin', LANG => 'C');
		} elsif ($slow_on) {
			@ENV{'LD_PRELOAD', 'BENCH_SLOW'} =
				("$build/tests/slow.so", $slow);
		}
		exec @command or POSIX::_exit(127);
	}
	$leader{$name} = $pid;
	for my $port (@$ports) {
		wait_until(20, sub { port_answers($port) }) or return 0;
	}
	return 1;
}

# stop NAME - TERM to the first process, KILL to what is left after 5 s
sub stop {
	my ($name) = @_;
	my $pid = delete $leader{$name} or return;
	kill 'TERM', $pid;
	wait_until(5, sub { waitpid($pid, WNOHANG); !pids($name) });
	while (my @left = pids($name)) {
		kill 'KILL', @left;
		waitpid $pid, WNOHANG;
		sleep 0.05;
	}
	rmdir "$cgroups/bench-$name";
	return;
}

# cpu_us NAME - microseconds of CPU that its processes have used
sub cpu_us {
	my ($name) = @_;
	return read_file("$cgroups/bench-$name/cpu.stat") =~ /usage_usec (\d+)/
		? $1 : 0;
}

# pss_kib NAME - proportional memory of its processes, and their number
sub pss_kib {
	my ($name) = @_;
	my ($sum, $n) = (0, 0);
	for my $pid (pids($name)) {
		$sum += $1 if read_file("/proc/$pid/smaps_rollup") =~
			/^Pss:\s+(\d+)/m;
		$n++;
	}
	return ($sum, $n);
}

# load NAME OPTION... - quail-load against a target; what it printed, with
# the target's cpu_us a message
sub load {
	my ($name, @options) = @_;
	my $cpu = cpu_us($name);
	open my $f, '-|', "$build/tests/quail-load", @options
		or die "quail-load: $!\n";
	my %v = map { /^(\w+)=(\S+)$/ ? ($1, $2) : () } split ' ', <$f> // '';
	close $f;
	$v{cpu_us} = (cpu_us($name) - $cpu) / $v{k} if $v{k};
	return \%v;
}

sub end {
	stop($_) for keys %leader;
	return;
}

1;
