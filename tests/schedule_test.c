/* schedule_test - mail from the store to agents and back, on our own clock
 *
 * The store, the schedule and the agents share one loop. An agent answers
 * each recipient as say() tells; what it leaves open is a job in jobs[]. */
#include "queue/schedule.h"

#include "lib/agent.h"
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/log_write.h"
#include "lib/netstring.h"
#include "queue/damaged.h"
#include "tests/tables.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

static struct loop loop;
static struct store store;
static struct config config;
static struct schedule schedule;
static int64_t now_us;
static const int64_t begin_s = 1800000000;

static struct buf story;

static void
settle(void)
{
	int i;

	for (i = 0; i < 30; i++)
		loop_round(&loop, 0);
}

static void
pass_s(int64_t s)
{
	now_us += s * 1000000;
	clock_set_for_tests(now_us);
	settle();
	now_us += 300000; /* outcomes are on disk, agents connect again */
	clock_set_for_tests(now_us);
	settle();
}

static bool
told(const char *want)
{
	bool same = slice_eq(buf_slice(&story), slice_text(want));

	if (!same)
		fprintf(stderr, "# told: %.*s\n# want: %s\n", (int)story.len,
			buf_slice(&story).at, want);
	buf_clear(&story);
	return same;
}

/* agents */

enum { AGENTS = 4, JOBS_MAX = 4096 };

static struct agent agents[AGENTS];
static struct agent_job *jobs[JOBS_MAX];
static size_t n_jobs, n_delivered;
static struct buf bounce; /* the text of the last bounce */
static bool is_quiet;

/* What an agent answers: NULL leaves the job open. */
static const char *(*say)(const struct agent_job *job, struct slice rcpt);

static const char *
say_k(const struct agent_job *job, struct slice rcpt)
{
	(void)job;
	(void)rcpt;
	return "Kfine (#2.0.0)";
}

static const char *
say_nothing(const struct agent_job *job, struct slice rcpt)
{
	(void)job;
	(void)rcpt;
	return NULL;
}

static void
tell(const struct agent_job *job, struct slice rcpt, char code)
{
	n_delivered += code == 'K';
	if (is_quiet)
		return;
	buf_puts(&story, rcpt);
	buf_text(&story, "@@");
	buf_puts(&story, job->nexthop);
	buf_putc(&story, '=');
	buf_putc(&story, code);
	buf_putc(&story, ' ');
}

static void
answer(struct agent_job *job, const char *text)
{
	struct verdict v;

	verdict_parse_agent(&v, slice_text(text));
	tell(job, job->rcpts[job->n_answered], v.code);
	agent_verdict(job, &v);
}

static size_t n_silent_bounces; /* that say of no answer */

static bool
keep_bounce(struct agent_job *job)
{
	if (job->sender.len > 0 && !slice_eq(job->sender, SLICE("#@[]")))
		return false;
	buf_clear(&bounce);
	buf_puts(&bounce, buf_slice(&job->text));
	n_silent_bounces +=
	    job->text_complete && !memmem(buf_slice(&bounce).at, bounce.len,
					  "the last answer, from ", 22);
	return true;
}

static void
answer_all(struct agent_job *job)
{
	size_t i, n = job->n_rcpts;
	const char *text;

	for (i = 0; i < n; i++) {
		text = say(job, job->rcpts[i]);
		if (!text) {
			jobs[n_jobs++] = job;
			return;
		}
		answer(job, text);
	}
}

static bool wants_text; /* before any job is answered */

static void
job_begun(struct agent_job *job)
{
	if ((!keep_bounce(job) && !wants_text) || job->text_complete)
		answer_all(job);
	else
		agent_more(job, 10000000);
}

static void
job_text(struct agent_job *job)
{
	if ((keep_bounce(job) || wants_text) && job->text_complete)
		answer_all(job);
	else if (!job->text_complete)
		agent_more(job, 10000000);
}

static void
job_gone(struct agent_job *job)
{
	size_t i;

	for (i = 0; i < n_jobs; i++)
		if (jobs[i] == job)
			jobs[i] = jobs[--n_jobs];
}

static const struct agent_calls calls = {job_begun, job_text, job_gone};

static void
agent_up(int i, const char *name)
{
	agent_init(&agents[i], &loop, "agent", name, 200, &calls);
}

/* the node */

static void
loaded(struct store *st)
{
	(void)st;
	schedule_loaded(&schedule);
}

static void
left(struct store *st, struct message *m)
{
	(void)st;
	schedule_forget(&schedule, m);
}

static void
build(void)
{
	struct report r;
	struct buf why = {0};

	report_init(&r);
	if (config_build(".", &r) != BUILD_DONE) {
		fprintf(stderr, "# %.*s", (int)r.errors.text.len,
			buf_slice(&r.errors.text).at);
		exit(1);
	}
	report_free(&r);
	if (config.map)
		config_refresh(&config, &why);
	else
		config_open(&config, "config.cdb", &why);
	buf_free(&why);
}

static const char routes[] = "one.test    qmtp:one:209\n"
			     "two.test    qmtp:two:209\n"
			     "three.test  qmtp:a:1 qmtp:b:1 smtp:c:1\n"
			     "brief.test  qmtp:brief:1 lifetime=1h\n"
			     "often.test  qmtp:often:1 retry=3\n"
			     "held.test   hold\n"
			     "null.test   discard\n"
			     "no.test     reject not you (#5.7.1)\n"
			     "quiet.test  qmtp:quiet:1 bounce=hold\n"
			     "news.test   qmtp:news:1 class=bulk\n"
			     "single.test qmtp:news:1\n"
			     "by.test     qmtp:by:1\n"
			     "by.test from=boss@from.test hold\n"
			     "from.test   qmtp:back:1\n";

static void
node_begin(void)
{
	no_tables();
	table("me", "hub.test\n");
	table("locals", "hub.test\n");
	table("users", "box@hub.test maildir:mail/box\n"
		       "postmaster@hub.test maildir:mail/postmaster\n");
	table("routes", routes);
	build();
	store = (struct store){.loaded = loaded, .left = left};
	store_open(&store, &loop, "queue");
	schedule_init(&schedule, &loop, &store, &config, "agent");
	say = say_k;
	is_quiet = false;
	agent_up(0, "qmtp");
	agent_up(1, "smtp");
	agent_up(2, "maildir");
	pass_s(0);
}

static void
node_end(void)
{
	int i;

	for (i = 0; i < AGENTS; i++)
		agent_close(&agents[i]);
	schedule_stop(&schedule);
	settle();
	schedule_close(&schedule);
	store_close(&store);
	settle();
	n_jobs = 0;
	buf_clear(&story);
	if (system("rm -rf queue agent") != 0)
		perror("rm");
}

/* injecting */

static struct message *stored;
static size_t n_refused;

static void
on_stored(struct store_waiter *w, struct message *m, const struct verdict *v)
{
	(void)w;
	(void)v;
	stored = m;
	if (m)
		schedule_new(&schedule, m);
	else
		n_refused++;
}

static size_t add_padding;	 /* so much more text */
static const char *const *attrs; /* of what is added; NULL behind the last */

static void
add(const char *sender, const char *rcpts)
{
	static struct store_waiter waiters[64];
	static unsigned n_waiters;
	static uint64_t id, n_ids;
	struct store_waiter *w = &waiters[n_waiters++ % 64];
	struct incoming in = {.birth_us = now_us};
	struct slice rest = slice_text(rcpts), rcpt;
	size_t i;

	if (n_ids == 0 || id >> 32 != store.id_base) {
		id = store_lease(&store);
		n_ids = STORE_LEASE;
	}
	n_ids--;
	in.id = id++;
	w->done = on_stored;
	buf_text(&in.sender, sender);
	while ((rcpt = slice_word(&rest)).len > 0)
		incoming_rcpt(&in, rcpt);
	for (i = 0; attrs && attrs[i]; i++)
		incoming_attr(&in, slice_text(attrs[i]));
	incoming_text(&in, store.big_dir, INCOMING_SMALL,
		      SLICE("Subject: test\n\nhello\n"));
	for (i = 0; i < add_padding; i += 64)
		incoming_text(&in, store.big_dir, INCOMING_SMALL,
			      SLICE("0123456789012345678901234567890123456789"
				    "01234567890123456789012\n"));
	if (store_add(&store, &in, SLICE(""), w) != 0)
		n_refused++;
	incoming_free(&in, store.big_dir);
}

static struct message *
inject(const char *sender, const char *rcpts)
{
	stored = NULL;
	add(sender, rcpts);
	loop_round(&loop, 0);
	if (!stored)
		abort();
	return stored;
}

static struct message *
send_one(const char *sender, const char *rcpts)
{
	struct message *m = inject(sender, rcpts);

	settle();
	return m;
}

/* tests */

static const char *
say_by_name(const struct agent_job *job, struct slice rcpt)
{
	(void)job;
	switch (rcpt.at[0]) {
	case 'k': return "Kfine (#2.0.0)";
	case 'z': return "Znot now (#4.2.0)";
	case 'd': return "Dnever (#5.1.1)";
	case 's': return "Ztoo fast (#4.7.0)";
	default: return NULL;
	}
}

static bool
bounce_says(const char *text)
{
	bool found =
	    memmem(buf_slice(&bounce).at, bounce.len, text, strlen(text));

	if (!found)
		fprintf(stderr, "# bounce: %.*s\n", (int)bounce.len,
			buf_slice(&bounce).at);
	return found;
}

static void
test_verdicts(void)
{
	struct message *m;

	node_begin();
	say = say_by_name;
	send_one("kim@from.test", "k1@one.test d1@one.test d2@two.test");
	ok(told("k1@one.test@@qmtp:one:209=K d1@one.test@@qmtp:one:209=D "
		"d2@two.test@@qmtp:two:209=D "
		"kim@from.test@@qmtp:back:1=K "),
	   "K and two D's: one bounce when all has been said");
	ok(bounce_says("<d1@one.test>:\nnever (#5.1.1)\n\n"
		       "<d2@two.test>:\nnever (#5.1.1)\n\n--- Below") &&
	       !memmem(buf_slice(&bounce).at, bounce.len, "k1@", 3),
	   "it names both");
	pass_s(1);
	ok(store.messages.n == 0, "nothing is left");

	m = send_one("kim@from.test", "k1@one.test z1@one.test");
	ok(told("k1@one.test@@qmtp:one:209=K z1@one.test@@qmtp:one:209=Z ") &&
	       m->due_s == m->birth_us / 1000000 + 400 && m->n_live == 1,
	   "K and Z: the second again 400 s after birth");
	pass_s(398);
	ok(told(""), "not before");
	pass_s(2);
	ok(told("z1@one.test@@qmtp:one:209=Z ") && m->attempts == 2 &&
	       m->due_s == m->birth_us / 1000000 + 1600,
	   "the first is not tried again");
	say = say_k;
	pass_s(1200);
	ok(told("z1@one.test@@qmtp:one:209=K ") && store.messages.n == 0,
	   "delivered at the third");

	say = say_by_name;
	send_one("kim@from.test", "z@one.test d@one.test");
	ok(told("z@one.test@@qmtp:one:209=Z d@one.test@@qmtp:one:209=D "
		"kim@from.test@@qmtp:back:1=K ") &&
	       store.messages.n == 1,
	   "Z and D: the bounce does not wait for the other");
	m = send_one("kim@from.test", "z@often.test");
	ok(m->due_s == m->birth_us / 1000000 + 9, "retry=3");
	node_end();
}

static void
test_double(void)
{
	node_begin();
	say = say_by_name;
	send_one("dead@from.test", "d@one.test");
	ok(told("d@one.test@@qmtp:one:209=D "
		"dead@from.test@@qmtp:back:1=D ") &&
	       n_jobs == 1 &&
	       slice_eq(jobs[0]->rcpts[0], SLICE("postmaster@hub.test")) &&
	       slice_eq(jobs[0]->sender, SLICE("#@[]")),
	   "the bounce of a bounce goes to the postmaster");
	answer(jobs[0], "Dno disk (#5.3.0)");
	n_jobs = 0;
	pass_s(1);
	ok(store.messages.n == 0 && n_jobs == 0,
	   "the bounce of that goes nowhere");
	buf_clear(&story);
	send_one("", "nobody@hub.test");
	ok(n_jobs == 1 && bounce_says("no mailbox here by that name"),
	   "a recipient that is nobody");
	node_end();
}

static const char *
say_by_hop(const struct agent_job *job, struct slice rcpt)
{
	if (slice_eq(job->nexthop, SLICE("qmtp:a:1")))
		return "Uno route (#4.4.1)";
	if (slice_eq(job->nexthop, SLICE("qmtp:b:1")) && rcpt.at[0] == 'x')
		return "Ubroke (#4.4.2)";
	if (slice_eq(job->nexthop, SLICE("qmtp:b:1")) && rcpt.at[0] == 'z')
		return "Zfull (#4.2.2)";
	return "Kfine";
}

static void
test_next_hops(void)
{
	size_t n_open;

	node_begin();
	say = say_by_hop;
	send_one("a@from.test", "x@three.test");
	ok(told("x@three.test@@qmtp:a:1=Z x@three.test@@qmtp:b:1=Z "
		"x@three.test@@smtp:c:1=K "),
	   "trouble on the way: the next next hop at once");
	pass_s(5);
	buf_clear(&story);
	send_one("a@from.test", "z@three.test y@three.test");
	ok(told("z@three.test@@qmtp:a:1=Z y@three.test@@qmtp:a:1=Z "
		"z@three.test@@qmtp:b:1=Z y@three.test@@qmtp:b:1=K "),
	   "any other deferral: not");
	node_end();

	node_begin();
	say = say_nothing;
	is_quiet = true;
	while (store.messages.n < 1000)
		inject("a@from.test", "y@three.test");
	settle();
	ok(n_jobs > 0 && n_jobs < DESTINATION_FIRST,
	   "a thousand wait for the first, which has not answered yet");
	n_open = n_jobs;
	say = say_by_hop;
	n_delivered = 0;
	answer(jobs[0], "Uno route (#4.4.1)");
	jobs[0] = jobs[--n_jobs];
	for (int i = 0; i < 40; i++)
		settle();
	ok(n_delivered == 1000 - n_open + 1,
	   "it fails: all that waits goes to the second (%zu)", n_delivered);
	while (n_jobs > 0) {
		n_jobs--;
		answer(jobs[n_jobs], "Uno route (#4.4.1)");
	}
	pass_s(1);
	ok(store.messages.n == 0, "and what ran, as it fails");
	node_end();
}

static struct destination *
hop(const char *key)
{
	return destinations_known(&schedule.destinations, slice_text(key));
}

static bool
is_open(const char *key)
{
	struct destination *d = hop(key);

	return d && d->state == DESTINATION_OPEN && d->n_troubles == 0;
}

/* By the first letter of the recipient: which hops of three do what. */
static const char *
say_about(const struct agent_job *job, struct slice rcpt)
{
	char at = job->nexthop.at[job->nexthop.len - 3];

	switch (rcpt.at[0]) {
	case 'p': return "Zunroutable here (#4.4.4)";
	case 'h': return at == 'a' ? "Hfull (#4.3.1)" : "Kfine";
	case 'l': return at == 'a' ? "Ltoo much (#4.3.2)" : "Kfine";
	case 'e': return at == 'b' ? "Uno way (#4.4.1)" : "Hfull (#4.3.1)";
	case 'w': return "Uno way (#4.4.1)";
	default: return "Kfine";
	}
}

/* What a Z is about decides, and only an agent's letter says it. */
static void
test_about(void)
{
	struct message *m;

	node_begin();
	say = say_about;
	m = send_one("a@from.test", "p@three.test");
	ok(told("p@three.test@@qmtp:a:1=Z ") && is_open("qmtp:a:1") &&
	       m->due_s == m->birth_us / 1000000 + 400,
	   "what a peer says of an address closes nothing");
	send_one("a@from.test", "h@three.test");
	ok(told("h@three.test@@qmtp:a:1=Z h@three.test@@qmtp:b:1=K ") &&
	       is_open("qmtp:a:1"),
	   "H: the next next hop at once, this one stays open");
	send_one("a@from.test", "k1@three.test h@three.test k2@three.test");
	ok(told("k1@three.test@@qmtp:a:1=K h@three.test@@qmtp:a:1=Z "
		"k2@three.test@@qmtp:a:1=K h@three.test@@qmtp:b:1=K "),
	   "also for some recipients of several");
	send_one("a@from.test", "l@three.test");
	ok(told("l@three.test@@qmtp:a:1=Z l@three.test@@qmtp:b:1=K ") &&
	       is_open("qmtp:a:1") &&
	       hop("qmtp:a:1")->limit == DESTINATION_FIRST / 2,
	   "L: the same, and less at a time");
	pass_s(2);
	m = send_one("a@from.test", "e@three.test");
	ok(told("e@three.test@@qmtp:a:1=Z e@three.test@@qmtp:b:1=Z "
		"e@three.test@@smtp:c:1=Z ") &&
	       is_open("qmtp:a:1") && is_open("smtp:c:1") &&
	       !is_open("qmtp:b:1") && m->n_busy == 0 && m->attempts == 1,
	   "nowhere: each was tried once, and the message has its own time");
	node_end();

	node_begin();
	say = say_about;
	m = send_one("a@from.test", "w@three.test");
	ok(told("w@three.test@@qmtp:a:1=Z w@three.test@@qmtp:b:1=Z "
		"w@three.test@@smtp:c:1=Z ") &&
	       m->n_busy == 1 && m->attempts == 0,
	   "none can be reached: it waits for the first that can");
	say = say_k;
	pass_s(1);
	pass_s(1);
	ok(told("w@three.test@@qmtp:a:1=K "), "and is tried when that is back");
	node_end();
}

static const char *
say_poison(const struct agent_job *job, struct slice rcpt)
{
	(void)job;
	return rcpt.at[0] == 'u'   ? "Uno way (#4.4.1)"
	       : rcpt.at[0] == 'h' ? "Hlost after the text (#4.4.2)"
				   : "Kfine";
}

/* Every step of a message's own time, for so long: how often is it tried? */
static size_t
tries(struct message *m, int64_t s)
{
	unsigned before = m->attempts;
	int64_t until_us = now_us + s * 1000000;

	while (now_us < until_us)
		pass_s(20);
	buf_clear(&story);
	return m->attempts - before;
}

/* A message that makes its connections end is nobody else's trouble. */
static void
test_poison(void)
{
	struct message *m;
	size_t i;

	node_begin();
	say = say_poison;
	m = send_one("a@from.test", "h@one.test");
	ok(told("h@one.test@@qmtp:one:209=Z ") && is_open("qmtp:one:209") &&
	       m->due_s == m->birth_us / 1000000 + 400,
	   "it dies behind its text: it waits for its own time");
	is_quiet = true;
	n_delivered = 0;
	for (i = 0; i < 999; i++)
		inject("a@from.test", "k@one.test");
	for (i = 0; i < 10; i++)
		settle();
	ok(n_delivered == 999 && is_open("qmtp:one:209"),
	   "999 others are delivered at once");
	is_quiet = false;
	ok(tries(m, 3700) == 3 && is_open("qmtp:one:209"),
	   "and it was tried once for each step of its schedule");
	node_end();

	node_begin();
	say = say_poison;
	m = send_one("a@from.test", "u@one.test");
	ok(told("u@one.test@@qmtp:one:209=Z ") && !is_open("qmtp:one:209"),
	   "no connection with it: the first time that is the next hop's");
	send_one("a@from.test", "k@one.test");
	pass_s(2);
	ok(told("u@one.test@@qmtp:one:209=Z ") && !is_open("qmtp:one:209"),
	   "while nobody else was tried it is that too");
	pass_s(3);
	ok(told("k@one.test@@qmtp:one:209=K u@one.test@@qmtp:one:209=Z ") &&
	       is_open("qmtp:one:209") && m->n_busy == 0 && m->is_blamed,
	   "then others go first and can: it is the message's");
	ok(tries(m, 4000) == 3 && is_open("qmtp:one:209"),
	   "which then has its own time, and closes nothing");
	say = say_k;
	pass_s(3000);
	ok(store.messages.n == 0, "until it is taken");
	node_end();
}

static const char *
say_by_turns(const struct agent_job *job, struct slice rcpt)
{
	char at = job->nexthop.at[job->nexthop.len - 3];

	if (rcpt.at[0] == 'g' && at == 'b')
		return "Zgreylisted (#4.2.0)";
	return at == 'a' || rcpt.at[0] == 'h' ? "Hfull (#4.3.1)" : "Kfine";
}

/* The next round does not begin with what refused this one. */
static void
test_next_round(void)
{
	struct destination *b;

	node_begin();
	say = say_by_turns;
	send_one("a@from.test", "k@three.test");
	send_one("a@from.test", "g@three.test");
	b = hop("qmtp:b:1");
	buf_clear(&story);
	say = say_k;
	pass_s(400);
	ok(told("g@three.test@@qmtp:b:1=K "),
	   "where it was told to come again it comes again");
	b->is_held = true; /* so that it does not work */
	say = say_by_turns;
	send_one("a@from.test", "h@three.test");
	ok(told("h@three.test@@qmtp:a:1=Z h@three.test@@smtp:c:1=Z "),
	   "the second cannot be tried");
	b->is_held = false;
	say = say_k;
	pass_s(400);
	ok(told("h@three.test@@qmtp:a:1=K "), "behind the last is the first");
	hop("smtp:c:1")->is_held = true;
	b->is_held = true;
	say = say_by_turns;
	send_one("a@from.test", "h@three.test");
	b->is_held = false;
	buf_clear(&story);
	say = say_k;
	pass_s(400);
	ok(told("h@three.test@@qmtp:b:1=K "),
	   "what could not be tried then is first");
	node_end();
}

static const char *
say_closed(const struct agent_job *job, struct slice rcpt)
{
	(void)job;
	(void)rcpt;
	return "Uno route to it (#4.4.1)";
}

static void
test_lifetime(void)
{
	struct message *m;
	int i;

	node_begin();
	say = say_by_name;
	m = send_one("kim@from.test", "z@brief.test z@one.test");
	pass_s(3598);
	ok(m->n_live == 2, "lifetime=1h: not yet");
	buf_clear(&story);
	pass_s(3000);
	ok(told("z@brief.test@@qmtp:brief:1=Z z@one.test@@qmtp:one:209=Z "
		"kim@from.test@@qmtp:back:1=K ") &&
	       m->n_live == 1,
	   "one last try, then it bounces; the other route goes on");
	ok(bounce_says("<z@brief.test>:\nthis message has been in the queue "
		       "too long (#5.4.7); the last answer, from "
		       "qmtp:brief:1, was: not now (#4.2.0)\n") &&
	       bounce_says("Status: 5.4.7\n"),
	   "the bounce says why");
	buf_clear(&story);
	pass_s(7 * 86400);
	pass_s(7 * 86400);
	ok(store.messages.n == 0 && bounce_says("<z@one.test>:"),
	   "seven days without a word in the table");

	say = say_closed;
	send_one("box@hub.test", "z@brief.test");
	for (i = 1; i < 30; i++) /* more than it is probed meanwhile */
		inject("box@hub.test", "z@brief.test");
	for (i = 0; i < 11; i++) {
		pass_s(300);
		schedule_minute(&schedule);
		settle();
	}
	ok(store.messages.n == 30, "a dead next hop: not yet");
	n_silent_bounces = 0;
	pass_s(350);
	say = say_k;
	schedule_minute(&schedule);
	pass_s(1);
	buf_clear(&story);
	ok(store.messages.n == 0 &&
	       bounce_says("too long (#5.4.7); the last answer, from "
			   "qmtp:brief:1, was: no route to it (#4.4.1)\n") &&
	       n_silent_bounces == 0,
	   "given up while they wait for it, with what others heard");
	node_end();
}

/* The wall's clock is set, by years. */
static void
jump_s(int64_t s)
{
	clock_jump_for_tests(s * 1000000);
	schedule_second(&schedule);
	settle();
}

static void
restart(void)
{
	schedule_stop(&schedule);
	schedule_close(&schedule);
	store_close(&store);
	store = (struct store){.loaded = loaded, .left = left};
	store_open(&store, &loop, "queue");
	schedule_init(&schedule, &loop, &store, &config, "agent");
	pass_s(0);
}

static void
test_clock_jumps(void)
{
	const int64_t day_s = 86400, year_s = 366 * day_s;
	struct message *m;
	int i;

	node_begin();
	say = say_by_name;
	m = send_one("kim@from.test", "z@one.test");
	jump_s(8 * day_s);
	ok(told("z@one.test@@qmtp:one:209=Z ") && m->n_live == 1,
	   "the clock is set forward by eight days: nothing is due");
	pass_s(400);
	ok(told("z@one.test@@qmtp:one:209=Z ") && m->n_live == 1,
	   "nor given up when it is");
	jump_s(-year_s);
	pass_s(1200);
	ok(told("z@one.test@@qmtp:one:209=Z ") && m->n_live == 1,
	   "back by a year: tried at its time");
	jump_s(-year_s);
	restart();
	ok(told("z@one.test@@qmtp:one:209=Z ") && store.messages.n == 1,
	   "... and after a restart in another year");
	clock_jump_for_tests(9 * year_s * 1000000);
	restart();
	m = idmap_any(&store.messages);
	ok(told("z@one.test@@qmtp:one:209=Z ") && store.messages.n == 1 &&
	       m->due_s - ages_now_s(&schedule.ages) < day_s,
	   "... and in one to come");
	ok(ages_age_s(&schedule.ages, m) >= 1600, "none of its age is lost");
	for (i = 0; i < 7; i++) {
		pass_s(day_s);
		pass_s(day_s / 2);
	}
	ok(store.messages.n == 0 && bounce_says("too long (#5.4.7)"),
	   "after seven days that have passed it bounces");
	node_end();
	clock_jump_for_tests(-(7 * year_s + 8 * day_s) * 1000000);
}

/* Old mail after a rest: the network may not be there yet. */
static void
test_tries(void)
{
	int i;

	node_begin();
	say = say_by_name;
	send_one("kim@from.test", "z@brief.test");
	pass_s(300);
	restart();
	buf_clear(&story);
	ok(ages_age_s(&schedule.ages, idmap_any(&store.messages)) >= 300,
	   "an orderly stop keeps what has passed");
	pass_s(4000);
	ok(told("z@brief.test@@qmtp:brief:1=Z ") && store.messages.n == 1,
	   "too old at the second try since the start: not yet");
	pass_s(SCHEDULE_LAST_S);
	ok(told("z@brief.test@@qmtp:brief:1=Z "
		"kim@from.test@@qmtp:back:1=K "),
	   "but at the third");
	say = say_k;
	send_one("kim@from.test", "x@nowhere.test");
	for (i = 0; i < 8; i++)
		pass_s(86400);
	ok(bounce_says("<x@nowhere.test>:\nthis message has been in the queue "
		       "too long (#5.4.7); there is no route for this "
		       "address\n"),
	   "what nobody was asked to take");
	node_end();
}

static void
test_decisions(void)
{
	struct message *m, *other;

	node_begin();
	say = say_by_name;
	m = send_one("a@from.test", "k@held.test");
	ok(told("") && m->is_held && m->due_s == INT64_MAX, "hold");
	send_one("a@from.test", "k@null.test");
	ok(told("") && store.messages.n == 1, "discard");
	m = send_one("a@from.test", "k@held.test z@one.test k@null.test");
	ok(m->n_live == 2 && m->due_s == m->birth_us / 1000000 + 400,
	   "beside a recipient that is held, a deferred one is tried again");
	buf_clear(&story);
	say = say_k;
	pass_s(400);
	buf_clear(&story);
	pass_s(1200);
	ok(told("") && m->n_live == 1 && m->due_s == INT64_MAX,
	   "and then all the rest is held");
	other = send_one("a@from.test", "k@nowhere.test");
	ok(told("") && other->due_s == other->birth_us / 1000000 + 400,
	   "no route: deferred");

	table("routes", "* qmtp:new:1\nfrom.test qmtp:back:1\n");
	build();
	schedule_reroute(&schedule);
	pass_s(0);
	ok(store.messages.n == 1, "new tables: held mail goes");
	buf_clear(&story);
	pass_s(400);
	ok(told("k@nowhere.test@@qmtp:new:1=K ") && store.messages.n == 0,
	   "and at its time, what had no route");
	node_end();
}

/* The log to a file meanwhile; how many lines with that are in it? */
static int
log_kept(void)
{
	int kept = dup(2), fd = open("log", O_RDWR | O_CREAT | O_TRUNC, 0600);

	log_flush();
	dup2(fd, 2);
	log_write_look();
	close(fd);
	return kept;
}

static size_t
lines_logged(int kept, const char *what)
{
	size_t n = 0;
	char line[1000];
	FILE *f = fopen("log", "r");

	log_flush();
	dup2(kept, 2);
	log_write_look();
	close(kept);
	while (f && fgets(line, sizeof line, f))
		n += strstr(line, what) != NULL;
	if (f)
		fclose(f);
	unlink("log");
	return n;
}

/* New tables that hold it still say nothing new of a message. */
static void
test_held_once(void)
{
	size_t n;
	int kept, i;

	node_begin();
	kept = log_kept();
	for (i = 0; i < 5; i++)
		send_one("a@from.test", "k@held.test");
	n = lines_logged(kept, "event=route");
	ok(n == 5, "each message that is held is logged: %zu", n);
	kept = log_kept();
	for (i = 0; i < 3; i++) {
		build();
		schedule_reroute(&schedule);
		pass_s(1);
	}
	n = lines_logged(kept, "event=route");
	ok(n == 0, "but not at each build: %zu", n);
	node_end();
}

/* By the sender, rejected by a route, bounces that are held. */
static void
test_options(void)
{
	struct message *m;

	node_begin();
	m = send_one("boss@from.test", "k@by.test");
	ok(told("") && m->is_held, "the sender's route decides");
	send_one("kim@from.test", "k@by.test");
	ok(told("k@by.test@@qmtp:by:1=K "), "not that of others");
	table("routes", "by.test qmtp:new:1\nfrom.test qmtp:back:1\n");
	build();
	schedule_reroute(&schedule);
	pass_s(0);
	ok(told("k@by.test@@qmtp:new:1=K "), "and moves it");
	table("routes", routes);
	build();
	schedule_reroute(&schedule);

	send_one("kim@from.test", "k@no.test k@one.test");
	ok(told("k@one.test@@qmtp:one:209=K kim@from.test@@qmtp:back:1=K ") &&
	       bounce_says("<k@no.test>:\nnot you (#5.7.1)\n"),
	   "a route rejects, in its words");

	pass_s(1);
	say = say_by_name;
	send_one("kim@from.test", "d@quiet.test");
	ok(told("d@quiet.test@@qmtp:quiet:1=D ") && store.messages.n == 1,
	   "bounce=hold: there is a bounce, and it stays");
	schedule_close(&schedule);
	store_close(&store);
	store_open(&store, &loop, "queue");
	schedule_init(&schedule, &loop, &store, &config, "agent");
	pass_s(0);
	pass_s(5000);
	m = idmap_any(&store.messages);
	ok(told("") && m && m->is_paused && m->due_s == INT64_MAX,
	   "after a start too");
	send_one("kim@from.test", "d@quiet.test d@one.test");
	ok(told("d@quiet.test@@qmtp:quiet:1=D d@one.test@@qmtp:one:209=D "
		"kim@from.test@@qmtp:back:1=K "),
	   "one that reports others too goes");
	node_end();
}

/* A mailing that puts something else into each return path. */
static void
test_stems(void)
{
	const char *first, *his;
	char sender[64];
	size_t i;

	node_begin();
	table("concurrencyremote", "1\n");
	build();
	schedule_reroute(&schedule);
	say = say_nothing;
	for (i = 0; i < 20; i++) {
		snprintf(sender, sizeof sender, "list-%zu-x=a.test@from.test",
			 i);
		inject(sender, "b@single.test");
	}
	inject("-@from.test", "m@single.test");
	inject("lis@from.test", "s@single.test");
	settle();
	say = say_k;
	answer(jobs[--n_jobs], "Kfine (#2.0.0)");
	settle();
	settle();
	buf_putc(&story, 0);
	first = buf_slice(&story).at;
	his = strstr(first, "s@single.test");
	ok(his && his - first <= 4 * 40 && strstr(first, "m@single.test"),
	   "one with a return path each time has one turn: %.160s", first);
	buf_clear(&story);
	node_end();
}

/* A mailing from many return paths, all of one class: one turn in two. */
static void
test_class(void)
{
	char sender[32];
	size_t i;

	node_begin();
	table("concurrencyremote", "1\n");
	build();
	schedule_reroute(&schedule);
	say = say_nothing;
	for (i = 0; i < 20; i++) {
		snprintf(sender, sizeof sender, "v%zu@from.test", i);
		inject(sender, "b@news.test");
	}
	settle();
	ok(n_jobs == 1, "concurrencyremote");
	inject("kim@from.test", "s@single.test");
	settle();
	ok(n_jobs == 1 && schedule.destinations.remote.n_running == 1,
	   "all the rest waits");
	say = say_k;
	n_delivered = 0;
	answer(jobs[--n_jobs], "Kfine (#2.0.0)");
	settle();
	settle();
	ok(slice_starts(buf_slice(&story),
			SLICE("b@news.test@@qmtp:news:1=K "
			      "b@news.test@@qmtp:news:1=K "
			      "s@single.test@@qmtp:news:1=K ")),
	   "a mailing of one class has one turn, from whatever addresses");
	ok(n_delivered == 21 && store.messages.n == 0 &&
	       schedule.destinations.remote.n_running == 0,
	   "and goes one by one");
	buf_clear(&story);
	node_end();
}

/* Mail that waits moves with the tables: full attempts and parked ones, and
 * those of which another recipient is under way. */
static void
test_reroute(void)
{
	struct message *m;
	size_t i, n = 0;

	node_begin();
	say = say_closed;
	send_one("a@from.test", "k@one.test");
	say = say_nothing;
	is_quiet = true;
	for (i = 0; i < 500; i++)
		inject("a@from.test",
		       i % 5 ? "k@one.test" : "k@one.test k2@two.test");
	settle();
	m = stored;
	inject("a@from.test", "k@one.test open@two.test");
	m = stored;
	settle();
	ok(n_jobs > 0 && schedule.destinations.names.n == 2, "many wait");
	table("routes", "one.test qmtp:new:1\ntwo.test qmtp:two:209\n"
			"from.test qmtp:back:1\n");
	build();
	schedule_reroute(&schedule);
	say = say_k;
	for (i = 0; i < 40; i++)
		settle();
	while (n_jobs > 0) {
		n_jobs--;
		answer(jobs[n_jobs], "Kfine");
	}
	pass_s(1);
	pass_s(1);
	n = store.messages.n;
	ok(n == 0, "all have gone to the new next hop (%zu are left)", n);
	(void)m;
	node_end();
}

static bool
answered(const struct message *m, uint32_t rcpt, const char *text)
{
	const struct answer *a = answers_get(&schedule.answers, m->id, rcpt);

	return a && a->said->code == 'Z' &&
	       slice_starts(said_text(a->said), slice_text(text));
}

/* Whatever becomes of an attempt, it can be asked why. */
static uint64_t
id_of(const char *name)
{
	uint64_t id;

	return slice_hex(slice_text(name), &id) == 0 ? id : 0;
}

/* One byte of its file, behind all that goes back. */
static void
flip_text(const struct message *m)
{
	char name[BIG_NAME];
	int fd;

	big_name(name, m->id);
	fd = openat(store.big_dir, name, O_WRONLY);
	if (fd < 0 || pwrite(fd, "\1", 1, 200000) != 1)
		abort();
	close(fd);
}

static bool
is_aside(const char *name)
{
	struct damaged d;
	bool found = damaged_open(&d, store.dir, name) == 0;

	damaged_close(&d);
	return found;
}

static void
test_no_verdict(void)
{
	struct message *m;
	char name[BIG_NAME];
	int i;

	node_begin();
	say = say_nothing;
	m = send_one("a@from.test", "k@one.test l@one.test");
	for (i = 0; i < ATTEMPT_LOST_MAX; i++) {
		agent_close(&agents[0]);
		agent_up(0, "qmtp");
		pass_s(0);
	}
	ok(m->n_busy == 0 && m->attempts == 1 && m->due_s > begin_s &&
	       answered(m, 1, "our delivery agent died"),
	   "three agents died with it: it waits, and says why");

	add_padding = 300000;
	m = send_one("kim@from.test", "d@two.test");
	add_padding = 0;
	big_name(name, m->id);
	ok(n_jobs == 1 && unlinkat(store.big_dir, name, 0) == 0,
	   "a text is lost while it is tried");
	buf_clear(&bounce);
	say = say_k;
	answer(jobs[--n_jobs], "Dnever (#5.1.1)");
	pass_s(0);
	ok(bounce_says("never (#5.1.1)") &&
	       bounce_says("the text of this message cannot be read"),
	   "it bounces all the same");
	say = say_nothing;
	add_padding = 300000;
	m = send_one("kim@from.test", "d@two.test");
	add_padding = 0;
	flip_text(m);
	buf_clear(&bounce);
	say = say_k;
	answer(jobs[--n_jobs], "Dnever (#5.1.1)");
	pass_s(0);
	ok(bounce_says("never (#5.1.1)") &&
	       bounce_says("or is not what was written"),
	   "a text that was changed does not go back as the one that came");

	say = say_nothing;
	add_padding = 300000;
	m = inject("kim@from.test", "k@two.test");
	add_padding = 0;
	big_name(name, m->id);
	unlinkat(store.big_dir, name, 0);
	settle();
	ok(!idmap_get(&store.messages, id_of(name)) && is_aside(name),
	   "one that cannot be read is set aside");
	node_end();
}

static void
test_agents(void)
{
	static char rcpts[4000];
	struct message *m;
	int i, k;

	node_begin();
	say = say_nothing;
	m = send_one("a@from.test", "k1@one.test k2@one.test k3@one.test");
	answer(jobs[0], "Kfine");
	settle();
	agent_close(&agents[0]);
	settle();
	ok(m->n_live == 2 && m->n_running == 0 && m->n_busy == 1,
	   "an agent dies between two verdicts");
	buf_clear(&story);
	say = say_k;
	agent_up(0, "qmtp");
	pass_s(0);
	ok(told("k2@one.test@@qmtp:one:209=K k3@one.test@@qmtp:one:209=K ") &&
	       store.messages.n == 0,
	   "the next one gets the rest");

	is_quiet = true;
	say = say_nothing;
	for (i = 0; i < 60; i++)
		strcat(rcpts, i % 2 ? " x@one.test" : " y@two.test");
	n_delivered = 0;
	srandom(7);
	for (i = 0; i < 600; i++) {
		k = i % 4 == 2 ? 0 : i % 4;
		if (i < 300)
			inject("a@from.test",
			       i % 50 ? "k@one.test k@two.test" : rcpts);
		if (random() % 3 == 0)
			agent_close(&agents[k]);
		else if (!agents[k].is_open)
			agent_up(k, "qmtp");
		now_us += 250000;
		clock_set_for_tests(now_us);
		loop_round(&loop, 0);
		loop_round(&loop, 0);
		while (n_jobs > 0 && random() % 4) {
			struct agent_job *job = jobs[random() % (long)n_jobs];

			if (job->n_answered + 1 == job->n_rcpts)
				job_gone(job);
			answer(job, "Kfine");
		}
	}
	for (k = 0; k < 4; k++)
		agent_close(&agents[k]);
	say = say_k;
	agent_up(0, "qmtp");
	for (i = 0; i < 5000 && store.messages.n > 0; i += 100)
		pass_s(100);
	ok(store.messages.n == 0 && n_delivered >= 294 * 2 + 6 * 60,
	   "agents come and go: every job is done, %zu verdicts", n_delivered);
	node_end();
}

/* Outcomes and bounces that follow at once from a commit, where a segment is
 * full in the midst of it: nothing is deferred, nothing unreadable. */
static void
test_segments(void)
{
	size_t i;

	node_begin();
	agent_close(&agents[0]); /* bounces wait and are read back later */
	store.segment_size = 16384;
	is_quiet = true;
	for (i = 0; i < 600; i++) {
		add(i % 2 ? "kim@from.test" : "nobody@hub.test",
		    "k@null.test nobody@hub.test box@hub.test");
		if (i % 23 == 0)
			loop_round(&loop, 0);
	}
	settle();
	n_delivered = 0;
	agent_up(0, "qmtp");
	pass_s(1);
	pass_s(1);
	ok(n_refused == 0 && store.messages.n == 0 && n_delivered == 300,
	   "segments change while bounces are made: %zu of 300, %zu left",
	   n_delivered, store.messages.n);
	node_end();
}

static void
test_slower(void)
{
	struct destination *d;

	node_begin();
	say = say_by_name;
	send_one("a@from.test", "s@one.test");
	d = destinations_known(&schedule.destinations, SLICE("qmtp:one:209"));
	ok(d && d->was_slowed && d->limit == DESTINATION_FIRST / 2,
	   "4.7.0 slows down");
	send_one("a@from.test", "s@two.test k@two.test");
	d = destinations_known(&schedule.destinations, SLICE("qmtp:two:209"));
	ok(d && !d->was_slowed, "not when it took another");
	node_end();
}

static void
test_many_rcpts(void)
{
	struct buf rcpts = {0};
	clock_t begun;
	int i;

	node_begin();
	for (i = 0; i < 10000; i++) {
		buf_text(&rcpts, i % 2 ? " k" : " d");
		buf_number(&rcpts, (uint64_t)i);
		buf_text(&rcpts, "@one.test");
	}
	buf_putc(&rcpts, 0);
	say = say_by_name;
	is_quiet = true;
	n_delivered = 0;
	begun = clock();
	inject("kim@from.test", rcpts.mem);
	for (i = 0; i < 40; i++)
		settle();
	pass_s(1);
	printf("# 10,000 recipients: %.0f ms\n",
	       (double)(clock() - begun) * 1000 / CLOCKS_PER_SEC);
	ok(n_delivered == 5001 && store.messages.n == 0 &&
	       memmem(buf_slice(&bounce).at, bounce.len,
		      "<d9998@one.test>:", 17),
	   "10,000 recipients, half of them fail: one bounce");
	buf_free(&rcpts);
	node_end();
}

/* Rounds until nothing is routed any more: the most recipients in one. */
static uint64_t
most_steps(unsigned *rounds)
{
	uint64_t most = 0, before, n;
	unsigned idle;

	*rounds = 0;
	for (idle = 0; idle < 20; (*rounds)++) {
		before = schedule.n_steps;
		loop_round(&loop, 0);
		n = schedule.n_steps - before;
		most = n > most ? n : most;
		idle = n > 0 ? 0 : idle + 1;
	}
	return most;
}

static void
put_rcpts(struct buf *rcpts, unsigned n, const char *domain)
{
	unsigned i;

	buf_clear(rcpts);
	for (i = 0; i < n; i++) {
		buf_text(rcpts, " k");
		buf_number(rcpts, i);
		buf_text(rcpts, domain);
	}
	buf_putc(rcpts, 0);
}

/* However much is accepted, no round of the loop has to do with all of it. */
static void
test_slices(void)
{
	struct buf rcpts = {0};
	unsigned i, rounds;
	uint64_t most;

	node_begin();
	say = say_by_name;
	is_quiet = true;
	n_delivered = 0;
	put_rcpts(&rcpts, 10000, "@one.test");
	inject("kim@from.test", rcpts.mem);
	inject("kim@from.test", rcpts.mem);
	inject("joe@from.test", "k@two.test");
	for (i = 0; n_delivered == 0 && i < 20; i++)
		loop_round(&loop, 0);
	ok(schedule.plan && schedule.n_steps < 10000 &&
	       schedule.n_steps > SCHEDULE_STEPS,
	   "a single one does not wait for the last of 10,000 recipients");
	most = most_steps(&rounds);
	ok(most <= SCHEDULE_STEPS + SCHEDULE_SMALL && rounds > 20,
	   "of 20,000 recipients %u in a round at most", (unsigned)most);
	for (i = 0; i < 40; i++)
		settle();
	pass_s(1);
	ok(n_delivered == 20001 && store.messages.n == 0,
	   "and each got it: %zu", n_delivered);
	ok(schedule.dispatch.envelopes.n_read < 2 * rcpts.len + 2 * 10000 * 6 &&
	       schedule.dispatch.envelopes.n == 0,
	   "their envelopes were read once, not for each of 200 jobs");
	put_rcpts(&rcpts, SCHEDULE_SMALL, "@one.test");
	for (i = 0; i < 30; i++)
		add("kim@from.test", rcpts.mem);
	most = most_steps(&rounds);
	ok(most < SCHEDULE_STEPS + SCHEDULE_SMALL,
	   "of 30 messages of %d: %u in a round", SCHEDULE_SMALL,
	   (unsigned)most);
	buf_free(&rcpts);
	node_end();
}

/* Messages of one sender each take turns: what one round reads of them is
 * bounded, however many there are. */
static void
test_envelopes(void)
{
	struct buf rcpts = {0}, sender = {0};
	uint64_t before, most = 0, n;
	unsigned i;

	node_begin();
	say = say_by_name;
	is_quiet = true;
	n_delivered = 0;
	put_rcpts(&rcpts, 2000,
		  "-with-a-local-part-that-is-long-and-longer-and-"
		  "longer-and-longer-and-longer-and-longer-and-"
		  "longer-and-longer-and-longer-and-longer-and-"
		  "longer-and-longer-and-longer@one.test");
	holds_add(&schedule.holds, HOLD_DEST, SLICE("*"));
	for (i = 0; i < 20; i++) {
		buf_clear(&sender);
		buf_number(&sender, i);
		buf_text(&sender, "@from.test");
		buf_putc(&sender, 0);
		inject(sender.mem, rcpts.mem);
	}
	for (i = 0; i < 10; i++)
		settle();
	holds_remove(&schedule.holds, HOLD_DEST, SLICE(""));
	destinations_hold(&schedule.destinations);
	for (i = 0; i < 4000 && store.messages.n > 0; i++) {
		before = schedule.dispatch.envelopes.n_read;
		loop_round(&loop, 0);
		n = schedule.dispatch.envelopes.n_read - before;
		most = n > most ? n : most;
		if (i % 50 == 49)
			pass_s(1);
	}
	ok(n_delivered == 40000 && store.messages.n == 0,
	   "20 senders, 2,000 recipients each: %zu", n_delivered);
	ok(most < DISPATCH_READ + 2 * rcpts.len,
	   "%u bytes of envelopes in a round", (unsigned)most);
	ok(schedule.dispatch.envelopes.n_read < 20 * 2 * rcpts.len,
	   "and each about once");
	buf_free(&rcpts), buf_free(&sender);
	node_end();
}

static const char *
say_not_now(const struct agent_job *job, struct slice rcpt)
{
	(void)job, (void)rcpt;
	return "Znot now (#4.2.0)";
}

/* What waits for its next time holds no memory for it. */
static void
test_envelopes_idle(void)
{
	struct buf rcpts = {0};

	node_begin();
	say = say_not_now;
	is_quiet = true;
	put_rcpts(&rcpts, 2 * ENVELOPES_FROM, "@one.test");
	inject("kim@from.test", rcpts.mem);
	settle();
	settle();
	ok(store.messages.n == 1 && schedule.dispatch.envelopes.n == 1,
	   "the envelope of one that was tried");
	schedule_second(&schedule);
	ok(schedule.dispatch.envelopes.n == 0 &&
	       schedule.dispatch.envelopes.bytes == 0,
	   "is not kept when no job is under way");
	buf_free(&rcpts);
	node_end();
}

/* The first piece of a large message has been routed. */
static void
until_planned(void)
{
	unsigned i;

	for (i = 0; !schedule.plan && i < 100; i++)
		loop_round(&loop, 0);
}

/* What happens to a message while only a part of it is routed. */
static void
test_slices_cut(void)
{
	struct buf rcpts = {0};
	struct message *m;

	node_begin();
	say = say_by_name;
	is_quiet = true;
	n_delivered = 0;
	put_rcpts(&rcpts, 2000, "@one.test");
	m = inject("kim@from.test", rcpts.mem);
	until_planned();
	m->is_paused = true;
	schedule_sift(&schedule);
	settle();
	ok(!schedule.plan && schedule.n_steps < 2000 && m->n_busy == 0 &&
	       n_delivered < 2000,
	   "held: the rest is not routed");
	m->is_paused = false;
	schedule_now(&schedule, m);
	until_planned();
	schedule_reroute(&schedule);
	settle();
	pass_s(1);
	settle();
	pass_s(1);
	ok(n_delivered == 2000 && store.messages.n == 0,
	   "released, and routed anew in the middle: all get it once, %zu",
	   n_delivered);
	inject("kim@from.test", rcpts.mem);
	until_planned();
	node_end(); /* a stop in the middle loses no memory */
	buf_free(&rcpts);
}

static size_t n_by_old;

static const char *
say_by_which(const struct agent_job *job, struct slice rcpt)
{
	(void)rcpt;
	n_by_old += slice_eq(job->nexthop, SLICE("qmtp:one:209"));
	return "Kfine (#2.0.0)";
}

/* New tables come while only a part of it is routed by the old ones. */
static void
test_slices_rerouted(void)
{
	struct buf rcpts = {0};

	node_begin();
	say = say_by_which;
	is_quiet = true;
	n_delivered = 0;
	put_rcpts(&rcpts, 2000, "@one.test");
	inject("kim@from.test", rcpts.mem);
	until_planned();
	table("routes", "one.test qmtp:new:1\nfrom.test qmtp:back:1\n");
	build();
	schedule_reroute(&schedule);
	settle();
	pass_s(1);
	settle();
	ok(n_by_old == 0 && n_delivered == 2000,
	   "new tables in the middle: none goes by the old ones, %zu",
	   n_by_old);
	node_end();
	buf_free(&rcpts);
}

/* the attributes of jobs, between bars */
static struct buf asked;

static const char *
say_attrs(const struct agent_job *job, struct slice rcpt)
{
	struct slice all = buf_slice(&job->attrs), one;

	while (netstring_slice(&all, &one) == 0) {
		buf_puts(&asked, one);
		buf_putc(&asked, ' ');
	}
	buf_text(&asked, "| ");
	return rcpt.at[0] == 'z' ? "Zlater (#4.2.0)" : "Kfine (#2.0.0)";
}

static bool
was_asked(const char *want)
{
	bool same = slice_eq(buf_slice(&asked), slice_text(want));

	if (!same)
		fprintf(stderr, "# asked: %.*s\n", (int)asked.len,
			buf_slice(&asked).at);
	buf_clear(&asked);
	return same;
}

static void
test_params(void)
{
	static const char *const some[] = {
	    "client=x",		"ret=HDRS",	  "notify.0=NEVER",
	    "envid=a+2B",	"notify.2=DELAY", "orcpt.2=rfc822;o@a.test",
	    "notify.3=SUCCESS", "notify.9=NEVER", "notify.x=NEVER",
	    "orcpt.1=unwell",	"notify.=NEVER",  NULL};

	node_begin();
	say = say_attrs;
	attrs = some;
	send_one("kim@from.test",
		 "a@two.test b@one.test c@two.test z@one.test");
	attrs = NULL;
	/* each of a job's two recipients is answered, so all is said twice */
	ok(was_asked("ret=HDRS notify.0=NEVER envid=a+2B notify.1=DELAY "
		     "orcpt.1=rfc822;o@a.test | "
		     "ret=HDRS notify.0=NEVER envid=a+2B notify.1=DELAY "
		     "orcpt.1=rfc822;o@a.test | "
		     "ret=HDRS envid=a+2B notify.1=SUCCESS | "
		     "ret=HDRS envid=a+2B notify.1=SUCCESS | "),
	   "an agent is told of reports, numbered as in its job");
	pass_s(400);
	ok(was_asked("ret=HDRS envid=a+2B notify.0=SUCCESS | "),
	   "... and anew when fewer are tried again");
	buf_free(&asked);
	node_end();
}

/* The text of each job, which must be as long as it was said to be. */
static const char *
say_text(const struct agent_job *job, struct slice rcpt)
{
	struct slice text = buf_slice(&job->text);
	bool whole = job->text_complete && text.len == job->size;

	if (slice_eq(rcpt, job->rcpts[0])) {
		buf_text(&asked, whole ? "" : "torn ");
		buf_puts(&asked, slice_of(text.at, slice_find(text, 'S')));
		buf_number(&asked, job->n_rcpts);
		buf_text(&asked, "| ");
	}
	return rcpt.at[0] == 'z' ? "Zlater (#4.2.0)" : "Kfine (#2.0.0)";
}

static void
test_vias(void)
{
	static const char *const some[] = {
	    "via=1-5 team@hub.test", "via=3-4 lead@hub.test",
	    "expanded=3 hub.test", "loops=6", NULL};
	struct buf want = {0};
	struct buf line = {0};
	struct message *m;

	node_begin();
	say = say_text;
	wants_text = true;
	attrs = some;
	buf_clear(&bounce);
	m = send_one("kim@from.test",
		     "a@one.test b@one.test z@one.test c@one.test "
		     "team@hub.test d@one.test l@one.test");
	attrs = NULL;
	buf_text(&line, "X-Quail-Expanded: 12 ");
	buf_hex(&line, 16, m->id);
	buf_putc(&line, '\n');
	buf_text(&want, "2| Delivered-To: team@hub.test\n");
	buf_puts(&want, buf_slice(&line));
	buf_text(&want, "2| Delivered-To: team@hub.test\n"
			"Delivered-To: lead@hub.test\n");
	buf_puts(&want, buf_slice(&line));
	buf_text(&want, "1| ");
	ok(slice_starts(buf_slice(&asked), buf_slice(&want)),
	   "those of an alias are asked of apart, and told its name");
	buf_clear(&asked);
	ok(memmem(buf_slice(&bounce).at, bounce.len, "<l@one.test>:", 13) &&
	       memmem(buf_slice(&bounce).at, bounce.len, "(#5.4.6)", 8),
	   "an alias that the message had been at is returned");
	pass_s(400);
	buf_clear(&want);
	buf_text(&want, "Delivered-To: team@hub.test\n");
	buf_puts(&want, buf_slice(&line));
	buf_text(&want, "1| ");
	buf_putc(&want, 0);
	ok(was_asked(want.mem), "again at the next attempt");
	buf_free(&line);
	buf_free(&want);
	buf_free(&asked);
	wants_text = false;
	node_end();
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	tables_begin();
	now_us = begin_s * 1000000;
	clock_set_for_tests(now_us);
	loop_init(&loop);
	test_verdicts();
	test_double();
	test_next_hops();
	test_about();
	test_poison();
	test_next_round();
	test_lifetime();
	test_clock_jumps();
	test_tries();
	test_decisions();
	test_options();
	test_stems();
	test_class();
	test_reroute();
	test_held_once();
	test_no_verdict();
	test_agents();
	test_segments();
	test_slower();
	test_many_rcpts();
	test_slices();
	test_slices_cut();
	test_slices_rerouted();
	test_envelopes();
	test_envelopes_idle();
	test_params();
	test_vias();
	config_close(&config);
	loop_free(&loop);
	buf_free(&story);
	buf_free(&bounce);
	tables_end();
	return tap_done();
}
