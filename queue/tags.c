#include "queue/tags.h"

#include "lib/netstring.h"

void
tags_add(struct tags_names *names, struct slice name)
{
	if (names->n == TAGS_MAX || name.len > TAGS_NAME_MAX)
		return;
	memcpy(names->at[names->n].name, name.at, name.len);
	names->at[names->n].len = (uint8_t)name.len;
	names->n++;
}

static void
put(struct buf *out, struct slice name, struct slice value)
{
	struct buf attr = {0};

	buf_text(&attr, TAGS_ATTR);
	buf_puts(&attr, name);
	buf_putc(&attr, ':');
	buf_puts(&attr, value);
	netstring_put(out, buf_slice(&attr));
	buf_free(&attr);
}

static void
line_ends(struct tags *t, const struct tags_names *names, struct buf *out)
{
	struct slice line = slice_of(t->line, t->column), name, value;
	size_t colon = slice_find(line, ':');
	unsigned i;

	if (colon == line.len || t->column == sizeof t->line)
		return;
	name = slice_of(line.at, colon);
	value = slice_trim(slice_from(line, colon + 1));
	for (i = 0; i < names->n; i++)
		if (!(t->seen >> i & 1) && value.len <= TAGS_VALUE_MAX &&
		    slice_case_eq(
			name, slice_of(names->at[i].name, names->at[i].len))) {
			t->seen |= (uint8_t)(1u << i);
			put(out, slice_of(names->at[i].name, names->at[i].len),
			    value);
		}
}

void
tags_push(struct tags *t, const struct tags_names *names, struct slice text,
	  struct buf *out)
{
	size_t i = 0;

	if (names->n == 0)
		return;
	while (i < text.len && !t->in_body) {
		if (t->column == sizeof t->line) { /* to the line's end */
			i += slice_find(slice_from(text, i), '\n');
			if (i == text.len)
				return;
		}
		if (text.at[i] != '\n') {
			t->line[t->column++] = text.at[i++];
			continue;
		}
		line_ends(t, names, out);
		t->in_body =
		    t->column == 0 || (t->column == 1 && t->line[0] == '\r');
		t->column = 0;
		i++;
	}
}

bool
tags_split(struct slice attr, struct slice *name, struct slice *value)
{
	const struct slice tag = SLICE(TAGS_ATTR);
	size_t colon;

	if (!slice_starts(attr, tag))
		return false;
	attr = slice_from(attr, tag.len);
	colon = slice_find(attr, ':');
	*name = slice_of(attr.at, colon);
	*value = slice_from(attr, colon < attr.len ? colon + 1 : colon);
	return true;
}
