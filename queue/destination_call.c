/* destination_call.c - calling back what has no answer, for those that wait for
 * their first slot */
#include "lib/owner.h"
#include "queue/destination_parts.h"

/* who waits */

static bool
is_first(enum line_rank rank)
{
	return rank != LINE_OTHER;
}

/* Of the line of its kind: which of the two is in its way? */
static void
call_for(struct destination *d)
{
	struct slots *room = &d->kind->room, *cap = d->kind->cap;

	if (!slots_let(room, d->n_running, d->in_doubt))
		slots_call(room);
	if (!slots_let(cap, d->n_running, d->in_doubt))
		slots_call(cap);
}

static bool
press_kind(struct destinations_kind *kind)
{
	enum line_rank rank;
	bool is_any = false;

	for (rank = 0; rank < LINE_RANKS && !kind->is_local; rank++) {
		struct list *list = &kind->ready.lists[rank];
		struct link *link = list_first(list);
		uint32_t n;

		for (n = 0; link && n < DESTINATION_PRESSING && is_first(rank);
		     n++, link = list_next(list, link)) {
			call_for(OWNER(link, struct destination, ready.link));
			is_any = true;
		}
	}
	return is_any;
}

static bool
press_source(struct source *from)
{
	enum line_rank rank;
	uint32_t n = 0, i;

	for (rank = 0; rank < LINE_RANKS; rank++)
		if (is_first(rank))
			n += from->blocked.n[rank];
	for (i = 0; i < n && i < DESTINATION_PRESSING; i++)
		slots_call(&from->slots);
	return n > 0;
}

static void
forget_calls(struct destinations *all)
{
	struct destinations_kind *kind;
	struct source *from;

	for (kind = all->kinds; kind; kind = kind->next)
		kind->room.n_called = 0;
	all->local.n_called = all->remote.n_called = 0;
	for (from = all->sources ? all->sources->all : NULL; from;
	     from = from->next)
		from->slots.n_called = 0;
}

/* what is called back */

static int64_t
patience_ms(const struct destination *d)
{
	uint32_t n = d->n_troubles < DESTINATION_CALL_DOUBLED
			 ? d->n_troubles
			 : DESTINATION_CALL_DOUBLED;

	return (int64_t)DESTINATION_CALL_MS << n;
}

static bool
take_call(struct slots *s)
{
	if (s->n_called == 0)
		return false;
	s->n_called--;
	return true;
}

bool
destination_call(struct attempt *a)
{
	struct destination *d = a->destination;
	int64_t ran_ms = d->all->loop->now_ms - a->started_ms;
	bool is_called;

	if (a->is_called || !d->in_doubt || d->kind->is_local ||
	    ran_ms < patience_ms(d))
		return false;
	is_called = take_call(&d->kind->room);
	is_called |= take_call(d->kind->cap);
	if (d->source)
		is_called |= take_call(&d->source->slots);
	a->is_called = is_called;
	return is_called;
}

/* looking */

static void
press(struct loop_timer *timer)
{
	struct destinations *all = OWNER(timer, struct destinations, press);
	struct destinations_kind *kind;
	struct source *from;
	bool is_any = false;

	for (kind = all->kinds; kind; kind = kind->next)
		is_any |= press_kind(kind);
	for (from = all->sources ? all->sources->all : NULL; from;
	     from = from->next)
		is_any |= press_source(from);
	if (is_any && all->call_back) {
		all->call_back(all);
		loop_timer_set(all->loop, timer, DESTINATION_PRESS_MS);
	}
	forget_calls(all);
}

/* One look in a while, as long as somebody stands in a line. */
void
destination_press(struct destinations *all)
{
	if (all->press.slot == 0)
		loop_timer_set(all->loop, &all->press, DESTINATION_PRESS_MS);
}

void
destination_call_timers(struct destinations *all)
{
	all->press.expired = press;
}
