#include "smtp-gateway/canon.h"

/* A CR or LF: CR LF goes out for each, but once for both. */
static size_t
line_end(struct canon *c, char b, char *out)
{
	bool said = b == '\n' && c->after_cr;

	c->after_cr = b == '\r';
	if (said)
		return 0;
	out[0] = '\r';
	out[1] = '\n';
	c->in_line = false;
	return 2;
}

/* How many bytes from the front are plain: no CR, LF or NUL in them. */
static size_t
plain(struct slice s)
{
	s.len = slice_find(s, '\n');
	s.len = slice_find(s, '\r');
	return slice_find(s, '\0');
}

/* Most text is plain up to its LF: copy that at once. */
static size_t
run(struct canon *c, struct slice *in, char *out, size_t room)
{
	size_t n = in->len < room - 1 ? in->len : room - 1;

	n = plain(slice_of(in->at, n));
	if (n == 0)
		return 0;
	room = 0;
	if (!c->in_line && in->at[0] == '.')
		out[room++] = '.';
	memcpy(out + room, in->at, n);
	*in = slice_from(*in, n);
	c->in_line = true;
	c->after_cr = false;
	return room + n;
}

enum canon_result
canon_push(struct canon *c, struct slice *in, char *out, size_t room,
	   size_t *n_r)
{
	size_t n = 0;

	while (!c->bad && in->len > 0 && room - n >= CANON_ROOM_MIN) {
		n += run(c, in, out + n, room - n);
		if (in->len == 0 || room - n < CANON_ROOM_MIN)
			break;
		if (in->at[0] == '\0') {
			c->bad = true;
			break;
		}
		n += line_end(c, in->at[0], out + n);
		*in = slice_from(*in, 1);
	}
	*n_r = n;
	return c->bad ? CANON_BAD : CANON_OK;
}

size_t
canon_end(struct canon *c, char *out)
{
	static const char end[] = "\r\n.\r\n";
	size_t skip = c->in_line ? 0 : 2;

	memcpy(out, end + skip, CANON_END_MAX - skip);
	*c = (struct canon){0};
	return CANON_END_MAX - skip;
}
