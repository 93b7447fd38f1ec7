/* destination_source.c - what a destination may send from its source address:
 * the source's concurrency and rate, which all destinations share in turns,
 * and its warm-up, which is each group's own */
#include "lib/log.h"
#include "lib/owner.h"
#include "queue/destination.h"

#include <errno.h>

enum { DAY_S = 86400, LOOK_AGAIN_MS = 3600000, TROUBLE_MS = 60000 };

/* turns */

static bool
has_room(struct source *from, int64_t now_ms)
{
	return (from->concurrency == 0 ||
		from->n_running < from->concurrency) &&
	       rate_wait_ms(&from->rate, now_ms) == 0;
}

static void
paced(struct loop_timer *timer)
{
	destination_source_wake(OWNER(timer, struct source, paced));
}

/* To the end of the line; the rate's timer or who ends wakes the first. */
static void
block(struct destination *d)
{
	struct source *from = d->source;
	struct loop *loop = d->all->loop;
	int64_t wait_ms = rate_wait_ms(&from->rate, loop->now_ms);

	if (!d->is_blocked) {
		d->is_blocked = true;
		d->blocked = NULL;
		*from->last_blocked = d;
		from->last_blocked = &d->blocked;
	}
	if (wait_ms > 0 && from->paced.slot == 0) {
		from->paced.expired = paced;
		loop_timer_set(loop, &from->paced, wait_ms);
	}
}

/* Until one can use it: those before have lost their mail, or are closed. */
void
destination_source_wake(struct source *from)
{
	struct destination *d;

	while ((d = from->first_blocked)) {
		if (!has_room(from, d->all->loop->now_ms)) {
			if (from->paced.slot == 0)
				block(d);
			return;
		}
		from->first_blocked = d->blocked;
		if (!from->first_blocked)
			from->last_blocked = &from->first_blocked;
		d->is_blocked = false;
		destination_ready(d);
		if (d->is_ready)
			return;
	}
}

void
destination_source_runs(struct destination *d, int by)
{
	if (!d->source)
		return;
	d->source->n_running += (uint32_t)by;
	if (by < 0)
		destination_source_wake(d->source);
}

/* warm-up */

static void
look_again(struct destination *d, int64_t wait_ms)
{
	if (d->paced.slot == 0)
		loop_timer_set(d->all->loop, &d->paced, wait_ms);
}

/* Nothing more today. What waits is decided again, once: where the pool says
 * so it goes to other members, else it comes back and waits. */
static void
exhausted(struct destination *d, int64_t now_s)
{
	int64_t wait_ms = (DAY_S - now_s % DAY_S) * 1000;

	look_again(d, wait_ms < LOOK_AGAIN_MS ? wait_ms : LOOK_AGAIN_MS);
	if (d->exhausted_day == now_s / DAY_S)
		return;
	d->exhausted_day = now_s / DAY_S;
	d->is_exhausted = true;
	log_open("warmup-over");
	log_bytes("source", buf_slice(&d->source->address));
	log_bytes("group", buf_slice(&d->group));
	log_number("waiting", d->waiting.n);
	log_close();
	loop_task_queue(d->all->loop, &d->all->exhausted_task);
}

static void
decide_exhausted(struct loop_task *task)
{
	struct destinations *all =
	    OWNER(task, struct destinations, exhausted_task);
	struct names_walk w = {0};
	struct destination *d;

	while ((d = destinations_walk(all, &w)))
		if (d->is_exhausted) {
			d->is_exhausted = false;
			all->decide(all, d, 0);
		}
}

void
destination_source_tasks(struct destinations *all)
{
	all->exhausted_task.run = decide_exhausted;
}

bool
destination_source_allows(struct destination *d)
{
	int64_t now_s;

	if (!d->source)
		return true;
	now_s = warmup_now_s(&d->all->sources->warmup);
	if (d->source->curve.len > 0 &&
	    !sources_has_room(d->all->sources, d->source, buf_slice(&d->group),
			      now_s)) {
		exhausted(d, now_s);
		return false;
	}
	if (has_room(d->source, d->all->loop->now_ms))
		return true;
	block(d);
	return false;
}

bool
destination_source_take(struct destination *d, struct attempt *a)
{
	struct source *from = d->source;
	int64_t now_s;
	uint64_t limit;

	a->is_counted = false;
	if (!from)
		return true;
	now_s = warmup_now_s(&d->all->sources->warmup);
	limit =
	    sources_limit(d->all->sources, from, buf_slice(&d->group), now_s);
	if (limit == UINT64_MAX) {
		rate_took(&from->rate);
		return true;
	}
	if (warmup_take(&d->all->sources->warmup, buf_slice(&from->address),
			buf_slice(&d->group), limit, now_s) != 0) {
		log_open("warmup-uncounted");
		log_errno(errno);
		log_close();
		look_again(d, TROUBLE_MS);
		return false;
	}
	a->is_counted = true;
	rate_took(&from->rate);
	return true;
}

void
destination_source_took_not(struct destination *d, struct attempt *a)
{
	if (a->is_counted)
		warmup_give_back(&d->all->sources->warmup,
				 buf_slice(&d->source->address),
				 buf_slice(&d->group),
				 warmup_now_s(&d->all->sources->warmup));
	a->is_counted = false;
}
