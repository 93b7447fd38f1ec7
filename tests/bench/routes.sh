#!/bin/sh
# routes.sh - a million routes: how long a build takes, and a decision
#
# A table of KEYS (1000000) domains and one of the same number of users, each
# compiled, then asked in an order without pattern, for what is there and what
# is not; beside Postfix's postmap with its cdb and lmdb maps, and postmap -q,
# where they can be had. Time is that of the process, memory its peak.
set -u

: "${BIN:?}" "${BUILD:?}"
here=$(cd "$(dirname "$0")/.." && pwd)
work=$BUILD/routes-bench
keys=${KEYS:-1000000}
rm -rf "$work"
mkdir -p "$work/routes" "$work/users" "$work/both" || exit 111

perl -e '
	my ($work, $n) = @ARGV;
	my %f;
	for my $name ("routes/routes", "users/users", "asked", "missing",
	    "asked.users", "postfix", "postfix.asked") {
		open $f{$name}, ">", "$work/$name" or die "$name: $!";
	}
	for my $i (1 .. $n) {
		my $d = sprintf "d%07d.%s.example", $i * 7919 % 10000019,
		    ("com", "net", "org", "shop")[$i % 4];
		print {$f{"routes/routes"}} "$d qmtp:hub", $i % 50, ":209\n";
		print {$f{"asked"}} "user@", "$d\n";
		print {$f{"missing"}} "user@", "a.b.x$d\n";
		print {$f{"users/users"}} "user$i\@here.example maildir:m/$i\n";
		print {$f{"asked.users"}} "user$i\@here.example\n";
		print {$f{"postfix"}} "$d smtp:hub", $i % 50, ":25\n";
		print {$f{"postfix.asked"}} "$d\n" if $i % 10 == 0;
	}
	print {$f{"routes/routes"}} "* qmtp:edge:209\n";
' "$work" "$keys" || exit 111
echo hub.example | tee "$work/routes/me" >"$work/users/me"
echo here.example >"$work/users/locals"

# measured NAME COMMAND... - its seconds and its peak memory
measured() {
	name=$1
	shift
	perl -MTime::HiRes=time -e '
		my ($name, @command) = @ARGV;
		my $begin = time;
		my $pid = fork // die;
		if (!$pid) { exec @command or exit 127; }
		# the peak is in /proc only while it lives
		my $peak = 0;
		until (waitpid $pid, 1) {
			if (open my $f, "<", "/proc/$pid/status") {
				while (<$f>) {
					$peak = $1 if /^VmHWM:\s+(\d+)/ &&
					    $1 > $peak;
				}
			}
			select undef, undef, undef, 0.002;
		}
		printf "%-24s seconds=%.2f peak_mb=%.0f code=%d\n", $name,
		    time - $begin, $peak / 1e3 * 1.024, $? >> 8;
	' "$name" "$@"
}

measured 'build: routes' "$BIN/quail" build "$work/routes" 2>/dev/null
measured 'build: users' "$BIN/quail" build "$work/users" 2>/dev/null
ls -l "$work/routes/config.cdb" | awk '{ print "file: " $5 " bytes" }'
for asked in asked missing; do
	printf 'routes, %s: ' $asked
	"$BUILD/tests/route-bench" "$work/routes/config.cdb" "$work/$asked"
done
printf 'users, asked: '
"$BUILD/tests/route-bench" "$work/users/config.cdb" "$work/asked.users"

# Postfix
root=${PEERS:-/nowhere}/root
postmap=$root/usr/sbin/postmap
[ -x "$postmap" ] || {
	echo "postmap: cannot be had (PEERS)"
	exit 0
}
mkdir -p "$work/etc" "$work/lib"
cat >"$work/etc/main.cf" <<T
daemon_directory = $root/usr/lib/postfix/sbin
command_directory = $root/usr/sbin
shlib_directory = $root/usr/lib/postfix
queue_directory = $work/lib
mail_owner = daemon
setgid_group = mail
data_directory = $work/lib
meta_directory = $work/etc
lmdb_map_size = 2147483648
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH
T
export LD_LIBRARY_PATH="$root/usr/lib/postfix:$root/usr/lib/$(uname -m)-linux-gnu"
if [ -d "$root/etc/postfix/dynamicmaps.cf.d" ]; then
	cp -r "$root/etc/postfix/dynamicmaps.cf.d" "$work/etc/"
fi
: >"$work/etc/dynamicmaps.cf"
for kind in cdb lmdb; do
	so=$root/usr/lib/postfix/postfix-$kind.so
	[ -e "$so" ] || {
		echo "postmap $kind: postfix-$kind cannot be had"
		continue
	}
	echo "$kind $so dict_${kind}_open mkmap_${kind}_open" \
	    >>"$work/etc/dynamicmaps.cf"
	measured "postmap $kind" "$postmap" -c "$work/etc" \
	    "$kind:$work/postfix"
	measured "postmap -q $kind, a tenth" sh -c "'$postmap' -c '$work/etc' \
	    -q - '$kind:$work/postfix' <'$work/postfix.asked' >/dev/null"
done
