#!/bin/sh
# sendmail_table.t - sendmail as real programs call it, and the envelope and
# header that must come out
#
# Each case: a line "== NAME", a line "$ ARGUMENTS", words or "words in quotes",
# the message on stdin, a line "--", the envelope (SENDER > RCPT RCPT ...),
# and the lines that the header must have besides Date, Message-ID and From,
# or have not ("! Bcc"). "%" stands for who calls. All messages end in the
# same text, which is not written down; nor is the empty line before it.
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/sendmail_table
rm -rf "$work"
mkdir -p "$work/cases" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

port=$(free_ports 1)
background perl "$here/qmqp_sink.pl" "$port" "$work/hub" 'Kok'
wait_for 20 port_answers "$port"
wait_for 20 has_count "$work/hub" 1
echo leaf.test | table leaf me
echo "127.0.0.1:$port" | table leaf qmqpservers
"$BIN/quail" build "$work/leaf" || exit 1
me=$(id -un)@leaf.test

cat >"$work/table" <<'T'
== cron of Debian
$ -i -FCronDaemon -B8BITMIME -oem root
From: root (Cron Daemon)
To: root
Subject: Cron <root@leaf> test -x /usr/sbin/anacron
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: 8bit
X-Cron-Env: <SHELL=/bin/sh>
--
%@leaf.test > root@leaf.test
To: root
X-Cron-Env: <SHELL=/bin/sh>
From: root (Cron Daemon)
== cronie
$ -FCronDaemon -i -odi -oem -oi -t -f root
From: "(Cron Daemon)" <root>
To: ops@example.org
Subject: Cron <root@leaf> run-parts
--
root@leaf.test > ops@example.org
From: "(Cron Daemon)" <root>
== cronie's other form
$ -FCronDaemon -odi -oem -oi -t
From: root
To: root
Subject: c
--
%@leaf.test > root@leaf.test
== systemd-cron
$ -i -B8BITMIME root
Date: Sat, 21 Nov 2026 20:40:11 +0000
From: root (systemd-cron)
To: root
Subject: [leaf] job failed
Auto-Submitted: auto-generated
--
%@leaf.test > root@leaf.test
Date: Sat, 21 Nov 2026 20:40:11 +0000
Auto-Submitted: auto-generated
== anacron
$ -FAnacron -odi root
To: root
Subject: Anacron job 'cron.daily' on leaf
--
%@leaf.test > root@leaf.test
From: "Anacron" <%@leaf.test>
== atd
$ root root
Subject: Output from your job        7
To: root
--
%@leaf.test > root@leaf.test
== PHP's mail()
$ -t -i
To: user@example.org
Subject: Welcome
X-PHP-Originating-Script: 33:index.php
From: shop@example.com
Reply-To: shop@example.com
--
%@leaf.test > user@example.org
From: shop@example.com
X-PHP-Originating-Script: 33:index.php
== PHP's mail() with -f as its fifth argument
$ -t -i -fbounces@example.com
To: user@example.org, other@example.org
Subject: Welcome
From: Shop <shop@example.com>
--
bounces@example.com > user@example.org other@example.org
From: Shop <shop@example.com>
== PHPMailer
$ -oi -fshop@example.com -t
Date: Sat, 21 Nov 2026 20:40:11 +0000
To: A User <user@example.org>
From: Shop <shop@example.com>
Bcc: audit@example.com
Subject: Order
Message-ID: <abc@shop.example.com>
X-Mailer: PHPMailer
MIME-Version: 1.0
--
shop@example.com > user@example.org audit@example.com
Message-ID: <abc@shop.example.com>
! Bcc
== Symfony Mailer
$ -t -i -fshop@example.com
From: shop@example.com
To: user@example.org
Subject: s
Message-ID: <x@example.com>
MIME-Version: 1.0
Date: Sat, 21 Nov 2026 20:40:11 +0000
--
shop@example.com > user@example.org
== Swift Mailer
$ -oi -t -f shop@example.com
From: shop@example.com
To: user@example.org
Cc: second@example.org
Subject: s
--
shop@example.com > user@example.org second@example.org
== WordPress, its sender spoilt
$ -t -i -f wordpress@leaf.test
To: user@example.org
Subject: [Blog] Please moderate
From: WordPress <wordpress@leaf.test>
Content-Type: text/plain; charset=UTF-8
--
wordpress@leaf.test > user@example.org
== Drupal
$ -t -i -f site@example.com
To: user@example.org
Subject: s
Sender: site@example.com
Return-Path: site@example.com
From: site@example.com
--
site@example.com > user@example.org
Sender: site@example.com
! Return-Path
== git send-email
$ -i -f dev@example.org list@kernel.test maint@kernel.test
From: Dev <dev@example.org>
To: list@kernel.test
Cc: maint@kernel.test
Subject: [PATCH 1/2] x
Date: Sat, 21 Nov 2026 20:40:11 +0000
Message-Id: <20261121204011.1-2-dev@example.org>
X-Mailer: git-send-email 2.39.5
In-Reply-To: <20261121204011.1-1-dev@example.org>
--
dev@example.org > list@kernel.test maint@kernel.test
Message-Id: <20261121204011.1-2-dev@example.org>
In-Reply-To: <20261121204011.1-1-dev@example.org>
== git send-email without an envelope sender
$ -i list@kernel.test
From: Dev <dev@example.org>
To: list@kernel.test
Subject: [PATCH] x
--
%@leaf.test > list@kernel.test
== git's post-receive-email
$ -t -f hooks@git.test
To: commits@git.test
Subject: [SCM] x branch, master, updated.
X-Git-Refname: refs/heads/master
X-Git-Oldrev: 0000
--
hooks@git.test > commits@git.test
X-Git-Refname: refs/heads/master
== mdadm
$ -t
From: mdadm monitoring <root>
To: root
Subject: DegradedArray event on /dev/md0:leaf
X-Mdadm: event
--
%@leaf.test > root@leaf.test
From: mdadm monitoring <root>
== smartd's mail, by s-nail
$ -i -r root -- root
From: root
To: root
Subject: SMART error (OfflineUncorrectableSector) detected on host: leaf
--
root@leaf.test > root@leaf.test
== logwatch
$ -t
To: root
From: Logwatch@leaf.test
Subject: Logwatch for leaf (Linux)
Auto-Submitted: auto-generated
Precedence: bulk
MIME-Version: 1.0
Content-Transfer-Encoding: 7bit
Content-Type: text/plain; charset="UTF-8"
--
%@leaf.test > root@leaf.test
Precedence: bulk
== logwatch with a sender
$ -t -f logs@example.org
To: ops@example.org
From: logs@example.org
Subject: l
--
logs@example.org > ops@example.org
== logcheck
$ -oi -t
To: logcheck
From: logcheck@leaf.test
Subject: leaf 2026-11-21 20:02 System Events
--
%@leaf.test > logcheck@leaf.test
== s-nail
$ -i user@example.org
Date: Sat, 21 Nov 2026 20:40:11 +0000
To: user@example.org
Subject: s
User-Agent: s-nail v14.9.24
MIME-Version: 1.0
--
%@leaf.test > user@example.org
User-Agent: s-nail v14.9.24
== s-nail with -r
$ -i -f me@example.org -- user@example.org
From: me@example.org
To: user@example.org
Subject: s
--
me@example.org > user@example.org
== s-nail with expandaddr and a name
$ -i -F "Joe Doe" -f joe@example.org user@example.org
To: user@example.org
Subject: s
--
joe@example.org > user@example.org
From: "Joe Doe" <joe@example.org>
== bsd-mailx
$ -i -m user@example.org
To: user@example.org
Subject: s
--
%@leaf.test > user@example.org
== bsd-mailx -s with a cc
$ -i a@example.org b@example.org
To: a@example.org
Cc: b@example.org
Subject: s
--
%@leaf.test > a@example.org b@example.org
== mailutils
$ -oi -t -f me@example.org
To: <a@example.org>
Cc: <b@example.org>,<c@example.org>
Subject: s
X-Mailer: mail (GNU Mailutils 3.15)
--
me@example.org > a@example.org b@example.org c@example.org
== mutt
$ -oem -oi -- user@example.org second@example.org
Date: Sat, 21 Nov 2026 20:40:11 +0000
From: Me <me@example.org>
To: user@example.org
Cc: second@example.org
Message-ID: <ZV@leaf.test>
User-Agent: Mutt/2.2.12 (2023-09-09)
--
%@leaf.test > user@example.org second@example.org
Message-ID: <ZV@leaf.test>
== mutt with use_envelope_from
$ -oem -oi -f me@example.org -- user@example.org
From: Me <me@example.org>
To: user@example.org
Subject: s
--
me@example.org > user@example.org
== mutt with 8 bits and DSN
$ -oem -oi -B 8BITMIME -N failure,delay -R hdrs -f me@example.org -- user@example.org
From: Me <me@example.org>
To: user@example.org
Subject: s
--
me@example.org > user@example.org
== mutt bounces a message
$ -oem -oi -f me@example.org -- new@example.org
Resent-From: me@example.org
Resent-Date: Sat, 21 Nov 2026 20:40:11 +0000
Resent-Message-ID: <r@leaf.test>
Resent-To: new@example.org
From: old@example.org
To: me@example.org
Date: Fri, 20 Nov 2026 20:40:11 +0000
Message-ID: <o@example.org>
--
me@example.org > new@example.org
Resent-Message-ID: <r@leaf.test>
Message-ID: <o@example.org>
== alpine
$ -oem -oi -t
From: me@example.org
To: user@example.org
Fcc: sent
Subject: s
--
%@leaf.test > user@example.org
== pine's and elm's verbose call
$ -odb -oem -t -oi -v
From: me@example.org
To: user@example.org
Subject: s
--
%@leaf.test > user@example.org
== mh's post
$ -m -t -i
From: me@example.org
To: user@example.org
cc: second@example.org
Subject: s
--
%@leaf.test > user@example.org second@example.org
== Emacs message mode
$ -oi -f me@example.org -F "Me Myself" -odb -oem -t
From: Me Myself <me@example.org>
To: user@example.org
Subject: s
--
me@example.org > user@example.org
== Gnus with a quoted name
$ -oi -odi -t -oem
From: "J. Random (x)" <me@example.org>
To: "Doe, Jane" <jane@example.org>, Bob <bob@example.org>
Subject: s
--
%@leaf.test > jane@example.org bob@example.org
== Python smtplib's neighbour, the email package by a pipe
$ -t -oi
Content-Type: text/plain; charset="utf-8"
MIME-Version: 1.0
From: me@example.org
To: user@example.org
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
--
%@leaf.test > user@example.org
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
== Python with a folded list
$ -t -oi
From: me@example.org
To: =?utf-8?b?SsO8cmdlbg==?= <j@example.org>,
 second@example.org,
	third@example.org
Subject: s
--
%@leaf.test > j@example.org second@example.org third@example.org
	third@example.org
== Django's management commands
$ -i -f webmaster@example.org admin@example.org
From: webmaster@example.org
To: admin@example.org
Subject: [Django] ERROR
--
webmaster@example.org > admin@example.org
== Perl MIME::Lite
$ -t -oi -oem
Content-Disposition: inline
Content-Transfer-Encoding: 8bit
Content-Type: text/plain
MIME-Version: 1.0
X-Mailer: MIME::Lite 3.033 (F2.85; T2.21; A2.21; B3.16; Q3.13)
To: user@example.org
From: me@example.org
Subject: s
--
%@leaf.test > user@example.org
== Perl MIME::Lite with SetSender
$ -fme@example.org -t -oi -oem
To: user@example.org
From: me@example.org
Subject: s
--
me@example.org > user@example.org
== Perl Mail::Mailer
$ -t
To: user@example.org
Cc: second@example.org
Bcc: third@example.org
Subject: s
--
%@leaf.test > user@example.org second@example.org third@example.org
! Bcc
== Perl Email::Sender::Transport::Sendmail
$ -i -f me@example.org user@example.org second@example.org
From: me@example.org
To: user@example.org
Subject: s
--
me@example.org > user@example.org second@example.org
== Perl Mail::Sendmail's caller with the null sender
$ -i -f <> user@example.org
From: me@example.org
To: user@example.org
Subject: s
--
 > user@example.org
== Ruby's mail gem
$ -i -f me@example.org -- user@example.org
From: me@example.org
To: user@example.org
Subject: s
--
me@example.org > user@example.org
== Ruby on Rails' ActionMailer
$ -i -t
From: me@example.org
To: user@example.org
Message-ID: <5.mail@leaf.test>
Subject: s
--
%@leaf.test > user@example.org
Message-ID: <5.mail@leaf.test>
== Nodemailer's sendmail transport
$ -i -f me@example.org user@example.org
From: me@example.org
To: user@example.org
Subject: s
--
me@example.org > user@example.org
== Go's and others' plain call
$ -t -oi -f me@example.org
From: me@example.org
To: user@example.org
Subject: s
--
me@example.org > user@example.org
== monit
$ -t
From: monit@leaf.test
To: ops@example.org
Subject: monit alert -- Does not exist nginx
X-Mailer: monit 5.33.0
--
%@leaf.test > ops@example.org
== Nagios by mail
$ -i -- ops@example.org
To: ops@example.org
Subject: ** PROBLEM Service Alert: leaf/HTTP is CRITICAL **
--
%@leaf.test > ops@example.org
== Icinga 2
$ -i -f icinga@leaf.test -t
From: icinga@leaf.test
To: ops@example.org
Subject: s
--
icinga@leaf.test > ops@example.org
== apcupsd
$ -t
To: root
Subject: UPS leaf Power Failure !!!
--
%@leaf.test > root@leaf.test
== fail2ban
$ -f fail2ban ops@example.org
Subject: [Fail2Ban] sshd: banned 192.0.2.9 from leaf
Date: Sat, 21 Nov 2026 20:40:11 +0000
From: Fail2Ban <fail2ban>
To: ops@example.org
--
fail2ban@leaf.test > ops@example.org
From: Fail2Ban <fail2ban>
== sudo's mailsub
$ -t
To: root
From: joe
Auto-Submitted: auto-generated
Subject: *** SECURITY information for leaf ***
--
%@leaf.test > root@leaf.test
From: joe
== unattended-upgrades
$ -oi -t
To: root
From: root
Subject: [package on hold] unattended-upgrades result for leaf
Auto-Submitted: auto-generated
--
%@leaf.test > root@leaf.test
== apticron
$ -t
To: root
Subject: 3 Debian package update(s) for leaf
X-Apticron: x
--
%@leaf.test > root@leaf.test
== dma's and Sendmail's queue flags
$ -Am -odq -oQ/nowhere -t
To: root
Subject: s
--
%@leaf.test > root@leaf.test
== Mailman 2 by a pipe
$ -i -f list-bounces@example.org a@example.org b@example.org
From: me@example.org
To: list@example.org
List-Id: <list.example.org>
Precedence: list
Subject: [list] s
--
list-bounces@example.org > a@example.org b@example.org
To: list@example.org
== ezmlm's VERP
$ -i -f list-return-7-@example.org-@[] -- a@example.org
From: me@example.org
To: list@example.org
Subject: s
--
list-return-7-@example.org-@[] > a@example.org
== procmail's formail, forwarding
$ -oi -t
From: me@example.org
To: a@example.org
X-Loop: me@example.org
Subject: Re: s
--
%@leaf.test > a@example.org
== vacation
$ -f <> -- a@example.org
From: me@example.org
To: a@example.org
Auto-Submitted: auto-replied
Precedence: bulk
Subject: away
--
 > a@example.org
Auto-Submitted: auto-replied
== Dovecot's sieve
$ -i -f <> -- a@example.org
X-Sieve: Pigeonhole
Date: Sat, 21 Nov 2026 20:40:11 +0000
From: me@example.org
To: a@example.org
Subject: Automatically rejected
--
 > a@example.org
== fetchmail's mda
$ -i -f a@example.org -- b@leaf.test
Received: from pop.test by leaf.test with POP3
From: a@example.org
To: b@example.org
Subject: s
--
a@example.org > b@leaf.test
Received: from pop.test by leaf.test with POP3
== reportbug
$ -t -oi -oem
From: me@example.org
To: submit@bugs.test
X-Debbugs-Cc: second@example.org
Subject: x: y
--
%@leaf.test > submit@bugs.test
X-Debbugs-Cc: second@example.org
== Request Tracker
$ -oi -f rt@example.org -t
From: "Joe via RT" <rt@example.org>
To: a@example.org
Cc: AdminCc of ticket #7:;
Subject: [rt #7] s
--
rt@example.org > a@example.org
Cc: AdminCc of ticket #7:;
== Bugzilla
$ -i -t -fbugs@example.org
From: bugs@example.org
To: a@example.org
X-Bugzilla-Type: new
Subject: [Bug 1] s
--
bugs@example.org > a@example.org
== an undisclosed list
$ -t
From: me@example.org
To: undisclosed-recipients:;
Bcc: a@example.org, b@example.org
Subject: s
--
%@leaf.test > a@example.org b@example.org
To: undisclosed-recipients:;
! Bcc
== recipients on both sides, one twice
$ -t -i a@example.org
To: a@example.org, b@example.org
Subject: s
--
%@leaf.test > a@example.org b@example.org
== a list as one argument
$ -i "Ann <a@example.org>, bob"
Subject: s
--
%@leaf.test > a@example.org bob@leaf.test
== a cluster of flags
$ -itvfme@example.org
To: a@example.org
Subject: s
--
me@example.org > a@example.org
T

# Cut the table into files: NAME, args, message, wanted.
perl -e '
	my ($file, $dir, $me) = @ARGV;
	(my $user = $me) =~ s/\@.*//;
	local $/;
	open my $t, "<", $file or die;
	my $n = 100;
	for (split /^== /m, <$t>) {
		my ($name, $args, $rest) =
		    /\A([^\n]*)\n\$ ([^\n]*)\n(.*)\z/s or next;
		my ($message, $wanted) = $rest =~ /\A(.*?)^--\n(.*)\z/ms
		    or die $name;
		$wanted =~ s/%/$user/g;
		my @args;
		push @args, $1 // $2 while $args =~ /\G\s*(?:"([^"]*)"|(\S+))/g;
		$n++;
		my %parts = (name => $name, args => join("\n", @args),
			message => "$message\ntext\n", wanted => $wanted);
		for (keys %parts) {
			open my $f, ">", "$dir/$n.$_" or die;
			print $f $parts{$_};
		}
	}
' "$work/table" "$work/cases" "$me"

# One case: run it and compare, in one process, as there are many.
cat >"$work/case.pl" <<'P'
my ($case, $sendmail, $hub, $show) = @ARGV;
local $/;
sub slurp { open my $f, "<", $_[0] or die "$_[0]: $!"; return <$f> }
my @args = split /\n/, slurp("$case.args");
unlink glob "$hub/*";
open STDIN, "<", "$case.message";
open my $out, ">&", \*STDOUT;
open STDOUT, ">", "$case.said";
system($sendmail, @args) == 0 or do { print $out "exit ", $? >> 8; exit };
open STDOUT, ">&", $out;
my ($package) = grep !/\.tmp\z/, glob "$hub/*";
my @show = ($^X, $show, $package);
open my $e, "-|", @show, "envelope";
my ($from, @to) = <$e> =~ /<(.*)>$/mg;
open my $t, "-|", @show, "text";
my $text = <$t>;
my ($head, $body) = $text =~ /\A(.*?\n)\n(.*)\z/s;
my ($envelope, @wanted) = split /\n/, slurp("$case.wanted");
my @wrong;
push @wrong, "envelope: $from > @to" if "$from > @to" ne $envelope;
push @wrong, "body: $body" if $body ne "text\n";
for (qw(Date Message-ID From)) {
	my $n = () = $head =~ /^$_:/mgi;
	push @wrong, "$n fields $_" if $n != 1;
}
for (@wanted) {
	my ($not, $line) = /^(! )?(.*)/;
	my $has = $not ? $head =~ /^\Q$line\E:/mi : $head =~ /^\Q$line\E$/m;
	push @wrong, $not ? "has $line" : "no line $line" if !$has == !$not;
}
# what the caller wrote stays as it was, in its order
(my $given = slurp("$case.message")) =~ s/\n\n.*//s;
$given =~ s/^(?:Bcc|Return-Path):.*\n(?:[ \t].*\n)*//mgi;
push @wrong, "the header was changed: $head" if index($head, $given) != 0;
print join "; ", @wrong;
P

for case in "$work"/cases/*.args; do
	case=${case%.args}
	is "$(QUAIL_DIR=$work/leaf perl "$work/case.pl" "$case" \
	    "$BIN/sendmail" "$work/hub" "$here/qmqp_show.pl")" "" \
	    "$(cat "$case.name")"
done

tap_done
