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

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RCPTS = 2, WINDOW_MAX = 64, BIG = 300000, HEAD = 35, QUIET_MS = 80 };

struct sent {
	struct door_message m;
	uint64_t number;
	bool busy;
};

/* what the ledger says of a message */
struct known {
	uint64_t job; /* its id in the queue; 0: not seen yet */
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
	struct idmap known; /* struct known, by number */
	struct buf pending; /* numbers that are to be sent again */
	uint64_t last_number;
	size_t n_missing;
	unsigned long n_again, n_bad, n_repeats, n_twice;
	int64_t last_ms; /* of the last delivery */
	bool again_taken;
} c;

static void
note(char what, uint64_t number, size_t rcpt, uint64_t job)
{
	char line[96];
	int n =
	    snprintf(line, sizeof line, "%c %llu %zu %016llx\n", what,
		     (unsigned long long)number, rcpt, (unsigned long long)job);

	if (write(c.ledger, line, (size_t)n) != n)
		err(111, "writing the ledger");
}

static struct known *
known(uint64_t number)
{
	struct known *k = idmap_get(&c.known, number);

	if (!k) {
		k = calloc(1, sizeof *k);
		if (!k)
			err(111, "no memory");
		idmap_put(&c.known, number, k);
	}
	if (number > c.last_number)
		c.last_number = number;
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
mix(uint64_t number)
{
	number *= 0x9e3779b97f4a7c15u;
	return number ^ number >> 29;
}

static size_t
text_size(uint64_t number)
{
	uint64_t h = mix(number);

	return number % 23 == 3 ? BIG + h % 5000 : 100 + h % 4000;
}

static void
make_text(char *text, uint64_t number)
{
	size_t i, n = text_size(number);

	for (i = 0; i < n; i++)
		text[i] = i % 64 == 63
			      ? '\n'
			      : (char)('a' + (number + i * 7 + i / 64) % 26);
	snprintf(text, HEAD + 1, "Message-ID: <%016llx@x>\n\n",
		 (unsigned long long)number);
	text[HEAD] = '.';
}

/* the front end */

static void
answered(struct door_message *m, const struct verdict *v)
{
	struct sent *s = OWNER(m, struct sent, m);

	s->busy = false;
	c.answered++;
	if (v->code == 'K') {
		note('K', s->number, 0, m->id);
		known(s->number)->acked = true;
		c.acked++;
		if (c.is_check)
			c.again_taken = true;
	}
}

/* What is to be sent again comes first. */
static uint64_t
next_number(void)
{
	uint64_t number;

	if (c.pending.len == 0)
		return c.last_number + 1;
	memcpy(&number, buf_slice(&c.pending).at, sizeof number);
	buf_take(&c.pending, sizeof number);
	c.n_repeats++;
	return number;
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
	s->number = next_number();
	known(s->number);
	note('B', s->number, 0, s->m.id);
	n = text_size(s->number);
	make_text(text, s->number);
	door_attr(&s->m, "proto", SLICE("TEST"));
	door_attr(&s->m, "client", SLICE("127.0.0.1"));
	door_attr(&s->m, "relay", SLICE("1"));
	door_attr(&s->m, "session", SLICE("1"));
	door_attr(&s->m, "trace", SLICE("0"));
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
	uint64_t at, number;
	bool bad;
	char text[BIG + 5000]; /* as it should be */
};

/* True when its first bytes have told which one it is. */
static bool
has_number(struct job *j, struct slice s)
{
	if (j->number || s.len < HEAD)
		return j->number > 0;
	if (slice_hex(slice_of(s.at + 13, 16), &j->number) != 0 ||
	    j->number == 0)
		j->number = UINT64_MAX; /* nobody's: it will be damaged */
	make_text(j->text, j->number);
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

static void
delivered(uint64_t number, size_t rcpt, uint64_t id)
{
	struct known *k = known(number);

	note('D', number, rcpt, id);
	if (k->job != 0 && k->job != id) {
		printf("twice: %llu: %016llx, %016llx\n",
		       (unsigned long long)number, (unsigned long long)k->job,
		       (unsigned long long)id);
		c.n_twice++;
	} else if (k->delivered[rcpt]) {
		c.n_again++;
	}
	k->job = id;
	k->delivered[rcpt] = true;
}

static bool
is_wanted(uint64_t number, size_t rcpt)
{
	uint64_t h = mix(number + 1) % 8;

	return c.is_check || h > 1 || (h == 1 && rcpt == 0);
}

static void
finish(struct agent_job *job)
{
	struct job *j = job->user;
	uint64_t number = j->number;
	struct verdict v;
	size_t i, n = job->n_rcpts;

	if (j->bad || number == 0 || j->at != text_size(number)) {
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
			delivered(number, rcpt, job->id);
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
read_line(const char *line, bool is_dead)
{
	unsigned long long number, job = 0;
	size_t rcpt;
	struct known *k;

	if (sscanf(line + 1, "%llu %zu %llx", &number, &rcpt, &job) < 2 ||
	    number == 0 || rcpt >= RCPTS)
		return;
	if (line[0] == 'H') { /* as far as an earlier ledger came */
		c.last_number = number;
		return;
	}
	k = known(number);
	if (line[0] == 'K' && !is_dead)
		k->acked = true;
	if (line[0] != 'D')
		return;
	k->delivered[rcpt] = true;
	if (!is_dead)
		k->job = job;
}

static void
read_ledger(const char *path)
{
	FILE *f = fopen(path, "r");
	bool is_dead = false;
	char line[96];
	uint64_t i;

	if (!f)
		err(111, "%s", path);
	while (fgets(line, sizeof line, f)) {
		if (line[0] == 'X' || line[0] == 'S')
			is_dead = line[0] == 'X';
		else
			read_line(line, is_dead);
	}
	fclose(f);
	for (i = 1; i <= c.last_number; i++)
		if (idmap_get(&c.known, i) && !known(i)->acked)
			buf_put(&c.pending, &i, sizeof i);
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
				printf("lost: %llu recipient %zu\n",
				       (unsigned long long)c.known.slots[i].id,
				       rcpt);
		}
	}
}

static bool
is_through(void)
{
	if (c.sent[0].busy || !c.again_taken || c.pending.len > 0)
		return false;
	count_missing(false);
	return c.n_missing == 0 && clock_ms() - c.last_ms >= QUIET_MS;
}

/* First what has no answer, then one more. */
static int
check(int64_t seconds)
{
	int64_t end = clock_ms() + seconds * 1000;

	while (clock_ms() < end && !is_through()) {
		loop_round(&c.loop, 20);
		if (!c.sent[0].busy && (c.pending.len > 0 || !c.again_taken))
			send_one(&c.sent[0]);
	}
	count_missing(true);
	printf("known=%zu lost=%zu damaged=%lu again=%lu repeats=%lu "
	       "twice=%lu\n",
	       c.known.n, c.n_missing, c.n_bad, c.n_again, c.n_repeats,
	       c.n_twice);
	if (c.n_missing > 0 || c.n_bad > 0)
		return 1;
	return !c.again_taken ? 2 : c.n_twice > 0 ? 3 : 0;
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
	       c.n_repeats, c.n_twice);
	if (c.n_bad > 0)
		return 1;
	if (c.n_twice > 0)
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
	c.ledger =
	    open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (c.ledger < 0)
		err(111, "%s", argv[2]);
	read_ledger(argv[2]);
	note('S', 0, 0, 0);
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
