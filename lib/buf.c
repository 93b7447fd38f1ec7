#include "lib/buf.h"

#include "lib/die.h"
#include "lib/size.h"

#include <fmt.h>
#include <stdlib.h>

enum { SMALLEST = 256 };

static void
grow(struct buf *b, size_t need)
{
	size_t cap = b->cap;
	char *mem;

	if (cap == 0) /* what comes first is often all */
		cap = need < SMALLEST ? SMALLEST : need;
	while (cap < need)
		if (size_mul(&cap, cap, 2) != 0)
			die_nomem();
	mem = realloc(b->mem, cap);
	if (!mem)
		die_nomem();
	b->mem = mem;
	b->cap = cap;
}

static bool
is_lent(const struct buf *b)
{
	return b->mem && b->cap == 0;
}

void
buf_own(struct buf *b)
{
	struct slice s = buf_slice(b);

	if (!is_lent(b))
		return;
	*b = (struct buf){0};
	buf_puts(b, s);
}

char *
buf_grow(struct buf *b, size_t n)
{
	size_t need;

	buf_own(b);
	if (b->off > 0 && b->cap - b->off - b->len < n) {
		memmove(b->mem, b->mem + b->off, b->len);
		b->off = 0;
	}
	if (size_add(&need, b->off + b->len, n) != 0)
		die_nomem();
	if (need > b->cap || !b->mem)
		grow(b, need);
	return b->mem + b->off + b->len;
}

void
buf_text(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void
buf_number(struct buf *b, uint64_t v)
{
	buf_added(b, fmt_ulonglong(buf_room(b, 20), v));
}

void
buf_hex(struct buf *b, unsigned n, uint64_t v)
{
	hex_put(buf_room(b, n), n, v);
	b->len += n;
}

void
buf_take(struct buf *b, size_t n)
{
	b->off += n;
	b->len -= n;
	if (b->len == 0)
		buf_free(b);
}

void
buf_cut(struct buf *b, size_t n)
{
	b->len = n;
}

void
buf_clear(struct buf *b)
{
	b->off = 0;
	b->len = 0;
}

void
buf_free(struct buf *b)
{
	if (!is_lent(b))
		free(b->mem);
	*b = (struct buf){0};
}
