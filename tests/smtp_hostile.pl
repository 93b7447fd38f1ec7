#!/usr/bin/perl
# smtp_hostile.pl AGENT-SOCKET PORT SCRIPTS SEED - a queue and its next hops
#
# Plays both sides of smtp-gateway out: the queue at AGENT-SOCKET, and an SMTP
# server at every address of 127.0.0.0/8, each of which answers by a script of
# its own: a wrong code, a line too many, in pieces or at once, closed, at any
# step. The server keeps a ledger of what it has taken: it said 354 to DATA,
# got the text up to the dot, and its answer to that was 2xx. At the end both
# sides must agree: K only for what was taken, D never for that.
#
# Then storms: next hops that end each connection in a way of their own, with
# 60 messages for each of them, which are given again when they are deferred.
#
# Prints the Test Anything Protocol.
use strict;
use warnings;
use IO::Select;
use Socket;
use Time::HiRes "time";

my ($path, $port, $scripts, $seed) = @ARGV;
my $parallel = 150;
$SIG{PIPE} = "IGNORE";
$| = 1;
srand $seed;

my ($tests, $failed) = (0, 0);
sub ok {
	my ($good, $what) = @_;
	$tests++;
	$failed++ unless $good;
	print $good ? "" : "not ", "ok $tests - $what\n";
}

sub pick { $_[rand @_] }

# scripts: step => what is said there

my @steps = qw(greet ehlo mail rcpt0 rcpt1 rcpt2 data text rset);
my @codes = (220, 250, 251, 354, 421, 450, 451, 452, 500, 503, 530, 550, 552,
    554);
my %usual = (greet => 220, data => 354);

# One code that is not the usual one; one reply that nobody asked for; a way
# to say it. Two things cannot be told from the truth by anybody: a reply that
# nobody asked for and that is said while the text is on its way, so that it
# arrives behind it; and 250 to DATA behind a 354 that nobody had asked for.
# The first is found out when it happens, and that script does not count.
sub script {
	my %s = (pipelining => rand() < .6, cut => rand() < .3,
	    multi => rand() < .2, rcpts => 1 + int rand 3, says => {});
	if (rand() < .6) {
		$s{odd} = pick(@steps);
		$s{says}{$s{odd}} = pick(@codes);
	}
	if (rand() < .6) {
		$s{where} = pick(@steps);
		$s{extra} = pick(@codes, "junk");
		$s{order} = pick("before", "behind", "behind", "late");
		delete $s{where} if $s{extra} eq "354" &&
		    ($s{order} eq "late" || ($s{odd} // "") eq "data");
	}
	$s{closes} = pick(@steps) if rand() < .1;
	$s{halfway} = rand() < .05;	# closes in the middle of the text
	return \%s;
}

# the next hops

my $listener;
socket $listener, PF_INET, SOCK_STREAM, 0 or die "socket: $!\n";
setsockopt $listener, SOL_SOCKET, SO_REUSEADDR, 1;
bind $listener, pack_sockaddr_in($port, INADDR_ANY) or die "bind: $!\n";
listen $listener, 1000 or die "listen: $!\n";

my (%script_of, %conns, %n_conns, %taken, %unclear, @later, %offered_to);
my $select = IO::Select->new($listener);

sub hang_up {
	my $c = shift;
	$select->remove($c->{fh});
	delete $conns{fileno $c->{fh}};
	close $c->{fh};
	$c->{gone} = 1;
}

sub put {
	my ($c, $bytes) = @_;
	return if $c->{gone};
	syswrite $c->{fh}, $_ for $c->{script}{cut} ?
	    $bytes =~ /.{1,5}/gs : $bytes;
}

sub reply {
	my ($code, $step, $s) = @_;
	return "junk without a code\r\n" if $code eq "junk";
	return "$code-$step\r\n$code-PIPELINING\r\n$code 8BITMIME\r\n"
	    if $step eq "ehlo" && $s->{pipelining};
	return $s->{multi} ? "$code-2.0.0 $step\r\n$code $step\r\n" :
	    "$code $step\r\n";
}

# say CONNECTION, STEP - what the script has for it; returns its code
sub say_step {
	my ($c, $step) = @_;
	my $s = $c->{script};
	my $code = $s->{says}{$step} // $usual{$step} // 250;
	my $bytes = reply($code, $step, $s);
	if (($s->{where} // "") eq $step) {
		my $extra = reply($s->{extra}, "nobody asked", $s);
		if ($s->{order} eq "late") {
			push @later, [time + .02, $c, $extra];
		} else {
			$bytes = $s->{order} eq "before" ? $extra . $bytes :
			    $bytes . $extra;
			$code = $s->{extra} if $s->{order} eq "before" &&
			    $step eq "text";
			$c->{first} = $code;
		}
	}
	$unclear{$c->{address}} = 1
	    if $step eq "data" && ($s->{where} // "") eq "data" && $s->{cut};
	put($c, $bytes);
	hang_up($c) if ($s->{closes} // "") eq $step || $code eq "421";
	return $code;
}

sub new_mail {
	my $c = shift;
	$c->{good} = [];
	$c->{n_rcpts} = 0;
}

sub command {
	my ($c, $line) = @_;
	my $s = $c->{script};
	if ($line =~ /\A(EHLO|HELO)/) {
		say_step($c, "ehlo");
	} elsif ($line =~ /\AMAIL FROM:<(.*?)@/) {
		new_mail($c);
		$offered_to{$1 . "\@d.test"}++; # storms name the sender so
		$c->{mails}++;
		return hang_up($c) if $s->{storm} && storm($c, "mail");
		$c->{mail} = say_step($c, "mail") =~ /\A2/;
	} elsif ($line =~ /\ARCPT TO:<(.*)>/) {
		my ($rcpt, $n) = ($1, $c->{n_rcpts}++);
		$offered_to{$rcpt}++;
		push @{$c->{good}}, $rcpt if say_step($c, "rcpt$n") =~ /\A2/;
	} elsif ($line =~ /\ADATA/) {
		if (!$c->{mail} || !@{$c->{good}}) {
			put($c, "503 data\r\n");
			return;
		}
		$c->{text} = say_step($c, "data") =~ /\A3/;
	} elsif ($line =~ /\ARSET/) {
		say_step($c, "rset");
	} elsif ($line =~ /\AQUIT/) {
		put($c, "221 bye\r\n");
		hang_up($c);
	} else {
		put($c, "500 what\r\n");
	}
}

sub text_line {
	my ($c, $line) = @_;
	my $s = $c->{script};
	return hang_up($c) if $s->{halfway};
	return if $line ne ".\r\n";
	$c->{text} = 0;
	return hang_up($c) if $s->{storm} && storm($c, "text");
	my $code = say_step($c, "text");
	if ($code =~ /\A2/) {
		$taken{$_}++ for @{$c->{good}};
	}
}

sub hear {
	my $c = shift;
	my $n = sysread $c->{fh}, $c->{in}, 65536, length $c->{in};
	return hang_up($c) unless $n;
	while (!$c->{gone} && $c->{in} =~ s/\A(.*\n)//) {
		my $line = $1;
		$c->{text} ? text_line($c, $line) : command($c, $line);
	}
}

sub welcome {
	my $addr = accept my $fh, $listener or return;
	my (undef, $to) = unpack_sockaddr_in(getsockname $fh);
	my $address = inet_ntoa($to);
	my $c = {fh => $fh, in => "", address => $address, text => 0,
	    script => $script_of{$address} // {says => {}}};
	setsockopt $fh, getprotobyname("tcp"), 1, 1;
	$n_conns{$address}++;
	new_mail($c);
	$conns{fileno $fh} = $c;
	$select->add($fh);
	return hang_up($c) if ($c->{script}{storm} // "") eq "at once";
	say_step($c, "greet");
}

# storms: true - hang up here
sub storm {
	my ($c, $at) = @_;
	my $how = $c->{script}{storm};
	if ($how eq "mail" || $how eq "text") {
		return $how eq $at;
	}
	if ($at eq "mail" && ($how eq "421" ||
	    ($how eq "421 second" && $c->{mails} > 1))) {
		put($c, "421 4.3.2 enough\r\n");
		return 1;
	}
	return 0;
}

# the queue

my ($queue_listener, $agent, $agent_in, $credit) = (undef, undef, "", "");
unlink $path;
socket $queue_listener, PF_UNIX, SOCK_STREAM, 0 or die "socket: $!\n";
bind $queue_listener, pack_sockaddr_un($path) or die "bind $path: $!\n";
listen $queue_listener, 5;
$select->add($queue_listener);

my ($n_jobs, %jobs, %verdicts, %letters, %unheard) = (0);

sub frame {
	my ($type, $id, $rest) = @_;
	my $f = sprintf "%s%016x%s", $type, $id, $rest;
	return length($f) . ":$f,";
}

sub give {
	my ($address, $try, @rcpts) = @_;
	my $id = ++$n_jobs;
	my $text = "Subject: $id\n\n" . "x" x int(rand 3000) . "\n";
	$jobs{$id} = {address => $address, rcpts => [@rcpts], n => 0,
	    try => $try};
	my $out = join "", frame("O", $id, ""),
	    frame("P", $id, sprintf "id=%016x", $id),
	    frame("P", $id, "size=" . length $text),
	    frame("P", $id, "try=$try"),
	    frame("P", $id, "nexthop=smtp:$address:$port"),
	    frame("S", $id, ($rcpts[0] =~ /\A(s.*)@/ ? $1 : "s") . '@a.test'),
	    map(frame("R", $id, $_), @rcpts),
	    frame("C", $id, ""), frame("T", $id, $text);
	while (length $out) {
		my $n = syswrite $agent, $out;
		die "the agent has gone\n" unless $n;
		substr $out, 0, $n, "";
	}
}

sub verdict {
	my ($id, $letter, $text) = @_;
	my $job = $jobs{$id} or die "a verdict for no job\n";
	my $rcpt = $job->{rcpts}[$job->{n}++];
	push @{$verdicts{$rcpt}}, $letter;
	$letters{$job->{address}}{$letter}++;
	$offered_to{$rcpt} or $letter eq "U" or $unheard{$rcpt} = $letter;
	$job->{again} = 1 if $letter =~ /[ZHLU]/;
	$job->{text} = $text;
	return if $job->{n} < @{$job->{rcpts}};
	delete $jobs{$id};
	main::over($job);
}

sub hear_agent {
	my $n = sysread $agent, $agent_in, 1 << 18, length $agent_in;
	die "the agent has gone\n" unless $n;
	while ($agent_in =~ /\A(\d+):/) {
		my ($all, $head) = ($1, length($1) + 1);
		last if length $agent_in < $head + $all + 1;
		my $f = substr $agent_in, $head, $all;
		substr $agent_in, 0, $head + $all + 1, "";
		my ($type, $id, $rest) = unpack "a1 a16 a*", $f;
		verdict(hex $id, substr($rest, 0, 1), substr $rest, 1)
		    if $type eq "V";
	}
}

sub serve {
	my $until = shift;
	while (!$until->()) {
		for my $fh ($select->can_read(.01)) {
			if ($fh == $listener) {
				welcome();
			} elsif ($fh == $queue_listener) {
				accept $agent, $queue_listener;
				$select->add($agent);
			} elsif ($agent && $fh == $agent) {
				hear_agent();
			} elsif (my $c = $conns{fileno($fh) // -1}) {
				hear($c);
			}
		}
		while (@later && $later[0][0] <= time) {
			my (undef, $c, $bytes) = @{shift @later};
			$unclear{$c->{address}} = 1 if $c->{text};
			put($c, $bytes);
		}
	}
}

# first part: the ledger

my ($given, $open, %address_of) = (0, 0);
my $over_ledger = sub { $open-- };
our $over = $over_ledger;
sub over { $over->(@_) }

sub address {
	my $n = shift;
	return join ".", 127, 1 + int($n / 62500), 1 + int($n / 250) % 250,
	    1 + $n % 250;
}

serve(sub { $agent });
my ($begin, $stuck) = (time, time + 300);
serve(sub {
	while ($given < $scripts && $open < $parallel) {
		my $a = address($given);
		my $s = $script_of{$a} = script();
		my @rcpts = map "r$given-$_\@d.test", 0 .. $s->{rcpts} - 1;
		$address_of{$_} = $a for @rcpts;
		give($a, 1, @rcpts);
		$given++;
		$open++;
	}
	return ($given == $scripts && $open == 0) || time > $stuck;
});
my $took = time - $begin;
ok($open == 0, sprintf "%d scripts, every recipient has a verdict (%.1f s)",
    $given, $took);

sub show {
	my $rcpt = shift;
	my $s = $script_of{$address_of{$rcpt}};
	print "# $rcpt: told @{$verdicts{$rcpt}}, taken ",
	    $taken{$rcpt} // 0, ": ", join(" ", map { "$_=" .
	    (ref $s->{$_} ? join(",", %{$s->{$_}}) : $s->{$_} // "") }
	    sort keys %$s), "\n";
}

my (%sum, @false_k, @false_d, @twice);
for my $rcpt (keys %verdicts) {
	my ($letter, @more) = @{$verdicts{$rcpt}};
	$sum{$letter}++;
	push @twice, $rcpt if @more;
	next if $unclear{$address_of{$rcpt}};
	push @false_k, $rcpt if $letter eq "K" && !$taken{$rcpt};
	push @false_d, $rcpt if $letter eq "D" && $taken{$rcpt};
}
show($_) for grep { defined } (sort @false_k, @false_d)[0 .. 9];
ok(!@twice, "one verdict for each recipient");
ok(!@false_k, "K only for what was taken: " . @false_k . " are not");
ok(!@false_d, "D for nothing that was taken: " . @false_d . " are");
ok($sum{K} && $sum{D} && $sum{K} > $scripts / 10 &&
    keys(%unclear) < $scripts / 25, join(", ", map("$_ $sum{$_}",
    sort keys %sum), "unclear scripts " . keys %unclear));
my @many = grep $n_conns{$_} > 4, keys %n_conns;
ok(!@many, "a message for three makes four connections at most");

# second part: storms

my @storms = (
	["nothing, and hangs up", {storm => "at once", says => {}}],
	["421 for a greeting", {says => {greet => 421}}],
	["421 behind the reply to EHLO", {says => {}, where => "ehlo",
	    extra => 421, order => "behind"}],
	["250 behind the reply to EHLO", {says => {}, where => "ehlo",
	    extra => 250, order => "behind"}],
	["hangs up behind EHLO", {says => {}, closes => "ehlo"}],
	["hangs up at MAIL", {says => {}, storm => "mail"}],
	["421 to MAIL", {says => {}, storm => "421"}],
	["hangs up behind the text", {says => {}, storm => "text"}],
	["250 to DATA", {says => {data => 250}}],
	["421 to the second MAIL", {says => {}, storm => "421 second"}],
);
my ($seconds, $n_storm) = (5, 0);
my (%told, $end);
$over = sub {
	my $job = shift;
	$told{$job->{address}}++ if $job->{again};
	return if !$job->{again} || time > $end;
	# a queue would wait longer
	push @main::again, [time + .2, $job];
};
%n_conns = ();
$end = time + $seconds;
for my $storm (@storms) {
	my $a = "127.9.9." . ++$n_storm;
	$script_of{$a} = $storm->[1];
	give($a, 1, "s$n_storm-$_\@d.test") for 1 .. 60;
}
serve(sub {
	while (@main::again && $main::again[0][0] <= time) {
		my $job = (shift @main::again)->[1];
		give($job->{address}, 1, @{$job->{rcpts}});
	}
	return time > $end;
});
for my $n (1 .. $n_storm) {
	my $a = "127.9.9.$n";
	my ($conns, $told) = ($n_conns{$a} // 0, $told{$a} // 0);
	my $k = grep { ($verdicts{$_}[-1] // "") eq "K" }
	    map "s$n-$_\@d.test", 1 .. 60;
	# that one takes mail: it may have 20, and 10 a second
	my $most = $storms[$n - 1][1]{storm} &&
	    $storms[$n - 1][1]{storm} eq "421 second" ? 70 : 8;
	ok($conns <= $most && $conns > 0, sprintf
	    "%s: %d connections in %d s, %d deferrals, %d taken",
	    $storms[$n - 1][0], $conns, $seconds, $told, $k);
	ok($told > 0, "$storms[$n - 1][0]: there is a verdict");
	my $unheard = grep $unheard{$_}, map "s$n-$_\@d.test", 1 .. 60;
	# MAIL was said there, into a connection that had been closed
	my $closed = $storms[$n - 1][1]{closes} ? $conns : 0;
	ok($unheard <= $closed, "... and only U for what was not offered: " .
	    join ", ", map "$_ $letters{$a}{$_}", sort keys %{$letters{$a}});
	ok($k == 60, "and all mail goes") if $most == 70;
}
print "1..$tests\n";
exit($failed ? 1 : 0);
