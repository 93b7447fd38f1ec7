#include "queue/lanes.h"

#include "lib/die.h"

#include <stdlib.h>

struct lane {
	struct lane *prev, *next; /* in the order of the turns */
	uint64_t sender_key;
	uint32_t debt; /* turns that it has had for more than one recipient */
	struct attempt *first, *last;
	struct message *first_parked, *last_parked;
};

/* turns */

static void
last_turn(struct lanes *l, struct lane *lane)
{
	lane->next = NULL;
	lane->prev = l->last;
	if (l->last)
		l->last->next = lane;
	else
		l->first = lane;
	l->last = lane;
}

static void
no_turn(struct lanes *l, struct lane *lane)
{
	if (lane->prev)
		lane->prev->next = lane->next;
	else
		l->first = lane->next;
	if (lane->next)
		lane->next->prev = lane->prev;
	else
		l->last = lane->prev;
}

static void
next_turn(struct lanes *l, struct lane *lane)
{
	no_turn(l, lane);
	lane->prev = NULL;
	lane->next = l->first;
	if (l->first)
		l->first->prev = lane;
	else
		l->last = lane;
	l->first = lane;
}

static struct lane *
lane_of(struct lanes *l, uint64_t key)
{
	struct lane *lane = idmap_get(&l->by_sender, key);

	if (lane)
		return lane;
	lane = calloc(1, sizeof *lane);
	if (!lane)
		die_nomem();
	lane->sender_key = key;
	idmap_put(&l->by_sender, key, lane);
	last_turn(l, lane);
	return lane;
}

static bool
is_empty(const struct lane *lane)
{
	return !lane->first && !lane->first_parked;
}

static void
free_lane(struct lanes *l, struct lane *lane)
{
	no_turn(l, lane);
	idmap_drop(&l->by_sender, lane->sender_key);
	free(lane);
	if (l->by_sender.n == 0)
		idmap_free(&l->by_sender);
}

/* putting */

void
lanes_put(struct lanes *l, struct attempt *a, bool at_front)
{
	struct lane *lane = lane_of(l, a->sender_key);

	a->next = at_front ? lane->first : NULL;
	if (!lane->first)
		lane->first = lane->last = a;
	else if (at_front)
		lane->first = a;
	else
		lane->last = lane->last->next = a;
	l->n++;
	l->n_attempts++;
}

void
lanes_put_back(struct lanes *l, struct attempt *a)
{
	struct lane *lane;

	lanes_put(l, a, true);
	lane = lane_of(l, a->sender_key);
	lane->debt = 0;
	next_turn(l, lane);
}

void
lanes_park(struct lanes *l, struct message *m, uint64_t sender_key)
{
	struct lane *lane = lane_of(l, sender_key);

	m->next = NULL;
	if (lane->first_parked)
		lane->last_parked->next = m;
	else
		lane->first_parked = m;
	lane->last_parked = m;
	l->n++;
}

/* taking */

/* The next one that owes no turn to others; not far to look. */
static struct lane *
next_lane(struct lanes *l)
{
	int i;

	for (i = 0; i < LANES_PASSED && l->first && l->first->next &&
		    l->first->debt > 0;
	     i++) {
		struct lane *lane = l->first;

		lane->debt--;
		no_turn(l, lane);
		last_turn(l, lane);
	}
	return l->first;
}

static void
owe(struct lane *lane, const struct attempt *a)
{
	lane->debt += a->n_rcpts > 1 ? a->n_rcpts - 1 : 0;
	if (lane->debt > LANES_DEBT_MAX)
		lane->debt = LANES_DEBT_MAX;
}

bool
lanes_take(struct lanes *l, struct waiting *w)
{
	struct lane *lane = next_lane(l);

	if (!lane)
		return false;
	*w = (struct waiting){.sender_key = lane->sender_key};
	if (lane->first) {
		w->attempt = lane->first;
		lane->first = w->attempt->next;
		l->n_attempts--;
		owe(lane, w->attempt);
	} else {
		w->parked = lane->first_parked;
		lane->first_parked = w->parked->next;
	}
	l->n--;
	if (is_empty(lane)) {
		free_lane(l, lane);
	} else {
		no_turn(l, lane);
		last_turn(l, lane);
	}
	return true;
}

static bool
is_enough(const struct sieve *s, const struct sifted *out)
{
	return s->most > 0 && out->n >= s->most;
}

static void
sift_attempts(struct lanes *l, struct lane *lane, const struct sieve *s,
	      struct sifted *out)
{
	struct attempt **p = &lane->first, *a, *last = NULL;

	while ((a = *p) && !is_enough(s, out)) {
		if (!s->wants(s, a->message, a->lifetime_s)) {
			last = a;
			p = &a->next;
			continue;
		}
		*p = a->next;
		a->next = out->attempts;
		out->attempts = a;
		out->n++;
		l->n--;
		l->n_attempts--;
	}
	if (!*p) /* else the last is what it was */
		lane->last = last;
}

static void
sift_parked(struct lanes *l, struct lane *lane, const struct sieve *s,
	    struct sifted *out)
{
	struct message **p = &lane->first_parked, *m, *last = NULL;

	while ((m = *p) && !is_enough(s, out)) {
		if (!s->wants(s, m, m->lifetime_s)) {
			last = m;
			p = &m->next;
			continue;
		}
		*p = m->next;
		m->next = out->parked;
		out->parked = m;
		out->n++;
		l->n--;
	}
	if (!*p)
		lane->last_parked = last;
}

void
lanes_sift(struct lanes *l, const struct sieve *s, struct sifted *out)
{
	struct lane *lane, *next;

	for (lane = l->first; lane && !is_enough(s, out); lane = next) {
		next = lane->next;
		sift_attempts(l, lane, s, out);
		sift_parked(l, lane, s, out);
		if (is_empty(lane))
			free_lane(l, lane);
	}
}
