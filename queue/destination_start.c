/* destination_start.c - what of all that waits may begin, in turns */
#include "lib/die.h"
#include "lib/owner.h"
#include "queue/destination_parts.h"
#include "queue/dispatch.h"

#include <stdlib.h>

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
	return destination_load(d) < d->limit && rate_allows(d) &&
	       destination_source_allows(d);
}

/* lines */

struct destinations_kind *
destination_kind(struct destinations *all, struct slice agent)
{
	struct destinations_kind *kind;
	char *name;

	for (kind = all->kinds; kind; kind = kind->next)
		if (slice_eq(kind->name, agent))
			return kind;
	kind = calloc(1, sizeof *kind + agent.len);
	if (!kind)
		die_nomem();
	name = (char *)(kind + 1);
	memcpy(name, agent.at, agent.len);
	kind->name = slice_of(name, agent.len);
	kind->is_local = slice_eq(agent, SLICE("maildir"));
	kind->cap = kind->is_local ? &all->local : &all->remote;
	kind->room.all = slots_no_limit;
	line_init(&kind->ready);
	kind->next = all->kinds;
	all->kinds = kind;
	return kind;
}

enum line_rank
destination_rank(const struct destination *d)
{
	if (d->n_running > 0 || d->n_troubles > 0)
		return LINE_OTHER;
	if (!d->in_doubt)
		return LINE_IDLE;
	return d->is_strange ? LINE_STRANGE : LINE_NEW;
}

static void
stand_in_line(struct destination *d)
{
	if (list_has(&d->ready.link))
		return;
	line_put(&d->kind->ready, &d->ready, destination_rank(d));
	d->wants_slot = !d->in_doubt;
	d->kind->room.n_wanting += d->wants_slot;
	d->kind->cap->n_wanting += d->wants_slot;
}

static void
leave_line(struct destination *d)
{
	line_drop(&d->kind->ready, &d->ready);
	d->kind->room.n_wanting -= d->wants_slot;
	d->kind->cap->n_wanting -= d->wants_slot;
	d->wants_slot = false;
}

void
destination_no_line(struct destination *d)
{
	leave_line(d);
	destination_source_leave(d);
}

void
destination_ready(struct destination *d)
{
	if (!list_has(&d->ready.link) && may_start(d))
		stand_in_line(d);
	if (list_has(&d->ready.link))
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

/* counting */

void
destination_count(struct attempt *a, int by)
{
	struct destination *d = a->destination;
	uint32_t n = (uint32_t)by, n_doubtful = d->in_doubt ? n : 0;

	if (by > 0)
		a->load = a->n_rcpts;
	d->n_running += n;
	d->n_rcpts += n * a->load;
	d->kind->cap->n_running += n;
	d->kind->cap->n_doubtful += n_doubtful;
	d->kind->room.n_doubtful += n_doubtful;
	destination_source_runs(d, by);
}

void
destination_doubt(struct destination *d, bool in_doubt)
{
	uint32_t n = in_doubt ? d->n_running : -d->n_running;

	if (d->in_doubt == in_doubt)
		return;
	d->in_doubt = in_doubt;
	d->kind->cap->n_doubtful += n;
	d->kind->room.n_doubtful += n;
	if (d->source)
		d->source->slots.n_doubtful += n;
	destinations_start(d->all);
}

/* What the agents can take now. */
static void
look_at_room(struct destinations *all, struct destinations_kind *kind)
{
	struct dispatch_room room;

	if (!all->room)
		return;
	room = all->room(all, kind->name);
	kind->room.all = room.all;
	kind->room.n_running = room.all - room.free;
}

/* Mailboxes are the only destination of their agent. */
static bool
has_slot(const struct destination *d)
{
	const struct destinations_kind *kind = d->kind;

	look_at_room(d->all, d->kind);
	if (kind->is_local)
		return slots_have_room(&kind->room) &&
		       slots_have_room(kind->cap);
	return slots_let(&kind->room, d->n_running, d->in_doubt) &&
	       slots_let(kind->cap, d->n_running, d->in_doubt);
}

/* Can nobody of this rank start anything now? */
static bool
is_full(struct destinations *all, struct destinations_kind *kind,
	enum line_rank rank)
{
	look_at_room(all, kind);
	if (!slots_have_room(&kind->room) || !slots_have_room(kind->cap))
		return true;
	return (rank == LINE_NEW || rank == LINE_STRANGE) && !kind->is_local &&
	       !(slots_have_doubt(&kind->room) && slots_have_doubt(kind->cap));
}

/* starting */

/* False: no agent takes it. */
static bool
start_one(struct destination *d, struct attempt *a)
{
	destination_count(a, 1);
	destination_began(d);
	a->started_ms = d->all->loop->now_ms;
	if (d->all->start(d->all, a)) {
		rate_took(&d->rate);
		return true;
	}
	destination_source_took_not(d, a);
	destination_count(a, -1);
	lanes_put_back(&d->waiting, a);
	return false;
}

/* False: no agent is free for its kind. Counts what it starts. */
static bool
start_some(struct destination *d, size_t *n)
{
	while (may_start(d) && has_slot(d)) {
		struct attempt *a = take(d);

		if (!a)
			continue;
		if (!destination_source_take(d, a)) {
			lanes_put_back(&d->waiting, a);
			break;
		}
		if (!start_one(d, a))
			return false;
		++*n;
	}
	if (d->source)
		destination_source_wake(d->source);
	return true;
}

/* One turn for each that stands there now. One that could start more stays,
 * behind the others. */
static bool
start_rank(struct destinations *all, struct destinations_kind *kind,
	   enum line_rank rank, size_t *n)
{
	uint32_t left = kind->ready.n[rank];
	struct link *link;
	struct destination *d;
	bool is_free = true;

	while (left-- > 0 && is_free && !is_full(all, kind, rank) &&
	       (link = list_first(&kind->ready.lists[rank]))) {
		d = OWNER(link, struct destination, ready.link);
		leave_line(d);
		is_free = start_some(d, n);
		if (may_start(d))
			stand_in_line(d);
	}
	return is_free;
}

bool
destinations_kind_waits(const struct destinations_kind *kind)
{
	enum line_rank rank;

	for (rank = 0; rank < LINE_RANKS; rank++)
		if (kind->ready.n[rank] > 0)
			return true;
	return false;
}

/* All kinds share what the tables say, so each is the first at times. */
static void
next_kind_first(struct destinations *all)
{
	struct destinations_kind *first = all->kinds, **last = &all->kinds;

	if (!first)
		return;
	while (*last)
		last = &(*last)->next;
	*last = first;
	all->kinds = first->next;
	first->next = NULL;
}

static size_t
start_turn(struct destinations *all)
{
	struct destinations_kind *kind;
	enum line_rank rank;
	size_t n = 0;

	for (rank = 0; rank < LINE_RANKS; rank++)
		for (kind = all->kinds; kind; kind = kind->next)
			if (!kind->is_busy)
				kind->is_busy =
				    !start_rank(all, kind, rank, &n);
	return n;
}

/* Again as long as somebody starts something: so none has less than it may. */
static void
start_all(struct loop_task *task)
{
	struct destinations *all = OWNER(task, struct destinations, start_task);
	struct destinations_kind *kind;

	next_kind_first(all);
	while (start_turn(all) > 0)
		;
	for (kind = all->kinds; kind; kind = kind->next) {
		kind->is_busy = false;
		if (destinations_kind_waits(kind))
			destination_press(all);
	}
}

void
destinations_start(struct destinations *all)
{
	const struct destinations_kind *kind;

	for (kind = all->kinds; kind; kind = kind->next)
		if (destinations_kind_waits(kind))
			loop_task_queue(all->loop, &all->start_task);
}

void
destination_start_tasks(struct destinations *all)
{
	all->start_task.run = start_all;
	destination_call_timers(all);
}
