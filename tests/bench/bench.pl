# bench.pl - the works, one after the other; bench.sh starts it
#
#   bench.pl LOOP STAGE HERE OUT PEERS [WORK...]
#
# Each work has cases; in each round every target does every case once, in
# turn (A B A B), with an empty queue at the begin. A figure is a line
# "work case target key=value ..." in OUT/figures, printed as it comes.
use strict;
use warnings;
use Time::HiRes qw(time sleep);
use IO::Socket::INET;
use Stage;
use Peers;
use Report;

my ($loop, $stage, $here, $out, $peers, @works) = @ARGV;
my $quick = $ENV{QUICK};
my $rounds = $quick ? 2 : 5;
my $seconds = $quick ? 1 : 2;
my @sessions = $quick ? (1, 50) : (1, 10, 50, 200);
$| = 1;
# As process 1 of our namespace we would not hear these otherwise.
$SIG{$_} = sub { exit 143 } for qw(TERM INT HUP);
open my $figures, '>', "$out/figures" or die "$out/figures: $!\n";
$figures->autoflush(1);

sub figure {
	my ($work, $case, $target, %v) = @_;
	my $line = join ' ', $work, $case, $target,
		map { sprintf '%s=%s', $_, $v{$_} =~ /\.\d{4}/
			? sprintf '%.4g', $v{$_} : $v{$_} } sort keys %v;
	print $figures "$line\n";
	print "$line\n";
	return;
}

sub failed {
	my ($work, $target) = @_;
	print "$work $target: did not come up; see the end of its log:\n";
	system 'tail', '-n', 8, "$stage/log/$target";
	Stage::stop($target);
	return;
}

# with TARGET MODE WORK CODE - between its start and its end
sub with {
	my ($target, $mode, $work, $code) = @_;
	return unless Peers::have($target);
	if (!Peers::start($target, $mode)) {
		return failed($work, $target);
	}
	eval { $code->(); 1 } or print "$work $target: $@";
	Stage::stop($target);
	return;
}

sub load {
	my ($target, $protocol, @options) = @_;
	return Stage::load($target, '-p', $protocol, @options,
		"127.0.0.1:$Peers::port{$target}{$protocol}");
}

sub sent {
	my ($v) = @_;
	return (k => $v->{k}, per_second => $v->{k_per_second},
		cpu_us => $v->{cpu_us} // 0, p50_ms => $v->{p50_ms},
		p99_ms => $v->{p99_ms}, max_ms => $v->{max_ms},
		($v->{z} || $v->{d} || $v->{lost}
			? (trouble => $v->{z} + $v->{d} + $v->{lost}) : ()));
}

# ---- the disk's own limit

sub disk {
	my $each = $quick ? 0.3 : 1;
	for (1 .. ($quick ? 1 : 3)) {
		for (`$ENV{BUILD}/tests/disk $stage/work $each`) {
			/^disk (.*) records_per_second=(\d+)/ or next;
			my ($case, $n) = ($1, $2);
			$case =~ tr/ /,/;
			figure('disk', $case, 'disk', per_second => $n);
		}
	}
	return;
}

# ---- W1: accept and queue durably, delivery held

my @doors = (
	[qw(postfix smtp)], [qw(quail qmtp)], [qw(postfix qmqp)],
	[qw(quail qmqp)], [qw(opensmtpd smtp)], [qw(quail smtp)],
	[qw(exim smtp)],
);

# What fits on the disk: by QMTP a second is 600 MB
my %most = (qmtp => 100_000, qmqp => 60_000, smtp => 60_000);

sub accept_run {
	my ($work, $sessions, $windows) = @_;
	for my $door (@doors) {
		my ($target, $protocol) = @$door;
		with($target, 'hold', $work, sub {
			load($target, $protocol, '-m', 200, '-s', 10);
			for my $s (@$sessions) {
				my @w = $protocol ne 'qmtp' ? (1)
					: $windows ? @$windows
					: $s == 1 ? (1, 64) : (16);
				for my $w (@w) {
					my $v = load($target, $protocol, '-s',
						$s, '-w', $w, '-d', $seconds,
						'-m', $most{$protocol});
					figure($work, "s=$s" . ($w > 1
						? ",w=$w" : ''),
						"$target-$protocol", sent($v));
				}
			}
		});
	}
	return;
}

sub w1 {
	Stage::flushes(undef);
	accept_run('w1', \@sessions) for 1 .. $rounds;
	return;
}

sub w1slow {
	Stage::flushes(5);
	accept_run('w1slow', $quick ? [1] : [1, 50]) for 1 .. ($quick ? 1 : 3);
	Stage::flushes(undef);
	return;
}

# ---- W2, W3: mailboxes

sub n_files {
	my ($glob) = @_;
	my $n = 0;
	for my $dir (glob $glob) {
		opendir my $d, $dir or next;
		$n += grep !/^\./, readdir $d;
	}
	return $n;
}

# arrived TARGET COUNT GLOB SEND - seconds from SEND's begin until so many
# files are there; undef: not within 40
sub arrived {
	my ($target, $count, $glob, $send) = @_;
	my $begun = time;
	$send->();
	$glob = Peers::boxes($target) . $glob;
	return undef unless Stage::wait_until(40,
		sub { n_files($glob) >= $count }, 0.01);
	return time - $begun;
}

# arrived_in_each - the same, until each of the directories that are there has
# got a file more; asks one that lacks its own, not a thousand every time
sub arrived_in_each {
	my ($target, $glob, $send) = @_;
	my @lacking = map { [$_, n_files($_)] } glob Peers::boxes($target) . $glob;
	my $begun = time;
	$send->();
	return undef unless Stage::wait_until(40, sub {
		shift @lacking while @lacking &&
			n_files($lacking[0][0]) > $lacking[0][1];
		return !@lacking;
	}, 0.005);
	return time - $begun;
}

sub w2 {
	my @doors = ([qw(postfix smtp 5000)], [qw(quail qmtp 5000)],
		[qw(opensmtpd smtp 2000)], [qw(quail smtp 5000)],
		[qw(exim smtp 1000)]);
	for (1 .. $rounds) {
		for my $door (@doors) {
			my ($target, $protocol, $many) = @$door;
			with($target, 'deliver', 'w2', sub {
				my $cpu = Stage::cpu_us($target);
				my $took = arrived($target, $many, '/box/new',
				    sub { load($target, $protocol, '-m', $many,
					'-s', 50, '-t', 'box@box.test') });
				figure('w2', 'one-maildir', "$target-$protocol",
					per_second => $took ? $many / $took : 0,
					cpu_us => (Stage::cpu_us($target) - $cpu)
						/ $many);
			});
		}
	}
	return;
}

sub fan_out {
	my ($target, $protocol, $round) = @_;
	my $send = sub { load($target, $protocol, '-m', 1, '-r', 1024, '-t',
		'u@box.test') };
	# the first makes the Maildirs
	arrived($target, 1024, '/*/new', $send) or return;
	for (1 .. $target eq 'exim' ? 1 : 3) { # one is over in the blink of an eye
		my $took = arrived_in_each($target, '/*/new', $send);
		figure('w3', '1024-maildirs', "$target-$protocol",
			per_second => $took ? 1024 / $took : 0);
	}
	return;
}

# Until the queue is empty again: each is asked every 5 ms.
sub thrown_away {
	my ($target, $protocol, $case, $many, $rcpts) = @_;
	my $begun = time;
	load($target, $protocol, '-m', $many, '-r', $rcpts, '-s',
		$many > 50 ? 50 : 1, '-t', 'u@null.test');
	Stage::wait_until(60, sub { !Peers::queued($target) }, 0.005);
	figure('w3', $case, "$target-$protocol",
		per_second => $many * $rcpts / (time - $begun));
	return;
}

sub w3 {
	for (1 .. $rounds) {
		for ([qw(postfix smtp)], [qw(quail qmtp)], [qw(exim smtp)],
			[qw(quail smtp)]) {
			my ($target, $protocol) = @$_;
			with($target, 'deliver', 'w3', sub {
				fan_out($target, $protocol);
				thrown_away($target, $protocol,
					'8192-thrown-away', 10, 8192)
					unless $protocol eq 'smtp' &&
					$target eq 'quail';
				thrown_away($target, $protocol,
					'separate-messages',
					$target eq 'exim' ? 500 : 5000, 1);
			});
		}
	}
	return;
}

# ---- W4: relay to a sink that keeps nothing

sub relay {
	my ($target, $in, $to, $many) = @_;
	my ($protocol, $port) = $to eq 'qmtp' ? ('qmtp', 2209) : ('smtp', 2500);
	with($target, $to eq 'qmtp' ? 'deliver' : 'deliver-smtp', 'w4', sub {
		my $sink = fork // die "fork: $!\n";
		if (!$sink) {
			open STDOUT, '>', '/dev/null';
			exec "$ENV{BUILD}/tests/quail-sink", '-m', $many,
				$protocol, "127.0.0.1:$port"
				or POSIX::_exit(127);
		}
		Stage::wait_until(5, sub { Stage::port_answers($port) });
		my ($cpu, $begun) = (Stage::cpu_us($target), time);
		load($target, $in, '-m', $many, '-s', 50);
		my $done = Stage::wait_until(60, sub {
			waitpid($sink, POSIX::WNOHANG()) == $sink }, 0.005);
		my $took = time - $begun;
		kill 'KILL', $sink unless $done;
		waitpid $sink, 0 unless $done;
		my ($pss, $n) = Stage::pss_kib($target);
		figure('w4', "to-$to", "$target-$in",
			per_second => $done ? $many / $took : 0,
			cpu_us => (Stage::cpu_us($target) - $cpu) / $many,
			pss_mib => $pss / 1024, processes => $n);
	});
	return;
}

sub w4 {
	for (1 .. $rounds) {
		relay('postfix', 'smtp', 'smtp', 3000);
		relay('quail', 'qmtp', 'qmtp', 20000);
		relay('postfix', 'qmqp', 'smtp', 3000);
		relay('quail', 'qmqp', 'smtp', 10000);
		relay('exim', 'smtp', 'smtp', 500);
		relay('quail', 'smtp', 'smtp', 10000);
	}
	return;
}

# ---- W5: one submission from exec to exit

sub submission {
	my ($target, $name, @command) = @_;
	my $n = $quick ? 50 : 200;
	my %v = map { /^(\w+)=(-?\d+)/ ? ($1, $2) : () } split ' ',
		`@command` =~ s/.*?(?=runs=)//sr;
	return print "w5 $name: cannot run\n" unless $v{runs};
	figure('w5', 'exec-to-exit', $name, ms => $v{median_us} / 1000,
		p90_ms => $v{p90_us} / 1000, rss_kib => $v{rss_kib},
		($v{failed} ? (failed => $v{failed}) : ()));
	return;
}

my $one = "From: a\@peer.test\nTo: x\@out.test\nSubject: one\n\nhello\n";

# in_root NAME COMMAND... - as its users would, in its own root
sub in_root {
	my ($name, $runs, @command) = @_;
	my $root = "$stage/roots/$name";
	Stage::write_file("$root/etc/one", $one);
	Stage::write_file("$root/etc/ld.so.preload", '');
	return submission($name, $name, 'chroot', $root, '/etc/spawn', $runs,
		'/etc/one', @command, "2>>$stage/log/w5");
}

sub queue_only_peers {
	my $n = $quick ? 50 : 200;
	if (Peers::have('dma')) {
		my $r = "$stage/roots/dma";
		Peers::owned('mail', 0770, "$r/var/spool/dma");
		Stage::write_file("$r/etc/dma/dma.conf", "DEFER\n" .
			"SMARTHOST 127.0.0.1\nMAILNAME peer.test\n");
		in_root('dma', $n, '/usr/sbin/dma', '-t');
	}
	if (Peers::have('nullmailer')) {
		my $r = "$stage/roots/nullmailer";
		Peers::owned('mail', 0755, map "$r/var/spool/nullmailer/$_",
			qw(queue tmp failed));
		system 'mkfifo', "$r/var/spool/nullmailer/trigger";
		Stage::write_file("$r/etc/nullmailer/me", "peer.test\n");
		in_root('nullmailer', $n, '/usr/sbin/sendmail', '-t');
	}
	return;
}

sub w5 {
	Stage::flushes(undef);
	my $n = $quick ? 50 : 200;
	submission('spawn', 'bin-true',
		"$ENV{BUILD}/tests/spawn $n /dev/null /bin/true");
	for (1 .. ($quick ? 1 : 3)) {
		queue_only_peers();
		with('postfix', 'hold', 'w5', sub {
			in_root('postfix', $n, '/usr/sbin/sendmail', '-t') });
		with('quail', 'hold', 'w5', sub { leaves($n) });
	}
	return;
}

# Against quail's own hub, whose K is durable.
sub leaves {
	my ($n) = @_;
	my $leaf = "$stage/work/leaf";
	mkdir $leaf;
	Stage::write_file("$leaf/me", "leaf.test\n");
	Stage::write_file("$leaf/qmqpservers", "127.0.0.1:628\n");
	Stage::write_file("$leaf/one", $one);
	system("$ENV{BIN}/quail build $leaf >/dev/null") == 0
		or return print "w5: the leaf's tables do not compile\n";
	my %bin = (quail => "$ENV{BIN}/sendmail",
		'quail-static' => "$leaf/sendmail");
	unlink $bin{'quail-static'};
	symlink "$ENV{BUILD}/leaf/qmqpc", $bin{'quail-static'};
	for (sort keys %bin) {
		next unless -x $bin{$_};
		submission('quail', $_, "QUAIL_DIR=$leaf",
			"$ENV{BUILD}/tests/spawn $n $leaf/one $bin{$_} -t",
			"2>>$stage/log/w5");
	}
	if (Peers::have('msmtp')) {
		in_root('msmtp', $quick ? 20 : 50, '/usr/bin/msmtp',
			'--host=127.0.0.1', '--from=a@peer.test', '-t');
	}
	return;
}

# ---- W6: many are queued already

sub w6 {
	my $many = $quick ? 30_000 : 100_000;
	Stage::flushes(undef);
	with('quail', 'hold', 'w6', sub {
		my @flood = ('-s', 8, '-w', 64, '-b', 1000);
		load('quail', 'qmtp', @flood, '-m', 5000);
		my $probe = sub {
			my ($case) = @_;
			for (1 .. 3) {
				my $v = load('quail', 'qmtp', @flood, '-m',
					30_000, '-t', 'a@null.test');
				figure('w6', $case, 'quail-qmtp', sent($v));
			}
		};
		$probe->('accept-empty');
		load('quail', 'qmtp', @flood, '-m', $many);
		sleep 2;
		$probe->("accept-beside-$many");
		Stage::stop('quail');
		for (1 .. 3) {
			my $begun = time;
			Stage::start('quail', [209], "$ENV{BIN}/quail", 'run',
				"$stage/work/quail") or die "no restart\n";
			load('quail', 'qmtp', '-m', 1);
			figure('w6', 'restart-to-first-k', 'quail-qmtp',
				ms => (time - $begun) * 1000);
			Stage::stop('quail');
		}
	});
	behind('quail', 'qmtp', 66_000) for 1 .. 3;
	behind('postfix', 'smtp', 66_000) unless $quick;
	return;
}

# One message to a Maildir behind many for a next hop that answers nothing
sub behind {
	my ($target, $protocol, $many) = @_;
	with($target, 'deliver-smtp', 'w6', sub {
		load($target, $protocol, '-s', 50, '-b', 1000, '-m', $many);
		my $took = arrived($target, 1, '/box/new', sub {
			load($target, $protocol, '-m', 1, '-t',
				'box@box.test') });
		figure('w6', "fresh-behind-$many", "$target-$protocol",
			ms => defined $took ? $took * 1000 : 40_000);
	});
	return;
}

# ---- W7: flushes and system calls a message

sub w7 {
	Stage::flushes(0);
	for my $door (@doors) {
		my ($target, $protocol) = @$door;
		with($target, 'hold', 'w7', sub {
			load($target, $protocol, '-m', 200, '-s', 10);
			my $before = Stage::flush_count($target);
			my $v = load($target, $protocol, '-s', 50, '-m',
				$target eq 'quail' ? 20_000 : 4000);
			figure('w7', 'flushes', "$target-$protocol",
				flushes => (Stage::flush_count($target) -
				$before) / ($v->{k} || 1));
		});
	}
	Stage::flushes(undef);
	for my $door (@doors) {
		my ($target, $protocol) = @$door;
		with($target, 'hold', 'w7',
			sub { system_calls($target, $protocol) });
	}
	return;
}

# Counted by strace, which makes everything slower and so the batches larger.
sub system_calls {
	my ($target, $protocol) = @_;
	my $file = "$stage/work/strace";
	load($target, $protocol, '-m', 200, '-s', 10);
	my $pid = fork // die "fork: $!\n";
	if (!$pid) {
		open STDERR, '>', '/dev/null';
		my @pids = map { ('-p', $_) } Stage::pids($target);
		exec 'strace', '-f', '-c', '-o', $file, @pids
			or POSIX::_exit(127);
	}
	sleep 0.5;
	my $v = load($target, $protocol, '-s', 50, '-m',
		$target eq 'exim' ? 200 : 3000, '-D', 20);
	kill 'INT', $pid;
	waitpid $pid, 0;
	my ($calls) = Stage::read_file($file) =~
		/^100.00\s+\S+\s+\S+\s+(\d+).*total/m;
	system 'cp', $file, "$out/strace.$target-$protocol";
	return print "w7 $target: no strace\n" unless $calls;
	figure('w7', 'system-calls', "$target-$protocol",
		calls => $calls / ($v->{k} || 1));
	return;
}

# ---- W8: memory

sub w8 {
	Stage::flushes(undef);
	for ([qw(postfix smtp 100)], [qw(opensmtpd smtp 500)],
		[qw(exim smtp 100)], [qw(quail qmtp 1000)],
		[qw(quail qmqp 1000)], [qw(quail smtp 1000)]) {
		my ($target, $protocol, $many) = @$_;
		with($target, 'hold', 'w8', sub {
			load($target, $protocol, '-m', 100, '-s', 1);
			sleep 2;
			idle($target, $protocol, $many);
		});
	}
	return;
}

sub idle {
	my ($target, $protocol, $many) = @_;
	my ($before, $n) = Stage::pss_kib($target);
	my @held = map { Stage::port_answers($Peers::port{$target}{$protocol}) }
		1 .. $many;
	my $open = grep defined, @held;
	if ($protocol eq 'smtp') {
		$_->sysread(my $greeting, 512) for grep defined, @held;
	}
	sleep 1;
	my ($after) = Stage::pss_kib($target);
	figure('w8', 'idle', "$target-$protocol", pss_mib => $before / 1024,
		processes => $n, session_kib => ($after - $before) /
		($open || 1), sessions => $open);
	return;
}

# ---- all of them

my %work = (disk => \&disk, w1 => \&w1, w1slow => \&w1slow, w2 => \&w2,
	w3 => \&w3, w4 => \&w4, w5 => \&w5, w6 => \&w6, w7 => \&w7, w8 => \&w8);
my @order = qw(disk w1 w1slow w7 w8 w4 w2 w3 w5 w6);

@works = @order unless @works;
Stage::begin($stage, $ENV{BUILD}, $ENV{BIN}, $peers);
Stage::flushes(undef);
my $begun = time;
for my $w (@works) {
	die "bench: no work $w\n" unless $work{$w};
	my $at = time;
	$work{$w}->();
	printf "# %s took %.0f s\n", $w, time - $at;
}
Stage::end();
close $figures;
Report::write_report("$out/figures", "$out/report.md", $stage, $peers,
	time - $begun);
exit 0;
