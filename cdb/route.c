/* route.c - the half of config.h that decides about recipients */
#include "cdb/ask.h"
#include "cdb/config.h"
#include "cdb/grammar.h"
#include "cdb/keys.h"

/* Longer names would fit few file systems with what a delivery puts behind
 * them. */
enum { LOCAL_MAX = 200 };

static bool
find_local(const struct config *c, struct ask *a, struct map_record *r)
{
	return ask_find(c, KEYS_TABLE(KEYS_LOCALS), a->domain, r);
}

static bool
find_rcpthost(const struct config *c, struct ask *a, struct map_record *r)
{
	const struct slice table = KEYS_TABLE(KEYS_RCPTHOSTS);

	return ask_find(c, table, a->domain, r) ||
	       ask_find_suffix(c, table, a, r);
}

static bool
find_user(const struct config *c, struct ask *a, struct map_record *r)
{
	return ask_find(c, KEYS_TABLE(KEYS_USERS), a->full, r) ||
	       ask_find(c, SLICE(KEYS_USERS "\0*@"), a->domain, r);
}

static bool
find_route(const struct config *c, struct ask *a, struct map_record *r)
{
	const struct slice table = KEYS_TABLE(KEYS_ROUTES);

	return ask_find(c, table, a->full, r) ||
	       ask_find(c, table, a->domain, r) ||
	       ask_find_suffix(c, table, a, r) ||
	       map_find(c->map, SLICE(KEYS_ROUTES "\0*"), 0, r);
}

static bool
line_of(const struct map_record *r, struct slice *source)
{
	struct slice value;

	keys_open(r->value, &value, source);
	return true;
}

bool
config_local_line(const struct config *c, struct slice domain,
		  struct slice *source)
{
	struct map_record r;
	struct ask a;

	return ask_domain(&a, domain) && find_local(c, &a, &r) &&
	       line_of(&r, source);
}

bool
config_local(const struct config *c, struct slice domain)
{
	struct slice source;

	return config_local_line(c, domain, &source);
}

bool
config_rcpthost_line(const struct config *c, struct slice domain,
		     struct slice *source)
{
	struct map_record r;
	struct ask a;

	return ask_domain(&a, domain) && find_rcpthost(c, &a, &r) &&
	       line_of(&r, source);
}

bool
config_rcpthost(const struct config *c, struct slice domain)
{
	struct slice source;

	return config_rcpthost_line(c, domain, &source);
}

/* mailboxes */

/* Can it be a part of a path, and of a list of words? */
static bool
path_safe(struct slice local)
{
	size_t i;

	for (i = 0; i < local.len; i++)
		if ((unsigned char)local.at[i] <= ' ' || local.at[i] == '/' ||
		    local.at[i] == 0x7f)
			return false;
	return local.len > 0 && local.len <= LOCAL_MAX && local.at[0] != '.';
}

static bool
wants_local(struct slice mailbox)
{
	size_t i;

	for (i = 0; i + 1 < mailbox.len; i++)
		if (mailbox.at[i] == '%' && mailbox.at[i + 1] == 'u')
			return true;
	return false;
}

/* Only %u and %d have a '%' (grammar_mailbox_fault). */
static void
expand(struct buf *out, struct slice mailbox, const struct ask *a)
{
	size_t i;

	for (i = 0; i < mailbox.len; i++)
		if (mailbox.at[i] != '%' || i + 1 == mailbox.len)
			buf_putc(out, mailbox.at[i]);
		else
			buf_puts(out,
				 mailbox.at[++i] == 'u' ? a->local : a->domain);
}

/* deciding */

char
config_accepts(const struct config *c, unsigned rights, struct slice rcpt,
	       const char **why_r)
{
	struct slice mailbox, source;
	struct map_record r;
	struct ask a;

	if (!ask_address(&a, c, rcpt)) {
		*why_r = "this is not an address (#5.1.3)";
		return 'D';
	}
	if (find_local(c, &a, &r)) {
		if (!find_user(c, &a, &r)) {
			*why_r = "no mailbox here by that name (#5.1.1)";
			return 'D';
		}
		keys_open(r.value, &mailbox, &source);
		if (wants_local(mailbox) && !path_safe(a.local)) {
			*why_r = "this cannot be a mailbox's name (#5.1.3)";
			return 'D';
		}
		return 'K';
	}
	if (!(rights & CONFIG_RELAY) && !find_rcpthost(c, &a, &r)) {
		*why_r = "I do not relay there for you (#5.7.1)";
		return 'D';
	}
	/* The suffixes of rcpthosts have overwritten the domain. */
	if (!ask_address(&a, c, rcpt) || !find_route(c, &a, &r)) {
		*why_r = "this node's tables have no route there (#4.4.4)";
		return 'Z';
	}
	return 'K';
}

static void
route_user(const struct config *c, struct ask *a, struct buf *room,
	   struct config_route *route)
{
	struct slice mailbox;
	struct map_record r;

	if (!find_user(c, a, &r)) {
		route->decision = CONFIG_NOBODY;
		return;
	}
	keys_open(r.value, &mailbox, &route->source);
	route->key = slice_from(r.key, sizeof KEYS_USERS);
	if (wants_local(mailbox) && !path_safe(a->local)) {
		route->decision = CONFIG_BADPART;
		return;
	}
	expand(room, mailbox, a);
	route->nexthops = buf_slice(room);
	route->decision = CONFIG_NEXTHOPS;
}

/* "qmtp:b:209 smtp:mx retry=10": the options are the words from the first
 * one with '=' on; next hops have none. */
static void
take_options(struct config_route *route)
{
	struct slice all = route->nexthops, rest = all, word;
	uint64_t n;

	while ((word = slice_word(&rest)).len > 0 && !grammar_is_option(word))
		;
	if (word.len == 0)
		return;
	rest = slice_from(all, (size_t)(word.at - all.at));
	route->nexthops = slice_trim(slice_of(all.at, all.len - rest.len));
	if (grammar_option(rest, "concurrency", &n))
		route->concurrency = (uint32_t)n;
	if (grammar_option(rest, "rate", &n))
		route->rate = (uint32_t)n;
	if (grammar_option(rest, "retry", &n))
		route->retry = (uint32_t)n;
	if (grammar_option(rest, "lifetime", &n))
		route->lifetime_s = (int64_t)n;
}

void
config_route(const struct config *c, struct slice rcpt, struct buf *room,
	     struct config_route *route)
{
	struct map_record r;
	struct ask a;

	buf_clear(room);
	*route = (struct config_route){.decision = CONFIG_BADPART};
	if (!ask_address(&a, c, rcpt))
		return;
	if (find_local(c, &a, &r)) {
		line_of(&r, &route->source);
		route->key = slice_from(r.key, sizeof KEYS_LOCALS);
		route_user(c, &a, room, route);
		return;
	}
	if (!find_route(c, &a, &r)) {
		route->decision = CONFIG_NOROUTE;
		return;
	}
	keys_open(r.value, &route->nexthops, &route->source);
	take_options(route);
	route->key = slice_from(r.key, sizeof KEYS_ROUTES);
	route->decision = CONFIG_NEXTHOPS;
	if (slice_eq(route->nexthops, SLICE("hold")))
		route->decision = CONFIG_HOLD;
	else if (slice_eq(route->nexthops, SLICE("discard")))
		route->decision = CONFIG_DISCARD;
}
