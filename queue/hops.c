#include "queue/hops.h"

#include "lib/netstring.h"

#define RECEIVED  "received:"
#define DELIVERED "delivered-to:"
#define EXPANDED  "x-quail-expanded:"

static bool
starts(struct slice line, struct slice name)
{
	return line.len >= name.len &&
	       slice_case_eq(slice_of(line.at, name.len), name);
}

static void
keep(struct buf *list, unsigned *n, struct slice address)
{
	if (address.len == 0 || address.len >= HOPS_LINE_MAX - HOPS_NAME_MAX ||
	    *n == HOPS_KEPT_MAX)
		return;
	netstring_put(list, address);
	++*n;
}

static void
keep_id(struct hops *h, struct slice word)
{
	uint64_t id;

	if (word.len == 16 && slice_hex(word, &id) == 0 &&
	    h->ids.len < HOPS_KEPT_MAX * sizeof id)
		buf_put(&h->ids, &id, sizeof id);
}

/* COUNT, ID, and perhaps ADDRESS HUB */
static void
take_expanded(struct hops *h, struct slice value)
{
	struct slice word = slice_word(&value);
	uint64_t n;

	if (slice_number(word, UINT32_MAX, &n) != 0)
		n = UINT32_MAX;
	if (n > h->expanded)
		h->expanded = (uint32_t)n;
	keep_id(h, slice_word(&value));
	keep(&h->kept, &h->n_kept, slice_trim(value));
}

static void
take_line(struct hops *h, struct slice line)
{
	const struct slice delivered = SLICE(DELIVERED),
			   expanded = SLICE(EXPANDED);

	if (starts(line, SLICE(RECEIVED)))
		h->n++;
	if (starts(line, delivered)) {
		h->n++;
		keep(&h->delivered, &h->n_delivered,
		     slice_trim(slice_from(line, delivered.len)));
	}
	if (starts(line, expanded))
		take_expanded(h, slice_from(line, expanded.len));
}

/* The name is there, and more may follow. */
static void
name_ends(struct hops *h)
{
	struct slice name = slice_of(h->name, HOPS_NAME_MAX);

	h->keeps =
	    starts(name, SLICE(DELIVERED)) || starts(name, SLICE(EXPANDED));
	if (h->keeps)
		buf_puts(&h->line, name);
}

static void
go_on(struct hops *h, struct slice part)
{
	if (!h->keeps)
		return;
	if (part.len > HOPS_LINE_MAX - h->line.len)
		part.len = HOPS_LINE_MAX - h->line.len;
	buf_puts(&h->line, part);
}

static void
line_ends(struct hops *h)
{
	if (h->column == 0 || (h->column == 1 && h->name[0] == '\r'))
		h->in_body = true;
	take_line(h, h->keeps ? buf_slice(&h->line)
			      : slice_of(h->name, h->column));
	buf_free(&h->line);
	h->keeps = false;
	h->column = 0;
}

/* The first letter of a line that says nothing here. */
static bool
is_other(char c)
{
	return !memchr("rRdDxX\r\n", c, 8);
}

void
hops_push(struct hops *h, struct slice text)
{
	size_t i = 0, n;

	while (i < text.len && !h->in_body) {
		if (h->column == 0 && is_other(text.at[i])) {
			h->name[0] = text.at[i];
			h->column = HOPS_NAME_MAX;
		}
		if (h->column == HOPS_NAME_MAX) {
			n = slice_find(slice_from(text, i), '\n');
			go_on(h, slice_of(text.at + i, n));
			i += n;
			if (i == text.len)
				return;
		}
		if (text.at[i] != '\n') {
			h->name[h->column++] = text.at[i];
			if (h->column == HOPS_NAME_MAX)
				name_ends(h);
		} else {
			line_ends(h);
		}
		i++;
	}
}

static bool
has(const struct buf *list, struct slice address)
{
	struct slice rest = buf_slice(list), one;

	while (netstring_slice(&rest, &one) == 0)
		if (slice_case_eq(one, address))
			return true;
	return false;
}

bool
hops_delivered(const struct hops *h, struct slice address)
{
	return has(&h->delivered, address);
}

bool
hops_kept(const struct hops *h, struct slice address)
{
	return has(&h->kept, address);
}

size_t
hops_room(const struct hops *h)
{
	return h->line.cap + h->delivered.cap + h->kept.cap + h->ids.cap;
}

void
hops_free(struct hops *h)
{
	buf_free(&h->line);
	buf_free(&h->delivered);
	buf_free(&h->kept);
	buf_free(&h->ids);
}
