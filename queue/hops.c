#include "queue/hops.h"

static void
line_begins(struct hops *h)
{
	struct slice start = slice_of(
	    h->name, h->column < HOPS_NAME_MAX ? h->column : HOPS_NAME_MAX);
	static const struct slice received = {"received:", 9},
				  delivered = {"delivered-to:", 13};

	if (start.len >= 9 && slice_case_eq(slice_of(h->name, 9), received))
		h->n++;
	else if (start.len >= 13 && slice_case_eq(start, delivered))
		h->n++;
}

void
hops_push(struct hops *h, struct slice text)
{
	size_t i = 0, end;

	while (i < text.len && !h->in_body) {
		if (h->column >= HOPS_NAME_MAX) { /* skip to the line's end */
			end = slice_find(slice_from(text, i), '\n');
			i += end;
			if (i == text.len)
				return;
		}
		if (text.at[i] != '\n') {
			h->name[h->column++] = text.at[i++];
			continue;
		}
		line_begins(h);
		if (h->column == 0 || (h->column == 1 && h->name[0] == '\r'))
			h->in_body = true;
		h->column = 0;
		i++;
	}
}
