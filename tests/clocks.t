#!/bin/sh
# clocks.t - who looks at the wall's clock, and why that is right
#
# It may be set to any time at any moment (lib/clock.h). Whatever is awaited,
# grows old or is counted by the day goes by time that has been seen to pass;
# so a file that asks for the wall's time, or for that of a file, stands in
# this list with its reason, or this test fails.
set -u

cd "$(dirname "$0")/.." || exit 111
. tests/tap.sh

allowed() {
	sed 's/ *#.*//' <<'LIST'
cdb/build.c               # a warning: a table was edited since the build
cdb/config.c              # a file changed: any other time than before
cdb/service.c             # the same
lib/clock.c
lib/clock.h
lib/elapsed.c             # the smaller of two clocks, a day at the most
lib/front.c               # Received
lib/tls_roots.c           # the dates of a certificate
packaging/leaf/kernel.c   # the call itself
qmqpc/failed.c            # a directory changed: any other time
qmqpc/handover.c          # the birth in a spool's file, for mailq
qmqpc/inject.c            # Message-ID
qmqpc/keep.c              # the birth, as above
qmqpc/submit.c            # Date
qmqpc/waiting.c           # tmp files that nobody finishes, either way off
qmqpd/session.c           # the text of a K
qmtpd/roots.c             # a file changed
qmtpd/transaction.c       # the text of a K
queue/ages.c              # what is due, in words of the wall's clock
queue/control_aside.c     # --older, of damaged messages
queue/control_view.c      # --older, without a queue that runs
queue/intake.c            # the birth, which queue/ages.h translates
queue/queue_cmd.c         # AGE, NEXT, ago
queue/recent.c            # the age of a repeat, beside the machine's clock
queue/schedule.c          # the first day of a warm-up's clock
queue/schedule_agents.c   # when an answer came, for the tools
queue/segment.c           # when a segment was made, for the curious
queue/store_keys.c        # segments that may hold young keys
queue/undeliverable.c     # Date and birth of a bounce
smtp-gateway/in_text.c    # Received
LIST
}

looks() {
	grep -rlE --include='*.[ch]' \
	    '(clock_s|clock_us|gettimeofday)\(|[^a-z_.>]time\(|CLOCK_REALTIME|st_mtim' \
	    lib cdb queue maildir qmtpd qmqpd qmqpc smtp-gateway packaging
}

# compare LIST - what looks and does not stand in it
compare() {
	looks | sort | comm -23 - "$1"
}

list=$(mktemp) || exit 111
trap 'rm -f "$list"' EXIT
allowed | sort >"$list"
is "$(compare "$list")" '' 'nobody else looks at the wall'"'"'s clock'
grep -v queue/intake.c "$list" >"$list.less"
is "$(compare "$list.less")" queue/intake.c 'one that is not in the list is seen'
rm -f "$list.less"
tap_done
