# tap.sh - the Test Anything Protocol for tests in sh; to be sourced

# whose user a node's daemons are must not depend on where a test runs
export QUAIL_ONE_USER=1

tap_n=0
tap_failed=0

pass() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $*"
}

fail() {
	tap_n=$((tap_n + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_n - $*"
}

# check NAME COMMAND... - does it succeed?
check() {
	tap_name=$1
	shift
	if "$@"; then
		pass "$tap_name"
	else
		fail "$tap_name"
		return 1
	fi
}

# is GOT WANTED NAME
is() {
	if [ "$1" = "$2" ]; then
		pass "$3"
	else
		fail "$3"
		printf '#  got: %s\n# want: %s\n' "$1" "$2" | head -n 20
	fi
}

# skip NAME WHY
skip() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n # SKIP $1: $2"
}

# skip_all WHY - the whole test
skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

# tap_done - call it last
tap_done() {
	echo "1..$tap_n"
	[ "$tap_failed" = 0 ]
	exit
}
