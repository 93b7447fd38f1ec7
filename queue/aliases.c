#include "queue/aliases.h"

#include "lib/die.h"
#include "lib/dsn.h"
#include "lib/log.h"
#include "lib/netstring.h"

#include <stdlib.h>

enum { SLOTS = 32768 }; /* more than twice ALIASES_MAX */

enum kind { MADE = 'm', EXPANDED = 'x' };

struct expansion {
	const struct config *config;
	const uint8_t *key;
	uint64_t id;
	struct buf out;	    /* netstrings: the new recipients */
	uint32_t n, n_seen; /* of those; in slots */
	struct buf seen;    /* a kind and an address each */
	struct place {
		uint32_t at, len; /* in seen; len 0: free */
	} * slots;
	struct slice way[ALIASES_DEPTH_MAX]; /* that led here */
	size_t depth;
};

/* Clients choose addresses too: none may make all of them collide. */
static size_t
hash(const struct expansion *x, char kind, struct slice address)
{
	uint8_t result[SIPHASH_SIZE];
	struct siphash h;

	siphash_init(&h, x->key);
	siphash_push(&h, slice_of(&kind, 1));
	siphash_push(&h, address);
	siphash_end(&h, result);
	return ((size_t)result[0] << 8 | result[1]) % SLOTS;
}

static bool
is_at(const struct expansion *x, const struct place *p, char kind,
      struct slice address)
{
	const char *at = buf_slice(&x->seen).at + p->at;

	return at[0] == kind && slice_eq(slice_of(at + 1, p->len - 1), address);
}

/* Was it there already? -1: no room for it. */
static int
enter(struct expansion *x, char kind, struct slice address)
{
	size_t i = hash(x, kind, address);

	if (!x->slots) {
		x->slots = calloc(SLOTS, sizeof *x->slots);
		if (!x->slots)
			die_nomem();
	}
	for (; x->slots[i].len > 0; i = (i + 1) % SLOTS)
		if (is_at(x, &x->slots[i], kind, address))
			return 1;
	if (x->n_seen == ALIASES_MAX)
		return -1;
	x->n_seen++;
	x->slots[i] =
	    (struct place){(uint32_t)x->seen.len, (uint32_t)address.len + 1};
	buf_putc(&x->seen, kind);
	buf_puts(&x->seen, address);
	return 0;
}

static void
put_rcpt(struct expansion *x, struct slice address)
{
	netstring_put(&x->out, address);
	x->n++;
}

static bool
on_the_way(const struct expansion *x, struct slice address)
{
	size_t i;

	for (i = 0; i < x->depth; i++)
		if (slice_case_eq(x->way[i], address))
			return true;
	return false;
}

static void
log_alias(const struct expansion *x, struct slice address, struct slice source)
{
	log_open("alias");
	log_id("id", x->id);
	log_bytes("rcpt", address);
	log_bytes("by", source);
	log_close();
}

static int
put(struct expansion *x, struct slice address)
{
	struct slice targets, source, one;
	bool is_last = x->depth == ALIASES_DEPTH_MAX ||
		       on_the_way(x, address) ||
		       !config_alias(x->config, address, &targets, &source);
	int r = 0;

	if (is_last && x->depth == 0) {
		put_rcpt(x, address);
		return 0;
	}
	r = enter(x, is_last ? MADE : EXPANDED, address);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (is_last) {
		put_rcpt(x, address);
		return 0;
	}
	log_alias(x, address, source);
	x->way[x->depth++] = address;
	while (r == 0 && (one = slice_word(&targets)).len > 0)
		r = put(x, one);
	x->depth--;
	return r;
}

static bool
has_any(const struct config *c, struct slice rcpts)
{
	struct slice one, targets, source;

	while (netstring_slice(&rcpts, &one) == 0)
		if (config_alias(c, one, &targets, &source))
			return true;
	return false;
}

/* One attribute of the n-th recipient for each that came of it. */
static void
pass_on(struct buf *attrs, struct slice key, struct slice value, uint32_t from,
	uint32_t to)
{
	struct buf attr = {0};

	for (; from < to; from++) {
		buf_clear(&attr);
		dsn_attr_put(&attr, key, from);
		buf_puts(&attr, value);
		netstring_put(attrs, buf_slice(&attr));
	}
	buf_free(&attr);
}

/* What was said of recipients by number is said of those that came of them;
 * not of a list's. first: where those of each recipient begin. */
static void
renumber(struct incoming *in, const uint32_t *first)
{
	struct slice rest = buf_slice(&in->attrs), one, key, value;
	struct buf attrs = {0};
	size_t n;

	while (netstring_slice(&rest, &one) == 0)
		if (!dsn_attr_split(one, &key, &n, &value))
			netstring_put(&attrs, one);
		else if (n < in->n_rcpts &&
			 first[n + 1] - first[n] <= ALIASES_REPORTED_MAX)
			pass_on(&attrs, key, value, first[n], first[n + 1]);
	buf_free(&in->attrs);
	in->attrs = attrs;
}

int
aliases_expand(const struct config *c, const uint8_t key[SIPHASH_KEY],
	       struct incoming *in)
{
	struct expansion x = {.config = c, .key = key, .id = in->id};
	struct slice rest = buf_slice(&in->rcpts), one;
	uint32_t *first, i = 0;
	int r = 0;

	if (!has_any(c, rest))
		return 0;
	first = calloc(in->n_rcpts + 1, sizeof *first);
	if (!first)
		die_nomem();
	while (r == 0 && netstring_slice(&rest, &one) == 0) {
		r = put(&x, one);
		first[++i] = x.n;
	}
	if (r == 0) {
		renumber(in, first);
		buf_free(&in->rcpts);
		in->rcpts = x.out;
		in->n_rcpts = x.n;
	} else {
		buf_free(&x.out);
	}
	free(first);
	free(x.slots);
	buf_free(&x.seen);
	return r;
}
