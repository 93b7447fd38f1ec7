# Report.pm - medians, spreads and ratios from bench.pl's figures, as Markdown
#
# The text stands between two marks, so that it can be put into a page that
# has more (write_report's REPORT): what is between them there is replaced.
package Report;

use strict;
use warnings;
use List::Util qw(max min);
use Stage;

my ($mark_begin, $mark_end) = ('<!-- make bench: begin -->',
	'<!-- make bench: end -->');
my (%figures, @order);

sub read_figures {
	my ($path) = @_;
	for (split /\n/, Stage::read_file($path)) {
		my ($work, $case, $target, @pairs) = split ' ';
		my %v = map { split /=/ } @pairs;
		push @order, [$work, $case, $target]
			unless $figures{$work}{$case}{$target};
		push @{$figures{$work}{$case}{$target}}, \%v;
	}
	return;
}

# values_of WORK CASE TARGET KEY - sorted
sub values_of {
	my ($work, $case, $target, $key) = @_;
	my $runs = $figures{$work}{$case}{$target} // [];
	return sort { $a <=> $b } grep defined, map $_->{$key}, @$runs;
}

sub median {
	my @v = values_of(@_) or return undef;
	return @v % 2 ? $v[@v / 2] : ($v[@v / 2 - 1] + $v[@v / 2]) / 2;
}

sub number {
	my ($x) = @_;
	return '' unless defined $x;
	return sprintf '%.3f', $x if $x < 1;
	return sprintf '%.2f', $x if $x < 10;
	return sprintf '%.1f', $x if $x < 100;
	my $n = sprintf '%.0f', $x;
	1 while $n =~ s/^(\d+)(\d{3})/$1,$2/;
	return $n;
}

sub spread {
	my @v = values_of(@_);
	return '' unless @v > 1;
	return number($v[0]) . '-' . number($v[-1]);
}

# ---- the tables

my %title = (
	disk => 'What the disk allows',
	w1 => 'W1: accept and queue durably, delivery held',
	w1slow => 'W1 on a slow disk: every flush takes 5 ms more',
	w2 => 'W2: into one Maildir, until the last file is in new/',
	w3 => 'W3: many mailboxes, many recipients, many messages',
	w4 => 'W4: relay to a sink',
	w5 => 'W5: one submission, from exec to exit',
	w6 => 'W6: many are queued already',
	w7 => 'W7: flushes and system calls a message, at 50 sessions',
	w8 => 'W8: memory, idle and with idle sessions',
);

my @columns = (
	[per_second => 'a second'], [cpu_us => 'CPU us a message'],
	[ms => 'ms'], [p50_ms => 'p50 ms'], [p99_ms => 'p99 ms'],
	[max_ms => 'max ms'], [p90_ms => 'p90 ms'],
	[flushes => 'flushes'], [calls => 'system calls'],
	[processes => 'processes'], [pss_mib => 'PSS MiB'],
	[session_kib => 'KiB a session'], [rss_kib => 'peak KiB'],
);

sub work_table {
	my ($work) = @_;
	my @rows = grep { $_->[0] eq $work } @order or return '';
	my @shown = grep { my $k = $_->[0];
		grep defined median(@$_, $k), @rows } @columns;
	my @heads = map { $_->[0] =~ /^(per_second|ms)$/
		? ($_->[1], 'least-most') : $_->[1] } @shown;
	my $text = "\n### $title{$work}\n\n| case | who | " .
		join(' | ', @heads) . " |\n|---|---|" . '---|' x @heads . "\n";
	my $case = '';
	for my $row (sort { by_case($a, $b, \@rows) } @rows) {
		my @cells = map { my $k = $_->[0];
			$k =~ /^(per_second|ms)$/
			? (number(median(@$row, $k)), spread(@$row, $k))
			: number(median(@$row, $k)) } @shown;
		$text .= '| ' . join(' | ',
			$row->[1] eq $case ? '' : $row->[1], $row->[2], @cells)
			. " |\n";
		$case = $row->[1];
	}
	return $text;
}

# by_case - cases in the order in which they first came
sub by_case {
	my ($x, $y, $rows) = @_;
	my %at;
	$at{$_->[1]} //= keys %at for @$rows;
	return $at{$x->[1]} <=> $at{$y->[1]};
}

# ---- the aims

sub best {
	my ($work, $case, $key, @targets) = @_;
	return max(grep defined, map median($work, $case, $_, $key), @targets);
}

sub ratio {
	my ($x, $y) = @_;
	return defined $x && $y ? $x / $y : undef;
}

sub rate { return median($_[0], $_[1], $_[2], 'per_second') }

# [what, aim, 'least' or 'most', what was reached]
sub aims_w1 {
	my @postfix = qw(postfix-smtp postfix-qmqp);
	my $many = best('w1', 's=50', 'per_second', @postfix);
	my $smtp = rate('w1', 's=50', 'quail-smtp');
	my $p50 = min(grep defined,
		map median('w1', 's=1', $_, 'p50_ms'), @postfix);
	my @aims = (
		['W1, 50 sessions, QMTP to Postfix\'s faster way', 25, 'least',
			ratio(rate('w1', 's=50,w=16', 'quail-qmtp'), $many)],
		['... QMQP to Postfix\'s qmqpd', 8, 'least',
			ratio(rate('w1', 's=50', 'quail-qmqp'),
			rate('w1', 's=50', 'postfix-qmqp'))],
		['... SMTP to Postfix\'s smtpd', 6, 'least',
			ratio($smtp, rate('w1', 's=50', 'postfix-smtp'))],
		['... SMTP to OpenSMTPD, which does not sync', 5, 'least',
			ratio($smtp, rate('w1', 's=50', 'opensmtpd-smtp'))]);
	my %cpu = (qmtp => ['s=50,w=16', 20], qmqp => ['s=50', 50],
		smtp => ['s=50', 60]);
	push @aims, ["CPU us a message, 50 sessions, \U$_", $cpu{$_}[1], 'most',
		median('w1', $cpu{$_}[0], "quail-$_", 'cpu_us')]
		for qw(qmtp qmqp smtp);
	push @aims, ["p50 of one session, \U$_\E, to Postfix's better", 1 / 3,
		'most', ratio(median('w1', 's=1', "quail-$_", 'p50_ms'), $p50)]
		for qw(qmtp qmqp smtp);
	push @aims, ['slow disk: one QMTP session, 64 in flight, to one of' .
		' Postfix', 40, 'least',
		ratio(rate('w1slow', 's=1,w=64', 'quail-qmtp'),
		rate('w1slow', 's=1', 'postfix-smtp'))];
	return @aims;
}

sub aims_delivery {
	my $relay = rate('w4', 'to-smtp', 'postfix-smtp');
	return (
		['W2: to Postfix\'s virtual', 6, 'least',
			ratio(best('w2', 'one-maildir', 'per_second',
			qw(quail-qmtp quail-smtp)),
			rate('w2', 'one-maildir', 'postfix-smtp'))],
		['W3: 1,024 Maildirs, to Postfix', 3.5, 'least',
			ratio(best('w3', '1024-maildirs', 'per_second',
			qw(quail-qmtp quail-smtp)),
			rate('w3', '1024-maildirs', 'postfix-smtp'))],
		['... thrown away, to Exim\'s :blackhole:', 2, 'least',
			ratio(rate('w3', '8192-thrown-away', 'quail-qmtp'),
			rate('w3', '8192-thrown-away', 'exim-smtp'))],
		['W4: QMTP to QMTP, to Postfix\'s SMTP to SMTP', 15, 'least',
			ratio(rate('w4', 'to-qmtp', 'quail-qmtp'), $relay)],
		['... QMQP to SMTP', 6, 'least',
			ratio(rate('w4', 'to-smtp', 'quail-qmqp'), $relay)],
	);
}

sub aims_rest {
	my ($beside) = grep /^accept-beside/, keys %{$figures{w6} // {}};
	my ($behind) = grep /^fresh-behind/, keys %{$figures{w6} // {}};
	my $leaf = median('w5', 'exec-to-exit', 'quail-static', 'ms') //
		median('w5', 'exec-to-exit', 'quail', 'ms');
	my @sessions = map median('w8', 'idle', "quail-$_", 'session_kib'),
		qw(qmtp qmqp smtp);
	return (
		['W5: the leaf with the hub\'s K, to dma\'s queueing', 0.4,
			'most', ratio($leaf,
			median('w5', 'exec-to-exit', 'dma', 'ms'))],
		['W6: rate beside many queued, to empty', 0.9, 'least',
			ratio(rate('w6', $beside // '', 'quail-qmtp'),
			rate('w6', 'accept-empty', 'quail-qmtp'))],
		['... ms from restart to the first K', 100, 'most',
			median('w6', 'restart-to-first-k', 'quail-qmtp', 'ms')],
		['... ms of a fresh message behind 66,000', 500, 'most',
			median('w6', $behind // '', 'quail-qmtp', 'ms')],
		['W7: flushes a message, QMTP', 1 / 12, 'most',
			median('w7', 'flushes', 'quail-qmtp', 'flushes')],
		['... QMQP', 1 / 12, 'most',
			median('w7', 'flushes', 'quail-qmqp', 'flushes')],
		['... SMTP', 1 / 12, 'most',
			median('w7', 'flushes', 'quail-smtp', 'flushes')],
		['W8: MiB of the idle hub, all processes', 8, 'most',
			median('w8', 'idle', 'quail-qmtp', 'pss_mib')],
		['... KiB of an idle session, the largest of the three', 4,
			'most', max(grep defined, @sessions)],
	);
}

sub aims_table {
	my $text = "\n### Aims\n\n| what | aim | reached | |\n|---|---|---|---|\n";
	for (aims_w1(), aims_delivery(), aims_rest()) {
		my ($what, $aim, $way, $got) = @$_;
		next unless defined $got;
		my $good = $way eq 'least' ? $got >= $aim : $got <= $aim;
		$text .= sprintf "| %s | at %s %s | **%s** | %s |\n", $what,
			$way, number($aim), number($got), $good ? 'yes' : 'no';
	}
	return $text;
}

# ---- the head

sub first_line {
	my ($text) = @_;
	return ($text // '') =~ /^(.*?)\s*$/m ? $1 =~ s/\s+/ /gr : '';
}

sub machine {
	my ($stage, $peers, $seconds) = @_;
	my ($cpu) = Stage::read_file('/proc/cpuinfo') =~ /^model name\s*: (.*)/m;
	my ($kib) = Stage::read_file('/proc/meminfo') =~ /^MemTotal:\s+(\d+)/m;
	my $fs = first_line(`findmnt -no FSTYPE,OPTIONS,SOURCE -T $stage/work`);
	my $journal = first_line(`dumpe2fs -h \$(findmnt -no SOURCE -T \\
	    $stage/work) 2>/dev/null | grep features`);
	my $versions = join ', ', map { chomp; $_ } map Stage::read_file($_),
		glob "$peers/*/version";
	$versions =~ s/\s*\n/, /g;
	return join "\n", "\nMachine: " . first_line(`nproc`) . " processors ("
		. ($cpu // 'unknown') . "), " . int($kib / 1048576 + 0.5) .
		" GiB, " . first_line(`uname -srm`) . '.  ',
		"File system: $fs; $journal.  ", "Peers: $versions.  ",
		sprintf('Taken in %.0f minutes by `make bench%s`.', $seconds /
		60, $ENV{QUICK} ? ' QUICK=1' : ''), '';
}

# put_into PAGE TEXT - between its marks, or at its end
sub put_into {
	my ($page, $text) = @_;
	my $old = Stage::read_file($page);
	$old =~ s/\Q$mark_begin\E.*\Q$mark_end\E\n?/$text/s
		or $old .= "\n$text";
	Stage::write_file($page, $old);
	return;
}

# write_report FIGURES FILE STAGE PEERS SECONDS - and into $REPORT, if set
sub write_report {
	my ($path, $file, $stage, $peers, $seconds) = @_;
	read_figures($path);
	my $text = join '', "$mark_begin\n", machine($stage, $peers, $seconds),
		aims_table(), map(work_table($_), qw(disk w1 w1slow w2 w3 w4 w5
		w6 w7 w8)), "$mark_end\n";
	Stage::write_file($file, $text);
	print aims_table();
	put_into($ENV{REPORT}, $text) if $ENV{REPORT};
	return;
}

1;
