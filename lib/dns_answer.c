#include "lib/dns_answer.h"

#include "lib/die.h"

#include <sys/random.h>

enum {
	HEAD = 12,
	FLAGS = 2, /* where they are in the head */
	N_QUESTIONS = 4,
	N_ANSWERS = 6,
	N_MORE = 10,
	IS_REPLY = 0x80,
	LABEL_MAX = 63,
	POINTER = 0xc0,
	RECORD = 10, /* type, class, TTL and length behind a name */
	TYPE_CNAME = 5,
	NAME_MAX_TEXT = 255,
	CASE_BIT = 0x20
};

static unsigned
number(const char *at)
{
	return (unsigned)(uint8_t)at[0] << 8 | (uint8_t)at[1];
}

static void
chance(void *at, size_t n)
{
	if (getrandom(at, n, 0) != (ssize_t)n)
		die_sys("getrandom", "");
}

static bool
is_letter(uint8_t c)
{
	c |= CASE_BIT;
	return c >= 'a' && c <= 'z';
}

/* Lengths of labels are below all letters, and have no case. */
static void
mix_case(struct dns_wire *w)
{
	uint8_t bits[32];
	size_t i;

	chance(bits, sizeof bits);
	for (i = HEAD; i < w->asked - 4; i++)
		if (is_letter(w->bytes[i]) && (bits[i / 8 % 32] >> i % 8 & 1))
			w->bytes[i] ^= CASE_BIT;
}

/* EDNS: nothing but how much we take by UDP. */
static void
put_opt(struct dns_wire *w)
{
	static const uint8_t opt[DNS_OPT] = {0, 0, 41, DNS_UDP_MAX >> 8,
					     DNS_UDP_MAX & 255};

	memcpy(w->bytes + w->len, opt, sizeof opt);
	w->len += sizeof opt;
	w->bytes[N_MORE + 1] = 1;
}

int
dns_wire_ask(struct dns_wire *w, struct slice name, unsigned type)
{
	struct dnswire_query q;
	uint16_t id;

	chance(&id, sizeof id);
	if (dnswire_ask(&q, name, type, id) != 0)
		return -1;
	memcpy(w->bytes, q.bytes, q.len);
	w->len = w->asked = q.len;
	mix_case(w);
	put_opt(w);
	return 0;
}

bool
dns_wire_echoes(const struct dns_wire *w, struct slice answer)
{
	return answer.len >= w->asked && memcmp(answer.at, w->bytes, 2) == 0 &&
	       memcmp(answer.at + HEAD, w->bytes + HEAD, w->asked - HEAD) == 0;
}

/* Step over a name; no pointer is followed. */
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

/* Case may come back otherwise, by TCP. */
static bool
is_answer(const struct dns_wire *w, struct slice whole)
{
	const char *asked = (const char *)w->bytes;
	size_t n = w->asked - HEAD;

	return whole.len >= w->asked && whole.len <= DNS_ANSWER_MAX &&
	       memcmp(whole.at, asked, 2) == 0 &&
	       (whole.at[FLAGS] & IS_REPLY) &&
	       number(whole.at + N_QUESTIONS) == 1 &&
	       number(whole.at + N_ANSWERS) <= DNS_RECORDS_MAX &&
	       slice_case_eq(slice_of(whole.at + HEAD, n),
			     slice_of(asked + HEAD, n));
}

enum dns_answer_result
dns_answer_read(const struct dns_wire *w, struct slice whole,
		void (*record)(void *arg, struct slice whole,
			       struct slice data),
		void *arg)
{
	unsigned wanted = number((const char *)w->bytes + w->asked - 4), type,
		 left, code, n_aliases = 0;
	struct slice rest, data;

	if (!is_answer(w, whole))
		return DNS_ANSWER_BAD;
	code = whole.at[FLAGS + 1] & 15;
	if (code != 0)
		return code == 3 ? DNS_ANSWER_NONE : DNS_ANSWER_BAD;
	rest = slice_from(whole, w->asked);
	for (left = number(whole.at + N_ANSWERS); left > 0; left--) {
		if (next_record(&rest, &type, &data) != 0 ||
		    (type == TYPE_CNAME && ++n_aliases > DNS_ALIASES_MAX))
			return DNS_ANSWER_BAD;
		if (type == wanted)
			record(arg, whole, data);
	}
	return DNS_ANSWER_GOOD;
}

static void
put_label(char *name, size_t *len, struct slice label)
{
	size_t i;

	if (*len > 0)
		name[(*len)++] = '.';
	for (i = 0; i < label.len; i++) {
		char c = label.at[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c | CASE_BIT);
		name[(*len)++] = c == '.' || c == '\0' ? '?' : c;
	}
}

/* Each pointer leads further to the front, so there is an end. */
int
dns_answer_name(struct slice whole, struct slice data, char name[256])
{
	size_t at = (size_t)(data.at - whole.at), first = at, len = 0;

	while (at < whole.len) {
		unsigned n = (uint8_t)whole.at[at];

		if (n == 0) {
			name[len] = '\0';
			return 0;
		}
		if (n >= POINTER && at + 1 < whole.len) {
			at = number(whole.at + at) & 0x3fff;
			if (at >= first)
				return -1;
			first = at;
		} else if (n <= LABEL_MAX && at + 1 + n <= whole.len &&
			   len + 1 + n <= NAME_MAX_TEXT) {
			put_label(name, &len, slice_of(whole.at + at + 1, n));
			at += 1 + n;
		} else {
			return -1;
		}
	}
	return -1;
}
