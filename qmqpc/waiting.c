#include "qmqpc/waiting.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/fs.h"

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

static void
see_message(struct waiting *w, size_t n_sorted, const struct spool *s,
	    const char *name, uint64_t id, int64_t now_ms)
{
	struct waiting_item *known = find(w, n_sorted, id);
	struct waiting_item item = {
	    .id = id, .due_ms = now_ms, .is_there = true};
	struct stat st;

	if (known) {
		known->is_there = true;
		return;
	}
	if (spool_stat(s, name, &st) == 0)
		item.size = (uint64_t)st.st_size;
	add(w, &item);
}

/* Nobody writes to it now: then it would be of this time, whatever that is. */
static void
see_tmp(const struct spool *s, const char *name)
{
	struct stat st;
	int64_t away_s;

	if (spool_stat(s, name, &st) != 0)
		return;
	away_s = clock_s() - st.st_mtim.tv_sec;
	if (away_s > WAITING_TMP_S || away_s < -WAITING_TMP_S)
		fs_unlink(s->dir, name);
}

static void
drop_gone(struct waiting *w)
{
	size_t i, kept = 0;

	w->bytes = 0;
	for (i = 0; i < w->n; i++) {
		if (!w->items[i].is_there)
			continue;
		w->bytes += w->items[i].size;
		w->items[kept++] = w->items[i];
	}
	w->n = kept;
}

int
waiting_scan(struct waiting *w, const struct spool *s, int64_t now_ms)
{
	size_t n_sorted = w->n, i;
	struct buf names = {0};
	struct slice rest;
	uint64_t id;

	if (fs_list(s->sync_dir, &names) != 0) {
		buf_free(&names);
		return -1;
	}
	sort(w, by_id);
	for (i = 0; i < w->n; i++)
		w->items[i].is_there = false;
	rest = buf_slice(&names);
	while (rest.len > 0) {
		if (spool_id(rest.at, "m.", &id))
			see_message(w, n_sorted, s, rest.at, id, now_ms);
		else if (spool_id(rest.at, "tmp.", &id))
			see_tmp(s, rest.at);
		rest = slice_from(rest, strlen(rest.at) + 1);
	}
	buf_free(&names);
	drop_gone(w);
	return 0;
}

static int
by_need(const void *a, const void *b)
{
	const struct waiting_item *x = a, *y = b;

	if (x->n_tries != y->n_tries)
		return x->n_tries < y->n_tries ? -1 : 1;
	if (x->due_ms != y->due_ms)
		return x->due_ms < y->due_ms ? -1 : 1;
	return by_id(a, b);
}

void
waiting_sort(struct waiting *w)
{
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
	*w = (struct waiting){0};
}
