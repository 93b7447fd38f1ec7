/* stream.h - a byte stream, plain or TLS (tls.h)
 *
 * A session cannot tell which it has. Calls never block; EAGAIN means that
 * the descriptor must become ready for what stream_wants says.
 *
 * Test  tests/conn_test.c
 */
#ifndef QUAIL_LIB_STREAM_H
#define QUAIL_LIB_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct stream;

struct stream_kind {
	ssize_t (*read)(struct stream *s, void *to, size_t max);
	ssize_t (*write)(struct stream *s, const void *from, size_t n);
	/* LOOP_ bits that the stream needs by itself, whatever its user does */
	unsigned (*wants)(const struct stream *s);
	/* frees what it has, and gives the descriptor back */
	int (*end)(struct stream *s);
	/* NULL where there is never anything to tell: */
	int (*flush)(struct stream *s);
	bool (*pending)(const struct stream *s);
	const char *(*why)(const struct stream *s);
	bool (*is_open)(const struct stream *s); /* NULL: from the begin */
};

struct stream {
	const struct stream_kind *kind;
	int fd;
	bool is_last; /* set by the user: all writes from now on are followed
			 by the end at once, so a plain one may wait for it:
			 one packet with reply and FIN instead of two */
	void *state;  /* the kind's own */
};

/* stream_plain - over a connected descriptor
 *
 * Owns     fd: stream_close closes it.
 */
void
stream_plain_take(struct stream *s, int fd);

/* stream_read, stream_write - as read(2) and write(2), EINTR hidden */
static inline ssize_t
stream_read(struct stream *s, void *to, size_t max)
{
	return s->kind->read(s, to, max);
}

static inline ssize_t
stream_write(struct stream *s, const void *from, size_t n)
{
	return s->kind->write(s, from, n);
}

static inline unsigned
stream_wants(const struct stream *s)
{
	return s->kind->wants(s);
}

/* stream_flush - whatever must be done besides the user's bytes: make the
 * handshake, write out what stream_write has taken
 *
 * Returns  0: nothing is left to do; -1 with errno, EAGAIN: wait for
 *          stream_wants.
 */
static inline int
stream_flush(struct stream *s)
{
	return s->kind->flush ? s->kind->flush(s) : 0;
}

/* stream_flushes - is there such a thing for this stream? */
static inline bool
stream_flushes(const struct stream *s)
{
	return s->kind->flush;
}

/* stream_pending - would stream_read say something though the descriptor
 * has nothing to read? */
static inline bool
stream_pending(const struct stream *s)
{
	return s->kind->pending && s->kind->pending(s);
}

/* stream_is_open - is its handshake over? (true for one that has none) */
static inline bool
stream_is_open(const struct stream *s)
{
	return !s->kind->is_open || s->kind->is_open(s);
}

/* stream_why - one line about the last failure that errno cannot tell
 * (EPROTO); NULL: errno says all */
static inline const char *
stream_why(const struct stream *s)
{
	return s->kind->why ? s->kind->why(s) : NULL;
}

/* stream_end - say the end to the peer if that does not wait, free all
 *
 * Returns  the descriptor, still open: the caller's.
 */
static inline int
stream_end(struct stream *s)
{
	return s->kind->end(s);
}

/* stream_close - the same, and close the descriptor */
void
stream_close(struct stream *s);

#endif
