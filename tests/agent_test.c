/* agent_test - lib/agent.c against a queue that follows a script, then
 * against the real one (queue/dispatch.c on a store in /tmp), and hostile
 * agents against that */
#include "lib/agent.h"

#include "lib/frame.h"
#include "lib/fs.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "lib/server.h"
#include "queue/dispatch.h"
#include "queue/store_damage.h"
#include "queue/store_load.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static struct loop loop;
static char home[64], path[96], queue_path[96];
static struct buf story;

static void
rounds(unsigned n)
{
	while (n-- > 0)
		loop_round(&loop, 0);
}

/* Rounds until the condition is true, half a minute at most. */
#define WAIT_FOR(condition)                                                    \
	for (unsigned tries = 0; !(condition) && tries < 3000; tries++)        \
	loop_round(&loop, 10)

static bool
told_either(const char *what, const char * or)
{
	struct slice s = buf_slice(&story);
	bool same =
	    slice_eq(s, slice_text(what)) || slice_eq(s, slice_text(or));

	if (!same)
		fprintf(stderr, "# told: %.*s\n# not:  %s\n", (int)s.len, s.at,
			what);
	buf_free(&story);
	return same;
}

static bool
told(const char *what)
{
	return told_either(what, what);
}

/* the queue that follows a script */

static struct server script_server;
static struct conn script;

static void
script_on(struct conn *c, enum conn_event event)
{
	struct slice in = buf_slice(&c->in);
	size_t before = in.len;
	struct frame f;

	if (event == CONN_EOF || event == CONN_BROKEN) {
		conn_close(c);
		server_left(&script_server);
		buf_text(&story, "away ");
		return;
	}
	while (event == CONN_INPUT && frame_next(&in, &f) == FRAME_DONE) {
		buf_putc(&story, f.type);
		buf_number(&story, f.id);
		buf_putc(&story, ':');
		buf_puts(&story, f.rest);
		buf_putc(&story, ' ');
	}
	if (event == CONN_INPUT)
		buf_take(&c->in, before - in.len);
}

static void
script_accepted(struct server *s, int fd, const struct endpoint *peer)
{
	(void)s;
	(void)peer;
	conn_open_take(&script, &loop, fd, script_on);
}

static void
script_hang_up(void)
{
	if (script.is_open)
		server_left(&script_server);
	conn_close(&script);
}

/* "O P:k=v S:a R:b C T:text" of job number n */
static void
put_words(struct buf *out, uint64_t n, const char *words)
{
	struct slice rest = slice_text(words), word;

	while ((word = slice_word(&rest)).len > 0)
		frame_put(out, word.at[0], n,
			  word.len > 2 ? slice_from(word, 2) : SLICE(""));
}

static void
script_say(uint64_t n, const char *words)
{
	put_words(&script.out, n, words);
	conn_flush_later(&script);
}

/* the agent: tells all that it is told */

static struct agent agent;
static struct agent_job *jobs[128]; /* by number */
static bool answer_at_begin, close_at_gone;
static struct agent_job *answer_at_gone;

static void
say(const char *what, uint64_t number)
{
	buf_text(&story, what);
	buf_number(&story, number);
	buf_putc(&story, ' ');
}

static void
job_begun(struct agent_job *job)
{
	struct verdict v;
	size_t i;

	say("begun", job->number);
	if (job->number < 128)
		jobs[job->number] = job;
	buf_puts(&story, job->nexthop);
	buf_putc(&story, '|');
	buf_puts(&story, job->sender);
	for (i = 0; i < job->n_rcpts; i++) {
		buf_putc(&story, '|');
		buf_puts(&story, job->rcpts[i]);
	}
	buf_putc(&story, '|');
	buf_number(&story, job->size);
	buf_text(&story, job->text_complete ? "! " : " ");
	if (answer_at_begin) {
		verdict_say(&v, 'Z', "not now");
		agent_verdict_rest(job, &v);
	}
}

static void
job_text(struct agent_job *job)
{
	say(job->text_complete ? "all" : "text", job->text_seen);
}

static void
job_gone(struct agent_job *job)
{
	struct verdict v;

	say("gone", job->number);
	if (answer_at_gone && answer_at_gone != job) {
		verdict_say(&v, 'Z', "with it");
		agent_verdict_rest(answer_at_gone, &v);
	}
	answer_at_gone = NULL;
	if (close_at_gone)
		agent_close(&agent);
}

static const struct agent_calls calls = {job_begun, job_text, job_gone};

static void
agent_at_script(void)
{
	agent_init(&agent, &loop, path, "test", 5, &calls);
	WAIT_FOR(story.len > 0);
}

static void
leave(void)
{
	agent_close(&agent);
	rounds(3);
	script_hang_up();
	buf_free(&story);
}

static const char job_words[] =
    "O P:id=69300001000000a1 P:birth=1795293611000000 P:size=10 P:try=1 "
    "P:nexthop=test:h:1 P:later=x S:a@b.test R:c@d.test R:e@f.test C T:hello "
    "T:world";

static void
test_job(void)
{
	struct verdict v;

	agent_at_script();
	ok(told("H0:test 5 "), "an agent says what it serves");
	script_say(1, job_words);
	rounds(3);
	ok(told("begun1 test:h:1|a@b.test|c@d.test|e@f.test|10 text5 all10 ") &&
	       jobs[1]->id == 0x69300001000000a1 &&
	       jobs[1]->birth_us == 1795293611000000 && jobs[1]->attempt == 1,
	   "a job comes");
	ok(slice_eq(buf_slice(&jobs[1]->text), SLICE("helloworld")),
	   "with its text");
	verdict_say(&v, 'K', "one");
	ok(!agent_verdict(jobs[1], &v), "a verdict");
	verdict_say(&v, 'D', "two (#5.1.1)");
	ok(agent_verdict(jobs[1], &v) && agent.jobs.n == 0, "and the last");
	rounds(3);
	ok(told("V1:Kone V1:Dtwo (#5.1.1) "), "in their order");
	script_say(2, "O S R:c@d.test C");
	rounds(3);
	ok(told("begun2 ||c@d.test|0! "),
	   "no size, no text; an empty sender: complete at once");
	agent_more(jobs[2], 5);
	rounds(3);
	ok(told(""), "nothing is granted when all is there");
	script_say(3, "O P:size=9 S R:c@d.test C T:hello");
	rounds(3);
	buf_free(&story);
	agent_more(jobs[3], 4711);
	agent_more(jobs[3], 0);
	rounds(3);
	ok(told("W3:4711 "), "credit");
	leave();
}

static void
test_every_cut(void)
{
	static const char want[] =
	    "begun1 test:h:1|a@b.test|c@d.test|e@f.test|10 text5 all10 ";
	struct buf wire = {0};
	struct verdict v;
	bool good = true;
	size_t cut;

	agent_at_script();
	buf_free(&story);
	put_words(&wire, 1, job_words);
	verdict_say(&v, 'K', "");
	for (cut = 0; cut <= wire.len; cut++) {
		conn_put(&script, slice_of(wire.mem, cut));
		rounds(2);
		conn_put(&script, slice_from(buf_slice(&wire), cut));
		rounds(3);
		good &= ok_quiet(told(want), "cut at %zu", cut);
		agent_verdict_rest(jobs[1], &v);
		rounds(2);
		buf_free(&story);
	}
	ok(good, "the same story at every cut");
	buf_free(&wire);
	leave();
}

/* All verdicts are given before the text has come, inside the call. */
static void
test_answered_early(void)
{
	agent_at_script();
	buf_free(&story);
	answer_at_begin = true;
	script_say(1, job_words);
	script_say(1, "A");
	rounds(3);
	answer_at_begin = false;
	ok(told("begun1 test:h:1|a@b.test|c@d.test|e@f.test|10 "
		"V1:Znot now V1:Znot now "),
	   "answered at once: the rest of the job is dropped");
	ok(agent.is_open && agent.jobs.n == 0, "and the connection goes on");
	leave();
}

static void
test_abandoned(void)
{
	agent_at_script();
	buf_free(&story);
	script_say(1, job_words);
	script_say(2, "O P:size=5 S:a@b.test R:c@d.test");
	rounds(3);
	buf_free(&story);
	script_say(1, "A");
	script_say(2, "A");
	script_say(3, "A");
	rounds(3);
	ok(told("gone1 ") && agent.jobs.n == 0,
	   "abandoned: told of the job that had begun only");
	leave();
}

static void
test_queue_gone(void)
{
	agent_at_script();
	script_say(1, job_words);
	script_say(2, "O P:size=5 S:a@b.test R:c@d.test C T:he");
	script_say(3, "O P:size=5 S:a@b.test");
	rounds(3);
	buf_free(&story);
	script_hang_up();
	server_stop(&script_server);
	rounds(3);
	ok(told_either("gone1 gone2 ", "gone2 gone1 ") && agent.jobs.n == 0,
	   "the queue goes away: the jobs with it");
	server_init(&script_server, &loop, "script", 1, script_accepted);
	server_listen_unix(&script_server, path, 0600);
	WAIT_FOR(story.len > 0);
	ok(told("H0:test 5 "), "it comes back, and the agent too");
	script_say(1, job_words);
	rounds(3);
	ok(told("begun1 test:h:1|a@b.test|c@d.test|e@f.test|10 text5 all10 "),
	   "jobs come as before");
	leave();
}

static void
test_gone_inside(void)
{
	agent_at_script();
	script_say(1, job_words);
	script_say(2, job_words);
	rounds(3);
	buf_free(&story);
	/* whichever goes first answers the other: they were one delivery */
	answer_at_gone = jobs[1];
	script_say(2, "A");
	rounds(3);
	ok(told("gone2 V1:Zwith it V1:Zwith it ") && agent.jobs.n == 0,
	   "one abandoned, another answered inside");
	script_say(1, job_words);
	script_say(2, job_words);
	rounds(3);
	buf_free(&story);
	answer_at_gone = idmap_any(&agent.jobs) == jobs[1] ? jobs[2] : jobs[1];
	script_hang_up();
	WAIT_FOR(script.is_open);
	rounds(3);
	ok(agent.jobs.n == 0 && story.len >= 16 &&
	       slice_eq(slice_from(buf_slice(&story), 6), SLICE("H0:test 5 ")),
	   "inside the loss of the queue: not said to the next one");
	buf_free(&story);
	script_say(1, job_words);
	script_say(2, job_words);
	rounds(3);
	buf_free(&story);
	close_at_gone = true;
	script_hang_up();
	rounds(3);
	close_at_gone = false;
	ok(agent.jobs.n == 0 && loop.n_timers == 0 && story.len == 12,
	   "closed inside: both are told, and no more retries");
	leave();
}

static void
test_hostile_queue(void)
{
	static const struct {
		const char *words, *what;
	} t[] = {
	    {"O O", "opened twice"},
	    {"O P:size=5 S R:c@d.test T:hello", "text before C"},
	    {"O P:size=4 S R:c@d.test C T:hello", "more text than the size"},
	    {"O S R:c@d.test C T:x", "text of a job that has none"},
	    {"O P:size=4 S R:c@d.test C S:x", "a sender after C"},
	    {"O P:size=4 S R:c@d.test C R:x", "a recipient after C"},
	    {"O P:size=4 S R:c@d.test C P:x=y", "an attribute after C"},
	    {"O P:size=4 S R:c@d.test C C", "C twice"},
	    {"O P:size=4 S C", "no recipients"},
	    {"O P:novalue", "an attribute without ="},
	    {"O P:size=-1", "a negative size"},
	    {"O P:size=9223372036854775808", "a size beyond all sizes"},
	    {"O P:id=xyz", "an id that is none"},
	    {"O P:try=99999999999", "a great many tries"},
	};
	size_t i;

	for (i = 0; i < sizeof t / sizeof *t; i++) {
		agent_at_script();
		script_say(1, t[i].words);
		rounds(3);
		ok(!agent.is_open && agent.jobs.n == 0, "dropped: %s",
		   t[i].what);
		leave();
	}
	agent_at_script();
	script_say(0, "O");
	rounds(3);
	ok(!agent.is_open, "dropped: job number 0");
	leave();
	agent_at_script();
	conn_put(&script, SLICE("junk"));
	rounds(3);
	ok(!agent.is_open, "dropped: junk");
	leave();
	agent_at_script();
	buf_free(&story);
	script_say(5, "T:x C S R P:a=b X W:5 L:9");
	rounds(3);
	ok(agent.is_open && told(""), "frames of no job do nothing");
	leave();
}

/* the real queue */

static struct store store;
static struct dispatch dispatch;

static void
on_verdict(struct dispatch *d, struct attempt *a, const struct verdict *v)
{
	(void)d;
	buf_putc(&story, v->code);
	buf_number(&story, a->n_answered);
	buf_putc(&story, ' ');
}

static void
on_ended(struct dispatch *d, struct attempt *a)
{
	(void)d;
	buf_text(&story, "ended ");
	free(a);
}

static void
on_lost(struct dispatch *d, struct attempt *a)
{
	(void)d;
	say("lost", a->n_answered);
	free(a);
}

static void
on_returned(struct dispatch *d, struct attempt *a)
{
	(void)d;
	say("returned", a->n_answered);
	free(a);
}

static void
on_free(struct dispatch *d)
{
	(void)d;
}

static void
on_loaded(struct store *st)
{
	(void)st;
}

static struct message *stored;

static void
on_stored(struct store_waiter *w, struct message *m, const struct verdict *v)
{
	(void)w;
	(void)v;
	stored = m;
}

/* A message of three recipients whose text is 0, 1, 2 ... */
static struct message *
make_message(size_t size)
{
	static uint64_t lease;
	struct incoming in = {.id = lease =
				  lease ? lease + 1 : store_lease(&store)};
	struct store_waiter w = {.done = on_stored};
	struct buf text = {0};
	size_t i;

	for (i = 0; i < size; i++)
		buf_putc(&text, (char)(i % 251));
	in.birth_us = 1;
	buf_text(&in.sender, "a@b.test");
	incoming_rcpt(&in, SLICE("r0@d.test"));
	incoming_rcpt(&in, SLICE("r1@d.test"));
	incoming_rcpt(&in, SLICE("r2@d.test"));
	incoming_text(&in, store.big_dir, INCOMING_SMALL, buf_slice(&text));
	stored = NULL;
	store_add(&store, &in, SLICE(""), &w);
	rounds(1);
	incoming_free(&in, store.big_dir);
	buf_free(&text);
	if (!stored)
		abort();
	return stored;
}

/* For its first and last recipient. */
static struct attempt *
make_attempt(struct message *m)
{
	struct attempt *a = attempt_new(m, SLICE("test:h:1"), 3);

	a->n_rcpts = 2;
	a->rcpts[0] = 0;
	a->rcpts[1] = 2;
	return a;
}

static void
real_open(void)
{
	store = (struct store){.loaded = on_loaded};
	store_open(&store, &loop, queue_path);
	dispatch = (struct dispatch){.verdict = on_verdict,
				     .ended = on_ended,
				     .lost = on_lost,
				     .returned = on_returned,
				     .is_free = on_free};
	dispatch_init(&dispatch, &loop, &store, path);
	rounds(2);
}

static void
test_real_job(void)
{
	struct attempt *a = make_attempt(make_message(10));
	struct agent_job *job;
	struct verdict v;

	ok(dispatch_start(&dispatch, a) == 1, "no agent, no job");
	agent_init(&agent, &loop, path, "test", 2, &calls);
	WAIT_FOR(dispatch.links);
	rounds(3); /* its hello */
	ok(dispatch_start(&dispatch, a) == 0, "an agent is there");
	WAIT_FOR(story.len > 0);
	rounds(2);
	ok(told("begun1 test:h:1|a@b.test|r0@d.test|r2@d.test|10 all10 "),
	   "it gets the recipients of the attempt, and the text");
	job = jobs[1];
	ok(job->id == stored->id && job->birth_us == 1 && job->attempt == 1 &&
	       slice_eq(buf_slice(&job->text), SLICE("\0\1\2\3\4\5\6\7\10\11")),
	   "byte for byte");
	verdict_say(&v, 'K', "");
	agent_verdict(job, &v);
	verdict_say(&v, 'D', "no");
	agent_verdict(job, &v);
	rounds(3);
	ok(told("K0 D1 ended "), "its verdicts arrive in their order");

	dispatch_start(&dispatch, make_attempt(stored));
	dispatch_start(&dispatch, make_attempt(stored));
	a = make_attempt(stored);
	ok(dispatch_start(&dispatch, a) == 1, "no more jobs than its capacity");
	a->nexthops = SLICE("other:h:1");
	ok(dispatch_start(&dispatch, a) == 1, "none for another kind");
	free(a);
	rounds(3);
	buf_free(&story);
	agent_verdict(jobs[2], &v);
	rounds(3);
	ok(told("D0 "), "one of two is answered");
	agent_close(&agent);
	rounds(3);
	ok(told_either("gone2 gone3 lost0 lost1 ", "gone3 gone2 lost0 lost1 "),
	   "the agent dies: its jobs come back, with what was answered");
	ok(dispatch.jobs.n == 0 && dispatch.links == NULL, "nothing is left");
}

static bool
text_is_right(struct agent_job *job)
{
	struct slice s = buf_slice(&job->text);
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.at[i] != (char)(i % 251))
			return false;
	return true;
}

static void
test_real_credit(void)
{
	enum { SIZE = 600000 };
	struct message *m = make_message(SIZE);
	struct verdict v;

	agent_init(&agent, &loop, path, "test", 2, &calls);
	WAIT_FOR(dispatch.links);
	rounds(3); /* its hello */
	dispatch_start(&dispatch, make_attempt(m));
	WAIT_FOR(story.len > 0);
	rounds(20);
	ok(jobs[4]->text_seen == AGENT_CREDIT && !jobs[4]->text_complete,
	   "the first 256 KiB come unasked, and not a byte more");
	agent_more(jobs[4], 1000);
	rounds(5);
	ok(jobs[4]->text_seen == AGENT_CREDIT + 1000, "then what is granted");
	agent_more(jobs[4], 1);
	agent_more(jobs[4], 1);
	rounds(5);
	ok(jobs[4]->text_seen == AGENT_CREDIT + 1002, "exactly");
	agent_more(jobs[4], UINT32_MAX);
	WAIT_FOR(jobs[4]->text_complete);
	ok(jobs[4]->text_seen == SIZE && text_is_right(jobs[4]),
	   "to the end, byte for byte");
	buf_free(&story);
	verdict_say(&v, 'K', "");
	agent_verdict_rest(jobs[4], &v);
	rounds(3);
	ok(told("K0 K1 ended "), "and is answered");
	agent_close(&agent);
	rounds(3);
	buf_free(&story);
}

/* A hostile agent */
struct raw {
	struct conn conn;
	bool gone;
	uint64_t job; /* the last that it got */
	unsigned n_abandoned;
	uint64_t n_text;
};

static void
raw_on(struct conn *c, enum conn_event event)
{
	struct raw *r = OWNER(c, struct raw, conn);
	struct slice in = buf_slice(&c->in);
	size_t before = in.len;
	struct frame f;

	if (event == CONN_EOF || event == CONN_BROKEN) {
		r->gone = true;
		conn_close(c);
		return;
	}
	while (event == CONN_INPUT && frame_next(&in, &f) == FRAME_DONE) {
		if (f.type == 'O')
			r->job = f.id;
		r->n_abandoned += f.type == 'A';
		r->n_text += f.type == 'T' ? f.rest.len : 0;
	}
	if (event == CONN_INPUT)
		buf_take(&c->in, before - in.len);
}

static void
raw_open(struct raw *r, const char *name)
{
	struct buf hello = {0};

	*r = (struct raw){0};
	conn_open_take(&r->conn, &loop, unix_connect(path), raw_on);
	if (name) {
		buf_text(&hello, name);
		buf_text(&hello, " 10");
		frame_put(&r->conn.out, 'H', 0, buf_slice(&hello));
		conn_flush_later(&r->conn);
		buf_free(&hello);
	}
	rounds(4);
}

static void
raw_say(struct raw *r, uint64_t n, const char *words)
{
	put_words(&r->conn.out, n, words);
	conn_flush_later(&r->conn);
}

static void
test_real_hostile(void)
{
	static const struct {
		uint64_t plus; /* to the number of its job */
		const char *words, *what, *story;
	} t[] = {
	    {0, "V:K V:K V:K", "verdicts too many", "K0 K1 ended "},
	    {0, "V:K V:X", "a verdict without sense", "K0 lost1 "},
	    {0, "V", "an empty verdict", "lost0 "},
	    {1000, "V:K", "a verdict for a job that never was", "lost0 "},
	    {0, "W:-1", "negative credit", "lost0 "},
	    {0, "W:99999999999", "credit beyond measure", "lost0 "},
	    {0, "W", "no credit", "lost0 "},
	    {0, "H:other", "hello again", "lost0 "},
	    {0, "O", "a job for the queue", "lost0 "},
	    {0, "T:x", "text for the queue", "lost0 "},
	    {0, "A", "abandoning", "lost0 "},
	    {0, "B B", "giving back twice, with no end", "lost0 "},
	    {1000, "B", "giving back what never was", "lost0 "},
	    {0, "E", "the end of a job", "lost0 "},
	    {1000, "T:x", "text for a job that never was", "lost0 "},
	};
	static const struct slice junk[] = {SLICE("junk"), SLICE("0:,"),
					    SLICE("65554:"),
					    SLICE("17:V0000000000000001;")};
	struct message *m = make_message(10);
	struct raw r, other;
	size_t i;

	for (i = 0; i < sizeof t / sizeof *t; i++) {
		raw_open(&r, "test");
		dispatch_start(&dispatch, make_attempt(m));
		WAIT_FOR(r.job > 0);
		raw_say(&r, r.job + t[i].plus, t[i].words);
		WAIT_FOR(r.gone);
		ok(r.gone && told(t[i].story), "closed: %s", t[i].what);
	}
	for (i = 0; i < sizeof junk / sizeof *junk; i++) {
		raw_open(&r, "test");
		dispatch_start(&dispatch, make_attempt(m));
		WAIT_FOR(r.job > 0);
		conn_put(&r.conn, junk[i]);
		WAIT_FOR(r.gone);
		ok(r.gone && told("lost0 "), "closed: junk \"%s\"", junk[i].at);
	}
	/* the job of another agent */
	raw_open(&other, "test");
	dispatch_start(&dispatch, make_attempt(m));
	WAIT_FOR(other.job > 0);
	raw_open(&r, "evil");
	raw_say(&r, other.job, "V:D V:D");
	WAIT_FOR(r.gone);
	ok(r.gone && told(""), "closed: a verdict for another agent's job");
	raw_say(&other, other.job, "W:5 V:K V:K W:5");
	rounds(4);
	ok(!other.gone && told("K0 K1 ended "),
	   "which goes on; credit for a job that is over is no matter");
	conn_close(&other.conn);
	rounds(3);
}

static void
test_real_hello(void)
{
	static const char *const bad[] = {
	    "", "test", "test 0", "test 10001", "test -1", "test x", " "};
	struct raw r;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		raw_open(&r, NULL);
		frame_put(&r.conn.out, 'H', 0, slice_text(bad[i]));
		conn_flush_later(&r.conn);
		WAIT_FOR(r.gone);
		ok(r.gone, "closed: hello \"%s\"", bad[i]);
	}
	raw_open(&r, NULL);
	raw_say(&r, 1, "V:K");
	WAIT_FOR(r.gone);
	ok(r.gone, "closed: a verdict before hello");
	raw_open(&r, NULL);
	raw_say(&r, 0, "E");
	WAIT_FOR(r.gone);
	ok(r.gone, "closed: the end before hello");
}

static uint64_t n_read;

static ssize_t
count_pread(int fd, void *at, size_t n, off_t where)
{
	n_read += n;
	return fs_kernel.pread(fd, at, n, where);
}

/* It grants everything at once and reads nothing. */
static void
test_real_greedy(void)
{
	enum { SIZE = 12 * 1024 * 1024 };
	struct fs_calls counting = fs_kernel;
	struct message *m = make_message(SIZE);
	struct raw r;
	unsigned i;

	raw_open(&r, "test");
	for (i = 0; i < 3; i++)
		dispatch_start(&dispatch, make_attempt(m));
	WAIT_FOR(r.n_text == 3 * AGENT_CREDIT);
	conn_pause(&r.conn);
	counting.pread = count_pread;
	fs_use(&counting);
	for (i = 0; i < 3; i++)
		raw_say(&r, r.job - i, "W:4294967295 W:4294967295");
	rounds(10);
	ok(n_read > 0 && n_read < SIZE, "%lu bytes wait for it, not all",
	   (unsigned long)n_read);
	fs_use(&fs_kernel);
	conn_resume(&r.conn);
	WAIT_FOR(r.n_text == 3u * SIZE);
	ok(r.n_text == 3u * SIZE && !r.gone, "all comes when it reads");
	conn_close(&r.conn);
	rounds(3);
	ok(told("lost0 lost0 lost0 "), "and the jobs come back when it goes");
}

/* The text cannot be read to its end: nobody else's trouble. */
static void
test_real_unreadable(void)
{
	struct message *m = make_message(600000);
	uint64_t broken;
	char name[BIG_NAME];
	struct raw r;

	raw_open(&r, "test");
	dispatch_start(&dispatch, make_attempt(m));
	WAIT_FOR(r.n_text == AGENT_CREDIT);
	broken = r.job;
	big_name(name, m->id);
	ok(unlinkat(store.big_dir, name, 0) == 0, "a file is lost");
	m = make_message(10);
	dispatch_start(&dispatch, make_attempt(m));
	WAIT_FOR(r.job != broken);
	raw_say(&r, broken, "V:Z W:100000");
	WAIT_FOR(r.n_abandoned > 0);
	ok(r.n_abandoned == 1 && told("Z0 Z1 ended "),
	   "its job is abandoned: Z for who has no verdict");
	raw_say(&r, broken, "V:Z W:5");
	raw_say(&r, r.job, "V:K V:K");
	rounds(5);
	ok(!r.gone && told("K0 K1 ended "),
	   "a late verdict for it does no harm, and other jobs go on");
	ok(dispatch_start(&dispatch, make_attempt(m)) == 0, "new ones too");
	conn_close(&r.conn);
	rounds(3);
	told("lost0 ");
}

/* Who has not had all of it cannot have taken it. */
static void
test_real_early(void)
{
	struct raw r;

	raw_open(&r, "test");
	dispatch_start(&dispatch, make_attempt(make_message(600000)));
	WAIT_FOR(r.n_text == AGENT_CREDIT);
	raw_say(&r, r.job, "V:K");
	WAIT_FOR(r.gone);
	ok(r.gone && told("lost0 "), "K before the text is no contract's");
	conn_close(&r.conn);
	rounds(3);
}

/* the end */

/* Of two jobs the one whose number is even may be given back. */
static bool
give_even(struct agent_job *job)
{
	if (job->number % 2)
		return false;
	say("back", job->number);
	return true;
}

static void
agent_at_queue(unsigned n_jobs, struct message *m)
{
	unsigned i;

	agent_init(&agent, &loop, path, "test", 4, &calls);
	agent.give_back = give_even;
	WAIT_FOR(dispatch.links);
	rounds(3);
	dispatch.next_job = 100;
	for (i = 0; i < n_jobs; i++)
		dispatch_start(&dispatch, make_attempt(m));
	rounds(4);
	buf_free(&story);
}

static void
test_agent_ends(void)
{
	struct message *m = make_message(10);
	struct verdict v;
	struct attempt *a;

	agent_at_queue(2, m);
	agent_end(&agent);
	rounds(4);
	ok(told("back102 returned0 ") && agent.jobs.n == 1 &&
	       dispatch_jobs(&dispatch) == 1,
	   "an agent that ends gives back what it may, and keeps the rest");
	a = make_attempt(m);
	ok(dispatch_start(&dispatch, a) == 1 &&
	       dispatch_room(&dispatch, SLICE("test")).free == 0,
	   "it gets no more jobs");
	free(a);
	verdict_say(&v, 'K', "");
	agent_verdict_rest(jobs[101], &v);
	rounds(4);
	ok(told("K0 K1 ended ") && !agent_busy(&agent), "and answers the rest");
	agent_close(&agent);
	rounds(3);

	agent_at_queue(0, m);
	dispatch_start(&dispatch, make_attempt(m));
	agent_end(&agent); /* the job is on its way */
	rounds(6);
	ok(told("returned0 "), "a job that was on its way comes back");
	agent_close(&agent);
	rounds(3);
}

static bool
want_all(struct attempt *a)
{
	a->is_called = true;
	return true;
}

/* The queue wants two jobs back, of which the agent may give one: that is no
 * job that was lost. */
static void
test_called_back(void)
{
	struct message *m = make_message(10);
	struct verdict v;

	agent_at_queue(2, m);
	dispatch_call_back(&dispatch, want_all);
	rounds(4);
	ok(told("back102 returned0 ") && agent.jobs.n == 1 &&
	       dispatch_room(&dispatch, SLICE("test")).free == 3,
	   "what is called back and may be given makes room");
	dispatch_start(&dispatch, make_attempt(m));
	rounds(4);
	ok(agent.jobs.n == 2, "for another");
	buf_free(&story);
	verdict_say(&v, 'K', "");
	agent_verdict_rest(jobs[101], &v);
	rounds(4);
	ok(told("K0 K1 ended "), "the other ends as ever");
	agent_close(&agent);
	rounds(3);
	told("lost0 ");
}

static void
test_queue_ends(void)
{
	struct message *m = make_message(10), *large = make_message(600000);
	struct attempt *a;
	struct verdict v;
	struct raw old;

	agent_at_queue(2, m);
	dispatch_start(&dispatch, make_attempt(large));
	rounds(6);
	buf_free(&story);
	dispatch_end(&dispatch);
	rounds(6);
	ok(told("returned0 back102 gone103 returned0 ") &&
	       dispatch_jobs(&dispatch) == 1,
	   "a queue that ends takes back what it has not sent as a whole, and "
	   "what the agent may give");
	a = make_attempt(m);
	ok(dispatch_start(&dispatch, a) == 1, "begins nothing");
	free(a);
	verdict_say(&v, 'K', "");
	agent_verdict_rest(jobs[101], &v);
	rounds(4);
	ok(told("K0 K1 ended ") && dispatch_jobs(&dispatch) == 0,
	   "and waits for the rest");
	agent_close(&agent);
	rounds(3);
	dispatch.is_ending = false;

	raw_open(&old, "test");
	dispatch_start(&dispatch, make_attempt(m));
	WAIT_FOR(old.job > 0);
	dispatch_end(&dispatch);
	rounds(4);
	raw_say(&old, old.job, "V:K V:K");
	rounds(4);
	ok(told("K0 K1 ended ") && !old.gone,
	   "an agent that knows nothing of it answers as ever");
	conn_close(&old.conn);
	rounds(3);
	dispatch.is_ending = false;
}

/* One bit of a text goes bad on the disk: its end never leaves. */
static void
test_real_changed(uint32_t size, uint64_t at)
{
	struct message *m = make_message(size);
	struct attempt *a = make_attempt(m);
	uint64_t where =
	    m->is_big ? at : m->offset + store_footprint(m) - 1 - size + at;
	char name[BIG_NAME], c;
	struct raw r;
	int fd;

	buf_clear(&store.written);
	big_name(name, m->id);
	fd = m->is_big ? openat(store.big_dir, name, O_RDWR) : m->segment->fd;
	if (pread(fd, &c, 1, (off_t)where) != 1)
		abort();
	c ^= 4;
	if (pwrite(fd, &c, 1, (off_t)where) != 1)
		abort();
	raw_open(&r, "test");
	rounds(3);
	if (dispatch_start(&dispatch, a) == 0) {
		WAIT_FOR(r.job > 0);
		raw_say(&r, r.job, "W:4000000");
		WAIT_FOR(r.n_abandoned > 0);
		ok(r.n_abandoned == 1 && r.n_text < size && r.n_text > 0 &&
		       told("Z0 Z1 ended "),
		   "byte %llu of %u is not what was taken: %llu are sent, and "
		   "no end",
		   (unsigned long long)at, size, (unsigned long long)r.n_text);
	} else {
		ok(told("") && size <= AGENT_CREDIT,
		   "byte %llu of %u: no job is begun", (unsigned long long)at,
		   size);
		free(a);
	}
	ok(store_is_spoiled(&store, m), "the message is known to be damaged");
	conn_close(&r.conn);
	rounds(3);
	if (m->is_big)
		close(fd);
}

int
main(void)
{
	char command[128];

	signal(SIGPIPE, SIG_IGN);
	snprintf(home, sizeof home, "/tmp/quail-agent-test.XXXXXX");
	if (!mkdtemp(home))
		return 1;
	snprintf(path, sizeof path, "%s/agent", home);
	snprintf(queue_path, sizeof queue_path, "%s/queue", home);
	loop_init(&loop);
	server_init(&script_server, &loop, "script", 1, script_accepted);
	server_listen_unix(&script_server, path, 0600);
	test_job();
	test_every_cut();
	test_answered_early();
	test_abandoned();
	test_queue_gone();
	test_gone_inside();
	test_hostile_queue();
	server_stop(&script_server);
	real_open();
	test_real_job();
	test_real_credit();
	test_real_hostile();
	test_real_hello();
	test_real_greedy();
	test_real_unreadable();
	test_real_early();
	test_real_changed(600000, 599999);
	test_real_changed(600000, 0);
	test_real_changed(200000, 100000);
	test_real_changed(100, 99);
	test_agent_ends();
	test_called_back();
	test_queue_ends();
	dispatch_close(&dispatch);
	store_close(&store);
	loop_free(&loop);
	buf_free(&story);
	snprintf(command, sizeof command, "rm -rf %s", home);
	ok(system(command) == 0, "clean");
	return tap_done();
}
