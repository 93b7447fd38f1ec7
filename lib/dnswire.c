#include "lib/dnswire.h"

enum {
	HEAD = 12,
	FLAGS = 2, /* where they are in the head */
	N_QUESTIONS = 4,
	N_ANSWERS = 6,
	IS_REPLY = 0x80,
	LABEL_MAX = 63,
	NAME_MAX_TEXT = 253,
	POINTER = 0xc0, /* the rest of a name is elsewhere: two bytes */
	RECORD = 10	/* type, class, TTL and length behind a name */
};

static unsigned
number(const char *at)
{
	return (unsigned)(uint8_t)at[0] << 8 | (uint8_t)at[1];
}

static void
put(struct dnswire_query *q, unsigned v)
{
	q->bytes[q->len++] = (uint8_t)(v >> 8);
	q->bytes[q->len++] = (uint8_t)v;
}

static int
put_name(struct dnswire_query *q, struct slice name)
{
	size_t n;

	while (name.len > 0) {
		n = slice_find(name, '.');
		if (n == 0 || n > LABEL_MAX)
			return -1;
		q->bytes[q->len++] = (uint8_t)n;
		memcpy(q->bytes + q->len, name.at, n);
		q->len += n;
		name = slice_from(name, n < name.len ? n + 1 : n);
	}
	q->bytes[q->len++] = 0;
	return 0;
}

int
dnswire_ask(struct dnswire_query *q, struct slice name, unsigned type,
	    uint16_t id)
{
	if (name.len > 1 && name.at[name.len - 1] == '.')
		name.len--;
	if (name.len == 0 || name.len > NAME_MAX_TEXT)
		return -1;
	q->len = 0;
	put(q, id);
	put(q, 0x0100); /* recursion, please */
	put(q, 1);
	put(q, 0);
	put(q, 0);
	put(q, 0);
	if (put_name(q, name) != 0)
		return -1;
	put(q, type);
	put(q, 1);
	return 0;
}

/* Case may come back otherwise than it went. */
static bool
is_reply(const struct dnswire_query *q, struct slice r)
{
	const char *asked = (const char *)q->bytes;
	size_t n = q->len - HEAD;

	return r.len >= q->len && memcmp(r.at, asked, 2) == 0 &&
	       (r.at[FLAGS] & IS_REPLY) && number(r.at + N_QUESTIONS) == 1 &&
	       slice_case_eq(slice_of(r.at + HEAD, n),
			     slice_of(asked + HEAD, n));
}

/* Step over a name; no pointer is followed, so none can lead in a circle. */
static int
skip_name(struct slice *r)
{
	while (r->len > 0) {
		unsigned n = (uint8_t)r->at[0];
		size_t step = n >= POINTER ? 2 : n + 1;

		if ((n > LABEL_MAX && n < POINTER) || step > r->len)
			return -1;
		*r = slice_from(*r, step);
		if (n == 0 || n >= POINTER)
			return 0;
	}
	return -1;
}

/* Take a record off; its data is what it gives. */
static int
next_record(struct slice *r, unsigned *type, struct slice *data)
{
	if (skip_name(r) != 0 || r->len < RECORD)
		return -1;
	*type = number(r->at + 2) == 1 ? number(r->at) : 0;
	data->len = number(r->at + RECORD - 2);
	*r = slice_from(*r, RECORD);
	if (data->len > r->len)
		return -1;
	data->at = r->at;
	*r = slice_from(*r, data->len);
	return 0;
}

enum dnswire_result
dnswire_take(const struct dnswire_query *q, struct slice reply,
	     uint8_t (*addresses)[16], size_t max, size_t *n_r)
{
	unsigned wanted, type, left, code;
	struct slice rest, data;

	*n_r = 0;
	if (!is_reply(q, reply))
		return DNSWIRE_FOREIGN;
	code = reply.at[FLAGS + 1] & 15;
	if (code != 0)
		return code == 3 ? DNSWIRE_NO_NAME : DNSWIRE_FAILED;
	wanted = number((const char *)q->bytes + q->len - 4);
	rest = slice_from(reply, q->len);
	for (left = number(reply.at + N_ANSWERS); left > 0; left--) {
		if (next_record(&rest, &type, &data) != 0)
			break;
		if (type != wanted || *n_r == max ||
		    data.len != (wanted == DNSWIRE_A ? 4 : 16))
			continue;
		memcpy(addresses[(*n_r)++], data.at, data.len);
	}
	return DNSWIRE_FOUND;
}
