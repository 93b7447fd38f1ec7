#!/bin/sh
# leaf_inject.t - the stand-in for qmail-inject: flags, environment, exit
# codes, and what a hostile environment gets
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/leaf_inject
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"
unset QMAILUSER QMAILHOST QMAILNAME QMAILSUSER QMAILSHOST QMAILINJECT \
    QMAILMFTFILE MAILUSER MAILHOST MAILNAME USER LOGNAME NAME

set -- $(free_ports 4)
k=$1 z=$2 d=$3 nobody=$4

sink() { # NAME PORT BEHAVIOUR
	background perl "$here/qmqp_sink.pl" "$2" "$work/$1" "$3"
	wait_for 20 port_answers "$2"
	wait_for 20 has_count "$work/$1" 1
	rm -f "$work/$1"/[0-9]*
}

sink k "$k" 'Kok 12 id 7'
sink z "$z" 'Zcome again (#4.3.1)'
sink d "$d" 'Dwe do not want it (#5.7.1)'

leaf() { # NAME PORT
	echo leaf.test | table "$1" me
	echo "127.0.0.1:$2" | table "$1" qmqpservers
	echo 'rcpt root@leaf.test ops@example.org
sender old@x.test new@x.test' | table "$1" rewrite
	"$BIN/quail" build "$work/$1" || exit 1
}

leaf k "$k"
leaf z "$z"
leaf d "$d"
leaf down "$nobody"
ln -s "$BIN/qmqpc" "$work/qmail-inject"

# inject LEAF [NAME=VALUE...] [ARGUMENTS...] - the message is on stdin
inject() {
	inject_leaf=$1
	shift
	env QUAIL_DIR="$work/$inject_leaf" QUAIL_TIMEOUT_S=5 \
	    INJECT="$work/qmail-inject" sh -c '
		while case ${1-} in [A-Z]*=*) true ;; *) false ;; esac; do
			export "$1"
			shift
		done
		exec "$INJECT" "$@"' - "$@" >"$work/said" 2>"$work/err"
	echo $? >"$work/code"
}

last() {
	ls "$work/k" | grep -v tmp | sort -n | tail -n 1 | sed "s,^,$work/k/,"
}

envelope() {
	perl "$here/qmqp_show.pl" "$(last)" envelope | tr '\n' ' '
}

header() { # FIELD
	perl "$here/qmqp_show.pl" "$(last)" text | sed '/^$/q' |
	    grep -i "^$1:"
}

code() {
	cat "$work/code"
}

text='To: a@x.test, root
Cc: b@x.test
Bcc: c@x.test
Subject: s

.
t'

me=$(id -un)@leaf.test

# whom it goes to

for try in '|to <a@x.test> to <ops@example.org> to <b@x.test> to <c@x.test> ' \
    '-h|to <a@x.test> to <ops@example.org> to <b@x.test> to <c@x.test> ' \
    '-h z@x.test|to <a@x.test> to <ops@example.org> to <b@x.test> to <c@x.test> ' \
    '-a y@x.test z|to <y@x.test> to <z@leaf.test> ' \
    'y@x.test z@x.test|to <y@x.test> to <z@x.test> ' \
    '-A y@x.test z@x.test|to <y@x.test> to <z@x.test> ' \
    '-H y@x.test b@x.test|to <y@x.test> to <b@x.test> to <a@x.test> to <ops@example.org> to <c@x.test> ' \
    '-ahNA -- -y@x.test z@x.test|to <-y@x.test> to <z@x.test> '; do
	printf '%s\n' "$text" | inject k ${try%%|*}
	is "$(code) $(envelope)" "0 from <$me> ${try#*|}" "${try%%|*}"
done
is "$(perl "$here/qmqp_show.pl" "$(last)" text | sed '1,/^$/d')" ".
t" "a dot is text"
is "$(header bcc)" "" "Bcc is gone"
printf 'Resent-To: r@x.test, q@x.test\n%s\n' "$text" | inject k
is "$(envelope)" "from <$me> to <r@x.test> to <q@x.test> " "Resent-To"
printf 'Bcc: a@x.test, b@x.test\n\nt\n' | inject k
is "$(header cc)" "Cc: recipient list not shown: ;" "Bcc alone: a list not shown"

# who it is from

from() { # NAME=VALUE or ARGUMENT... - code, return path, From
	printf '%s\n' "$text" | inject k "$@"
	printf '%s\n' "$(code) $(envelope | cut -d' ' -f2) $(header from)"
}

is "$(from QMAILUSER=u QMAILHOST=h.test QMAILNAME='Some One')" \
    '0 <u@h.test> From: "Some One" <u@h.test>' "QMAILUSER, -HOST and -NAME"
is "$(from QMAILUSER=u MAILUSER=v USER=w LOGNAME=x MAILHOST=h.test)" \
    '0 <u@h.test> From: <u@h.test>' "QMAILUSER before others"
is "$(from MAILUSER=v USER=w LOGNAME=x)" '0 <v@leaf.test> From: <v@leaf.test>' \
    "MAILUSER before USER"
is "$(from USER=w LOGNAME=x NAME='N N')" \
    '0 <w@leaf.test> From: "N N" <w@leaf.test>' "USER before LOGNAME"
is "$(from LOGNAME=x MAILNAME=M)" '0 <x@leaf.test> From: "M" <x@leaf.test>' \
    "LOGNAME"
is "$(from QMAILUSER=u QMAILSUSER=su QMAILSHOST=sh.test)" \
    '0 <su@sh.test> From: <u@leaf.test>' "QMAILSUSER and QMAILSHOST"
is "$(from QMAILUSER=u QMAILSUSER=su -fb@x.test)" \
    '0 <b@x.test> From: <u@leaf.test>' "-f before them"
is "$(from QMAILUSER=u -f '')" '0 <> From: <u@leaf.test>' "-f with nothing"
is "$(from QMAILUSER='d\u' -a x@x.test y@x.test)" \
    '0 <d\u@leaf.test> From: <"d\\u"@leaf.test>' "what needs quotes gets them"

# Return-Path

rp() { # VALUE NAME=VALUE or ARGUMENT... - the return path
	rp_value=$1
	shift
	printf 'Return-Path: %s\nTo: a@x.test, b@x.test\n\nt\n' "$rp_value" |
	    inject k QMAILUSER=u "$@"
	echo "$(code) $(envelope | cut -d' ' -f2) $(header return-path)"
}

is "$(rp '<r@x.test>')" "0 <r@x.test> " "Return-Path is the return path"
is "$(rp '<old@x.test>')" "0 <new@x.test> " "as rewrite says"
is "$(rp '<>')" "0 <> " "also when it is empty"
is "$(rp 'a b <<')" "0 <u@leaf.test> " "but not when it cannot be read"
is "$(rp '<r@x.test>' QMAILINJECT=s)" "0 <u@leaf.test> " "QMAILINJECT=s"
is "$(rp '<r@x.test>' -f f@x.test)" "0 <f@x.test> " "-f goes before it"

# QMAILINJECT

printf 'From: old@x.test\nMessage-ID: <old@x>\nTo: a@x.test, b@x.test\n\nt\n' \
    >"$work/old"
inject k QMAILINJECT=cfi QMAILUSER=u <"$work/old"
is "$(header from) $(header message-id | grep -c old)" \
    "From: <u@leaf.test> 0" "f and i: a new From, a new Message-ID"
inject k QMAILUSER=u <"$work/old"
is "$(header from) $(header message-id)" \
    "From: old@x.test Message-ID: <old@x>" "without them those stay"
inject k QMAILINJECT=m QMAILUSER=u <"$work/old"
check "m: a return path for this message" sh -c \
    'echo "$1" | grep -qE "^from <u-[0-9]+\.[0-9]+@leaf.test> "' - "$(envelope)"
before=$(count "$work/k")
inject k QMAILINJECT=r <"$work/old"
is "$(code) $(wc -l <"$work/err") $(($(count "$work/k") - before))" "100 1 0" \
    "r: refused"

# -n

inject k -n QMAILUSER=u <"$work/old"
before=$(count "$work/k")
printf '%s\n' "$text" | inject k QMAILUSER=u -n
is "$(code) $(($(count "$work/k") - before)) $(grep -c '^t$' "$work/said")\
$(grep -ci '^bcc' "$work/said")$(grep -c '^From: <u@' "$work/said")" \
    "0 0 101" "-n: to stdout, without Bcc, and nowhere else"
perl -e 'print "To: a\@x.test\n\n"; print "y" x 79, "\n" for 1 .. 10000' |
    inject k -n
is "$(grep -c '^y*$' "$work/said")" 10001 "a large one too"

# exit codes

for try in '111 z' '100 d' '111 down'; do
	printf '%s\n' "$text" | inject "${try#* }"
	is "$(code) $(wc -l <"$work/err")" "${try%% *} 1" "${try#* }: ${try%% *}"
done
mkdir "$work/down/spool"
printf '%s\n' "$text" | inject down
is "$(code) $(ls "$work/down/spool" | wc -l)" "0 1" "no hub, but a spool: 0"
printf '%s\n' "$text" | inject none
is "$(code)" 111 "no configuration: 111"

# what is wrong, and what is hostile: 100, one line, and nothing is sent

before=$(count "$work/k")
nl='
'
for try in -x -f '-a' 'a@x.test -f' QMAILUSER="a${nl}Bcc: v@x.test" \
    QMAILUSER='a b' QMAILUSER=a@b QMAILHOST='x.test>,<v' \
    QMAILHOST="x${nl}y" QMAILHOST=-x MAILUSER="$(printf 'a\001')" \
    MAILHOST='a b' QMAILSUSER="$(printf 'a\303\244')" QMAILSHOST=/ \
    QMAILNAME="a${nl}Bcc: v@x.test" MAILNAME="$(printf 'a\r')" \
    QMAILUSER="$(printf '%0300d' 0)"; do
	case $try in
	-a) printf '%s\n' "$text" | inject k -a ;;
	*=*) printf '%s\n' "$text" | inject k "$try" ;;
	*) printf '%s\n' "$text" | inject k $try ;;
	esac
	is "$(code) $(wc -l <"$work/err")" "100 1" \
	    "$(printf '%.30s' "$try" | tr '\n\r\001' '...')"
done
is "$(($(count "$work/k") - before))" 0 "none of these was sent"
is "$(from USER="a${nl}Bcc: v@x.test" LOGNAME='good')" \
    '0 <good@leaf.test> From: <good@leaf.test>' "a hostile USER is passed over"
from USER="$(printf 'a\001')" NAME="x${nl}Bcc: v@x.test" >/dev/null
is "$(code) $(envelope | cut -d' ' -f2) $(header bcc)" "0 <$me> " \
    "as are all of them: who calls"
echo 'list@x.test' >"$work/mft"
from QMAILMFTFILE="$work/mft" QMAILUSER=u >/dev/null
is "$(code) $(header mail-followup-to)" "0 " "QMAILMFTFILE is not read"
if strace -o /dev/null -e trace=none true 2>/dev/null; then
	printf '%s\n' "$text" | QMAILMFTFILE=$work/mft QUAIL_DIR=$work/k \
	    strace -f -o "$work/calls" "$work/qmail-inject"
	is "$(grep -c "$work/mft" "$work/calls")" 0 "nor opened"
else
	skip "nor opened" "no strace"
fi

tap_done
