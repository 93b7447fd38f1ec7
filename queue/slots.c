#include "queue/slots.h"

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t
most(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Of one slot nothing can be kept. */
static uint32_t
kept(uint32_t all)
{
	return least(most(all / SLOTS_KEEP, 1), all / 2);
}

static uint32_t
reserved(uint32_t all)
{
	return most(all / SLOTS_RESERVE, least(SLOTS_RESERVE_MIN, all / 2));
}

/* Rounded up, so that no slot stays empty. */
static uint32_t
part(const struct slots *s)
{
	return (uint32_t)(((uint64_t)s->all + s->n_wanting) /
			  ((uint64_t)s->n_wanting + 1));
}

bool
slots_have_room(const struct slots *s)
{
	return s->n_running < s->all;
}

bool
slots_have_doubt(const struct slots *s)
{
	return s->all == slots_no_limit ||
	       (slots_have_room(s) &&
		s->n_doubtful < s->all - reserved(s->all));
}

bool
slots_let(const struct slots *s, uint32_t own, bool in_doubt)
{
	if (s->all == slots_no_limit)
		return true;
	if (!slots_have_room(s))
		return false;
	if (in_doubt)
		return slots_have_doubt(s) &&
		       own <= (s->all - s->n_running) / SLOTS_DOUBT;
	return own == 0 || (own < s->all - kept(s->all) && own < part(s));
}

void
slots_call(struct slots *s)
{
	if (s->all != slots_no_limit &&
	    s->n_called < most(s->all / SLOTS_CALLED, 1))
		s->n_called++;
}

/* lines */

void
line_init(struct line *l)
{
	int i;

	for (i = 0; i < LINE_RANKS; i++) {
		list_init(&l->lists[i]);
		l->n[i] = 0;
	}
}

void
line_put(struct line *l, struct place *p, enum line_rank rank)
{
	if (list_has(&p->link))
		return;
	p->rank = rank;
	list_put(&l->lists[rank], &p->link);
	l->n[rank]++;
}

void
line_drop(struct line *l, struct place *p)
{
	if (!list_has(&p->link))
		return;
	list_drop(&p->link);
	l->n[p->rank]--;
}
