#include "qmqpc/tried.h"

#include "lib/die.h"
#include "lib/smallfile.h"

#include <stdlib.h>

static const char file[] = "tried", other_file[] = "tried.new";

/* the file */

static int
by_id(const void *a, const void *b)
{
	const struct tried_item *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static void
add(struct tried *t, const struct tried_item *item)
{
	if (t->n == t->max) {
		t->max = t->max ? 2 * t->max : 64;
		t->items = reallocarray(t->items, t->max, sizeof *item);
		if (!t->items)
			die_nomem();
	}
	t->items[t->n++] = *item;
}

static int
take_item(struct tried *t, struct slice id, struct slice rest)
{
	uint64_t first_s, n_tries, n_answers;
	struct tried_item item;

	if (id.len != 16 || slice_hex(id, &item.id) != 0 ||
	    slice_number(slice_word(&rest), INT64_MAX / 2, &first_s) != 0 ||
	    slice_number(slice_word(&rest), UINT32_MAX, &n_tries) != 0 ||
	    slice_number(slice_word(&rest), UINT32_MAX, &n_answers) != 0)
		return -1;
	item.first_s = (int64_t)first_s;
	item.n_tries = (unsigned)n_tries;
	item.n_answers = (unsigned)n_answers;
	add(t, &item);
	return 0;
}

static int
take_lines(struct tried *t, struct slice text, struct elapsed *kept)
{
	bool has_now = false;

	while (text.len > 0) {
		size_t end = slice_find(text, '\n');
		struct slice line = slice_of(text.at, end), word;

		text = slice_from(text, end < text.len ? end + 1 : end);
		word = slice_word(&line);
		if (slice_eq(word, SLICE("end")))
			return has_now ? 0 : -1;
		if (slice_eq(word, SLICE("now")))
			has_now = elapsed_take(&line, kept) == 0;
		else if (take_item(t, word, line) != 0)
			return -1;
	}
	return -1;
}

void
tried_open(struct tried *t, int dir)
{
	struct elapsed kept;
	struct buf text = {0};

	*t = (struct tried){.dir = dir};
	t->has_file = smallfile_read(dir, file, TRIED_FILE_MAX, &text) == 0 &&
		      take_lines(t, buf_slice(&text), &kept) == 0;
	buf_free(&text);
	if (t->has_file) {
		elapsed_resume(&t->clock, &kept);
		t->kept_s = kept.at_s;
		if (t->n > 0)
			qsort(t->items, t->n, sizeof *t->items, by_id);
	} else {
		elapsed_begin(&t->clock);
		t->n = 0;
	}
}

static void
put_text(const struct tried *t, const struct waiting *w, struct buf *out)
{
	size_t i;

	buf_text(out, "now ");
	elapsed_put(out, &t->clock);
	buf_putc(out, '\n');
	for (i = 0; i < w->n; i++) {
		if (w->items[i].is_ignored || !w->items[i].is_there)
			continue;
		buf_hex(out, 16, w->items[i].id);
		buf_putc(out, ' ');
		buf_number(out, (uint64_t)w->items[i].first_s);
		buf_putc(out, ' ');
		buf_number(out, w->items[i].n_tries);
		buf_putc(out, ' ');
		buf_number(out, w->items[i].n_answers);
		buf_putc(out, '\n');
	}
	buf_text(out, "end\n");
}

/* Is there anything to be remembered? */
static bool
any_tried(const struct waiting *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->items[i].is_there && w->items[i].n_tries > 0)
			return true;
	return false;
}

static bool
is_time(const struct tried *t, int64_t lifetime_s)
{
	int64_t every_s = lifetime_s / TRIED_KEEP_PART;

	if (every_s > TRIED_KEEP_S)
		every_s = TRIED_KEEP_S;
	return !t->has_file || elapsed_s(&t->clock) - t->kept_s >= every_s;
}

int
tried_keep(struct tried *t, const struct waiting *w, int64_t lifetime_s)
{
	struct buf text = {0};
	int r;

	if (t->dir < 0 || !is_time(t, lifetime_s) || !any_tried(w))
		return 0;
	put_text(t, w, &text);
	r = smallfile_replace(t->dir, file, other_file, buf_slice(&text));
	t->has_file = true;
	t->kept_s = elapsed_s(&t->clock);
	buf_free(&text);
	return r;
}

/* asking */

void
tried_recall(const struct tried *t, struct waiting_item *item)
{
	struct tried_item key = {.id = item->id}, *known = NULL;
	int64_t now_s = elapsed_s(&t->clock);

	if (t->n > 0)
		known = bsearch(&key, t->items, t->n, sizeof key, by_id);
	item->is_known = true;
	item->first_s =
	    known && known->first_s < now_s ? known->first_s : now_s;
	if (!known)
		return;
	item->n_tries = known->n_tries;
	item->n_answers = known->n_answers;
}

int64_t
tried_age_s(const struct tried *t, const struct waiting_item *item)
{
	return elapsed_s(&t->clock) - item->first_s;
}

void
tried_free(struct tried *t)
{
	free(t->items);
	*t = (struct tried){0};
}
