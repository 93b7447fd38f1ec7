#include "qmqpc/waiting.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/fs.h"

#include <errno.h>
#include <stdlib.h>

static int
by_id(const void *a, const void *b)
{
	const struct waiting_item *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void
sort(struct waiting *w, int (*by)(const void *, const void *))
{
	if (w->n > 0)
		qsort(w->items, w->n, sizeof *w->items, by);
}

/* Among the first n, which are in order. */
static struct waiting_item *
find(const struct waiting *w, size_t n, uint64_t id)
{
	struct waiting_item key = {.id = id};

	return n ? bsearch(&key, w->items, n, sizeof key, by_id) : NULL;
}

static void
add(struct waiting *w, const struct waiting_item *item)
{
	if (w->n == w->max) {
		w->max = w->max ? 2 * w->max : 64;
		w->items = reallocarray(w->items, w->max, sizeof *item);
		if (!w->items)
			die_nomem();
	}
	w->items[w->n++] = *item;
}

struct scan {
	struct waiting *waiting;
	const struct spool *spool;
	size_t n_sorted;
	int64_t now_ms;
	bool looks_at_tmp;
};

void
waiting_ignore(struct waiting *w, struct waiting_item *item, const char *why,
	       int64_t now_ms)
{
	struct share *owner = shares_of(&w->shares, item->uid);

	item->is_ignored = true;
	item->due_ms = now_ms + WAITING_AGAIN_MS;
	item->size = 0;
	owner->ignored.n++;
	owner->ignored.why = why;
}

/* What it is now; whose it is cannot change as long as it has this name. */
static void
judge(struct scan *scan, struct waiting_item *item, const char *name)
{
	struct stat st;

	item->is_ignored = false;
	if (spool_stat(scan->spool->dir, name, &st) != 0) {
		if (errno == EXDEV) /* whose it is nobody may ask */
			waiting_ignore(scan->waiting, item,
				       "something is mounted there",
				       scan->now_ms);
		return; /* gone; or else opening it will tell */
	}
	item->uid = st.st_uid;
	item->size = shares_weight(&st);
	if (!shares_counts(&st))
		waiting_ignore(scan->waiting, item, "not a file with one name",
			       scan->now_ms);
}

static void
see_message(struct scan *scan, const char *name, uint64_t id)
{
	struct waiting *w = scan->waiting;
	struct waiting_item *known = find(w, scan->n_sorted, id);
	struct waiting_item item = {
	    .id = id, .due_ms = scan->now_ms, .is_there = true};
	struct share *owner;

	if (!known || (known->is_ignored && known->due_ms <= scan->now_ms))
		judge(scan, known ? known : &item, name);
	owner = shares_of(&w->shares, known ? known->uid : item.uid);
	owner->waits += known ? known->size : item.size;
	if (known) {
		known->is_there = true;
	} else if (owner->n_held < WAITING_EACH) {
		owner->n_held++;
		add(w, &item);
	}
}

/* Nobody writes to it now: then it would be of this time, whatever that is. */
static void
see_tmp(const struct spool *s, const char *name)
{
	struct stat st;
	int64_t away_s;

	if (spool_stat(s->dir, name, &st) != 0)
		return;
	away_s = clock_s() - st.st_mtim.tv_sec;
	if (away_s > WAITING_TMP_S || away_s < -WAITING_TMP_S)
		fs_unlink(s->dir, name);
}

static bool
see_name(void *arg, const char *name)
{
	struct scan *scan = arg;
	uint64_t id;

	if (spool_id(name, "m.", &id))
		see_message(scan, name, id);
	else if (scan->looks_at_tmp && spool_id(name, "tmp.", &id))
		see_tmp(scan->spool, name);
	return true;
}

static void
drop_gone(struct waiting *w)
{
	size_t i, kept = 0;

	for (i = 0; i < w->n; i++)
		if (w->items[i].is_there)
			w->items[kept++] = w->items[i];
	w->n = kept;
}

int
waiting_scan(struct waiting *w, const struct spool *s, int64_t now_ms)
{
	struct scan scan = {w, s, w->n, now_ms, now_ms >= w->tmp_due_ms};
	size_t i;

	if (scan.looks_at_tmp)
		w->tmp_due_ms = now_ms + WAITING_AGAIN_MS;
	sort(w, by_id);
	shares_recount(&w->shares, false);
	for (i = 0; i < w->n; i++) {
		w->items[i].is_there = false;
		shares_of(&w->shares, w->items[i].uid)->n_held++;
	}
	if (fs_each(s->sync_dir, see_name, &scan) != 0)
		return -1;
	drop_gone(w);
	return 0;
}

/* turns */

bool
waiting_is_due(const struct waiting_item *item, int64_t now_ms)
{
	return item->is_there && !item->is_ignored && item->due_ms <= now_ms;
}

/* Whose turn is UINT64_MAX is not due. */
static int
by_need(const void *a, const void *b)
{
	const struct waiting_item *x = a, *y = b;

	if (x->turn != y->turn)
		return x->turn < y->turn ? -1 : 1;
	if (x->served != y->served)
		return x->served < y->served ? -1 : 1;
	if (x->n_tries != y->n_tries)
		return x->n_tries < y->n_tries ? -1 : 1;
	if (x->due_ms != y->due_ms)
		return x->due_ms < y->due_ms ? -1 : 1;
	return by_id(a, b);
}

static int
by_owner(const void *a, const void *b)
{
	const struct waiting_item *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return by_need(a, b);
}

/* An owner's n items, in the owner's own order. One that was tried already
 * lets as many of the others pass. */
static void
give_turns(struct waiting *w, struct waiting_item *items, size_t n)
{
	uint64_t served = shares_of(&w->shares, items[0].uid)->served;
	size_t i;

	for (i = 0; i < n && items[i].turn != UINT64_MAX; i++) {
		unsigned tries = items[i].n_tries;

		items[i].served = served;
		items[i].turn = tries < WAITING_TURNS ? tries : WAITING_TURNS;
		if (items[i].turn < i)
			items[i].turn = i;
	}
}

void
waiting_sort(struct waiting *w, int64_t now_ms)
{
	size_t i, end;

	for (i = 0; i < w->n; i++) {
		w->items[i].served = 0;
		w->items[i].turn =
		    waiting_is_due(&w->items[i], now_ms) ? 0 : UINT64_MAX;
	}
	sort(w, by_owner);
	for (i = 0; i < w->n; i = end) {
		for (end = i;
		     end < w->n && w->items[end].uid == w->items[i].uid;)
			end++;
		give_turns(w, &w->items[i], end - i);
	}
	sort(w, by_need);
}

int64_t
waiting_due_ms(const struct waiting *w)
{
	int64_t due_ms = INT64_MAX;
	size_t i;

	for (i = 0; i < w->n; i++)
		if (!w->items[i].is_ignored && w->items[i].is_there &&
		    w->items[i].due_ms < due_ms)
			due_ms = w->items[i].due_ms;
	return due_ms;
}

size_t
waiting_count(const struct waiting *w)
{
	size_t i, n = 0;

	for (i = 0; i < w->n; i++)
		n += !w->items[i].is_ignored && w->items[i].is_there;
	return n;
}

void
waiting_free(struct waiting *w)
{
	free(w->items);
	shares_free(&w->shares);
	*w = (struct waiting){0};
}
