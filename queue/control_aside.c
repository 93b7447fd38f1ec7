#include "queue/control_aside.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/netstring.h"
#include "queue/control_view.h"
#include "queue/entry.h"
#include "queue/store_damage.h"

#include <errno.h>
#include <string.h>

enum { TEXT_PIECE = 32 * 1024, ID_NAME = 16 };

bool
control_aside_meant(const struct control_ask *a)
{
	switch (a->verb) {
	case CONTROL_LIST:
	case CONTROL_SHOW:
	case CONTROL_CAT:
	case CONTROL_EXPORT:
	case CONTROL_COUNT:
	case CONTROL_REMOVE:
		return a->from.len == 0 && a->to.len == 0 && a->dest.len == 0 &&
		       !a->is_held;
	default: return false;
	}
}

static bool
open_it(struct control_aside *w, const struct store *st, const char *name)
{
	if (damaged_open(&w->one, st->dir, name) != 0 &&
	    store_found_open(st, name, &w->one) != 0)
		return false;
	w->is_open = true;
	w->text_at = 0;
	memcpy(w->name, name, strlen(name) + 1);
	return true;
}

bool
control_aside_find(struct control_aside *w, const struct store *st, uint64_t id)
{
	char name[ID_NAME + 1];

	hex_put(name, ID_NAME, id);
	name[ID_NAME] = 0;
	return open_it(w, st, name);
}

static bool
has(struct slice names, const char *name)
{
	for (; names.len > 0; names = slice_from(names, strlen(names.at) + 1))
		if (strcmp(names.at, name) == 0)
			return true;
	return false;
}

/* What was set aside, and then what a start would add to it. */
static void
list_all(const struct store *st, struct buf *names)
{
	struct buf found = {0};
	struct slice rest;
	size_t n;

	(void)damaged_list(st->dir, names);
	n = names->len;
	store_found_list(st, &found);
	for (rest = buf_slice(&found); rest.len > 0;
	     rest = slice_from(rest, strlen(rest.at) + 1))
		if (!has(slice_of(buf_slice(names).at, n), rest.at))
			buf_put(names, rest.at, strlen(rest.at) + 1);
	buf_free(&found);
}

/* The names in the request, or all; none when they cannot be listed. */
static void
list(struct control_aside *w, const struct store *st,
     const struct control_ask *a)
{
	w->is_listed = true;
	if (a->n_ids > 0 || a->places.len > 0)
		buf_puts(&w->names, buf_slice(&a->places));
	else
		list_all(st, &w->names);
}

/* -1: nobody knows. */
static int64_t
age_s(const struct control_aside *w)
{
	const struct message m = {.id = w->one.id, .birth_us = w->one.birth_us};

	if (m.birth_us <= 0)
		return -1;
	return w->ages ? ages_age_s(w->ages, &m)
		       : clock_s() - m.birth_us / 1000000;
}

static bool
is_old_enough(const struct control_aside *w, const struct control_ask *a)
{
	return a->older_s == 0 || age_s(w) >= a->older_s;
}

bool
control_aside_next(struct control_aside *w, const struct store *st,
		   const struct control_ask *a, const char **missing_r)
{
	*missing_r = "";
	if (!w->is_listed)
		list(w, st, a);
	while (w->at < w->names.len) {
		const char *name = buf_slice(&w->names).at + w->at;

		w->at += strlen(name) + 1;
		if (!open_it(w, st, name)) {
			if (a->places.len == 0)
				continue;
			*missing_r = name;
			return true;
		}
		if (is_old_enough(w, a))
			return true;
		control_aside_close(w);
	}
	return false;
}

/* telling */

static bool
is_done(const struct damaged *d, uint32_t index)
{
	struct slice rest = d->done;
	uint64_t one;

	while (entry_next_index(&rest, &one))
		if (one == index)
			return true;
	return false;
}

static void
tell_attrs(const struct damaged *d, struct buf *out, struct buf *fields)
{
	struct slice rest = d->attrs, attr;

	while (netstring_slice(&rest, &attr) == 0) {
		buf_puts(fields, attr);
		control_item(out, 'a', fields);
	}
}

static void
tell_rcpts(const struct damaged *d, bool all, struct buf *out,
	   struct buf *fields)
{
	struct slice rest = d->rcpts, rcpt;
	uint32_t i;

	for (i = 0; netstring_slice(&rest, &rcpt) == 0; i++) {
		bool done = is_done(d, i);

		if (done && !all)
			continue;
		control_number(fields, "index", i);
		control_field(fields, "to", rcpt);
		control_number(fields, "done", done);
		control_item(out, 'r', fields);
	}
}

void
control_aside_tell(const struct control_aside *w, const struct control_ask *a,
		   struct buf *out, struct buf *fields)
{
	const struct damaged *d = &w->one;

	control_field(fields, "id", slice_text(w->name));
	control_number(fields, "birth_us", d->birth_us);
	if (age_s(w) >= 0)
		control_number(fields, "age_s", age_s(w));
	control_number(fields, "size", (int64_t)d->text_len);
	if (d->has_envelope)
		control_field(fields, "from", d->sender);
	control_number(fields, "rcpts", d->n_rcpts);
	control_field(fields, "state", SLICE("damaged"));
	control_field(fields, "what", d->what);
	control_item(out, 'm', fields);
	if (a->verb != CONTROL_LIST)
		tell_attrs(d, out, fields);
	tell_rcpts(d, a->verb != CONTROL_LIST, out, fields);
}

bool
control_aside_text(struct control_aside *w, struct buf *out, struct buf *fields)
{
	uint64_t left = w->one.text_len - w->text_at;
	size_t n = left < TEXT_PIECE ? (size_t)left : TEXT_PIECE;

	if (n == 0 ||
	    damaged_text(&w->one, w->text_at, buf_room(fields, n), n) != 0)
		return false;
	buf_added(fields, n);
	control_item(out, 't', fields);
	w->text_at += n;
	return true;
}

/* removing */

int
control_aside_remove(struct control_aside *w, const struct store *st)
{
	if (damaged_remove(st->dir, w->name) != 0)
		return -1;
	log_open("removed");
	log_text("damaged", w->name);
	log_close();
	return 0;
}

void
control_aside_close(struct control_aside *w)
{
	if (w->is_open)
		damaged_close(&w->one);
	w->is_open = false;
}

void
control_aside_free(struct control_aside *w)
{
	control_aside_close(w);
	buf_free(&w->names);
	*w = (struct control_aside){0};
}
