/* destination_start.c - what of all that waits may begin, in turns */
#include "lib/owner.h"
#include "queue/destination.h"
#include "queue/dispatch.h"

/* Has the rate room for one more? If not, a timer says when. */
static bool
rate_allows(struct destination *d)
{
	int64_t wait_ms = rate_wait_ms(&d->rate, d->all->loop->now_ms);

	if (wait_ms > 0 && d->paced.slot == 0)
		loop_timer_set(d->all->loop, &d->paced, wait_ms);
	return wait_ms == 0;
}

static bool
may_start(struct destination *d)
{
	if (d->waiting.n == 0 || d->is_held || d->state == DESTINATION_CLOSED)
		return false;
	if (d->state == DESTINATION_PROBING)
		return d->n_running == 0 && destination_source_allows(d);
	return d->n_running < d->limit && rate_allows(d) &&
	       destination_source_allows(d);
}

void
destination_ready(struct destination *d)
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

/* What has its turn, as an attempt; NULL when that came to nothing. */
static struct attempt *
take(struct destination *d)
{
	struct waiting w;
	struct attempt *a;

	if (!lanes_take(&d->waiting, &w))
		return NULL;
	a = w.attempt ? w.attempt : d->all->unpark(d, w.parked);
	if (a) {
		a->sender_key = w.sender_key;
		a->destination = d;
	}
	return a;
}

static struct destinations_cap *
cap_of(const struct destination *d)
{
	return slice_eq(d->agent, SLICE("maildir")) ? &d->all->local
						    : &d->all->remote;
}

/* Mailboxes are the only destination of their agent. */
static bool
has_share(const struct destination *d)
{
	const struct destinations_cap *cap = cap_of(d);
	struct dispatch_room room;

	if (cap->n_running >= cap->most)
		return false;
	if (!d->all->room || slice_eq(d->agent, SLICE("maildir")))
		return true;
	room = d->all->room(d->all, d->agent);
	if (d->quickest_ms > 0)
		return d->n_running < room.free;
	return d->n_running < room.free / DESTINATION_SHARE +
				  (room.free > room.all / DESTINATION_RESERVE);
}

void
destination_count(struct destination *d, int by)
{
	d->n_running += (uint32_t)by;
	cap_of(d)->n_running += (uint32_t)by;
	destination_source_runs(d, by);
}

/* Nobody of its kind can start anything now. */
static bool
is_full(const struct destination *d)
{
	const struct destinations_cap *cap = cap_of(d);

	return cap->n_running >= cap->most ||
	       (d->all->room && d->all->room(d->all, d->agent).free == 0);
}

/* False: no agent is free for it, so that it must stay in line. */
static bool
start_some(struct destination *d)
{
	while (may_start(d)) {
		struct attempt *a;

		if (!has_share(d))
			return false;
		a = take(d);
		if (!a)
			continue;
		if (!destination_source_take(d, a)) {
			lanes_put_back(&d->waiting, a);
			return true;
		}
		destination_count(d, 1);
		destination_began(d);
		a->started_ms = d->all->loop->now_ms;
		if (!d->all->start(d->all, a)) {
			destination_source_took_not(d, a);
			destination_count(d, -1);
			lanes_put_back(&d->waiting, a);
			return false;
		}
		rate_took(&d->rate);
	}
	if (d->source)
		destination_source_wake(d->source);
	return true;
}

/* One turn for each destination that is ready. One without a free agent
 * stays ready for the next time an agent has become free. */
static void
start_all(struct loop_task *task)
{
	struct destinations *all = OWNER(task, struct destinations, start_task);
	struct destination *d = all->ready, *next;
	struct slice busy = {"", 0}; /* agents of this kind all are */

	all->ready = NULL;
	all->ready_last = &all->ready;
	for (; d; d = next) {
		next = d->ready_next;
		d->is_ready = false;
		if (slice_eq(d->agent, busy) || !start_some(d)) {
			if (is_full(d))
				busy = d->agent;
			d->is_ready = true;
			d->ready_next = NULL;
			*all->ready_last = d;
			all->ready_last = &d->ready_next;
		}
	}
}

void
destination_start_tasks(struct destinations *all)
{
	all->start_task.run = start_all;
}

void
destinations_start(struct destinations *all)
{
	if (all->ready)
		loop_task_queue(all->loop, &all->start_task);
}
