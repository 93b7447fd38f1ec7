#include "queue/aliases.h"

#include "lib/address.h"
#include "lib/die.h"
#include "lib/dsn.h"
#include "lib/log.h"
#include "lib/netstring.h"
#include "queue/met.h"

#include <stdlib.h>

enum { MET_MAX = 2 * ALIASES_MAX /* on the way, and named by the client */ };

enum kind { MADE = 'm', EXPANDED = 'x' };

struct expansion {
	const struct config *config;
	uint64_t id;
	struct buf out; /* netstrings: the new recipients */
	uint32_t n;	/* of those */
	struct met met; /* addresses, of either kind */
	struct slice way[ALIASES_DEPTH_MAX]; /* that led here */
	size_t depth;
	const struct hops *hops; /* where the message has been */
	struct buf vias;	 /* struct via each, in the order met */
	unsigned n_single;
	struct buf loops; /* indices, with commas between */
	uint32_t n_loops;
	bool is_said;	    /* that it loops */
	struct buf dropped; /* netstrings: an address, and by which line */
	struct buf name;
};

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
log_alias(const struct expansion *x, const char *event, struct slice address,
	  struct slice source)
{
	log_open(event);
	log_id("id", x->id);
	log_bytes("rcpt", address);
	log_bytes("by", source);
	log_close();
}

/* As it is written into the text, and found there again. */
static struct slice
full_name(struct expansion *x, struct slice address)
{
	struct slice local, domain;

	buf_clear(&x->name);
	address_put_lower(&x->name, address);
	if (!address_split(address, &local, &domain)) {
		buf_putc(&x->name, '@');
		buf_puts(&x->name, config_me(x->config));
	}
	return buf_slice(&x->name);
}

/* A sender who is told of a loop already gets no second bounce. */
static void
put_loop(struct expansion *x, struct slice address, struct slice source)
{
	log_alias(x, "alias-loop", address, source);
	if (x->is_said) {
		netstring_put(&x->dropped, address);
		netstring_put(&x->dropped, source);
		return;
	}
	if (x->n_loops++ > 0)
		buf_putc(&x->loops, ',');
	buf_number(&x->loops, x->n);
	put_rcpt(x, address);
}

static void
log_dropped(const struct expansion *x)
{
	struct slice rest = buf_slice(&x->dropped), address, source;

	while (netstring_slice(&rest, &address) == 0 &&
	       netstring_slice(&rest, &source) == 0)
		log_alias(x, "dropped", address, source);
}

static bool
is_single(struct slice targets)
{
	slice_word(&targets);
	return slice_word(&targets).len == 0;
}

/* Those of it stand between: the number of its struct via is returned. */
static size_t
via_begin(struct expansion *x, struct slice address)
{
	const struct via v = {.first = x->n, .alias = address};

	buf_put(&x->vias, &v, sizeof v);
	return x->vias.len / sizeof v - 1;
}

static struct via *
via_at(struct expansion *x, size_t i)
{
	return (struct via *)(void *)(x->vias.mem + x->vias.off) + i;
}

static int
put(struct expansion *x, struct slice address);

static int
put_targets(struct expansion *x, struct slice address, struct slice targets)
{
	bool leaves_name =
	    !is_single(targets) || x->n_single++ < ALIASES_SINGLE_MAX;
	size_t via = leaves_name ? via_begin(x, address) : 0;
	struct slice one;
	int r = 0;

	x->way[x->depth++] = address;
	while (r == 0 && (one = slice_word(&targets)).len > 0)
		r = put(x, one);
	x->depth--;
	if (leaves_name)
		via_at(x, via)->end = x->n;
	return r;
}

/* Was this the copy that the alias kept, at this hub? */
static bool
kept_before(struct expansion *x, struct slice address)
{
	if (x->hops->kept.len == 0)
		return false;
	full_name(x, address);
	buf_putc(&x->name, ' ');
	buf_puts(&x->name, config_me(x->config));
	return hops_kept(x->hops, buf_slice(&x->name));
}

/* Is it the end of the way, one who gets the message? */
static bool
is_last(struct expansion *x, struct slice address, struct slice *targets,
	struct slice *source)
{
	return x->depth == ALIASES_DEPTH_MAX || on_the_way(x, address) ||
	       !config_alias(x->config, address, targets, source) ||
	       kept_before(x, address);
}

static int
put(struct expansion *x, struct slice address)
{
	struct slice targets, source;
	bool last = is_last(x, address, &targets, &source);
	int r;

	if (last && x->depth == 0) {
		put_rcpt(x, address);
		return 0;
	}
	r = met_enter(&x->met, last ? MADE : EXPANDED, address, MET_MAX);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (last)
		put_rcpt(x, address);
	else if (hops_delivered(x->hops, full_name(x, address)))
		put_loop(x, address, source);
	else {
		log_alias(x, "alias", address, source);
		return put_targets(x, address, targets);
	}
	return 0;
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

/* Which tables these are; never 0. */
static uint64_t
edition(const struct config *c)
{
	return ((uint64_t)c->mtime_ns ^ (uint64_t)c->inode << 1) | 1;
}

void
aliases_look(const struct config *c, struct incoming *in, struct slice rcpt)
{
	struct slice targets, source;

	if (in->n_rcpts == 1)
		in->looked = edition(c);
	else if (in->looked != edition(c))
		in->looked = 0;
	in->has_alias |= config_alias(c, rcpt, &targets, &source);
}

static bool
concerns(const struct config *c, const struct incoming *in)
{
	return in->looked == edition(c) ? in->has_alias
					: has_any(c, buf_slice(&in->rcpts));
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

static uint32_t
copies_before(const struct expansion *x)
{
	return x->hops->expanded > 1 ? x->hops->expanded : 1;
}

/* What the message keeps of the way. */
static void
put_vias(struct expansion *x, struct buf *attrs)
{
	struct buf attr = {0};
	size_t i, n = x->vias.len / sizeof(struct via);

	for (i = 0; i < n; i++) {
		struct via v = *via_at(x, i);

		if (v.first == v.end)
			continue;
		v.alias = full_name(x, v.alias);
		via_put(attrs, &v);
	}
	if (n > 0) {
		buf_text(&attr, "expanded=");
		buf_number(&attr, copies_before(x));
		buf_putc(&attr, ' ');
		buf_puts(&attr, config_me(x->config));
		netstring_put(attrs, buf_slice(&attr));
	}
	if (x->n_loops > 0) {
		buf_clear(&attr);
		buf_text(&attr, "loops=");
		buf_puts(&attr, buf_slice(&x->loops));
		netstring_put(attrs, buf_slice(&attr));
	}
	buf_free(&attr);
}

/* Each of the client's recipients, and where those of it begin. */
static enum aliases_result
expand_all(struct expansion *x, struct slice rcpts, uint32_t *first)
{
	uint64_t copies = copies_before(x);
	struct slice one;
	uint32_t i = 0;

	while (netstring_slice(&rcpts, &one) == 0) {
		if (put(x, one) != 0 || x->n > ALIASES_MAX)
			return ALIASES_MANY;
		first[++i] = x->n;
		if (first[i] - first[i - 1] > 1 &&
		    copies * (first[i] - first[i - 1]) > ALIASES_COPIES_MAX)
			return ALIASES_LOOP;
	}
	if (x->n == 0)
		return ALIASES_AGAIN;
	return x->n_loops < x->n ? ALIASES_DONE : ALIASES_LOOP;
}

/* Aliases lead to none of those that the client names itself. */
static int
enter_named(struct expansion *x, struct slice rcpts)
{
	struct slice one, targets, source;

	while (netstring_slice(&rcpts, &one) == 0)
		if (is_last(x, one, &targets, &source) &&
		    met_enter(&x->met, MADE, one, MET_MAX) < 0)
			return -1;
	return 0;
}

static void
take(struct expansion *x, struct incoming *in, const uint32_t *first)
{
	renumber(in, first);
	put_vias(x, &in->attrs); /* its names are in in->rcpts */
	buf_free(&in->rcpts);
	in->rcpts = x->out;
	in->n_rcpts = x->n;
	x->out = (struct buf){0};
}

enum aliases_result
aliases_expand(const struct config *c, const uint8_t key[SIPHASH_KEY],
	       struct aliases_said *said, struct incoming *in)
{
	struct expansion x = {
	    .config = c, .id = in->id, .met = {.key = key}, .hops = &in->hops};
	enum aliases_result r;
	uint32_t *first;

	if (!concerns(c, in))
		return ALIASES_DONE;
	first = calloc(in->n_rcpts + 1, sizeof *first);
	if (!first)
		die_nomem();
	x.is_said = aliases_is_said(said, key, in);
	r = enter_named(&x, buf_slice(&in->rcpts)) == 0
		? expand_all(&x, buf_slice(&in->rcpts), first)
		: ALIASES_MANY;
	if (x.n_loops > 0 && r != ALIASES_MANY)
		aliases_say(said, key, in);
	if (r == ALIASES_DONE || r == ALIASES_AGAIN) /* else none is */
		log_dropped(&x);
	if (r == ALIASES_DONE)
		take(&x, in, first);
	free(first);
	met_free(&x.met);
	buf_free(&x.out);
	buf_free(&x.vias);
	buf_free(&x.loops);
	buf_free(&x.dropped);
	buf_free(&x.name);
	return r;
}
