/* buf.h - bytes that grow at the end and are taken from the front
 *
 * The one growing thing of lib: input and output of connections, bounce
 * text, lists of recipients. It never fails: no memory, or a size that
 * does not fit, ends the process (die_nomem). An empty buf holds no memory,
 * so that an idle connection costs nothing. Callers keep the caps.
 *
 * Test  tests/lib_test.c
 */
#ifndef QUAIL_LIB_BUF_H
#define QUAIL_LIB_BUF_H

#include "lib/slice.h"

struct buf {
	char *mem;
	size_t off; /* taken from the front already */
	size_t len; /* bytes that wait, from mem + off */
	size_t cap; /* 0: mem is lent */
};

/* A zeroed struct is an empty buf. Pointers into a buf are valid until the
 * next call that takes a non-const buf. */

static inline struct slice
buf_slice(const struct buf *b)
{
	return slice_of(b->len ? b->mem + b->off : "", b->len);
}

/* buf_lend - let an empty buf stand for n bytes that are somebody else's
 *
 * They may be taken from it as ever. As soon as room behind them is needed,
 * or at buf_own, what is left of them is copied.
 */
static inline void
buf_lend(struct buf *b, char *bytes, size_t n)
{
	*b = (struct buf){.mem = bytes, .len = n};
}

/* buf_own - from now on it stands for nobody else's memory any more */
void
buf_own(struct buf *b);

/* buf_grow - buf_room where there is none yet */
char *
buf_grow(struct buf *b, size_t n);

/* buf_room - make room for at least n bytes behind the end
 *
 * Returns  where they go; call buf_added with what was written.
 */
static inline char *
buf_room(struct buf *b, size_t n)
{
	return b->cap > 0 && b->cap - b->off - b->len >= n
		   ? b->mem + b->off + b->len
		   : buf_grow(b, n);
}

/* buf_added - n bytes were written where buf_room said */
static inline void
buf_added(struct buf *b, size_t n)
{
	b->len += n;
}

static inline void
buf_put(struct buf *b, const void *bytes, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_room(b, n), bytes, n);
	b->len += n;
}

static inline void
buf_puts(struct buf *b, struct slice s)
{
	buf_put(b, s.at, s.len);
}

static inline void
buf_putc(struct buf *b, char c)
{
	*buf_room(b, 1) = c;
	b->len++;
}

/* buf_text - append a C string */
void
buf_text(struct buf *b, const char *s);

/* buf_number - append v in decimal */
void
buf_number(struct buf *b, uint64_t v);

/* buf_hex - append v as n lower-case hex digits */
void
buf_hex(struct buf *b, unsigned n, uint64_t v);

/* buf_take - drop n bytes from the front (n <= len)
 *
 * Keeps    no memory once the buf is empty.
 */
void
buf_take(struct buf *b, size_t n);

/* buf_cut - keep only the first n bytes (n <= len) */
void
buf_cut(struct buf *b, size_t n);

/* buf_clear - empty it, keeping the memory for the next use */
void
buf_clear(struct buf *b);

/* buf_free - empty it and give the memory back; *b is zero afterwards */
void
buf_free(struct buf *b);

#endif
