#!/bin/sh
# queue_cmd.t - quail queue against a real node: every command, rules and
# holds over kill -9, the files without a daemon, twenty thousand messages
set -u

: "${BIN:?make test sets it}" "${BUILD:?make test sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/queue_cmd
rm -rf "$work"
mkdir -p "$work" || exit 111
. "$here/tap.sh"
. "$here/node.sh"

many=${MANY:-20000}
set -- $(free_ports 2)
qmtp=$1 far=$2

table hub me <<T
hub.test
T
table hub listen <<T
qmtp 127.0.0.1:$qmtp
T
table hub access <<T
127.0.0.0/8 relay
T
table hub agents <<T
fax
T
table hub routes <<T
hold.test  hold
far.test   qmtp:127.0.0.1:$far
fax.test   fax:1 lifetime=1s
T
table far me <<T
far.test
T
table far listen <<T
qmtp 127.0.0.1:$far
T
table far access <<T
127.0.0.0/8 relay
T
table far routes <<T
*          discard
T

q() {
	"$BIN/quail" queue -d "$work/hub" "$@"
}

# mail FROM TO... - text on stdin, by QMTP; %xx are bytes. Prints the id.
mail() {
	perl -MIO::Socket::INET -e '
		my ($port, @who) = @ARGV;
		s/%(..)/chr hex $1/ge for @who;
		local $/;
		my $text = <STDIN>;
		binmode STDIN;
		my $s = IO::Socket::INET->new("127.0.0.1:$port") or die "$!";
		my $ns = sub { length($_[0]) . ":$_[0]," };
		my $from = shift @who;
		print $s $ns->("\n$text") . $ns->($from) .
			$ns->(join "", map $ns->($_), @who);
		$s->flush;
		$/ = ",";
		my $answer = <$s>;
		$answer =~ /:Kok \d+ qp ([0-9a-f]{16}),$/ or die "$answer\n";
		print "$1\n";
	' "$qmtp" "$@"
}

# ids [ARGUMENT...] - the ids of a list, in one line
ids() {
	q list --json "$@" | perl -MJSON::PP -e '
		local $/;
		print join " ", map $_->{id}, @{decode_json(<STDIN>)};'
}

# member NAME ID - of the message in the list
member() {
	q list --json "$2" | perl -MJSON::PP -e '
		local $/;
		my $v = decode_json(<STDIN>)->[0]{$ARGV[0]};
		print defined $v ? $v : "null";' "$1"
}

in_state() { # ID STATE
	[ "$(member state "$1")" = "$2" ]
}

is_out() { # ID
	! q list "$1" >/dev/null 2>&1
}

queue_has_loaded() {
	said=$(q stats 2>&1) && ! echo "$said" | grep -q 'being loaded'
}

kill_queue() {
	killed=$(node_process hub quail-queue)
	kill -KILL "$killed"
	wait_for 10 is_gone "$killed"
	wait_for 10 queue_has_loaded
}

# A list without what only the daemon knows: ages, attempts, answers.
plain() {
	sed 's/^\([0-9a-f]* \).*</\1 </; /^       [^h]/d'
}

has_said() { # FILE PATTERN
	grep -q "$2" "$work/$1"
}

# usage

q >/dev/null 2>&1
is $? 100 "without a command: 100"
q frobnicate >/dev/null 2>&1
is $? 100 "an unknown command: 100"
q show 12 >/dev/null 2>&1
is $? 100 "what is no id: 100"
q list --older soon >/dev/null 2>&1
is $? 100 "what is no age: 100"
is "$(q list --older 0s 2>&1)" "quail: 0s: an age must be at least 1s; \
without --older, messages of any age are meant" "no age at all: says so"
said=$(q release --all 2>&1)
is "$?:$said" "111:quail: quail-queue is not running; start it first" \
    "a change without a daemon: 111"

node_start hub || exit 1

is "$(q list)" "0 messages, 0 bytes" "an empty list"
is "$(q list --json)" "[]" "and as JSON"
q remove 0123456789abcdef >"$work/out" 2>"$work/err"
is $? 100 "an id that is not there: 100"
is "$(q list 0000000000000000 2>&1)" "quail: no message has the id 0" \
    "the id 0: says so"
is "$(q hold 2>&1)" "quail: say which messages: ids, a selection, or --all \
for all of them" "nothing selected: names --all"
q remove 0123456789abcdef >"$work/out" 2>"$work/err"
check "and is named" has_said err '^quail: 0123456789abcdef is not'
q hold >/dev/null 2>&1
is $? 100 "hold of nothing: 100"
is "$(stat -c %a "$work/hub/run/control")" 600 "the socket is for its user"

# some mail

printf 'Subject: 1\n\nzero \0, cr \r, high \377, no end' >"$work/text"
a=$(mail a@hold.test x@hold.test y@hold.test <"$work/text")
b=$(echo "Subject: 2" | mail b@hold.test z@far.test w@hold.test)
c=$(echo "Subject: 3" |
    mail '%1b[2J%22c\@%c3%a4.test' '%ff%0b%c3%a4%e2%82%ac%c0%80%22@far.test')
d=$(echo "Subject: 4" | mail '' d@far.test)
answered() {
	q list "$1" | grep -q "$2"
}
check "mail waits for a next hop that is dead" wait_for 10 answered "$b" \
    '^       Z .*: cannot connect'
is "$(ids)" "$a $b $c $d" "all are listed, in order"
is "$(q list | wc -L | awk '{ print $1 <= 80 }')" 1 "in 80 columns"
check "without a byte that a terminal obeys" sh -c \
    '! "$@" | LC_ALL=C grep -q "[^ -~]"' - "$BIN/quail" queue -d "$work/hub" list
q list --json | python3 -m json.tool >/dev/null 2>"$work/err"
is $?:"$(cat "$work/err")" 0: "python reads the JSON"
said=$(q list --json "$c" | perl -MJSON::PP -CO -e '
	local $/;
	my $m = decode_json(<STDIN>)->[0];
	print "$m->{from} $m->{recipients}[0]{to}";')
is "$said" "$(perl -CO -e \
    'print "\x1b[2J\"c\\\@\xe4.test \xff\x0b\xe4\x{20ac}\xc0\x80\"\@far.test"')" \
    "and finds hostile addresses in it"
is "$(member state "$a"):$(member held_by "$a")" held:route "held by a route"
is "$(member state "$b")" waiting "waiting for the next hop"

is "$(ids --to '?@HOLD.test')" "$a $b" "list --to"
is "$(ids --from '*@hold.test')" "$a $b" "list --from"
is "$(ids --from '<>')" "$d" "list of the empty return path"
is "$(ids --dest "qmtp:127.0.0.1:$far")" "$b $c $d" "list --dest"
is "$(ids --held)" "$a" "list --held"
is "$(ids --to '*far.test' --from 'b@*')" "$b" "list of two patterns"
is "$(ids --older 1h)" "" "list --older"
is "$(ids "$d" "$a")" "$d $a" "list of ids"

q show "$b" >"$work/out"
check "show: the route" has_said out "^  route    qmtp:127.0.0.1:$far (routes:2)"
check "and the other" has_said out '^  route    hold (routes:1)'
check "and the answer" has_said out '^           cannot connect'
check "and attributes" has_said out '^attribute  proto=QMTP'
q cat "$a" >"$work/out"
tail -c "$(wc -c <"$work/text")" "$work/out" | cmp -s - "$work/text"
is $? 0 "cat: the exact text"
q cat "$a" "$b" >/dev/null 2>&1
is $? 100 "cat of two: 100"

q destinations --json | perl -MJSON::PP -e '
	local $/;
	my ($d) = @{decode_json(<STDIN>)};
	print "$d->{next_hop} $d->{waiting} $d->{running}\n";' >"$work/out"
is "$(cat "$work/out")" "qmtp:127.0.0.1:$far 3 0" "destinations"
check "in text too" sh -c '"$@" | grep -q "^closed  *3 .* qmtp:"' - \
    "$BIN/quail" queue -d "$work/hub" destinations

# nobody serves it

f=$(echo "Subject: 5" | mail f@hold.test f@fax.test)
why='no agent serves fax: is it running?'
is "$(q list "$f" | sed -n 4p)" "       $why" "list: no agent"
is "$(q show "$f" | sed -n 's/^  waits    //p')" "$why" "show: no agent"
is "$(q list --json "$f" | perl -MJSON::PP -e '
	local $/;
	print decode_json(<STDIN>)->[0]{recipients}[0]{no_agent};')" fax "in JSON"
check "destinations: no agent" sh -c '"$@" | grep -q "^no-agent  *1 .* fax:1$"' - \
    "$BIN/quail" queue -d "$work/hub" destinations
is "$("$BIN/quail" explain -d "$work/hub" f@fax.test | \
    grep -c '^  state   no-agent ')" 1 "explain: no agent"
is "$(q list "$b" | grep -c 'no agent')" 0 "where there is one, not a word"
check "the log says it after seconds" wait_for 60 has_said hub.log \
    'event=no-agent name=fax messages=1 '
is "$(q remove "$f")" "removed 1 message" "it did not bounce"

is "$(q stats --json | perl -MJSON::PP -e '
	local $/;
	my $s = decode_json(<STDIN>);
	print join " ", @$s{qw(messages rcpts waiting held)};')" "4 6 3 1" "stats"

# messages held, over kill -9

is "$(q hold "$b" "$d")" "held 2 messages" "hold of two"
is "$(q hold "$b")" "held 0 messages" "and again"
is "$(member held_by "$b")" operator "by the operator"
kill_queue
is "$(member state "$b"):$(member held_by "$b")" held:operator \
    "held after kill -9"
is "$(member held_by "$d")" operator "the other too"
is "$(q release "$d")" "released 1 message" "release"
kill_queue
is "$(member held_by "$b"):$(member held_by "$d")" operator:null \
    "that too survives"

# rules

is "$(q hold --from 'NEWS@*' 2>"$work/err")" "held 0 messages" "hold of a sender"
check "a rule was made all the same" has_said err 'a rule now'
is "$(q hold --dest "qmtp:127.0.0.1:$far")" "held 3 messages" "of a next hop"
is "$(q holds)" "from       NEWS@*
dest       qmtp:127.0.0.1:$far" "holds"
e=$(echo "Subject: 5" | mail news@hold.test e@far.test)
f=$(echo "Subject: 6" | mail f@hold.test f@far.test)
check "mail of that sender is held" wait_for 5 in_state "$e" held
is "$(member held_by "$e")" rule "by the rule"
check "mail to there too" wait_for 5 in_state "$f" held
kill_queue
is "$(q holds | wc -l)" 2 "rules survive kill -9"
is "$(member held_by "$e"):$(member held_by "$f")" rule:rule "and hold"
node_start far || exit 1
is "$(q retry --all)" "trying again 1 message" "retry tries nothing that is held"
is "$(q release --dest "qmtp:127.0.0.1:$far")" "released 5 messages" \
    "release of the next hop"
check "and it is delivered" wait_for 10 is_out "$f"
check "to there" has_said far.log "event=accept .*from=f@hold.test"
check "but not that of the sender" in_state "$e" held
check "nor that of the operator" in_state "$b" held
is "$(q release --from 'news@*' 2>"$work/err")" "released 0 messages" \
    "a rule has exactly one name"
check "which is said" has_said err 'there is no such rule'
is "$(q release --from 'NEWS@*')" "released 1 message" "release of the sender"
check "and it is delivered" wait_for 10 is_out "$e"
is "$(q holds)" "" "no rules are left"
is "$(q hold --from '*')" "held 2 messages" "hold of everybody"
is "$(q release --all)" "released 2 messages" "release of all removes rules"
is "$(q holds)" "" "so it does"
check "what was held is delivered" wait_for 10 has_said far.log \
    "event=accept .*from=b@hold.test"
is "$(ids)" "$a $b" "what has a recipient left is left"
check "its other has done" sh -c '"$@" | grep -q "^  done"' - \
    "$BIN/quail" queue -d "$work/hub" show "$b"

# retry

node_stop far
g=$(echo "Subject: 7" | mail g@hold.test g@far.test)
closed() {
	q destinations | awk '$1 == "closed" && $6 >= 3' | grep -q .
}
check "a next hop in trouble" wait_for 20 closed
node_start far || exit 1
is "$(q retry "$g")" "trying again 1 message" "retry"
check "and it is delivered at once" wait_for 2 is_out "$g"

# remove and bounce

said=$(q remove --from '*@hold.test')
is "$?:$said" "100:this would remove 2 messages; say --yes to do it" \
    "remove by a pattern needs --yes"
is "$(ids)" "$a $b" "and removes nothing without"
is "$(q bounce "$a")" "returned 1 message" "bounce"
check "it leaves" wait_for 5 is_out "$a"
bounce=$(ids --from '<>' --to a@hold.test)
is "$(echo "$bounce" | wc -w)" 1 "its sender gets one bounce"
q cat "$bounce" >"$work/out"
check "for one recipient" has_said out '<x@hold.test>:'
check "and the other" has_said out '<y@hold.test>:'
is "$(q remove "$b")" "removed 1 message" "remove"
kill_queue
is "$(ids)" "$bounce" "both survive kill -9, and no second bounce is there"
check "the log tells" has_said hub.log "event=removed id=$b"

# mail that waits in line is taken out of it

q hold --dest "qmtp:127.0.0.1:$far" >/dev/null
l=$(echo "Subject: 12" | mail l@hold.test l@far.test)
m=$(echo "Subject: 13" | mail m@hold.test m@far.test)
is "$(q remove "$m")" "removed 1 message" "remove in line"
is "$(q bounce "$l")" "returned 1 message" "bounce in line"
check "it leaves though nothing moves there" wait_for 3 is_out "$l"
is "$(q destinations | awk '$1 == "held" { print $2 }')" 0 "the line is empty"
is "$(q remove --from '<>' --to 'l@*' --yes)" "removed 1 message" \
    "there was a bounce"
q release --all >/dev/null

# mail on its way: to one that never answers

node_stop far
perl -MIO::Socket::INET -e '
	my $l = IO::Socket::INET->new(Listen => 5, ReuseAddr => 1,
		LocalAddr => "127.0.0.1", LocalPort => $ARGV[0]) or exit 1;
	my @all;
	push @all, $l->accept while 1;' "$far" &
deaf=$!
pids="$pids $deaf"
wait_for 5 port_answers "$far"
q retry --all >/dev/null
h=$(echo "Subject: 8" | mail h@hold.test h@far.test)
i=$(echo "Subject: 9" | mail i@hold.test i@far.test)
j=$(echo "Subject: 10" | mail j@hold.test j@far.test)
q retry --all >/dev/null
check "attempts that are under way" wait_for 10 in_state "$h" running
is "$(q remove "$h")" "removed 1 message" "remove under way"
is "$(q bounce "$i")" "returned 1 message" "bounce under way"
is "$(q hold "$j")" "held 1 message" "hold under way"
check "the one is gone from the list" is_out "$h"
kill $deaf
check "the next leaves when its attempt is over" wait_for 20 is_out "$i"
check "the last is held then" wait_for 20 in_state "$j" held
is "$(ids --from '<>' --to 'i@*' | wc -w)" 1 "one bounce"
is "$(ids --from '<>' --to 'h@*' | wc -w)" 0 "none for what was removed"

# export, and the files alone

is "$(q export "$work/export")" "exported 3 messages" "export"
is "$(ls "$work/export" | wc -l)" 6 "two files each"
q cat "$j" | cmp -s - "$work/export/$j"
is $? 0 "the text"
is "$(sed '/^received/d; /^attribute/d' "$work/export/$j.env")" "id $j
from j@hold.test
to j@far.test" "the envelope"
q list | plain >"$work/online"
is "$(member state "$j")" held "held while it runs"
node_stop hub
ls -lR --full-time "$work/hub/queue" >"$work/before"
q list 2>"$work/err" | plain >"$work/offline"
is "$(cat "$work/err")" \
    "quail: quail-queue is not running; this is from its files" \
    "a list without a daemon"
is "$(cat "$work/offline")" "$(cat "$work/online")" "is the same list"
is "$(member held_by "$j" 2>/dev/null)" operator "held by the operator"
q cat "$j" 2>/dev/null | cmp -s - "$work/export/$j"
is $? 0 "cat without a daemon"
check "show without a daemon" sh -c '"$@" 2>&1 | grep -q "(routes:2)"' - \
    "$BIN/quail" queue -d "$work/hub" show "$j"
is "$(q export "$work/export2" 2>/dev/null)" "exported 3 messages" \
    "export without a daemon"
sed 's/^now \([0-9]*\)/now 9\1/' "$work/hub/queue/clock" >"$work/clock.new"
cp -p "$work/hub/queue/clock" "$work/clock.old"
cat "$work/clock.new" >"$work/hub/queue/clock"
is "$(q list "$j" 2>/dev/null | awk 'NR == 2 { print ($2 + 0 > 10000) }')" 1 \
    "ages without a daemon are by the queue's time"
is "$(q list --older 10000d "$j" 2>/dev/null | grep -c "^$j")" 1 \
    "--older too"
cp -p "$work/clock.old" "$work/hub/queue/clock"
ls -lR --full-time "$work/hub/queue" >"$work/before"
diff -r "$work/export" "$work/export2" >/dev/null
is $? 0 "is the same"
for c in "retry --all" destinations holds stats "remove $j"; do
	q $c >/dev/null 2>&1
	is $? 111 "$c without a daemon: 111"
done
ls -lR --full-time "$work/hub/queue" | cmp -s - "$work/before"
is $? 0 "and nothing has touched the queue"

# many

node_start hub || exit 1
rss() { # KEY, in KiB
	sed -n "s/^$1:[^0-9]*\([0-9]*\).*/\1/p" \
	    "/proc/$(node_process hub quail-queue)/status"
}
"$BUILD/tests/quail-load" -s 4 -w 64 -b 200 -m "$many" -f load@hold.test \
    -t x@hold.test -i queuecmd0000 "127.0.0.1:$qmtp" >"$work/out" ||
    sed 's/^/# /' "$work/out"
# the sanitizers need memory that is not ours
limit=60000 growth=4096
if grep -q __asan_init "$BIN/quail"; then limit=unlimited growth=400000; fi
before=$(rss VmRSS)
(ulimit -v $limit; exec "$BIN/quail" queue -d "$work/hub" list) >"$work/out"
is "$?:$(grep -c '^[0-9a-f]\{16\} ' "$work/out")" "0:$((many + 3))" \
    "all of $many are listed, in bounded memory"
grep '^[0-9a-f]\{16\} ' "$work/out" | cut -c 1-16 | sort -uc
is $? 0 "each once, in order"
# one who reads slowly, one who stops reading, one who goes away
(q list; echo $? >"$work/slow") | perl -e '
	my $n = 0;
	while (sysread STDIN, my $b, 65536) {
		$n += length $b;
		select undef, undef, undef, 0.002;
	}
	print "$n\n";' >"$work/slow.n" &
slow=$!
(q list | sleep 3) &
stopped=$!
q list | head -c 100 >/dev/null
started=$(date +%s%N)
k=$(echo "Subject: 11" | mail k@hold.test k@hold.test)
is "$(ids "$k")" "$k" "others are served meanwhile"
check "soon" [ $(($(date +%s%N) - started)) -lt 2000000000 ]
wait $slow $stopped
is "$(cat "$work/slow")" 0 "a slow reader gets all of it"
after=$(rss VmRSS)
check "and the daemon has not grown ($before KiB, $after)" \
    [ $((after - before)) -lt $growth ]
is "$(q hold --to 'x@*')" "held $many messages" "hold of $many"
kill_queue
n_held() {
	q stats | awk '$1 == "held" { print $2 }'
}
has_held() {
	[ "$(n_held)" = "$1" ]
}
wait_for 20 has_held $((many + 4)) # when all have been looked at
is "$(n_held)" "$((many + 4))" "held after kill -9"
is "$(q release --all)" "released $((many + 1)) messages" "release of all"
is "$(q remove --from load@hold.test --yes)" "removed $many messages" \
    "remove of $many"
is "$(q list | tail -n 1 | cut -d, -f1)" "4 messages" "the others are left"
kill_queue
is "$(q list | tail -n 1 | cut -d, -f1)" "4 messages" "and so it stays"
is "$(grep -c 'event=died .*signal=\(6\|11\)' "$work/hub.log")" 0 \
    "no daemon has died by itself"

tap_done
