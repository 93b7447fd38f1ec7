#!/bin/sh
# fuzz.t - every fuzz harness holds its properties on the committed corpus, in
# both builds (tests/fuzz; `make fuzz` looks for more)
set -u

: "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"

# replay HARNESS PACK - what it says is in $said
replay() {
	said=$("$1" "$2" 2>&1) || {
		printf '%s\n' "$said" | head -n 30 | sed 's/^/# /' >&2
		return 1
	}
}

for build in "$BUILD" "$BUILD/asan"; do
	for source in "$here"/fuzz/*_fuzz.c; do
		name=$(basename "$source" _fuzz.c)
		harness=$build/tests/fuzz-$name
		[ "$build" = "$BUILD" ] || [ -x "$harness" ] || continue
		check "$name, in ${build##*/}" \
		    replay "$harness" "$here/fuzz/corpus/$name"
	done
done
tap_done
