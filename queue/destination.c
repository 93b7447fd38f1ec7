#include "queue/destination.h"

#include "lib/buf.h"
#include "lib/crc32c.h"
#include "lib/die.h"
#include "lib/log.h"
#include "lib/owner.h"

#include <stdlib.h>

static void
start_all(struct loop_task *task);
static void
make_ready(struct destination *d);

/* attempts */

struct slice
attempt_nexthop(const struct attempt *a)
{
	struct slice rest = a->nexthops, word = {"", 0};
	unsigned i;

	for (i = 0; i <= a->hop; i++)
		word = slice_word(&rest);
	return word;
}

bool
attempt_has_more(struct attempt *a)
{
	bool more;

	a->hop++;
	more = attempt_nexthop(a).len > 0;
	a->hop--;
	return more;
}

struct attempt *
attempt_new(struct message *m, struct slice nexthops, uint32_t max_rcpts)
{
	size_t list = (size_t)max_rcpts * sizeof(uint32_t);
	struct attempt *a = calloc(1, sizeof *a + list + nexthops.len);
	char *copy;

	if (!a)
		die_nomem();
	copy = (char *)a + sizeof *a + list;
	memcpy(copy, nexthops.at, nexthops.len);
	a->nexthops = slice_of(copy, nexthops.len);
	a->message = m;
	return a;
}

/* the table */

void
destinations_init(struct destinations *all, struct loop *loop,
		  bool (*start)(struct destinations *, struct attempt *))
{
	*all = (struct destinations){.loop = loop, .start = start};
	all->ready_last = &all->ready;
	all->start_task.run = start_all;
}

static struct destination **
bucket(struct destinations *all, struct slice key)
{
	return &all->buckets[crc32c(0, key) % DESTINATION_BUCKETS];
}

void
destination_key(struct buf *key, struct slice nexthop, struct slice domain)
{
	if (slice_starts(nexthop, SLICE("maildir:"))) {
		buf_text(key, "maildir:");
		return;
	}
	buf_puts(key, nexthop);
	if (slice_eq(nexthop, SLICE("smtp:mx"))) {
		buf_putc(key, '/');
		buf_puts(key, domain);
	}
}

static void
closed_over(struct loop_timer *timer)
{
	struct destination *d = OWNER(timer, struct destination, closed);

	d->state = DESTINATION_PROBING;
	make_ready(d);
}

static void
pace_over(struct loop_timer *timer)
{
	make_ready(OWNER(timer, struct destination, paced));
}

static void
set_limits(struct destination *d)
{
	bool is_smtp = slice_eq(d->agent, SLICE("smtp"));

	d->limit = is_smtp ? DESTINATION_FIRST_SMTP : DESTINATION_FIRST;
	d->most = is_smtp ? DESTINATION_MOST_SMTP : DESTINATION_MOST;
}

static struct destination *
make(struct destinations *all, struct slice key)
{
	struct destination *d = calloc(1, sizeof *d + key.len);
	struct destination **b = bucket(all, key);

	if (!d)
		die_nomem();
	memcpy(d->key, key.at, key.len);
	d->key_len = key.len;
	d->agent = slice_of(d->key, slice_find(key, ':'));
	d->all = all;
	lanes_init(&d->waiting);
	d->closed.expired = closed_over;
	d->paced.expired = pace_over;
	set_limits(d);
	d->is_held = all->holds && all->holds(all, key);
	d->chain = *b;
	*b = d;
	all->n++;
	return d;
}

struct destination *
destinations_known(struct destinations *all, struct slice key)
{
	struct destination *d;

	for (d = *bucket(all, key); d; d = d->chain)
		if (slice_eq(slice_of(d->key, d->key_len), key))
			break;
	return d;
}

static struct destination *
find(struct destinations *all, struct slice nexthop, struct slice domain)
{
	struct buf key = {0};
	struct destination *d;

	destination_key(&key, nexthop, domain);
	d = destinations_known(all, buf_slice(&key));
	if (!d)
		d = make(all, buf_slice(&key));
	buf_free(&key);
	return d;
}

static void
drop(struct destination *d)
{
	struct destination **p = bucket(d->all, slice_of(d->key, d->key_len));

	while (*p != d)
		p = &(*p)->chain;
	*p = d->chain;
	d->all->n--;
	loop_timer_stop(d->all->loop, &d->closed);
	loop_timer_stop(d->all->loop, &d->paced);
	lanes_free(&d->waiting);
	free(d);
}

void
destinations_free(struct destinations *all)
{
	struct attempt *a;
	size_t i;

	while ((a = destinations_drain(all)))
		free(a);
	for (i = 0; i < DESTINATION_BUCKETS; i++)
		while (all->buckets[i])
			drop(all->buckets[i]);
	loop_task_drop(all->loop, &all->start_task);
}

/* starting */

/* Has the rate room for one more? If not, a timer says when. */
static bool
rate_allows(struct destination *d)
{
	int64_t now_ms = d->all->loop->now_ms, most;

	if (d->rate == 0)
		return true;
	most = (int64_t)d->rate * DESTINATION_BURST_MS;
	if (most < 1000)
		most = 1000;
	d->tokens += (now_ms - d->counted_ms) * d->rate;
	if (d->tokens > most)
		d->tokens = most;
	d->counted_ms = now_ms;
	if (d->tokens >= 1000)
		return true;
	if (d->paced.slot == 0)
		loop_timer_set(d->all->loop, &d->paced,
			       (1000 - d->tokens) / d->rate + 1);
	return false;
}

static bool
may_start(struct destination *d)
{
	if (d->waiting.n == 0 || d->is_held || d->state == DESTINATION_CLOSED)
		return false;
	if (d->state == DESTINATION_PROBING)
		return d->n_running == 0;
	return d->n_running < d->limit && rate_allows(d);
}

static void
make_ready(struct destination *d)
{
	if (!d->is_ready && may_start(d)) {
		d->is_ready = true;
		d->ready_next = NULL;
		*d->all->ready_last = d;
		d->all->ready_last = &d->ready_next;
	}
	if (d->all->ready)
		loop_task_queue(d->all->loop, &d->all->start_task);
}

/* False: no agent is free for it, so that it must stay in line. */
static bool
start_some(struct destination *d)
{
	while (may_start(d)) {
		struct attempt *a = lanes_take(&d->waiting);

		d->n_running++;
		d->tokens -= 1000;
		if (!d->all->start(d->all, a)) {
			d->n_running--;
			d->tokens += 1000;
			lanes_put(&d->waiting, a, true);
			return false;
		}
	}
	return true;
}

/* One turn for each destination that is ready. One without a free agent
 * stays ready for the next time an agent has become free. */
static void
start_all(struct loop_task *task)
{
	struct destinations *all = OWNER(task, struct destinations, start_task);
	struct destination *d = all->ready, *next;

	all->ready = NULL;
	all->ready_last = &all->ready;
	for (; d; d = next) {
		next = d->ready_next;
		d->is_ready = false;
		if (!start_some(d)) {
			d->is_ready = true;
			d->ready_next = NULL;
			*all->ready_last = d;
			all->ready_last = &d->ready_next;
		}
	}
}

void
destinations_start(struct destinations *all)
{
	if (all->ready)
		loop_task_queue(all->loop, &all->start_task);
}

/* queueing */

/* Of the next hops from a->hop on, the first that is neither closed nor held;
 * a->hop itself if all are. */
static struct destination *
choose(struct destinations *all, struct attempt *a, struct slice domain)
{
	unsigned wanted = a->hop;
	struct destination *d, *first = NULL;
	struct slice word;

	for (word = attempt_nexthop(a); word.len > 0;
	     a->hop++, word = attempt_nexthop(a)) {
		d = find(all, word, domain);
		if (!first)
			first = d;
		if (d->state != DESTINATION_CLOSED && !d->is_held)
			return d;
	}
	a->hop = wanted;
	return first;
}

void
destination_queue(struct destinations *all, struct attempt *a,
		  struct slice domain, bool at_front)
{
	struct destination *d = choose(all, a, domain);

	a->destination = d;
	a->n_answered = a->n_network = a->n_slower = 0;
	if (a->concurrency)
		d->most = a->concurrency;
	if (d->limit > d->most)
		d->limit = d->most;
	d->rate = a->rate;
	lanes_put(&d->waiting, a, at_front);
	make_ready(d);
}

static void
log_state(const struct destination *d, const char *event, int64_t ms)
{
	log_open(event);
	log_bytes("nexthop", slice_of(d->key, d->key_len));
	log_number("waiting", d->waiting.n);
	if (ms)
		log_number("retry_ms", ms);
	log_close();
}

static void
close_for_a_while(struct destination *d)
{
	int64_t ms = DESTINATION_BACKOFF_MIN_MS;
	uint32_t i;

	if (d->state == DESTINATION_CLOSED)
		return; /* others failed in the same breath */
	for (i = 0; i < d->n_troubles && ms < DESTINATION_BACKOFF_MAX_MS; i++)
		ms *= 2;
	if (ms > DESTINATION_BACKOFF_MAX_MS)
		ms = DESTINATION_BACKOFF_MAX_MS;
	d->n_troubles++;
	d->state = DESTINATION_CLOSED;
	ms += random() % (ms / 4 + 1);
	loop_timer_set(d->all->loop, &d->closed, ms);
	log_state(d, "destination-closed", ms);
}

static void
raise_limit(struct destination *d)
{
	if (d->n_running + 1 < d->limit || d->limit >= d->most)
		return; /* it was not the limit that held us */
	if (d->was_slowed && ++d->n_well < d->limit)
		return;
	d->n_well = 0;
	d->limit++;
}

static void
lower_limit(struct destination *d)
{
	int64_t now_ms = d->all->loop->now_ms;

	if (d->was_slowed && now_ms - d->slowed_ms < 1000)
		return; /* answers to what we sent before the last time */
	d->was_slowed = true;
	d->slowed_ms = now_ms;
	d->n_well = 0;
	d->limit = d->limit > 1 ? d->limit / 2 : 1;
	log_state(d, "destination-slower", 0);
}

static void
reopen(struct destination *d)
{
	if (d->state == DESTINATION_OPEN && d->n_troubles == 0)
		return;
	d->state = DESTINATION_OPEN;
	d->n_troubles = 0;
	loop_timer_stop(d->all->loop, &d->closed);
	log_state(d, "destination-open", 0);
}

void
destination_ended(struct destination *d, enum destination_result result)
{
	d->n_running--;
	if (result == DESTINATION_TROUBLE) {
		close_for_a_while(d);
		set_limits(d);
	} else {
		reopen(d);
		if (result == DESTINATION_SLOWER)
			lower_limit(d);
		else
			raise_limit(d);
	}
	make_ready(d);
}

void
destination_lost(struct destination *d)
{
	d->n_running--;
	make_ready(d);
}

/* taking out */

void
destinations_sweep(struct destinations *all)
{
	struct destination *d, *next;
	size_t i;

	for (i = 0; i < DESTINATION_BUCKETS; i++) {
		for (d = all->buckets[i]; d; d = next) {
			next = d->chain;
			if (d->waiting.n == 0 && !d->is_ready &&
			    d->n_running == 0 && d->n_troubles == 0 &&
			    !(d->was_slowed &&
			      all->loop->now_ms - d->slowed_ms <
				  DESTINATION_SLOWED_KEPT_MS))
				drop(d);
		}
	}
}

struct attempt *
destinations_drain(struct destinations *all)
{
	size_t i;
	struct destination *d;

	for (i = 0; i < DESTINATION_BUCKETS; i++)
		for (d = all->buckets[i]; d; d = d->chain)
			if (d->waiting.n > 0)
				return lanes_take(&d->waiting);
	return NULL;
}

struct attempt *
destinations_expire(struct destinations *all, int64_t now_s)
{
	size_t i;
	struct destination *d;
	struct attempt *a;

	for (i = 0; i < DESTINATION_BUCKETS; i++)
		for (d = all->buckets[i]; d; d = d->chain)
			if (d->n_troubles > 0 && !d->is_held &&
			    (a = lanes_expire(&d->waiting, now_s)))
				return a;
	return NULL;
}

struct attempt *
destinations_sift(struct destinations *all,
		  bool (*wants)(const struct attempt *))
{
	struct attempt *taken = NULL, **last = &taken;
	struct destination *d;
	size_t i;

	for (i = 0; i < DESTINATION_BUCKETS; i++) {
		for (d = all->buckets[i]; d; d = d->chain) {
			*last = lanes_sift(&d->waiting, wants);
			while (*last)
				last = &(*last)->next;
		}
	}
	return taken;
}

/* the operator's */

void
destinations_hold(struct destinations *all)
{
	struct destination *d;
	size_t i;

	for (i = 0; i < DESTINATION_BUCKETS; i++) {
		for (d = all->buckets[i]; d; d = d->chain) {
			d->is_held =
			    all->holds &&
			    all->holds(all, slice_of(d->key, d->key_len));
			make_ready(d);
		}
	}
}

void
destination_retry(struct destination *d)
{
	if (d->state != DESTINATION_CLOSED)
		return;
	loop_timer_stop(d->all->loop, &d->closed);
	closed_over(&d->closed);
}
