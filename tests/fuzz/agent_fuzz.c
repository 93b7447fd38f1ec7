/* agent - both sides: an agent's machine with a queue that says anything, the
 * queue's with an agent that says anything, and the two together
 */
#include "lib/agent.h"
#include "lib/frame.h"
#include "lib/netstring.h"
#include "queue/dispatch.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/wire.h"

#include <stdlib.h>

/* an agent that tells what it was given, and answers when it has it all */

enum { ATTEMPTS = 3, RCPTS = 3 };

static struct buf *story;
static struct buf texts[ATTEMPTS]; /* where both are ours */
static bool both;
static unsigned n_jobs, n_over, n_gone;
static bool answers_early;

/* No K before the whole text has come: that breaks the contract. */
static void
give_verdicts(struct agent_job *job)
{
	const char *codes = job->text_complete ? "KZD" : "DZD";
	size_t i, n = job->n_rcpts;
	struct verdict v;

	for (i = 0; i < n; i++) {
		verdict_say(&v, codes[i % 3], "done");
		fuzz_check(agent_verdict(job, &v) == (i + 1 == n));
	}
	n_over++;
}

static void
take(struct agent_job *job)
{
	fuzz_check(job->text_seen <= job->size);
	fuzz_check(job->text_complete == (job->text_seen == job->size));
	fuzz_check(!both || (job->id > 0 && job->id <= ATTEMPTS));
	buf_puts(both ? &texts[job->id - 1] : story, buf_slice(&job->text));
	agent_more(job, job->text.len);
	buf_take(&job->text, job->text.len);
	if (job->text_complete || answers_early)
		give_verdicts(job);
}

static void
job_begun(struct agent_job *job)
{
	size_t i;

	fuzz_check(job->n_rcpts > 0);
	n_jobs++;
	buf_number(story, job->id);
	fuzz_tell(story, " nexthop", job->nexthop);
	fuzz_tell(story, "sender", job->sender);
	for (i = 0; i < job->n_rcpts; i++)
		fuzz_tell(story, "rcpt", job->rcpts[i]);
	buf_number(story, job->size);
	buf_text(story, " text ");
	take(job);
}

static void
job_gone(struct agent_job *job)
{
	fuzz_check(job->begun);
	n_gone++;
}

static const struct agent_calls calls = {job_begun, take, job_gone};
static struct loop loop;

static bool
push(void *user, struct slice piece)
{
	struct agent *a = user;

	wire_input(&a->conn, piece);
	return a->is_open;
}

static void
mad_queue(struct slice in, struct fuzz_cuts *cuts, bool early, struct buf *to)
{
	struct agent a;

	story = to;
	answers_early = early;
	both = false;
	buf_clear(story);
	n_jobs = n_over = n_gone = 0;
	agent_init(&a, &loop, "", "qmtp", 9, &calls);
	fuzz_feed(in, cuts, push, &a);
	/* as many jobs are told gone as have had no verdict */
	agent_close(&a);
	fuzz_check(n_jobs == n_over + n_gone);
	buf_text(story, " gone ");
	buf_number(story, n_gone);
}

/* a queue with three messages of three recipients each */

static struct dispatch dispatch;
static struct store store;
static struct message messages[ATTEMPTS];
static struct buf envelope, text;
static unsigned n_verdicts, n_started, n_ended, n_lost;

int
store_envelope(struct store *st, struct message *m, struct buf *room,
	       struct store_envelope *e)
{
	(void)st, (void)m, (void)room;
	*e = (struct store_envelope){.sender = SLICE("a@b.test"),
				     .rcpts = buf_slice(&envelope)};
	return 0;
}

int
store_text_next(struct store *st, struct message *m, struct store_reader *r,
		char *to, size_t n)
{
	(void)st;
	fuzz_check(r->at + n <= m->text_len && n > 0);
	memcpy(to, buf_slice(&text).at + r->at, n);
	r->at += n;
	return 0;
}

static void
verdict(struct dispatch *d, struct attempt *a, const struct verdict *v)
{
	(void)d;
	fuzz_check(a->n_answered < a->n_rcpts);
	fuzz_check(v->code == 'K' || v->code == 'Z' || v->code == 'D');
	fuzz_check(v->len <= VERDICT_TEXT_MAX);
	n_verdicts++;
}

static void
ended(struct dispatch *d, struct attempt *a)
{
	(void)d;
	fuzz_check(a->n_answered == a->n_rcpts);
	n_ended++;
	free(a);
}

static void
lost(struct dispatch *d, struct attempt *a)
{
	(void)d;
	fuzz_check(a->n_answered < a->n_rcpts);
	n_lost++;
	free(a);
}

static void
is_free(struct dispatch *d)
{
	(void)d;
}

static void
start_all(void)
{
	uint32_t i, r;

	for (i = 0; i < ATTEMPTS; i++) {
		struct attempt *a =
		    attempt_new(&messages[i], SLICE("qmtp:h.test:209"), RCPTS);

		for (r = 0; r < RCPTS; r++)
			a->rcpts[a->n_rcpts++] = r;
		if (dispatch_start(&dispatch, a) != 0)
			free(a);
		else
			n_started++;
	}
}

static void
begin(size_t size)
{
	uint32_t i;

	buf_clear(&envelope);
	for (i = 0; i < RCPTS; i++)
		netstring_put(&envelope, i ? SLICE("c@d.test") : SLICE("e@f"));
	buf_clear(&text);
	for (i = 0; text.len < size; i++)
		buf_number(&text, i);
	for (i = 0; i < ATTEMPTS; i++)
		messages[i] = (struct message){
		    .id = i + 1, .n_rcpts = RCPTS, .text_len = (uint32_t)size};
	dispatch = (struct dispatch){.verdict = verdict,
				     .ended = ended,
				     .lost = lost,
				     .returned = lost,
				     .is_free = is_free};
	dispatch_init(&dispatch, &loop, &store, "");
	n_verdicts = n_started = n_ended = n_lost = 0;
}

/* Every attempt that an agent had has ended, or is given back, once. */
static void
end(void)
{
	dispatch_close(&dispatch);
	fuzz_check(n_started == n_ended + n_lost);
	fuzz_check(n_verdicts >= RCPTS * n_ended &&
		   n_verdicts <= RCPTS * n_started);
	fuzz_check(dispatch.server.n_sessions == 0);
}

static bool
push_queue(void *user, struct slice piece)
{
	wire_input(user, piece);
	return dispatch.links != NULL;
}

/* Jobs are given out where the input has a byte 0xff. */
static void
mad_agent(struct slice in, struct fuzz_cuts *cuts)
{
	struct conn *c;

	begin(fuzz_byte(&in));
	c = wire_accept(&dispatch.server);
	while (in.len > 0 && dispatch.links) {
		struct slice part = fuzz_take(&in, slice_find(in, '\xff'));

		fuzz_byte(&in);
		fuzz_feed(part, cuts, push_queue, c);
		if (dispatch.links)
			start_all();
	}
	end();
}

/* Both are ours: envelopes and texts come as they are, verdicts too. */
/* Rarely more than is sent unasked: that takes its time. */
static size_t
text_size(uint8_t byte)
{
	return byte < 254 ? byte : AGENT_CREDIT + (size_t)70000;
}

static void
together(struct slice in, struct fuzz_cuts *cuts)
{
	static struct buf wire, told;
	struct conn *back;
	struct agent a;
	struct slice rest;
	unsigned i;

	story = &told;
	both = true;
	buf_clear(story);
	for (i = 0; i < ATTEMPTS; i++)
		buf_clear(&texts[i]);
	n_jobs = n_over = n_gone = 0;
	answers_early = fuzz_byte(&in) & 1;
	begin(text_size(fuzz_byte(&in)));
	agent_init(&a, &loop, "", "qmtp", ATTEMPTS, &calls);
	back = wire_accept(&dispatch.server);
	for (i = 0; i < 600 && n_ended < ATTEMPTS; i++) {
		buf_clear(&wire);
		wire_out(&a.conn, &wire);
		for (rest = buf_slice(&wire); rest.len > 0;) {
			wire_input(back,
				   fuzz_take(&rest, fuzz_cut(cuts, rest.len)));
			fuzz_check(dispatch.links && a.is_open);
		}
		if (i == 0)
			start_all();
		buf_clear(&wire);
		wire_out(back, &wire);
		for (rest = buf_slice(&wire); rest.len > 0;)
			wire_input(&a.conn,
				   fuzz_take(&rest, fuzz_cut(cuts, rest.len) *
							(size_t)1024));
	}
	fuzz_check(n_started == ATTEMPTS && n_ended == ATTEMPTS);
	fuzz_check(n_over == ATTEMPTS && n_gone == 0);
	fuzz_check(n_verdicts == RCPTS * ATTEMPTS);
	for (i = 0; i < ATTEMPTS && !answers_early; i++)
		fuzz_check(slice_eq(
		    buf_slice(&texts[i]),
		    slice_of(buf_slice(&text).at, messages[i].text_len)));
	agent_close(&a);
	end();
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	static struct buf whole, cut;
	struct slice in = slice_of((const char *)at, n);
	struct fuzz_cuts cuts = fuzz_cuts_take(&in);
	uint8_t what = fuzz_byte(&in);

	switch (what & 3) {
	case 1: mad_agent(in, &cuts); break;
	case 2: together(in, &cuts); break;
	default:
		mad_queue(in, NULL, what & 4, &whole);
		mad_queue(in, &cuts, what & 4, &cut);
		fuzz_same(&whole, &cut);
	}
	return 0;
}
