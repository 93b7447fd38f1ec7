#!/bin/sh
# e2e_asan.t - the end to end tests once more, shorter, with programs that the
# sanitizers watch
set -u

: "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"

[ -x "$BUILD/asan/bin/quail" ] ||
	skip_all 'there is no build with sanitizers; make test makes one'
for test in e2e_in e2e_out e2e_kill tls limits proxy; do
	said=$(MANY=300 LONG='' BIN=$BUILD/asan/bin BUILD=$BUILD/asan \
	    sh "$here/$test.t" 2>&1)
	is $? 0 "$test"
	# its lines are another test's: not to be taken for ours
	echo "$said" | grep -v '^ok' | sed 's/^/#  /'
done
tap_done
