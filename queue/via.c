#include "queue/via.h"

#include "lib/netstring.h"
#include "queue/entry.h"

void
via_put(struct buf *attrs, const struct via *v)
{
	struct buf attr = {0};

	buf_text(&attr, "via=");
	buf_number(&attr, v->first);
	buf_putc(&attr, '-');
	buf_number(&attr, v->end);
	buf_putc(&attr, ' ');
	buf_puts(&attr, v->alias);
	netstring_put(attrs, buf_slice(&attr));
	buf_free(&attr);
}

bool
via_parse(struct slice attr, struct via *v)
{
	const struct slice key = SLICE("via=");
	uint64_t first, end;
	size_t n;

	if (!slice_starts(attr, key))
		return false;
	attr = slice_from(attr, key.len);
	n = slice_find(attr, '-');
	if (n == attr.len ||
	    slice_number(slice_of(attr.at, n), UINT32_MAX, &first) != 0)
		return false;
	attr = slice_from(attr, n + 1);
	n = slice_find(attr, ' ');
	if (n == attr.len ||
	    slice_number(slice_of(attr.at, n), UINT32_MAX, &end) != 0)
		return false;
	v->first = (uint32_t)first;
	v->end = (uint32_t)end;
	v->alias = slice_from(attr, n + 1);
	return first < end;
}

static bool
next_via(struct slice *attrs, struct via *v)
{
	struct slice one;

	while (netstring_slice(attrs, &one) == 0)
		if (via_parse(one, v))
			return true;
	return false;
}

void
via_walk_begin(struct via_walk *w, struct slice attrs)
{
	*w = (struct via_walk){.attrs = attrs};
	w->has_next = next_via(&w->attrs, &w->next);
	w->has_loop = entry_attr(attrs, "loops", &w->loops) &&
		      entry_next_index(&w->loops, &w->loop);
}

bool
via_walk_loops(struct via_walk *w, uint32_t index)
{
	while (w->has_loop && w->loop < index)
		w->has_loop = entry_next_index(&w->loops, &w->loop);
	return w->has_loop && w->loop == index;
}

static void
meet(struct via_walk *w)
{
	w->n_met++;
	if (w->depth < VIA_DEPTH_MAX) {
		w->within[w->depth].end = w->next.end;
		w->within[w->depth].number = w->n_met;
		w->within[w->depth].alias = w->next.alias;
		w->depth++;
	}
	w->has_next = next_via(&w->attrs, &w->next);
}

static void
leave(struct via_walk *w, uint32_t index)
{
	while (w->depth > 0 && w->within[w->depth - 1].end <= index)
		w->depth--;
}

enum { KEPT = 1u << 31 };

uint32_t
via_walk_to(struct via_walk *w, uint32_t index, struct slice rcpt)
{
	size_t i;

	leave(w, index);
	while (w->has_next && w->next.first <= index) {
		meet(w);
		leave(w, index);
	}
	for (i = 0; i < w->depth; i++)
		if (slice_case_eq(w->within[i].alias, rcpt))
			return (uint32_t)KEPT | index;
	return w->depth > 0 ? w->within[w->depth - 1].number : 0;
}

static uint64_t
expanded(struct slice attrs, struct slice *hub)
{
	uint64_t n;

	*hub = SLICE("");
	if (!entry_attr(attrs, "expanded", hub) ||
	    slice_number(slice_word(hub), UINT32_MAX, &n) != 0)
		n = 1;
	*hub = slice_trim(*hub);
	return n;
}

static void
put_expanded(struct buf *out, struct slice attrs, uint64_t id, uint64_t n_made,
	     struct slice kept)
{
	struct slice hub;

	buf_text(out, "X-Quail-Expanded: ");
	buf_number(out, expanded(attrs, &hub) * n_made);
	buf_putc(out, ' ');
	buf_hex(out, 16, id);
	if (kept.len > 0) {
		buf_putc(out, ' ');
		buf_puts(out, kept);
		buf_putc(out, ' ');
		buf_puts(out, hub);
	}
	buf_putc(out, '\n');
}

void
via_lines(struct buf *out, struct slice attrs, uint64_t id, uint32_t index,
	  struct slice rcpt)
{
	struct slice rest = attrs, kept = SLICE("");
	uint64_t n_made = 0;
	struct via v;

	while (next_via(&rest, &v) && v.first <= index) {
		if (v.end <= index)
			continue;
		if (n_made == 0) /* the outermost */
			n_made = v.end - v.first;
		if (slice_case_eq(v.alias, rcpt)) {
			kept = v.alias;
			continue;
		}
		buf_text(out, "Delivered-To: ");
		buf_puts(out, v.alias);
		buf_putc(out, '\n');
	}
	if (n_made > 1 || kept.len > 0)
		put_expanded(out, attrs, id, n_made, kept);
}
