#include "queue/lanes.h"

#include "lib/die.h"

#include <stdlib.h>

struct lane {
	struct lane *next;
	uint64_t sender_key;
	struct attempt *first, **last;
};

void
lanes_init(struct lanes *l)
{
	*l = (struct lanes){0};
	l->last = &l->first;
}

static void
last_turn(struct lanes *l, struct lane *lane)
{
	lane->next = NULL;
	*l->last = lane;
	l->last = &lane->next;
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
	lane->last = &lane->first;
	idmap_put(&l->by_sender, key, lane);
	last_turn(l, lane);
	return lane;
}

void
lanes_put(struct lanes *l, struct attempt *a, bool at_front)
{
	struct lane *lane = lane_of(l, a->sender_key);

	if (at_front) {
		a->next = lane->first;
		lane->first = a;
		if (!a->next)
			lane->last = &a->next;
	} else {
		a->next = NULL;
		*lane->last = a;
		lane->last = &a->next;
	}
	l->n++;
}

static void
free_lane(struct lanes *l, struct lane *lane)
{
	idmap_drop(&l->by_sender, lane->sender_key);
	free(lane);
	if (l->by_sender.n == 0)
		idmap_free(&l->by_sender);
}

struct attempt *
lanes_take(struct lanes *l)
{
	struct lane *lane = l->first;
	struct attempt *a;

	if (!lane)
		return NULL;
	a = lane->first;
	lane->first = a->next;
	l->first = lane->next;
	if (!l->first)
		l->last = &l->first;
	if (lane->first)
		last_turn(l, lane);
	else
		free_lane(l, lane);
	l->n--;
	return a;
}

static struct attempt *
expire_in(struct lane *lane, int64_t now_s)
{
	struct attempt **p, *a;

	for (p = &lane->first; (a = *p); p = &a->next) {
		if (a->expires_s > now_s)
			continue;
		*p = a->next;
		if (lane->last == &a->next)
			lane->last = p;
		return a;
	}
	return NULL;
}

struct attempt *
lanes_expire(struct lanes *l, int64_t now_s)
{
	struct lane **p, *lane;
	struct attempt *a;

	for (p = &l->first; (lane = *p); p = &lane->next) {
		a = expire_in(lane, now_s);
		if (!a)
			continue;
		l->n--;
		if (!lane->first) {
			*p = lane->next;
			if (l->last == &lane->next)
				l->last = p;
			free_lane(l, lane);
		}
		return a;
	}
	return NULL;
}

/* Put what is wanted before *taken. */
static void
sift_lane(struct lanes *l, struct lane *lane,
	  bool (*wants)(const struct attempt *), struct attempt **taken)
{
	struct attempt **p = &lane->first, *a;

	while ((a = *p)) {
		if (!wants(a)) {
			p = &a->next;
			continue;
		}
		*p = a->next;
		a->next = *taken;
		*taken = a;
		l->n--;
	}
	lane->last = p;
}

struct attempt *
lanes_sift(struct lanes *l, bool (*wants)(const struct attempt *))
{
	struct lane **p = &l->first, *lane;
	struct attempt *taken = NULL;

	while ((lane = *p)) {
		sift_lane(l, lane, wants, &taken);
		if (lane->first) {
			p = &lane->next;
			continue;
		}
		*p = lane->next;
		free_lane(l, lane);
	}
	l->last = p;
	return taken;
}

void
lanes_free(struct lanes *l)
{
	struct attempt *a;

	while ((a = lanes_take(l)))
		free(a);
	idmap_free(&l->by_sender);
}
