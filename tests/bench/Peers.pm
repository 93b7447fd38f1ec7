# Peers.pm - how each peer and quail is configured and started for a mode:
#
#   hold      take and queue durably, try nothing
#   deliver   box.test: Maildirs; null.test: thrown away; all else: by SMTP
#             to 127.0.0.1:2500 (quail's "qmtp" targets: by QMTP to port 2209)
#
# Each has Debian's defaults except where a limit would stop the benchmark
# (connections, recipients, rates), and no DNS.
package Peers;

use strict;
use warnings;
use Stage;

our %package = (
	postfix => 'postfix', opensmtpd => 'opensmtpd',
	exim => 'exim4-daemon-light', dma => 'dma', nullmailer => 'nullmailer',
	msmtp => 'msmtp',
);

# The port of each protocol; in our own network namespace all are free.
our %port = (
	postfix => {smtp => 25, qmqp => 628}, opensmtpd => {smtp => 25},
	exim => {smtp => 25}, quail => {smtp => 25, qmqp => 628, qmtp => 209},
);

sub put { return Stage::write_file(@_) }

sub owned {
	my ($user, $mode, @dirs) = @_;
	for my $dir (@dirs) {
		system('mkdir', '-p', $dir);
		chown Stage::uid($user), Stage::uid($user), $dir;
		chmod $mode, $dir;
	}
	return;
}

sub clean {
	my (@dirs) = @_;
	system('rm', '-rf', @dirs);
	return;
}

# box_names - of the mailboxes at box.test
sub box_names { return ('box', map { "${_}u" } 0 .. 1023) }

# ---- Postfix

my $postfix_main = <<'T';
compatibility_level = 3.6
myhostname = peer.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
smtpd_peername_lookup = no
smtp_host_lookup = native
qmqpd_authorized_clients = 127.0.0.0/8
default_process_limit = 250
smtpd_recipient_limit = 20000
smtpd_client_connection_count_limit = 0
virtual_mailbox_domains = box.test
virtual_mailbox_base = /mail
virtual_mailbox_limit = 0
virtual_mailbox_maps = texthash:/etc/postfix/boxes
virtual_uid_maps = static:65506
virtual_gid_maps = static:65506
transport_maps = regexp:/etc/postfix/transports
relayhost = [127.0.0.1]:2500
T

my $postfix_master = <<'T';
smtp inet n - n - - smtpd
628 inet n - n - - qmqpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
T

sub postfix {
	my ($root, $mode) = @_;
	my $spool = "$root/var/spool/postfix";
	clean($spool, "$root/var/lib/postfix");
	owned('root', 0755, $spool);
	owned('root', 0755, "$spool/pid");
	owned('postfix', 0700, "$root/var/lib/postfix", map "$spool/$_",
		qw(incoming active deferred bounce defer flush saved trace
		corrupt hold private));
	owned('postfix', 01730, "$spool/maildrop");
	owned('postfix', 0710, "$spool/public");
	put("$root/etc/postfix/boxes", join '',
		map "$_\@box.test $_/\n", box_names());
	put("$root/etc/postfix/transports", "/\@null\\.test\$/ discard:\n");
	# With its queue manager off, its brake waits for it: not so.
	put("$root/etc/postfix/main.cf", $postfix_main .
		($mode eq 'hold' ? "in_flow_delay = 0\n" : ''));
	put("$root/etc/postfix/master.cf", $postfix_master .
		($mode eq 'hold' ? '' : "qmgr unix n - n 300 1 qmgr\n"));
	return '/usr/lib/postfix/sbin/master', '-d';
}

# ---- OpenSMTPD

sub opensmtpd {
	my ($root, $mode) = @_;
	my $spool = "$root/var/spool/smtpd";
	clean($spool, glob "$root/run/smtpd*");
	owned('root', 0711, $spool);
	owned('root', 0755, "$root/var/lib/opensmtpd/empty");
	my @dirs = map "$spool/$_", qw(queue corrupt incoming temporary purge);
	owned('opensmtpq', 0700, @dirs);
	chown Stage::uid('opensmtpq'), 0, @dirs;
	owned('root', 0770, "$spool/offline");
	chown 0, Stage::uid('opensmtpq'), "$spool/offline";
	put("$root/etc/boxes", "\@box.test box\n");
	put("$root/etc/smtpd.conf", <<'T');
table boxes file:/etc/boxes
smtp limit max-mails 10000000
smtp limit max-rcpt 100000
listen on 127.0.0.1 port 25
action "box" maildir "/mail/box" virtual <boxes>
action "out" relay host smtp://127.0.0.1:2500
match from any for domain box.test action "box"
match from any for any action "out"
T
	return '/usr/sbin/smtpd', '-d';
}

# ---- Exim

sub exim {
	my ($root, $mode) = @_;
	my $hold = $mode eq 'hold' ? 'true' : 'false';
	clean("$root/var/spool/exim4", "$root/var/log/exim4");
	owned('Debian-exim', 0750, "$root/var/spool/exim4",
		"$root/var/log/exim4");
	owned('root', 0755, "$root/etc/exim4");
	put("$root/etc/exim4/exim4.conf", <<"T");
primary_hostname = peer.test
exim_user = Debian-exim
exim_group = Debian-exim
queue_only = $hold
acl_smtp_rcpt = take
smtp_accept_max = 0
smtp_accept_max_per_connection = 0
smtp_accept_queue_per_connection = 0
smtp_connect_backlog = 250
recipients_max = 0
rfc1413_query_timeout = 0s
message_size_limit = 0
tls_advertise_hosts =
keep_environment =
begin acl
take:
  accept
begin routers
null:
  driver = redirect
  domains = null.test
  data = :blackhole:
box:
  driver = accept
  domains = box.test
  local_parts = lsearch;/etc/exim4/boxes
  transport = box
out:
  driver = manualroute
  route_list = * 127.0.0.1::2500
  self = send
  transport = out
begin transports
box:
  driver = appendfile
  maildir_format
  directory = /mail/\$local_part_data
  create_directory
  user = box
  group = box
out:
  driver = smtp
T
	put("$root/etc/exim4/boxes", join '', map "$_: $_\n", box_names());
	chown 0, 0, "$root/etc/exim4/exim4.conf";
	return '/usr/sbin/exim4', '-bdf';
}

# ---- quail

# quail ROOT MODE - a node in $stage/work/quail; MODE "deliver-smtp" relays
# by SMTP, "deliver" by QMTP
sub quail {
	my ($mode) = @_;
	my $dir = "$Stage::stage/work/quail";
	my $out = $mode eq 'hold' ? 'hold'
		: $mode eq 'deliver-smtp' ? 'smtp:127.0.0.1:2500'
		: 'qmtp:127.0.0.1:2209';
	clean($dir);
	mkdir $dir;
	put("$dir/me", "peer.test\n");
	put("$dir/listen", "qmqp 127.0.0.1:628\nqmtp 127.0.0.1:209\n" .
		"smtp 127.0.0.1:25\n");
	put("$dir/access", "127.0.0.0/8 relay\n");
	put("$dir/locals", "box.test\n");
	put("$dir/users", "*\@box.test maildir:mail/%u\n");
	put("$dir/routes", "null.test discard\n* $out\n");
	return "$Stage::bin/quail", 'run', $dir;
}

# ---- all

our %mode;

# boxes NAME - where a target's Maildirs are
sub boxes {
	my ($name) = @_;
	return $name eq 'quail' ? "$Stage::stage/work/quail/mail"
		: "$Stage::stage/roots/$name/mail";
}

# have NAME - could it be unpacked?
sub have {
	my ($name) = @_;
	return 1 if $name eq 'quail';
	my $control = "$Stage::peers/$package{$name}/root/usr/sbin/smtpctl";
	if (-e $control && !-g $control) {
		chown 0, Stage::uid('opensmtpq'), $control;
		chmod 02755, $control;
	}
	return Stage::root($name, $package{$name});
}

# start NAME MODE - with an empty queue; false when it does not come up
sub start {
	my ($name, $mode) = @_;
	my $root = "$Stage::stage/roots/$name";
	my @command;
	if ($name eq 'quail') {
		@command = quail($mode);
	} else {
		clean(glob "$root/mail/*");
		no strict 'refs';
		@command = &$name($root, $mode);
	}
	system 'sync', '-f', $Stage::stage;
	Stage::start($name, [sort values %{$port{$name}}], @command)
		or return 0;
	if ($name eq 'opensmtpd' && $mode eq 'hold') {
		system('chroot', $root, 'smtpctl', 'pause', $_) for
			qw(mta mda);
	}
	return 1;
}

# queued NAME - is anything in its queue?
sub queued {
	my ($name) = @_;
	my $root = "$Stage::stage/roots/$name/var/spool";
	if ($name eq 'quail') {
		return `$Stage::bin/quail queue -d $Stage::stage/work/quail list`
			!~ /^0 messages/m;
	}
	my @dirs = $name eq 'postfix'
		? map "$root/postfix/$_", qw(maildrop incoming active)
		: "$root/exim4/input";
	for my $dir (@dirs) {
		opendir my $d, $dir or next;
		return 1 if grep !/^\./, readdir $d;
	}
	return 0;
}

1;
