#!/bin/sh
# layers.sh - the arrows between the folders, held to doc/architecture.md
#
#   a role        includes itself, lib/ and cdb/
#   cdb/          includes itself and lib/
#   lib/          includes itself
#
# and the libraries' walls: TinyCDB's header is seen by cdb/map.c only,
# c-ares's by lib/dns_ask.c and lib/dns_socket.* only, BearSSL's by lib/tls*.
# Then the same over a copy with forbidden includes planted in it, to see that
# each is found. TAP.
set -u
cd "$(dirname "$0")/.." || exit 111

roles='queue maildir qmtpd qmqpd qmqpc smtp-gateway'
folders="lib cdb $roles"

# arrows DIR - prints FILE:LINE:INCLUDE for each forbidden one
arrows() {
	(cd "$1" && for f in $folders; do
		find "$f" -name '*.[ch]' -exec grep -Hn '^[ 	]*#[ 	]*include' {} +
	done) | awk -F'[:"<>]' '{
		split($1, path, "/")
		from = path[1]
		quoted = $0 ~ /include[ \t]*"/
		split($4, target, "/")
		to = target[1]
		bad = 0
		if (quoted)
			bad = $4 ~ /\.\./ || !(to == from || to == "lib" ||
				(to == "cdb" && from != "lib"))
		else if ($4 == "cdb.h")
			bad = $1 != "cdb/map.c"
		else if ($4 ~ /^ares/)
			bad = $1 !~ /^lib\/dns_(ask|socket)\.[ch]$/
		else if ($4 ~ /^bearssl/)
			bad = $1 !~ /^lib\/tls[a-z_]*\.[ch]$/
		if (bad)
			print
	}'
}

# planted NAME FILE INCLUDE - is it found in a copy that has it?
planted() {
	rm -rf "$copy"
	mkdir -p "$copy" || exit 111
	for f in $folders; do
		mkdir -p "$copy/$f"
		cp "$f"/*.[ch] "$copy/$f/" 2>/dev/null
	done
	printf '#include %s\n' "$2" >>"$copy/$1"
	found=$(arrows "$copy")
	case $found in
	*"$1:"*"$2"*) result=ok ;;
	*) result='not ok' ;;
	esac
	n=$((n + 1))
	echo "$result $n - finds $2 planted in $1"
	[ "$result" = ok ] || failed=1
}

failed=0
copy=$(mktemp -d) || exit 111
trap 'rm -rf "$copy"' EXIT

bad=$(arrows .)
n=1
if [ -z "$bad" ]; then
	echo "ok 1 - every include follows the arrows"
else
	echo "not ok 1 - every include follows the arrows"
	echo "$bad" | sed 's/^/# forbidden: /'
	failed=1
fi

for role in $roles; do
	planted "$role/planted.c" '"qmtpd/../queue/planted.h"'
	[ "$role" = queue ] || planted "$role/planted.h" '"queue/planted.h"'
done
planted queue/planted.c '"maildir/planted.h"'
planted cdb/planted.c '"queue/planted.h"'
planted lib/planted.h '"cdb/config.h"'
planted lib/planted.c '"tests/tap.h"'
planted queue/planted.c '<cdb.h>'
planted qmtpd/planted.c '<ares.h>'
planted qmtpd/planted.c '<bearssl.h>'
echo "1..$n"
exit "$failed"
