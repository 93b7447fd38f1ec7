/* client.c - crash-client: a front end and an agent that keep a ledger
 *
 * usage: crash-client DIR LEDGER send COUNT WINDOW    COUNT 0: without end
 *        crash-client DIR LEDGER check SECONDS
 *
 * Talks to the quail-queue of the node DIR. Every K goes into LEDGER, which
 * stands on another disk, before anything else is done: "K ID"; and every
 * delivery before it is confirmed: "D ID RECIPIENT". Texts are made from the
 * message's id, so that each can be checked byte by byte. "S" is a start;
 * crash-down writes "X" before it cuts the power, and a K between X and S is
 * no promise: with the power gone nobody would have heard it.
 *
 * send ends when all is answered, or when the queue goes away. Of what is
 * delivered to it meanwhile some is confirmed, some half, some deferred.
 * check takes everything, and ends well when each recipient of each K has
 * been delivered at some time, and one more message was taken.
 *
 * Exit: 0; 1 something is lost or damaged (named on stdout); 2 the queue
 * takes no mail.
 */
#include "lib/agent.h"
#include "lib/clock.h"
#include "lib/door.h"
#include "lib/home.h"
#include "lib/netstring.h"
#include "lib/owner.h"

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RCPTS = 2, WINDOW_MAX = 64, BIG = 300000, QUIET_MS = 80 };

struct sent {
	struct door_message m;
	bool busy;
};

/* what the ledger says of a message */
struct known {
	bool acked, delivered[RCPTS];
};

static struct {
	struct loop loop;
	struct door door;
	struct agent agent;
	int ledger;
	bool is_check;
	unsigned long count, begun, answered, acked, window;
	struct sent sent[WINDOW_MAX];
	struct idmap known; /* struct known */
	size_t n_missing;
	unsigned long n_again, n_bad;
	int64_t last_ms; /* of the last delivery */
	bool again_taken;
} c;

static void
note(char what, uint64_t id, size_t rcpt)
{
	char line[64];
	int n = snprintf(line, sizeof line, "%c %016llx %zu\n", what,
			 (unsigned long long)id, rcpt);

	if (write(c.ledger, line, (size_t)n) != n)
		err(111, "writing the ledger");
}

static struct known *
known(uint64_t id)
{
	struct known *k = idmap_get(&c.known, id);

	if (!k) {
		k = calloc(1, sizeof *k);
		if (!k)
			err(111, "no memory");
		idmap_put(&c.known, id, k);
	}
	return k;
}

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

/* texts */

static uint64_t
mix(uint64_t id)
{
	id *= 0x9e3779b97f4a7c15u;
	return id ^ id >> 29;
}

static size_t
text_size(uint64_t id)
{
	uint64_t h = mix(id);

	return id % 23 == 3 ? BIG + h % 5000 : 100 + h % 4000;
}

static char
text_byte(uint64_t id, size_t i)
{
	return i % 64 == 63 ? '\n' : (char)('a' + (id + i * 7 + i / 64) % 26);
}

/* the front end */

static void
answered(struct door_message *m, const struct verdict *v)
{
	struct sent *s = OWNER(m, struct sent, m);

	s->busy = false;
	c.answered++;
	if (v->code == 'K') {
		note('K', m->id, 0);
		c.acked++;
		if (c.is_check)
			c.again_taken = true;
	}
}

static void
send_one(struct sent *s)
{
	static char text[BIG + 5000];
	char rcpt[64];
	size_t i, n;

	if (door_begin(&c.door, &s->m, answered) != 0)
		return;
	s->busy = true;
	c.begun++;
	n = text_size(s->m.id);
	for (i = 0; i < n; i++)
		text[i] = text_byte(s->m.id, i);
	door_attr(&s->m, "proto", SLICE("TEST"));
	for (i = 0; i < n; i += 30000)
		door_text(&s->m,
			  slice_of(text + i, n - i < 30000 ? n - i : 30000));
	door_sender(&s->m, SLICE("from@x.test"));
	for (i = 0; i < RCPTS; i++) {
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
	uint64_t at;
	bool bad;
};

static void
take_text(struct agent_job *job)
{
	struct job *j = job->user;
	struct slice s = buf_slice(&job->text);
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.at[i] != text_byte(job->id, (size_t)j->at + i))
			j->bad = true;
	j->at += s.len;
	agent_more(job, s.len);
	buf_clear(&job->text);
}

static void
delivered(uint64_t id, size_t rcpt)
{
	struct known *k = known(id);

	note('D', id, rcpt);
	if (k->delivered[rcpt])
		c.n_again++;
	else if (k->acked && c.is_check)
		c.n_missing--;
	k->delivered[rcpt] = true;
}

static bool
is_wanted(uint64_t id, size_t rcpt)
{
	uint64_t h = mix(id + 1) % 8;

	return c.is_check || h > 1 || (h == 1 && rcpt == 0);
}

static void
finish(struct agent_job *job)
{
	struct job *j = job->user;
	uint64_t id = job->id;
	struct verdict v;
	size_t i, n = job->n_rcpts;

	if (j->bad || j->at != text_size(id)) {
		printf("damaged: %016llx: %llu bytes\n", (unsigned long long)id,
		       (unsigned long long)j->at);
		c.n_bad++;
	}
	free(j);
	job->user = NULL;
	c.last_ms = clock_ms();
	for (i = 0; i < n; i++) {
		size_t rcpt =
		    job->rcpts[i].len > 1 && job->rcpts[i].at[1] == '1';

		if (is_wanted(id, rcpt)) {
			delivered(id, rcpt);
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

static void
read_ledger(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned long long id;
	char line[64];
	size_t rcpt;
	bool is_dead = false;

	if (!f)
		err(111, "%s", path);
	while (fgets(line, sizeof line, f)) {
		if (line[0] == 'X' || line[0] == 'S')
			is_dead = line[0] == 'X';
		else if (sscanf(line, "K %llx", &id) == 1)
			known(id)->acked = known(id)->acked || !is_dead;
		else if (sscanf(line, "D %llx %zu", &id, &rcpt) == 2 &&
			 rcpt < RCPTS)
			known(id)->delivered[rcpt] = true;
	}
	fclose(f);
}

static void
count_missing(bool tell)
{
	size_t i, rcpt;

	c.n_missing = 0;
	for (i = 0; i < c.known.cap; i++) {
		struct known *k = c.known.slots[i].value;

		if (c.known.slots[i].id == 0 || !k->acked)
			continue;
		for (rcpt = 0; rcpt < RCPTS; rcpt++) {
			if (k->delivered[rcpt])
				continue;
			c.n_missing++;
			if (tell && c.n_missing < 20)
				printf("lost: %016llx recipient %zu\n",
				       (unsigned long long)c.known.slots[i].id,
				       rcpt);
		}
	}
}

static int
check(int64_t seconds)
{
	int64_t end = clock_ms() + seconds * 1000;

	count_missing(false);
	while (clock_ms() < end && (c.n_missing > 0 || !c.again_taken ||
				    clock_ms() - c.last_ms < QUIET_MS)) {
		loop_round(&c.loop, 20);
		if (!c.again_taken && !c.sent[0].busy)
			send_one(&c.sent[0]);
	}
	count_missing(true);
	printf("known=%zu lost=%zu damaged=%lu again=%lu\n", c.known.n,
	       c.n_missing, c.n_bad, c.n_again);
	if (c.n_missing > 0 || c.n_bad > 0)
		return 1;
	return c.again_taken ? 0 : 2;
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
	printf("begun=%lu acked=%lu\n", c.begun, c.acked);
	if (c.n_bad > 0)
		return 1;
	return c.count > 0 && c.acked == 0 ? 2 : 0;
}

int
main(int argc, char **argv)
{
	if (argc < 5)
		errx(100, "usage: crash-client DIR LEDGER send COUNT WINDOW | "
			  "check SECONDS");
	c.is_check = strcmp(argv[3], "check") == 0;
	c.ledger =
	    open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (c.ledger < 0)
		err(111, "%s", argv[2]);
	if (c.is_check)
		read_ledger(argv[2]);
	note('S', 0, 0);
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
