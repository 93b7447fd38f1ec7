#!/bin/sh
# run.sh - what `make fuzz`, fuzz-corpus and fuzz-cover do; see the Makefile
#
#   run.sh fuzz     FUZZ_RUNS inputs (or FUZZ_SECONDS seconds) for each
#                   harness of FUZZ (all), one after the other; a line each
#   run.sh corpus   make the corpus that this has left small, and pack it
#                   into tests/fuzz/corpus
#   run.sh cover    the lines that the packed corpus reaches
#
# A harness that finds something leaves build/fuzz/NAME.found-*, and its log
# says what.
set -u

: "${BUILD:?make fuzz sets it}"
here=$(cd "$(dirname "$0")" && pwd)
out=$BUILD/fuzz
names=${FUZZ:-$(cd "$here" && ls ./*_fuzz.c | sed 's,^\./,,; s/_fuzz\.c$//')}
export ASAN_OPTIONS="quarantine_size_mb=4:malloc_context_size=4:${ASAN_OPTIONS:-}"

# longest NAME - bytes of an input: what its properties need, and no more
longest() {
	case $1 in
	segment | warmup) echo 160 ;;
	netstring | qmqpc | qmtpc | record | spool | talk | header) echo 256 ;;
	tables) echo 600 ;;
	config | x509) echo 2048 ;;
	*) echo 512 ;;
	esac
}

unpack() {
	mkdir -p "$out/corpus/$1"
	perl "$here/pack.pl" unpack "$out/corpus/$1" <"$here/corpus/$1"
}

# stat NAME WORD - the last number behind a word in its log
stat() {
	grep -aoE "$2: +[0-9]+" "$out/$1.log" | tail -n 1 | tr -cd 0-9
}

fuzz_one() {
	unpack "$1" || return 1
	set -- "$1" "-max_len=$(longest "$1")" -print_final_stats=1 \
	    "-artifact_prefix=$out/$1.found-" -timeout=600 -jobs=0 -print_funcs=0 \
	    "-runs=${FUZZ_RUNS:--1}" \
	    "-max_total_time=${FUZZ_SECONDS:-$([ -n "${FUZZ_RUNS:-}" ] || echo 60)}"
	[ ! -f "$here/$1.dict" ] || set -- "$@" "-dict=$here/$1.dict"
	name=$1
	shift
	"$out/tests/fuzz-$name" "$@" "$out/corpus/$name" >"$out/$name.log" 2>&1
	how=$?
	echo "$name: $(stat "$name" stat::number_of_executed_units) executions," \
	    "cov $(stat "$name" cov), ft $(stat "$name" ft)," \
	    "$(stat "$name" stat::average_exec_per_sec) a second:" \
	    "$([ $how = 0 ] && echo nothing found || echo "FOUND: $out/$name.log")"
	return $how
}

corpus_one() {
	rm -rf "$out/small" && mkdir -p "$out/small" || return 1
	# what reaches the same lines may still see another bug: the seeds stay
	[ -d "$out/seeds" ] || { mkdir "$out/seeds" &&
		perl "$here/seeds.pl" "$out/seeds"; } || return 1
	cp "$out/seeds/$1"/* "$out/small" || return 1
	counters=1
	[ "$1" != tables ] || counters=0 # it would be large
	"$out/tests/fuzz-$1" -merge=1 "-use_counters=$counters" "-max_len=$(longest "$1")" \
	    "$out/small" "$out/corpus/$1" >"$out/$1.merge" 2>&1 || return 1
	perl "$here/pack.pl" pack "$out/small" >"$here/corpus/$1.new" &&
		mv "$here/corpus/$1.new" "$here/corpus/$1"
	echo "$1: $(ls "$out/small" | wc -l) inputs," \
	    "$(wc -c <"$here/corpus/$1") bytes"
}

cover() {
	bin=$BUILD/fuzz-cover
	set --
	for name in $names; do
		LLVM_PROFILE_FILE=$bin/$name.raw "$bin/tests/fuzz-$name" \
		    "$here/corpus/$name" >"$bin/$name.out" 2>&1 || return 1
		set -- "$@" -object "$bin/tests/fuzz-$name"
	done
	shift
	llvm-profdata merge -o "$bin/all.profile" "$bin"/*.raw &&
		llvm-cov report "$@" "-instr-profile=$bin/all.profile" \
		    "-ignore-filename-regex=tests/"
}

failed=0
case ${1:-} in
fuzz)
	for name in $names; do
		fuzz_one "$name" || failed=1
	done
	;;
corpus)
	for name in $names; do
		corpus_one "$name" || failed=1
	done
	;;
cover) cover || failed=1 ;;
*)
	echo "usage: run.sh fuzz|corpus|cover" >&2
	exit 100
	;;
esac
exit $failed
