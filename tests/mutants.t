#!/bin/sh
# mutants.t - is each line that crash safety rests on watched by a test?
#
# tests/mutants/list says how to break one line of one file, and which test
# must see it. The file is copied, changed, compiled and linked in front of
# what the build has; then the test must fail, and without the change it must
# pass. Two at a time.
#
# MUTANT=NAME tries only that one and shows what the test says.
set -u

: "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tap.sh"
work=$BUILD/mutants
list=$here/mutants/list
export STOP_EARLY=1
limit=200 # seconds; a test that is still running then has not seen it

# value NAME - of a variable of the Makefile
value() {
	make -s --no-print-directory -C "$here/.." "show-$1" B="$BUILD" 2>/dev/null
}

# build NAME FILE TEST - what $work/NAME/FILE makes of the test
build() {
	(
		cd "$here/.." &&
			# a changed file finds its neighbours' headers
			$cc $cppflags "-iquote$work/$1" $cflags -w -c \
			    -o "$work/$1/mutant.o" "$work/$1/$2" &&
			$cc $ldflags -o "$work/$1/$3" \
			    "$BUILD/tests/$3.o" "$work/$1/mutant.o" \
			    -Wl,--start-group "$BUILD/tests/helpers.a" \
			    $archives -Wl,--end-group $ldlibs -lcares -lbearssl
	) >"$work/$1/built" 2>&1
}

# run NAME TEST [ARGUMENTS] - 0: it passes
run() (
	cd "$work/$1" && shift
	test=$1
	shift
	case ${1:-} in
	*=*)
		export "$1"
		shift
		;;
	esac
	timeout "$limit" "./$test" "$@" >said 2>err </dev/null
)

# one NAME FILE TEST EXPRESSION - write how it went to $work/NAME/how
one() {
	rm -rf "${work:?}/$1"
	mkdir -p "$work/$1/$(dirname "$2")" || exit 111
	cp "$here/../$2" "$work/$1/$2"
	perl -0pi -e "$4" "$work/$1/$2"
	set -- "$1" "$2" "$3" "$4" $(echo "$3" | tr -d '!')
	if [ "$4" != 1 ] && cmp -s "$here/../$2" "$work/$1/$2"; then
		how='the expression changes nothing'
	elif ! build "$1" "$2" "$5"; then
		how='it does not compile'
	else
		name=$1
		shift 4
		run "$name" "$@"
		how=$?
		set -- "$name"
	fi
	echo "$how" >"$work/$1/how"
	rm -f "$work/$1"/*_test "$work/$1"/*.o
}

if [ "${1:-}" = one ]; then
	shift
	one "$@"
	exit 0
fi

cc=$(value CC)
cppflags=$(value CPPFLAGS)
cflags="$(value CFLAGS) -O1"
ldflags=$(value LDFLAGS)
ldlibs=$(value LDLIBS)
archives=
for folder in $(value FOLDERS); do
	archives="$archives $BUILD/$folder.a"
done
archives="$archives $(value CDB_A | sed "s|^[^/]|$here/../&|")"
export cc cppflags cflags ldflags ldlibs archives
[ -n "$cc" ] || skip_all 'make does not tell how to compile'
rm -rf "$work"
mkdir -p "$work" || exit 111

no_sandbox=
"$BUILD/tests/sandbox_test" given 6 >/dev/null 2>&1 || {
	no_sandbox=1
	echo '# without those of the sandbox, which this kernel has not all of'
}
export no_sandbox

# entries - NAME FILE TEST EXPRESSION, each ended by a NUL
entries() {
	perl -ne '
		next if /^(#|$)/;
		chomp;
		my @part = split / \| /, $_, 4;
		@part == 4 or die "mutants/list: $_\n";
		next if $ENV{no_sandbox} && $part[0] =~ /^(sandbox|wall)-/;
		next if $ENV{MUTANT} && $ENV{MUTANT} ne $part[0];
		print map "$_\0", @part;
	' "$list"
}

names() {
	entries | tr '\0\n' '\n ' | sed -n "$1"
}

begun=$(date +%s)
{
	# nothing is broken, so the tests must pass
	[ -n "${MUTANT:-}" ] ||
		printf '%s\0' unchanged queue/store.c 'fault_test short' 1 \
		    unchanged-maildir maildir/deliver.c maildir_test 1 \
		    disk-that-lies queue/store.c 'replay_test DISK_LIES=1' 1
	entries
} | xargs -0 -n 4 -P 2 sh "$0" one

# report NAME WANTED - 0: it must pass; 1: it must not; !: nobody can tell
report() {
	how=$(cat "$work/$1/how")
	case $2,$how in
	0,0) pass "$1: passes" ;;
	1,124) fail "$1: not caught in $limit s" ;;
	1,0) fail "$1: lives" ;;
	1,[0-9]*) pass "$1: caught" ;;
	!,0) pass "$1: lives, as it must" ;;
	*) fail "$1: $how" ;;
	esac
	[ -z "${MUTANT:-}" ] || sed "s/^/# /" "$work/$1/built" "$work/$1/said"
}

if [ -z "${MUTANT:-}" ]; then
	report unchanged 0
	report unchanged-maildir 0
	report disk-that-lies 1
fi
names 'p;n;n;p;n' | while read -r name && read -r test; do
	case $test in
	!*) echo "$name !" ;;
	*) echo "$name 1" ;;
	esac
done >"$work/expected"
while read -r name wanted; do
	report "$name" "$wanted"
done <"$work/expected"
echo "# $(($(date +%s) - begun)) s"
tap_done
