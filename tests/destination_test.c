/* destination_test - retry times, the heap, lanes and destinations
 *
 * On a clock of our own and without a store: what an agent would get is kept
 * in a table, and ended when the test says so. */
#include "lib/clock.h"
#include "lib/crc32c.h"
#include "lib/log.h"
#include "lib/log_write.h"
#include "queue/destination.h"
#include "queue/heap.h"
#include "queue/schedule.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct loop loop;
static int64_t now_us = 1800000000000000;

static uint64_t seed = 42;

static uint32_t
dice(uint32_t sides)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % sides;
}

static void
pass_ms(int64_t ms)
{
	now_us += ms * 1000;
	clock_set_for_tests(now_us);
	loop_round(&loop, 0);
}

/* retry times */

static void
test_next_s(void)
{
	static const struct {
		int64_t age_s, next_s;
		unsigned k;
	} known[] = {{0, 400, 20},     {399, 1521, 20},	    {400, 1600, 20},
		     {1600, 3600, 20}, {3600, 6400, 20},    {6400, 10000, 20},
		     {0, 100, 10},     {100, 400, 10},	    {400, 900, 10},
		     {-5, 400, 20},    {604800, 635209, 20}};
	const int64_t birth = 1795293600;
	bool good = true;
	size_t i;

	for (i = 0; i < sizeof known / sizeof *known; i++)
		ok(schedule_next_s(birth, birth + known[i].age_s, known[i].k) ==
		       birth + known[i].next_s,
		   "age %lld, k %u", (long long)known[i].age_s, known[i].k);
	for (i = 0; i < 100000; i++) {
		int64_t age = dice(2000000), next;
		unsigned k = 1 + dice(100);

		next = schedule_next_s(birth, birth + age, k) - birth;
		good &= next > age; /* it is a k-th root away, and exact */
		for (k = 0; k * k < next;)
			k++;
		good &= k * k == next;
	}
	ok(good, "always a square, and always later");
}

/* the heap, beside an array that is searched */

enum { HEAPED = 300 };

static void
test_heap(void)
{
	static struct message messages[HEAPED];
	struct heap heap = {0};
	bool good = true;
	size_t i, k, n;

	for (i = 0; i < 30000; i++) {
		struct message *m = &messages[dice(HEAPED)];
		int64_t least = INT64_MAX;

		if (dice(3) > 0)
			heap_put(&heap, m, dice(1000));
		else
			heap_drop(&heap, m);
		if (dice(500) == 0) {
			for (k = 0; k < heap.n; k++)
				if (dice(2))
					heap.at[k]->due_s = dice(1000);
			heap_order(&heap);
		}
		for (k = n = 0; k < HEAPED; k++) {
			if (messages[k].slot == 0)
				continue;
			n++;
			good &= heap.at[messages[k].slot - 1] == &messages[k];
			if (messages[k].due_s < least)
				least = messages[k].due_s;
		}
		good &= n == heap.n && (n == 0 || heap.at[0]->due_s == least);
	}
	ok(good, "a heap does what a search would");
	heap_free(&heap);
}

/* lanes, beside a list of turns */

enum { SENDERS = 6, LINE_MAX = 4000 };

struct model_lane {
	uint64_t attempts[LINE_MAX], parked[LINE_MAX];
	size_t n_attempts, n_parked;
};

static struct model_lane model[SENDERS];
static int turns[SENDERS];
static size_t n_turns;

static void
model_join(int sender, bool is_next)
{
	size_t i;

	for (i = 0; i < n_turns && turns[i] != sender; i++)
		;
	if (i == n_turns)
		turns[n_turns++] = sender;
	else if (!is_next)
		return;
	if (is_next) {
		for (; i > 0; i--)
			turns[i] = turns[i - 1];
		turns[0] = sender;
	}
}

static void
model_leave(size_t turn)
{
	for (; turn + 1 < n_turns; turn++)
		turns[turn] = turns[turn + 1];
	n_turns--;
}

static uint64_t
shift(uint64_t *line, size_t *n)
{
	uint64_t first = line[0];

	memmove(line, line + 1, --*n * sizeof *line);
	return first;
}

static uint64_t
model_take(void)
{
	struct model_lane *l;
	uint64_t id;
	int sender;

	if (n_turns == 0)
		return 0;
	sender = turns[0];
	l = &model[sender];
	model_leave(0);
	id = l->n_attempts ? shift(l->attempts, &l->n_attempts)
			   : shift(l->parked, &l->n_parked);
	if (l->n_attempts + l->n_parked > 0)
		turns[n_turns++] = sender;
	return id;
}

static size_t
sift_line(uint64_t *line, size_t *n, uint64_t *sum)
{
	size_t i, k = 0, gone = 0;

	for (i = 0; i < *n; i++) {
		if (line[i] % 3 != 0) {
			line[k++] = line[i];
			continue;
		}
		*sum += line[i];
		gone++;
	}
	*n = k;
	return gone;
}

static size_t
model_sift(uint64_t *sum)
{
	size_t i, gone = 0;

	for (i = n_turns; i-- > 0;) {
		struct model_lane *l = &model[turns[i]];

		gone += sift_line(l->attempts, &l->n_attempts, sum);
		gone += sift_line(l->parked, &l->n_parked, sum);
		if (l->n_attempts + l->n_parked == 0)
			model_leave(i);
	}
	return gone;
}

static struct message *
new_message(uint64_t id)
{
	struct message *m = message_new();

	m->id = id;
	m->n_rcpts = m->n_live = 1;
	m->birth_us = now_us;
	m->lifetime_s = 1000;
	return m;
}

static struct attempt *
new_attempt(uint64_t id, const char *nexthops, uint64_t sender)
{
	struct attempt *a =
	    attempt_new(new_message(id), slice_text(nexthops), 1);

	a->rcpts[a->n_rcpts++] = 0;
	a->sender_key = sender;
	a->lifetime_s = INT64_MAX;
	return a;
}

static void
free_attempt(struct attempt *a)
{
	message_free(a->message);
	free(a);
}

static bool
thirds(const struct sieve *s, const struct message *m, int64_t lifetime_s)
{
	(void)s;
	(void)lifetime_s;
	return m->id % 3 == 0;
}

static size_t
real_sift(struct lanes *lanes, uint64_t *sum)
{
	const struct sieve s = {.wants = thirds};
	struct sifted out = {0};
	struct attempt *a;
	struct message *m;
	size_t n = 0;

	for (lanes_sift(lanes, &s, &out); (a = out.attempts); n++) {
		out.attempts = a->next;
		*sum += a->message->id;
		free_attempt(a);
	}
	for (; (m = out.parked); n++) {
		out.parked = m->next;
		*sum += m->id;
		message_free(m);
	}
	return n;
}

static bool
take_both(struct lanes *lanes)
{
	struct waiting w = {0};
	uint64_t want = model_take(), got = 0;
	int sender;

	if (!lanes_take(lanes, &w))
		return want == 0;
	sender = (int)w.sender_key - 1;
	got = w.attempt ? w.attempt->message->id : w.parked->id;
	if (w.attempt && dice(4) == 0) { /* no agent is free */
		struct model_lane *l = &model[sender];

		lanes_put_back(lanes, w.attempt);
		memmove(l->attempts + 1, l->attempts,
			l->n_attempts++ * sizeof *l->attempts);
		l->attempts[0] = got;
		model_join(sender, true);
	} else if (w.attempt) {
		free_attempt(w.attempt);
	} else {
		message_free(w.parked);
	}
	return got == want;
}

static void
put_both(struct lanes *lanes, uint64_t id)
{
	int sender = (int)dice(SENDERS);
	struct model_lane *l = &model[sender];
	uint64_t key = (uint64_t)sender + 1;

	if (dice(3) == 0) {
		lanes_park(lanes, new_message(id), key);
		l->parked[l->n_parked++] = id;
	} else if (dice(3) == 0) {
		lanes_put(lanes, new_attempt(id, "x:y", key), true);
		memmove(l->attempts + 1, l->attempts,
			l->n_attempts++ * sizeof *l->attempts);
		l->attempts[0] = id;
	} else {
		lanes_put(lanes, new_attempt(id, "x:y", key), false);
		l->attempts[l->n_attempts++] = id;
	}
	model_join(sender, false);
}

static void
test_lanes(void)
{
	struct lanes lanes = {0};
	bool good = true;
	uint64_t id = 1;
	size_t i;

	for (i = 0; i < 40000; i++) {
		/* phases of filling and of emptying */
		if (dice(10) < (i / 500 % 2 ? 6 : 4))
			put_both(&lanes, id++);
		else
			good &= take_both(&lanes);
		if (dice(300) == 0) {
			uint64_t want = 0, got = 0;

			good &= model_sift(&want) == real_sift(&lanes, &got);
			good &= want == got;
		}
	}
	ok(good, "lanes do what a list of turns would");
	while (n_turns > 0)
		good &= take_both(&lanes);
	ok(good && lanes.n == 0 && lanes.n_attempts == 0 && !lanes.first &&
	       !lanes.last && lanes.by_sender.cap == 0,
	   "and are empty in the end");
}

/* One message of ten thousand recipients beside many of one. */
static void
test_recipients(void)
{
	struct lanes lanes = {0};
	struct waiting w;
	size_t i, n_large = 0, n_lanes;
	struct attempt *a;

	for (i = 0; i < 100; i++) {
		a = new_attempt(1, "qmtp:h:1", 1);
		a->n_rcpts = 100;
		lanes_put(&lanes, a, false);
	}
	for (i = 0; i < 1000; i++)
		lanes_put(&lanes, new_attempt(1, "qmtp:h:1", 2), false);
	for (i = 0; i < 606 && lanes_take(&lanes, &w); i++) {
		n_large += w.attempt->n_rcpts == 100;
		free_attempt(w.attempt);
	}
	ok(n_large == 6, "turns go by recipients: %zu large ones of 606",
	   n_large);
	lanes_take(&lanes, &w);
	a = w.attempt;
	lanes_put_back(&lanes, a);
	ok(lanes_take(&lanes, &w) && w.attempt == a,
	   "what was put back has the next turn");
	free_attempt(a);
	while (lanes_take(&lanes, &w))
		free_attempt(w.attempt);
	ok(lanes.n == 0 && !lanes.first, "nobody waits for no one");

	for (n_lanes = 1; n_lanes <= 3000; n_lanes++)
		for (i = 0; i < 2; i++) {
			a = new_attempt(1, "qmtp:h:1", n_lanes);
			a->n_rcpts = 100;
			lanes_put(&lanes, a, false);
		}
	for (i = 0; i < 3000 && lanes_take(&lanes, &w); i++)
		free_attempt(w.attempt);
	lanes_put(&lanes, new_attempt(1, "qmtp:h:1", 99999), false);
	for (i = 0; lanes_take(&lanes, &w); i++) {
		bool is_his = w.sender_key == 99999;

		free_attempt(w.attempt);
		if (is_his)
			break;
	}
	ok(i < 100, "among 3000 that owe, his is the %zuth", i + 1);
	while (lanes_take(&lanes, &w))
		free_attempt(w.attempt);
}

/* destinations */

enum { RUNNING_MAX = 20000 };

static struct destinations all;
static struct attempt *running[RUNNING_MAX];
static size_t n_running, n_started, n_refused, n_good;
static bool agent_is_full;

static bool
start(struct destinations *d, struct attempt *a)
{
	(void)d;
	if (agent_is_full) {
		n_refused++;
		return false;
	}
	running[n_running++] = a;
	n_started++;
	return true;
}

static struct attempt *
unpark(struct destination *d, struct message *m)
{
	struct attempt *a;

	a = attempt_new(m, slice_of(d->key, d->key_len), 1);
	a->rcpts[a->n_rcpts++] = 0;
	a->lifetime_s = INT64_MAX;
	return a;
}

static void
begin(void)
{
	all = (struct destinations){.start = start, .unpark = unpark};
	destinations_init(&all, &loop);
	n_running = n_started = n_refused = 0;
	agent_is_full = false;
}

/* The messages that wait are lost with it; they are not the test's point. */
static void
finish(void)
{
	const struct sieve everything = {.wants = sieve_all};
	struct sifted out = {0};
	struct message *m;

	destinations_sift(&all, &everything, &out);
	while (out.attempts) {
		struct attempt *a = out.attempts;

		out.attempts = a->next;
		free_attempt(a);
	}
	while ((m = out.parked)) {
		out.parked = m->next;
		message_free(m);
	}
	while (n_running > 0)
		free_attempt(running[--n_running]);
	destinations_free(&all);
	ok(loop.n_timers == 0, "no timer is left");
}

static struct destination *
queue_some(size_t n, const char *nexthops, uint64_t sender)
{
	struct destination *d = NULL;

	while (n-- > 0)
		d = destination_queue(&all, new_attempt(1, nexthops, sender),
				      SLICE("d.test"), false);
	return d;
}

/* End the oldest that runs. */
static void
end_one(enum destination_result result)
{
	struct attempt *a = running[0];

	memmove(running, running + 1, --n_running * sizeof *running);
	destination_ended(a, result);
	free_attempt(a);
}

static void
test_limit(void)
{
	struct destination *d;
	size_t i;

	begin();
	d = queue_some(3000, "qmtp:h:1", 1);
	ok(d->waiting.n == 3000 && d->waiting.n_attempts == DESTINATION_WINDOW,
	   "behind the window they are parked");
	pass_ms(1);
	ok(n_running == DESTINATION_FIRST, "%d at first", DESTINATION_FIRST);
	end_one(DESTINATION_WELL);
	pass_ms(1);
	ok(n_running == DESTINATION_FIRST + 1, "a success raises it");
	for (i = 0; i < 1000; i++) {
		end_one(DESTINATION_WELL);
		pass_ms(1);
	}
	ok(n_running == DESTINATION_MOST, "up to %d", DESTINATION_MOST);
	end_one(DESTINATION_SLOWER);
	end_one(DESTINATION_SLOWER);
	ok(d->limit == DESTINATION_MOST / 2, "\"too fast\" halves it, once");
	pass_ms(1000);
	end_one(DESTINATION_SLOWER);
	ok(d->limit == DESTINATION_MOST / 4, "and a second later again");
	while (n_running > 0)
		end_one(DESTINATION_WELL);
	for (i = 0; i < 3 * DESTINATION_MOST / 4 + 6; i++) {
		pass_ms(1);
		end_one(DESTINATION_WELL);
	}
	ok(d->limit == DESTINATION_MOST / 4 + 3, "from then on slowly: %u",
	   d->limit);
	finish();

	begin();
	d = queue_some(50, "smtp:mx", 1);
	pass_ms(1);
	ok(n_running == DESTINATION_FIRST_SMTP, "SMTP: %d at first",
	   DESTINATION_FIRST_SMTP);
	for (i = 0; i < 20; i++) {
		end_one(DESTINATION_WELL);
		pass_ms(1);
	}
	ok(n_running == DESTINATION_MOST_SMTP, "... %d at the most",
	   DESTINATION_MOST_SMTP);
	end_one(DESTINATION_WELL);
	end_one(DESTINATION_WELL);
	ok(d->limit == DESTINATION_MOST_SMTP, "no limit that is not used");
	finish();
}

/* Attempts of a hundred recipients each. */
static struct destination *
queue_large(size_t n, const char *nexthops, uint32_t concurrency)
{
	struct destination *d = NULL;
	struct attempt *a;

	while (n-- > 0) {
		a = new_attempt(1, nexthops, 1);
		a->n_rcpts = 100;
		a->concurrency = concurrency;
		d = destination_queue(&all, a, SLICE("d.test"), false);
	}
	return d;
}

static void
test_load(void)
{
	struct destination *d;

	begin();
	d = queue_large(50, "qmtp:h:1", 0);
	pass_ms(1);
	ok(n_running == 1 && d->n_rcpts == 100, "the limit is of recipients");
	end_one(DESTINATION_WELL);
	pass_ms(1);
	ok(n_running == 2, "as many more when they are done: %u", d->limit);
	while (n_running > 0)
		end_one(DESTINATION_WELL);
	ok(d->n_rcpts == 0, "none is counted twice");
	finish();

	begin();
	queue_large(50, "qmtp:h:1", 3);
	queue_large(50, "smtp:h:1", 0);
	pass_ms(1);
	ok(n_running == 3 + DESTINATION_FIRST_SMTP,
	   "attempts where a route says how many, and by SMTP");
	finish();
}

static void
test_concurrency(void)
{
	struct destination *d;
	struct attempt *a;
	size_t i, most = 0;

	begin();
	for (i = 0; i < 100; i++) {
		a = new_attempt(1, "qmtp:h:1", 1);
		a->concurrency = 3;
		d = destination_queue(&all, a, SLICE("d.test"), false);
	}
	for (i = 0; i < 60; i++) {
		pass_ms(2000);
		most = n_running > most ? n_running : most;
		end_one(i == 10 ? DESTINATION_TROUBLE : DESTINATION_WELL);
		if (n_running == 0)
			pass_ms(400000);
	}
	ok(most == 3, "concurrency=3 holds, through trouble too");
	d = queue_some(1, "qmtp:h:1", 1);
	ok(d->most == DESTINATION_MOST, "and not when a route says it no more");
	finish();
}

static void
test_rate(uint32_t rate)
{
	size_t i, n = 0, in_second = 0, most = 0;
	int64_t first_us = 0, second = 0;
	double took_s;

	begin();
	queue_some(500, "qmtp:h:1", 1); /* they owe nothing for the past */
	while (n_started < 500) {
		pass_ms(1);
		while (n_running > 0)
			end_one(DESTINATION_WELL);
	}
	pass_ms(60000);
	n_started = 0;
	for (i = 0; i < 2100; i++) {
		struct attempt *a = new_attempt(1, "qmtp:h:1", 1);

		a->message->n_live = 2; /* not to be parked */
		a->rate = (struct option_rate){rate, 1};
		destination_queue(&all, a, SLICE("d.test"), false);
	}
	while (n < 2000) {
		pass_ms(1 + dice(3));
		if (n_started > 0 && first_us == 0)
			first_us = now_us;
		if (now_us / 1000000 != second) {
			second = now_us / 1000000;
			in_second = 0;
		}
		in_second += n_started - n;
		most = in_second > most ? in_second : most;
		n = n_started;
		while (n_running > 0)
			end_one(DESTINATION_WELL);
	}
	took_s = (double)(now_us - first_us) / 1e6;
	ok(took_s * rate > 2000 * 0.98 - rate / 10.0 - 1 &&
	       took_s * rate < 2000 * 1.02,
	   "rate=%u: %zu in %.2f s", rate, n, took_s);
	ok(most <= rate + rate / 10 + rate / 50 + 2, "%zu in a second", most);
	finish();
}

static void
test_closed(void)
{
	int64_t want_ms = DESTINATION_BACKOFF_MIN_MS, waited_ms;
	struct destination *d;
	int i;

	begin();
	d = queue_some(100, "qmtp:h:1", 1);
	pass_ms(1);
	for (i = 0; i < 64; i++)
		end_one(DESTINATION_TROUBLE);
	ok(d->state == DESTINATION_CLOSED && d->n_troubles == 1,
	   "trouble closes it, once for all that ran");
	for (i = 0; i < 12; i++) {
		for (waited_ms = 0; n_running == 0; waited_ms += 10)
			pass_ms(10);
		ok(waited_ms >= want_ms && waited_ms <= want_ms * 5 / 4 + 20,
		   "closed for %lld ms, then a probe", (long long)waited_ms);
		pass_ms(30000);
		if (n_running != 1 || d->state != DESTINATION_PROBING)
			break;
		end_one(DESTINATION_TROUBLE);
		want_ms = want_ms * 2 < DESTINATION_BACKOFF_MAX_MS
			      ? want_ms * 2
			      : DESTINATION_BACKOFF_MAX_MS;
	}
	ok(i == 12, "one probe at a time");
	pass_ms(400000);
	destination_lost(running[n_running - 1]);
	free_attempt(running[--n_running]);
	pass_ms(1);
	ok(n_running == 1 && d->state == DESTINATION_PROBING,
	   "a probe whose agent died is made again");
	end_one(DESTINATION_WELL);
	pass_ms(1);
	ok(d->state == DESTINATION_OPEN && d->waiting.n == 0 && n_running > 10,
	   "it works: all the rest goes");
	while (n_running > 0)
		end_one(DESTINATION_WELL);
	destinations_sweep(&all);
	ok(all.names.n == 0, "an idle one is forgotten");
	queue_some(1, "qmtp:h:1", 1);
	pass_ms(1);
	end_one(DESTINATION_TROUBLE);
	destinations_sweep(&all);
	ok(all.names.n == 1, "not while it is closed");
	pass_ms(2000);
	destinations_sweep(&all);
	ok(all.names.n == 0, "but then");
	finish();
}

/* A server that takes one after the other, 100 ms each. */
static void
test_line(void)
{
	struct destination *d;
	int64_t next_us;
	size_t i, n_idle = 0, worst = 0;

	begin();
	d = queue_some(2000, "qmtp:h:1", 1);
	pass_ms(1);
	next_us = now_us + 100000;
	for (i = 0; i < 1500; i++) {
		while (now_us < next_us)
			pass_ms(10);
		next_us = now_us + 100000;
		if (n_running == 0)
			n_idle++;
		else
			end_one(DESTINATION_WELL);
		if (i > 300 && d->n_running > worst)
			worst = d->n_running;
	}
	ok(n_idle == 0, "a slow server is never idle");
	ok(worst <= 25, "but no more than %zu wait in its own line", worst);
	finish();

	begin(); /* one that takes 3 s for each, as many as come */
	d = queue_some(8000, "qmtp:h:1", 1);
	for (i = 0; i < 400; i++) {
		pass_ms(100);
		while (n_running > 0 &&
		       running[0]->started_ms + 3000 <= loop.now_ms)
			end_one(DESTINATION_WELL);
	}
	ok(d->limit == DESTINATION_MOST, "patience is not taken for a line");
	finish();
}

static void
test_turns(void)
{
	size_t i, n = 0;

	begin();
	queue_some(500, "qmtp:h:1", 1);
	agent_is_full = true;
	for (i = 0; i < 7; i++) {
		destinations_start(&all);
		pass_ms(1);
	}
	ok(n_refused == 7 && n_running == 0, "no agent is free");
	queue_some(2, "qmtp:h:1", 2);
	queue_some(1, "qmtp:h:1", 3);
	for (i = 0; i < 7; i++) {
		destinations_start(&all);
		pass_ms(1);
	}
	agent_is_full = false;
	destinations_start(&all);
	pass_ms(1);
	for (i = 0; i < 6; i++)
		n = n * 10 + running[i]->sender_key;
	ok(n == 123121, "an agent is free: senders take turns: %zu", n);
	finish();
}

enum { CAPACITY = 200 };

static struct dispatch_room
room(const struct destinations *d, struct slice agent)
{
	(void)d;
	(void)agent;
	return (struct dispatch_room){CAPACITY, CAPACITY - (unsigned)n_running};
}

static void
end_good(void)
{
	size_t i;

	for (i = n_running; i-- > 0;) {
		struct attempt *a = running[i];

		if (!slice_eq(attempt_nexthop(a), SLICE("qmtp:good:1")))
			continue;
		running[i] = running[--n_running];
		n_good++;
		destination_ended(a, DESTINATION_WELL);
		free_attempt(a);
		destinations_start(&all);
	}
}

/* However many destinations never answer, there is room for one more. */
static void
test_room(void)
{
	char name[32];
	size_t i;

	begin();
	all.room = room;
	for (i = 0; i < 50; i++) {
		snprintf(name, sizeof name, "qmtp:pit%zu:1", i);
		queue_some(100, name, 1);
		pass_ms(1);
	}
	ok(n_running < CAPACITY - CAPACITY / 10, "%zu of %d for fifty tarpits",
	   n_running, CAPACITY);
	queue_some(1000, "qmtp:good:1", 1);
	for (i = 0; i < 3000 && n_good < 1000; i++) {
		pass_ms(1);
		end_good();
	}
	ok(n_good == 1000, "all to the good one flows beside them");
	finish();
}

/* nobody serves it */

static int said_file;
static char said[4096];
static unsigned capacity;

static struct dispatch_room
no_room(const struct destinations *d, struct slice agent)
{
	(void)d;
	if (slice_eq(agent, SLICE("smtp")))
		return (struct dispatch_room){CAPACITY, CAPACITY};
	return (struct dispatch_room){capacity, capacity};
}

/* What is logged of it in so many seconds, one look in each. */
static const char *
said_in(int seconds)
{
	int own = dup(STDERR_FILENO);
	ssize_t n;

	log_flush();
	dup2(said_file, STDERR_FILENO);
	for (; seconds > 0; seconds--) {
		pass_ms(1000);
		destinations_look(&all);
	}
	log_flush();
	dup2(own, STDERR_FILENO);
	close(own);
	n = pread(said_file, said, sizeof said - 1, 0);
	said[n > 0 ? n : 0] = 0;
	if (ftruncate(said_file, 0) != 0 || lseek(said_file, 0, SEEK_SET) != 0)
		abort();
	return said;
}

static bool
says_missing(const char *name, int messages)
{
	char line[80];
	const char *at;

	snprintf(line, sizeof line, "event=no-agent name=%s messages=%d ", name,
		 messages);
	at = strstr(said, line);
	return at && !strstr(at + 1, "event=no-agent");
}

static void
test_missing(void)
{
	const struct sieve old = {.wants = sieve_all, .min_troubles = 1};
	struct sifted out = {0};
	struct destination *d;

	begin();
	all.room = no_room;
	capacity = 0;
	said_file = memfd_create("said", 0);
	log_write_look();
	d = queue_some(2, "fax:1", 1);
	queue_some(1, "fax:2", 1);
	queue_some(1, "smtp:mx", 1);
	pass_ms(1);
	ok(strcmp(destination_state(d), "no-agent") == 0 && n_running == 1,
	   "no agent serves it, and that is its state");
	ok(!strstr(said_in(5), "no-agent"), "not a word in five seconds");
	said_in(2);
	ok(says_missing("fax", 3), "then one line: %s", said);
	ok(!strstr(said_in(597), "no-agent"), "none for ten minutes");
	said_in(4);
	ok(says_missing("fax", 3), "and one again");
	d->n_troubles = 1;
	destinations_sift(&all, &old, &out);
	ok(!out.attempts && !out.parked, "it is not given up");
	capacity = 1;
	destinations_sift(&all, &old, &out);
	ok(out.attempts != NULL, "it is where an agent has tried");
	while (out.attempts) {
		struct attempt *a = out.attempts;

		out.attempts = a->next;
		free_attempt(a);
	}
	destinations_start(&all);
	ok(!strstr(said_in(20), "no-agent") && n_running == 2 &&
	       strcmp(destination_state(d), "no-agent") != 0,
	   "an agent has come");
	capacity = 0;
	queue_some(1, "fax:3", 1);
	ok(!strstr(said_in(5), "no-agent"), "it has gone: five seconds again");
	said_in(2);
	ok(says_missing("fax", 1), "for what waits alone");
	close(said_file);
	finish();
}

/* slots that are shared */

/* As the agents do, when no next hop can have it: from the youngest on. */
static size_t n_called;

static void
call_back(struct destinations *d)
{
	size_t i;

	(void)d;
	for (i = n_running; i-- > 0;) {
		struct attempt *a = running[i];

		if (!destination_call(a))
			continue;
		n_called++;
		memmove(&running[i], &running[i + 1],
			(--n_running - i) * sizeof *running);
		a->is_called = false;
		destination_called(a);
		destination_queue(&all, a, SLICE("d.test"), true);
		destinations_start(&all);
	}
}

static size_t
running_at(const char *nexthop)
{
	size_t i, n = 0;

	for (i = 0; i < n_running; i++)
		n += slice_eq(attempt_nexthop(running[i]), slice_text(nexthop));
	return n;
}

/* All that runs at a next hop ends well, time after time. */
static void
serve(const char *nexthop, int rounds)
{
	size_t i;

	while (rounds-- > 0) {
		for (i = n_running; i-- > 0;) {
			struct attempt *a = running[i];

			if (!slice_eq(attempt_nexthop(a), slice_text(nexthop)))
				continue;
			memmove(&running[i], &running[i + 1],
				(--n_running - i) * sizeof *running);
			destination_ended(a, DESTINATION_WELL);
			free_attempt(a);
		}
		destinations_start(&all);
		pass_ms(10);
	}
}

static void
queue_pits(size_t n, const char *form)
{
	char name[64];
	size_t i;

	for (i = 0; i < n; i++) {
		snprintf(name, sizeof name, form, i);
		queue_some(10, name, 1);
	}
}

/* One that was good, and then says nothing, has not all. */
static void
test_share(void)
{
	struct destination *a;
	size_t i;

	begin();
	all.remote.all = 20;
	a = queue_some(2000, "qmtp:a:1", 1);
	pass_ms(1);
	ok(n_running == 1, "one to begin with: %zu", n_running);
	serve("qmtp:a:1", 50);
	ok(a->n_running == 18, "it answers: all but the kept: %u",
	   a->n_running);
	queue_some(2000, "qmtp:b:1", 1);
	pass_ms(1);
	serve("qmtp:b:1", 20);
	ok(running_at("qmtp:b:1") == 2 && running_at("qmtp:a:1") == 18,
	   "another gets the kept ones at once: %zu", running_at("qmtp:b:1"));
	for (i = 0; i < 60; i++) {
		serve("qmtp:a:1", 1);
		serve("qmtp:b:1", 1);
	}
	ok(running_at("qmtp:a:1") == 10 && running_at("qmtp:b:1") == 10,
	   "both wait and answer: half each: %zu and %zu",
	   running_at("qmtp:a:1"), running_at("qmtp:b:1"));
	pass_ms(6000);
	queue_some(1, "qmtp:c:1", 1);
	pass_ms(1);
	ok(running_at("qmtp:c:1") == 0, "all taken, by two that are silent");
	all.call_back = call_back;
	n_called = 0;
	for (i = 0; i < 6 && running_at("qmtp:c:1") == 0; i++)
		pass_ms(1000);
	ok(running_at("qmtp:c:1") == 1 && n_called >= 3 && n_called <= 6,
	   "they are called back for a third: %zu", n_called);
	finish();
}

/* Nobody that never answers keeps a new one from its first attempt, however
 * many there are; nor one that answers from its own. */
static void
test_called(const char *form, const char *good, size_t most_s)
{
	size_t i;

	begin();
	all.remote.all = 40;
	all.call_back = call_back;
	queue_pits(400, form);
	for (i = 0; i < 5; i++)
		pass_ms(1000);
	queue_some(1000, good, 2);
	for (i = 0; i < 100 && running_at(good) == 0; i++)
		pass_ms(1000);
	ok(i <= most_s, "%s: %s is tried after %zu s", form, good, i);
	for (i = 0; i < 100; i++)
		serve(good, 1);
	ok(running_at(good) >= 2, "and then has slots of its own: %zu",
	   running_at(good));
	finish();
}

/* Whatever happens: what is counted comes to nothing in the end. */
static void
test_counts(void)
{
	static const enum destination_result results[] = {
	    DESTINATION_WELL,	 DESTINATION_WELL, DESTINATION_SLOWER,
	    DESTINATION_REFUSED, DESTINATION_LESS, DESTINATION_TROUBLE};
	struct destinations_kind *kind;
	struct names_walk w = {0};
	struct destination *d;
	bool within = true, is_zero = true;
	char name[64];
	size_t i;

	begin();
	all.remote.all = 12;
	all.call_back = call_back;
	for (i = 0; i < 20000; i++) {
		snprintf(name, sizeof name, "%s:h%u:1",
			 dice(2) ? "smtp" : "qmtp", dice(30));
		if (dice(3) == 0)
			queue_some(1 + dice(3), name, 1 + dice(3));
		if (n_running > 0 && dice(2)) {
			struct attempt **a =
			    &running[dice((uint32_t)n_running)];
			struct attempt *first = running[0];

			running[0] = *a;
			*a = first;
			end_one(results[dice(6)]);
		}
		if (dice(1000) == 0)
			destinations_sweep(&all);
		destinations_start(&all);
		pass_ms(dice(400));
		within &= all.remote.n_running == n_running &&
			  n_running <= 12 &&
			  all.remote.n_doubtful <= all.remote.n_running;
	}
	ok(within, "never more than there are");
	all.remote.all = 0; /* nothing is begun any more */
	while (n_running > 0)
		end_one(DESTINATION_WELL);
	pass_ms(1);
	for (kind = all.kinds; kind; kind = kind->next)
		is_zero &= kind->room.n_doubtful == 0;
	while ((d = destinations_walk(&all, &w)))
		is_zero &= d->n_running == 0 && d->n_rcpts == 0;
	finish();
	ok(is_zero && all.remote.n_running == 0 && all.remote.n_doubtful == 0 &&
	       all.remote.n_wanting == 0,
	   "and none in the end");
}

static void
test_not_called(void)
{
	int i;

	begin();
	all.remote.all = 4;
	all.call_back = call_back;
	n_called = 0;
	queue_some(100, "qmtp:a:1", 1);
	queue_pits(2, "qmtp:pit%zu:1");
	for (i = 0; i < 20; i++) {
		serve("qmtp:a:1", 1);
		pass_ms(2000);
	}
	queue_some(1, "qmtp:b:1", 1);
	for (i = 0; i < 2; i++)
		pass_ms(1000);
	ok(n_called > 0 && running_at("qmtp:a:1") >= 2,
	   "one that answers is not called back: %zu", running_at("qmtp:a:1"));
	finish();

	begin();
	all.remote.all = 4;
	all.call_back = call_back;
	n_called = 0;
	queue_pits(2, "qmtp:pit%zu:1");
	for (i = 0; i < 60; i++)
		pass_ms(1000);
	ok(n_called == 0 && n_running == 2,
	   "nobody waits for a first slot: patience");
	finish();
}

static void
test_next_hops(void)
{
	struct destination *a, *b, *both;

	begin();
	a = queue_some(1, "qmtp:a:1", 1);
	b = queue_some(1, "qmtp:b:1", 1);
	both = queue_some(1, "qmtp:a:1 qmtp:b:1", 1);
	ok(both == a && a->has_others && !b->has_others, "the first in order");
	pass_ms(1);
	end_one(DESTINATION_TROUBLE);
	ok(queue_some(1, "qmtp:a:1 qmtp:b:1", 1) == b,
	   "the second while the first is closed");
	pass_ms(1);
	while (n_running > 0)
		end_one(DESTINATION_WELL);
	ok(a->state == DESTINATION_OPEN, "a late success opens it");
	queue_some(1, "qmtp:a:1", 1);
	pass_ms(1);
	end_one(DESTINATION_TROUBLE);
	pass_ms(2000);
	ok(a->state == DESTINATION_PROBING &&
	       queue_some(1, "qmtp:a:1 qmtp:b:1", 1) == a,
	   "one goes to probe");
	pass_ms(1);
	ok(queue_some(1, "qmtp:a:1 qmtp:b:1", 1) == b,
	   "the others do not wait");
	finish();
}

static bool
is(const struct destination *d, const char *state)
{
	bool same = strcmp(destination_state(d), state) == 0;

	if (!same)
		printf("# it is %s\n", destination_state(d));
	return same;
}

/* Every attempt is refused at once, for so long. */
static size_t
refuse_for_ms(int64_t ms, enum destination_result result)
{
	size_t before = n_started;

	for (; ms > 0; ms--) {
		pass_ms(1);
		while (n_running > 0)
			end_one(result);
	}
	return n_started - before;
}

static void
test_refused(enum destination_result result)
{
	struct destination *d;
	size_t n;

	begin();
	d = queue_some(20000, "qmtp:h:1", 1);
	pass_ms(1);
	end_one(result);
	pass_ms(1);
	end_one(DESTINATION_WELL);
	ok(is(d, "open") && n_running > 20, "a refusal closes nothing");
	refuse_for_ms(20, result);
	ok(is(d, "ailing") && !destination_works(d),
	   "all are refused: it is ailing");
	refuse_for_ms(3000, result);
	n = refuse_for_ms(60000, result);
	ok(n >= 40 && n <= 62, "%zu attempts in a minute", n);
	for (n = 0; n_running == 0 && n < 3000; n++)
		pass_ms(1);
	if (n_running > 0)
		end_one(DESTINATION_WELL);
	pass_ms(1);
	ok(is(d, "open") && n_running == d->limit && n_running > 1,
	   "one is taken: it is open, %zu run", n_running);
	finish();
}

static size_t n_decided;

static void
decide(struct destinations *of, struct destination *d, size_t most)
{
	const struct sieve everything = {.wants = sieve_all, .most = most};
	struct sifted out = {0};
	struct attempt *a;
	struct message *m;

	(void)of;
	destination_sift(d, &everything, &out);
	n_decided += out.n;
	while ((a = out.attempts)) {
		out.attempts = a->next;
		free_attempt(a);
	}
	while ((m = out.parked)) {
		out.parked = m->next;
		message_free(m);
	}
}

/* A million that wait leave in pieces, and once. */
static void
test_leaving(void)
{
	struct destination *a;
	size_t most = 0, before, i;

	begin();
	all.decide = decide;
	queue_some(1, "qmtp:b:1", 1);
	pass_ms(1);
	end_one(DESTINATION_WELL);
	a = queue_some(3 * DESTINATION_LEAVE + 500, "qmtp:a:1 qmtp:b:1", 1);
	pass_ms(1);
	n_decided = 0;
	for (i = 0; i < 20; i++) {
		before = n_decided;
		if (i == 0)
			end_one(DESTINATION_TROUBLE);
		else
			pass_ms(1);
		most = n_decided - before > most ? n_decided - before : most;
	}
	ok(a->waiting.n == 0 && n_decided == 3436 && most == DESTINATION_LEAVE,
	   "what waits leaves in pieces: %zu, %zu at a time", n_decided, most);
	a->n_leaving = 10;
	queue_some(1, "qmtp:a:1", 1);
	pass_ms(1);
	ok(a->waiting.n == 1, "what comes back stays");
	finish();
}

static void
test_silent(void)
{
	struct destination *a, *b;
	int i;

	begin();
	all.decide = decide;
	b = queue_some(1, "qmtp:b:1", 1);
	pass_ms(1);
	end_one(DESTINATION_WELL);
	a = queue_some(DESTINATION_FIRST + 10, "qmtp:a:1 qmtp:b:1", 1);
	n_decided = 0;
	pass_ms(1);
	pass_ms(4990);
	ok(is(a, "open") && n_decided == 0, "not yet");
	pass_ms(10);
	ok(is(a, "silent") && n_decided == 10,
	   "no answer for 5 s: what waits for it decides anew");
	ok(queue_some(1, "qmtp:a:1 qmtp:b:1", 1) == b,
	   "and what comes goes to the second");
	ok(queue_some(1, "qmtp:a:1", 1) == a && a->n_running == 64,
	   "unless there is none; what runs goes on");
	destination_answered(a);
	end_one(DESTINATION_WELL);
	ok(is(a, "open") && destination_works(a), "an answer ends it");
	finish();

	begin();
	a = queue_some(1, "qmtp:a:1 qmtp:b:1", 1); /* never answered */
	pass_ms(1);
	for (i = 0; i < 5; i++) {
		queue_some(1, "qmtp:a:1 qmtp:b:1", 1);
		pass_ms(1);
		destination_answered(a);
		destination_ended(running[--n_running], DESTINATION_WELL);
		free_attempt(running[n_running]);
	}
	pass_ms(20000);
	ok(is(a, "open"), "one that hangs while others were answered: not");
	queue_some(1, "qmtp:a:1 qmtp:b:1", 1);
	pass_ms(1);
	pass_ms(5000);
	ok(is(a, "silent"), "until the next is not answered either");
	while (n_running > 0)
		end_one(DESTINATION_TROUBLE);
	ok(is(a, "closed"), "both time out: closed");
	for (i = 0; i < 30; i++) {
		pass_ms(1000);
		queue_some(1, "qmtp:a:1", 1);
		pass_ms(1);
		if (n_running > 0) {
			destination_lost(running[--n_running]);
			free_attempt(running[n_running]);
		}
	}
	pass_ms(10000);
	ok(!is(a, "silent"), "nothing runs: nothing is silent");
	finish();
}

/* Domains that a stranger chose so that the CRC of before put all of their
 * destinations into one place: each is found at once all the same. */
static void
test_chosen_names(void)
{
	enum { NAMES = 1000, PLACES = 4096 };
	struct buf key = {0}, domain = {0};
	unsigned n = 0, i;
	uint64_t probes;

	begin();
	for (i = 0; n < NAMES; i++) {
		buf_clear(&key);
		buf_clear(&domain);
		buf_text(&domain, "d");
		buf_number(&domain, i);
		buf_text(&domain, ".evil.test");
		destination_key(&key, SLICE("smtp:mx"), buf_slice(&domain));
		if (crc32c(0, buf_slice(&key)) % PLACES != 0)
			continue;
		destination_queue(&all, new_attempt(1, "smtp:mx", 1),
				  buf_slice(&domain), false);
		n++;
	}
	probes = all.names.n_probes;
	ok(all.names.n == NAMES && probes < 8 * NAMES,
	   "%u chosen names, each looked for twice: %u probes", NAMES,
	   (unsigned)probes);
	buf_free(&key);
	buf_free(&domain);
	finish();
}

int
main(void)
{
	static const uint32_t rates[] = {1, 7, 10, 50, 300, 1000, 5000};
	size_t i;

	clock_set_for_tests(now_us);
	loop_init(&loop);
	pass_ms(0);
	test_next_s();
	test_heap();
	test_lanes();
	test_recipients();
	test_limit();
	test_chosen_names();
	test_load();
	test_concurrency();
	for (i = 0; i < sizeof rates / sizeof *rates; i++)
		test_rate(rates[i]);
	test_closed();
	test_line();
	test_turns();
	test_room();
	test_missing();
	test_share();
	test_called("qmtp:pit%zu:1", "qmtp:good:1", 45);
	test_called("qmtp:pit%zu:1", "smtp:good:1", 12);
	test_called("smtp:mx/pit%zu.test", "smtp:good:1", 6);
	test_not_called();
	test_counts();
	test_next_hops();
	test_refused(DESTINATION_REFUSED);
	test_refused(DESTINATION_LESS);
	test_silent();
	test_leaving();
	loop_free(&loop);
	return tap_done();
}
