/* destination_source.c - what a destination may send from its source address:
 * the source's concurrency and rate, which all destinations share in turns,
 * and its warm-up, which is each group's own */
#include "lib/log.h"
#include "lib/owner.h"
#include "queue/destination_parts.h"

#include <errno.h>

enum { DAY_S = 86400, LOOK_AGAIN_MS = 3600000, TROUBLE_MS = 60000 };

/* turns */

static bool
has_room(const struct destination *d)
{
	struct source *from = d->source;

	return slots_let(&from->slots, d->n_running, d->in_doubt) &&
	       rate_wait_ms(&from->rate, d->all->loop->now_ms) == 0;
}

static void
paced(struct loop_timer *timer)
{
	destination_source_wake(OWNER(timer, struct source, paced));
}

/* Does the rate say no? Then its timer says when it does not. */
static bool
is_paced(struct source *from, struct loop *loop)
{
	int64_t wait_ms = rate_wait_ms(&from->rate, loop->now_ms);

	if (wait_ms > 0 && from->paced.slot == 0) {
		from->paced.expired = paced;
		loop_timer_set(loop, &from->paced, wait_ms);
	}
	return wait_ms > 0;
}

/* To the end of the line; the rate's timer or who ends wakes the first. */
static void
block(struct destination *d)
{
	struct source *from = d->source;

	(void)is_paced(from, d->all->loop);
	if (list_has(&d->blocked.link))
		return;
	line_put(&from->blocked, &d->blocked, destination_rank(d));
	d->wants_source = !d->in_doubt;
	from->slots.n_wanting += d->wants_source;
	if (d->blocked.rank != LINE_OTHER)
		destination_press(d->all);
}

void
destination_source_leave(struct destination *d)
{
	if (!list_has(&d->blocked.link))
		return;
	line_drop(&d->source->blocked, &d->blocked);
	d->source->slots.n_wanting -= d->wants_source;
	d->wants_source = false;
}

/* Until one can use it: those before have lost their mail, or are closed, or
 * have what they may have. True: nobody else is to be looked at. */
static bool
wake_rank(struct source *from, enum line_rank rank)
{
	uint32_t n = from->blocked.n[rank];

	if (n > DESTINATION_PRESSING)
		n = DESTINATION_PRESSING;
	for (; n > 0; n--) {
		struct link *link = list_first(&from->blocked.lists[rank]);
		struct destination *d;

		if (!link)
			return false;
		d = OWNER(link, struct destination, blocked.link);
		if (!slots_have_room(&from->slots) ||
		    is_paced(from, d->all->loop))
			return true;
		if (d->in_doubt && rank != LINE_OTHER &&
		    !slots_have_doubt(&from->slots))
			return false;
		destination_source_leave(d);
		destination_ready(d);
		if (list_has(&d->ready.link))
			return true;
	}
	return false;
}

void
destination_source_wake(struct source *from)
{
	enum line_rank rank;

	for (rank = 0; rank < LINE_RANKS; rank++)
		if (wake_rank(from, rank))
			return;
}

void
destination_source_runs(struct destination *d, int by)
{
	struct slots *s;

	if (!d->source)
		return;
	s = &d->source->slots;
	s->n_running += (uint32_t)by;
	s->n_doubtful += d->in_doubt ? (uint32_t)by : 0;
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
	if (has_room(d))
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
