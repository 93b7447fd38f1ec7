#!/bin/sh
# mutants.sh - does each harness see a bug? A line of each machine is broken;
# the harness, replaying the committed corpus, must end with a failure, and
# must not without the change. `make fuzz-mutants`; not a part of make test.
set -u

: "${BUILD:?make fuzz-mutants sets it}"
here=$(cd "$(dirname "$0")" && pwd)
work=$BUILD/fuzz-mutants
rm -rf "$work"
mkdir -p "$work" || exit 111

value() {
	# shellcheck disable=SC2086
	make -s --no-print-directory -C "$here/../.." "show-$1" B="$BUILD" \
	    ${MAKEVARS:-} 2>/dev/null
}

cc=$(value CC)
flags="$(value CPPFLAGS) $(value CFLAGS)"
ldflags=$(value LDFLAGS)
libs="$(value LDLIBS) -lcares -lbearssl"
archives=$(for f in $(value FOLDERS); do echo "$BUILD/$f.a"; done)
cdb=$(value CDB_A)
failed=0

# before HARNESS - what stands before the helpers, as in the Makefile
before() {
	[ "$1" != segment ] || echo "$BUILD/lib/loop.o $BUILD/lib/loop_task.o"
}

# mutant HARNESS FILE EXPRESSION
mutant() {
	mkdir -p "$work/$(dirname "$2")"
	perl -0pe "$3" "$here/../../$2" >"$work/$2"
	# shellcheck disable=SC2086
	if cmp -s "$here/../../$2" "$work/$2"; then
		how='changes nothing'
	elif ! (cd "$here/../.." && $cc "-iquote$(dirname "$2")" $flags -w \
	    -c -o "$work/mutant.o" "$work/$2" && $cc $ldflags -o "$work/run" \
	    "$BUILD/tests/fuzz/$1_fuzz.o" "$BUILD/tests/fuzz/replay.o" \
	    "$work/mutant.o" $(before "$1") -Wl,--start-group "$BUILD/tests/fuzz/helpers.a" \
	    $archives $cdb -Wl,--end-group $libs) >"$work/built" 2>&1; then
		how='does not compile'
	elif timeout 60 "$work/run" "$here/corpus/$1" >"$work/said" 2>&1; then
		how='NOT SEEN'
	else
		echo "seen: $1: $2: $3"
		return
	fi
	echo "$how: $1: $2: $3"
	failed=1
}

while IFS='|' read -r harness file expression; do
	mutant "$harness" "$file" "$expression"
done <<'T'
netstring|lib/netstring.c|s/h->digits > 0 && h->len == 0/false/
netstring|lib/netstring.c|s/h.len >= rest->len - i/h.len > rest->len - i/
qmqp|qmqpd/qmqp.c|s/q->outer_left > 0 \? QMQP_S_RCPT/q->outer_left > 1 ? QMQP_S_RCPT/
qmqp|lib/field.c|s/f->left >= \*budget \? FIELD_BAD/f->left > *budget ? FIELD_BAD/
qmtp|qmtpd/qmtp.c|s/q->cr_held = n < piece->len;/q->cr_held = false;/
qmtp|qmtpd/qmtp.c|s/if \(q->list_left == 0\)/if (q->list_left <= 1)/
qmtpc|qmtpd/qmtpc.c|s/rcpt.len \+ 2\)/rcpt.len + 3)/
qmtpc|qmtpd/quail.c|s/QUAIL_PARAMS_LEAST/1/
qmqpc|qmqpc/answer.c|s/ && byte != 'D'//
door|queue/intake.c|s/s->intake->staged_bytes -= s->counted;//
door|lib/door.c|s/ \|\| idmap_get\(&d->messages, m->id\)//
door|queue/intake.c|s/if \(!address_sane\(rcpt\)\)/if (false)/
agent|lib/agent.c|s/text.len > job->size - job->text_seen/false/
agent|queue/dispatch_job.c|s/for \(; n < a->n_rcpts/for (; n + 1 < a->n_rcpts/
tables|cdb/grammar.c|s/slice_eq\(slice_of\(rest.at, slash\), SLICE\("\.\."\)\)/false/
pem|lib/tls_pin.c|s/\(uint8_t\)\(high << 4 \| low\)/(uint8_t)(high << 4)/
x509|lib/tls_check.c|s/ && c->decoder.err == 0//
proxy|lib/proxy.c|s/p->left < \(size_t\)least/false/
smtpd|smtp-gateway/smtpd.c|s/case SMTPD_S_DOT_CR: return c == '\\n' \? SMTPD_S_COMMAND : bare\(m, c\);/case SMTPD_S_DOT_CR: return SMTPD_S_COMMAND;/
smtpd|smtp-gateway/canon.c|s/!c->in_line && in->at\[0\] == '\.'/false/
smtpd|smtp-gateway/command.c|s/\|\| p.len > ADDRESS_MAX//
smtpc|smtp-gateway/smtpc.c|s/if \(good\(c\)\)\n\t\tc->n_good\+\+;/c->n_good++;/
smtpc|smtp-gateway/reply.c|s/ \|\| \(r->digits == 0 && \(c < '2' \|\| c > '5'\)\)//
talk|qmqpc/talk.c|s/if \(n == 0 && in->at\[0\] == '\\n'\)/if (false)/
talk|qmqpc/textin.c|s/i \+ 1 == in.len \|\| //
header|qmqpc/header.c|s/\{"bcc", 0, true, RCPTS\}/{"bcc", 0, false, RCPTS}/
header|qmqpc/addrlist.c|s/a->is_phrase \|= a->has_domain; \/\*[^\n]*//
record|lib/record.c|s/ \|\|\n\t    checksum\(s, r->len, salt\) != r->crc//
record|queue/segment.c|s/ \|\| r->segno != scan->segment->segno//
spool|qmqpc/spool_entry.c|s/rest.len == 0 && n == e->n_rcpts/rest.len == 0/
warmup|queue/warmup.c|s/\(step > 0 \? step : 1\)/step/
warmup|queue/warmup.c|s/c->n = c->ceiling = n;/c->n = c->ceiling = n > 0 ? n - 1 : 0;/
warmup|queue/warmup.c|s/\n\t\tw->end \+= end \+ 1;//
segment|queue/store_load.c|s/index < m->n_rcpts && //
segment|queue/store_load.c|s/free\(m->done.words\)/(void)0/
segment|queue/entry.c|s/m->env_len > left \|\|//
aliases|queue/aliases.c|s/x->n_loops < x->n \? ALIASES_DONE : ALIASES_LOOP/ALIASES_DONE/
aliases|queue/sources.c|s/p->members\[i\].source->from.a.any.sa_family == family/true/
aliases|queue/aliases.c|s/first\[\+\+i\] = x->n/first[++i + 1] = x->n/
T
rm -rf "$work"
exit $failed
