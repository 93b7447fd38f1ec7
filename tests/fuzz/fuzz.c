#include "tests/fuzz/fuzz.h"

#include "lib/die.h"

#include <stdio.h>
#include <stdlib.h>

void
fuzz_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

/* lib/die.h: an end that the fuzzer sees, and can show again */

void
die_nomem(void)
{
	fuzz_fail("there is memory", "die_nomem", 0);
}

void
die_bug(const char *what)
{
	fuzz_fail("no bug", what, 0);
}

void
die_sys(const char *what, const char *object)
{
	fuzz_fail(what, object ? object : "die_sys", 0);
}

void
die_config(const char *what, const char *object)
{
	fuzz_fail(what, object ? object : "die_config", 0);
}

void
fuzz_compare(const struct buf *a, const struct buf *b, const char *file,
	     int line)
{
	if (slice_eq(buf_slice(a), buf_slice(b)))
		return;
	fprintf(stderr, "one:   %.*s\n", (int)a->len, buf_slice(a).at);
	fprintf(stderr, "other: %.*s\n", (int)b->len, buf_slice(b).at);
	fuzz_fail("the same story", file, line);
}

struct fuzz_cuts
fuzz_cuts_take(struct slice *in)
{
	uint8_t max = fuzz_byte(in), state = fuzz_byte(in);

	return (struct fuzz_cuts){state, 1u << (max & 7)};
}

size_t
fuzz_cut(struct fuzz_cuts *cuts, size_t left)
{
	size_t n;

	cuts->state = cuts->state * 1103515245u + 12345u;
	n = 1 + (cuts->state >> 16) % cuts->max;
	if (left > 1024) /* the work may grow with the square */
		n += 256;
	return n < left ? n : left;
}

char *
fuzz_exact(struct slice s)
{
	char *copy = malloc(s.len ? s.len : 1);

	if (!copy)
		abort();
	if (s.len > 0)
		memcpy(copy, s.at, s.len);
	return copy;
}

struct slice
fuzz_long(struct slice in)
{
	static struct buf out;
	size_t i;

	if (slice_find(in, '\xfe') == in.len)
		return in;
	buf_clear(&out);
	for (i = 0; i < in.len; i++) {
		if (in.at[i] != '\xfe' || i == 0 || i + 1 == in.len) {
			buf_putc(&out, in.at[i]);
			continue;
		}
		size_t n = 16 * (size_t)(uint8_t)in.at[i + 1];

		memset(buf_room(&out, n + 1), in.at[i - 1], n);
		buf_added(&out, n);
		i++;
	}
	return buf_slice(&out);
}

/* Each piece lies at the end of the same memory: a step too far is a step
 * out of it, and whoever keeps a pointer finds other bytes there. */
bool
fuzz_feed(struct slice in, struct fuzz_cuts *cuts,
	  bool (*push)(void *user, struct slice piece), void *user)
{
	size_t max = in.len;
	char *room = fuzz_exact(in);
	bool goes_on = true;

	while (in.len > 0 && goes_on) {
		size_t n = cuts ? fuzz_cut(cuts, in.len) : in.len;
		char *piece = room + max - n;

		memcpy(piece, in.at, n);
		goes_on = push(user, slice_of(piece, n));
		memset(piece, 0xdd, n);
		in = slice_from(in, n);
	}
	free(room);
	return goes_on;
}

uint8_t
fuzz_byte(struct slice *in)
{
	struct slice s = fuzz_take(in, 1);

	return s.len ? (uint8_t)s.at[0] : 0;
}

struct slice
fuzz_take(struct slice *in, size_t n)
{
	struct slice s = slice_of(in->at, n < in->len ? n : in->len);

	*in = slice_from(*in, s.len);
	return s;
}

struct slice
fuzz_string(struct slice *in)
{
	size_t n = fuzz_byte(in);

	return fuzz_take(in, n);
}

void
fuzz_tell(struct buf *story, const char *what, struct slice s)
{
	buf_text(story, what);
	buf_putc(story, '(');
	if (s.at)
		buf_puts(story, s);
	else
		buf_putc(story, '?');
	buf_text(story, ") ");
}

int
fuzz_netstring(struct slice *rest, struct slice *r)
{
	size_t digits = slice_find(*rest, ':'), i;
	uint64_t len = 0;

	if (digits == rest->len || digits == 0 || digits > 10)
		return -1;
	if (digits > 1 && rest->at[0] == '0')
		return -1;
	for (i = 0; i < digits; i++) {
		if (!strchr("0123456789", rest->at[i]) || !rest->at[i])
			return -1;
		len = len * 10 + (uint64_t)(rest->at[i] - '0');
	}
	if (len + digits + 2 > rest->len)
		return -1;
	if (rest->at[digits + 1 + len] != ',')
		return -1;
	*r = slice_of(rest->at + digits + 1, (size_t)len);
	*rest = slice_from(*rest, digits + (size_t)len + 2);
	return 0;
}
