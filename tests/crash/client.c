/* client.c - crash-client: a front end and an agent that keep a ledger
 *
 * usage: crash-client DIR LEDGER send COUNT WINDOW    COUNT 0: without end
 *        crash-client DIR LEDGER check SECONDS
 *
 * Talks to the quail-queue of the node DIR. What happens goes into LEDGER,
 * which stands on another disk, before anything else is done: "B N" before
 * message N is begun, "K N" when it is acknowledged, "D N RECIPIENT JOB" before
 * a delivery is confirmed; "H N 0" says that numbers up to N were used before.
 * Texts are made from N, so that each can be checked byte by byte. "S" is a
 * start; crash-down's caller writes "X" before it cuts the power, and a K
 * between X and S is no promise: with the power gone nobody would have heard
 * it.
 *
 * What was begun and has no K is sent again first, by another connection, as
 * by a client that may relay and whose text has a Message-ID: so it is
 * recognised or taken, and comes once.
 *
 * send ends when all is answered, or when the queue goes away. Of what is
 * delivered to it meanwhile some is confirmed, some half, some deferred.
 * check takes everything, and ends well when each recipient of each K has
 * been delivered at some time, and one more message was taken.
 *
 * Exit: 0; 1 something is lost or damaged (named on stdout); 2 the queue
 * takes no mail; 3 nothing is lost, but a repeat was taken for a new message.
 */
#include "lib/agent.h"
#include "lib/clock.h"
#include "lib/door.h"
#include "lib/home.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "tests/crash/book.h"

#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WINDOW_MAX = 64, QUIET_MS = 80 };

struct sent {
	struct door_message m;
	uint64_t number;
	bool busy;
};

static struct {
	struct loop loop;
	struct door door;
	struct agent agent;
	struct book book;
	bool is_check;
	unsigned long count, begun, answered, acked, window;
	struct sent sent[WINDOW_MAX];
	unsigned long n_bad;
	int64_t last_ms; /* of the last delivery */
	bool again_taken;
} c;

/* TERM: there is no queue any more. */
static volatile sig_atomic_t is_over;

static void
on_term(int signal)
{
	(void)signal;
	is_over = 1;
}

/* Without this the first attempt to connect would come to nothing, and the
 * next one late. */
static void
wait_for_queue(void)
{
	int i;

	for (i = 0; i < 2000 && !is_over; i++) {
		if (access(HOME_DOOR, F_OK) == 0 &&
		    access(HOME_AGENT, F_OK) == 0)
			break;
		usleep(2000);
	}
}

/* the front end */

static void
answered(struct door_message *m, const struct verdict *v)
{
	struct sent *s = OWNER(m, struct sent, m);

	s->busy = false;
	c.answered++;
	if (v->code == 'K') {
		book_note(&c.book, 'K', s->number, 0, m->id);
		book_known(&c.book, s->number)->acked = true;
		c.acked++;
		if (c.is_check)
			c.again_taken = true;
	}
}

static void
send_one(struct sent *s)
{
	static char text[BOOK_TEXT_MAX];
	char rcpt[64];
	size_t i, n;

	if (door_begin(&c.door, &s->m, answered) != 0)
		return;
	s->busy = true;
	c.begun++;
	s->number = book_next(&c.book);
	book_known(&c.book, s->number);
	book_note(&c.book, 'B', s->number, 0, s->m.id);
	n = book_text_size(s->number);
	book_text(text, s->number);
	door_attr(&s->m, "proto", SLICE("TEST"));
	door_attr(&s->m, "client", SLICE("127.0.0.1"));
	door_attr(&s->m, "relay", SLICE("1"));
	door_attr(&s->m, "session", SLICE("1"));
	door_attr(&s->m, "trace", SLICE("0"));
	for (i = 0; i < n; i += 30000)
		door_text(&s->m,
			  slice_of(text + i, n - i < 30000 ? n - i : 30000));
	door_sender(&s->m, SLICE("from@x.test"));
	for (i = 0; i < BOOK_RCPTS; i++) {
		snprintf(rcpt, sizeof rcpt, "r%zu@x.test", i);
		door_rcpt(&s->m, slice_text(rcpt));
	}
	door_commit(&s->m);
}

static void
send_more(void)
{
	size_t i;

	for (i = 0; i < c.window; i++)
		if (!c.sent[i].busy && (c.count == 0 || c.begun < c.count) &&
		    !door_full(&c.door))
			send_one(&c.sent[i]);
}

/* the agent */

struct job {
	uint64_t at, number;
	bool bad;
	char text[BOOK_TEXT_MAX]; /* as it should be */
};

/* True when its first bytes have told which one it is. */
static bool
has_number(struct job *j, struct slice s)
{
	if (j->number || s.len < BOOK_HEAD)
		return j->number > 0;
	j->number = book_number(s);
	if (j->number == 0)
		j->number = UINT64_MAX; /* nobody's: it will be damaged */
	book_text(j->text, j->number);
	return true;
}

static void
take_text(struct agent_job *job)
{
	struct job *j = job->user;
	struct slice s = buf_slice(&job->text);

	if (!has_number(j, s))
		return;
	if (j->at + s.len > sizeof j->text ||
	    memcmp(s.at, j->text + j->at, s.len) != 0)
		j->bad = true;
	j->at += s.len;
	agent_more(job, s.len);
	buf_clear(&job->text);
}

static bool
is_wanted(uint64_t number, size_t rcpt)
{
	uint64_t h = book_mix(number + 1) % 8;

	return c.is_check || h > 1 || (h == 1 && rcpt == 0);
}

static void
finish(struct agent_job *job)
{
	struct job *j = job->user;
	uint64_t number = j->number;
	struct verdict v;
	size_t i, n = job->n_rcpts;

	if (j->bad || number == 0 || j->at != book_text_size(number)) {
		printf("damaged: %016llx: %llu bytes\n",
		       (unsigned long long)job->id, (unsigned long long)j->at);
		c.n_bad++;
	}
	free(j);
	job->user = NULL;
	c.last_ms = clock_ms();
	for (i = 0; i < n; i++) {
		size_t rcpt =
		    job->rcpts[i].len > 1 && job->rcpts[i].at[1] == '1';

		if (is_wanted(number, rcpt)) {
			book_delivered(&c.book, number, rcpt, job->id);
			verdict_say(&v, 'K', "");
		} else {
			verdict_say(&v, 'Z', "not now (#4.2.1)");
		}
		if (agent_verdict(job, &v))
			return;
	}
}

static void
job_text(struct agent_job *job)
{
	if (!job->user)
		return;
	take_text(job);
	if (job->text_complete)
		finish(job);
}

static void
job_begun(struct agent_job *job)
{
	job->user = calloc(1, sizeof(struct job));
	if (!job->user)
		err(111, "no memory");
	job_text(job);
}

static void
job_gone(struct agent_job *job)
{
	free(job->user);
}

static const struct agent_calls calls = {job_begun, job_text, job_gone};

/* the two modes */

static bool
is_through(void)
{
	if (c.sent[0].busy || !c.again_taken || c.book.pending.len > 0)
		return false;
	book_missing(&c.book, false);
	return c.book.n_missing == 0 && clock_ms() - c.last_ms >= QUIET_MS;
}

/* First what has no answer, then one more. */
static int
check(int64_t seconds)
{
	int64_t end = clock_ms() + seconds * 1000;

	while (clock_ms() < end && !is_through()) {
		loop_round(&c.loop, 20);
		if (!c.sent[0].busy &&
		    (c.book.pending.len > 0 || !c.again_taken))
			send_one(&c.sent[0]);
	}
	book_missing(&c.book, true);
	printf("known=%zu lost=%zu damaged=%lu again=%lu repeats=%lu "
	       "twice=%lu\n",
	       c.book.known.n, c.book.n_missing, c.n_bad, c.book.n_again,
	       c.book.n_repeats, c.book.n_twice);
	if (c.book.n_missing > 0 || c.n_bad > 0)
		return 1;
	return !c.again_taken ? 2 : c.book.n_twice > 0 ? 3 : 0;
}

static int
send_all(void)
{
	int64_t give_up = clock_ms() + 10000;
	bool was_open = false;

	while (c.count == 0 || c.answered < c.count) {
		loop_round(&c.loop, 20);
		if (was_open && !c.door.is_open)
			break;
		if (!was_open && (is_over || clock_ms() > give_up))
			break;
		was_open = was_open || c.door.is_open;
		if (was_open)
			send_more();
	}
	/* outcomes and what is empty get their time */
	give_up = clock_ms() + QUIET_MS;
	while (c.door.is_open && clock_ms() < give_up)
		loop_round(&c.loop, 20);
	printf("begun=%lu acked=%lu repeats=%lu twice=%lu\n", c.begun, c.acked,
	       c.book.n_repeats, c.book.n_twice);
	if (c.n_bad > 0)
		return 1;
	if (c.book.n_twice > 0)
		return 3;
	return c.count > 0 && c.acked == 0 ? 2 : 0;
}

int
main(int argc, char **argv)
{
	if (argc < 5)
		errx(100, "usage: crash-client DIR LEDGER send COUNT WINDOW | "
			  "check SECONDS");
	c.is_check = strcmp(argv[3], "check") == 0;
	book_open(&c.book, argv[2]);
	if (chdir(argv[1]) != 0)
		err(111, "%s", argv[1]);
	signal(SIGTERM, on_term);
	wait_for_queue();
	c.last_ms = clock_ms();
	loop_init(&c.loop);
	door_init(&c.door, &c.loop, HOME_DOOR, NULL);
	agent_init(&c.agent, &c.loop, HOME_AGENT, "maildir", 50, &calls);
	if (c.is_check)
		return check(atol(argv[4]));
	c.count = strtoul(argv[4], NULL, 10);
	c.window = argc > 5 ? strtoul(argv[5], NULL, 10) : 1;
	if (c.window == 0 || c.window > WINDOW_MAX)
		errx(100, "a window of 1 to %d", WINDOW_MAX);
	return send_all();
}
