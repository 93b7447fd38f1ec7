/* route.c - the half of config.h that decides about recipients */
#include "cdb/ask.h"
#include "cdb/config.h"
#include "cdb/digest.h"
#include "cdb/keys.h"
#include "cdb/route_parts.h"

/* Longer names would fit few file systems with what a delivery puts behind
 * them. */
enum { LOCAL_MAX = 200 };

static bool
find_local(const struct config *c, const struct ask *a, struct map_record *r)
{
	unsigned bit = keys_filter_bit(digest_hash(a->domain));

	if (c->locals.len != KEYS_FILTER ||
	    !(c->locals.at[bit / 8] & 1 << bit % 8))
		return false;
	return ask_find(c, KEYS_TABLE(KEYS_LOCALS), a->domain, r);
}

static bool
find_rcpthost(const struct config *c, const struct ask *a, struct map_record *r)
{
	const struct slice table = KEYS_TABLE(KEYS_RCPTHOSTS);

	return ask_find(c, table, a->domain, r) ||
	       ((c->has & KEYS_HAS_RCPTHOST_SUFFIXES) &&
		ask_find_suffix(c, table, KEYS_DEPTHS_RCPTHOSTS, a->domain, r));
}

/* virtualdomains: the full address, the domain, its suffixes, then nothing.
 * A line that puts nothing in front is an exception. */
static bool
find_virtual(const struct config *c, const struct ask *a, struct map_record *r)
{
	const struct slice table = KEYS_TABLE(KEYS_VIRTUALDOMAINS);
	struct slice prepend, source;

	if (!(c->has & KEYS_HAS_VIRTUALDOMAINS) ||
	    (!ask_find(c, table, a->full, r) &&
	     !ask_find(c, table, a->domain, r) &&
	     !ask_find_suffix(c, table, KEYS_DEPTHS_VIRTUALDOMAINS, a->domain,
			      r) &&
	     !ask_find(c, table, SLICE(""), r)))
		return false;
	keys_open(r->value, &prepend, &source);
	return prepend.len > 0;
}

/* Does any line of users have a prefix so long? */
static bool
is_prefix_length(const struct config *c, size_t len)
{
	return c->extensions.len != KEYS_EXTENSIONS ||
	       keys_has_bit(c->extensions.at, KEYS_EXTENSIONS, len);
}

/* PREFIX-*@domain, longest prefix first */
static bool
find_extension(const struct config *c, const struct ask *a,
	       struct map_record *r)
{
	char key[ASK_MAX + 2];
	size_t i, domain = a->full.len - a->local.len; /* with its '@' */

	for (i = a->local.len; i-- > 0;) {
		if (a->local.at[i] != '-' || !is_prefix_length(c, i + 1))
			continue;
		memcpy(key, a->local.at, i + 1);
		key[i + 1] = '*';
		memcpy(key + i + 2, a->full.at + a->local.len, domain);
		if (ask_find(c, KEYS_TABLE(KEYS_USERS),
			     slice_of(key, i + 2 + domain), r))
			return true;
	}
	return false;
}

static bool
find_user(const struct config *c, const struct ask *a, struct map_record *r)
{
	return ask_find(c, KEYS_TABLE(KEYS_USERS), a->full, r) ||
	       ((c->has & KEYS_HAS_EXTENSIONS) && find_extension(c, a, r)) ||
	       ask_find(c, SLICE(KEYS_USERS "\0*@"), a->domain, r);
}

/* routes of senders */

/* Who asks; NULL: nobody says. */
struct asker {
	bool is_bounce;
	struct ask ask;
};

static bool
find_pair(const struct config *c, struct slice pattern, struct slice from,
	  struct map_record *r)
{
	char key[2 * ASK_MAX];

	memcpy(key, pattern.at, pattern.len);
	key[pattern.len] = 0;
	memcpy(key + pattern.len + 1, from.at, from.len);
	return ask_find(c, KEYS_TABLE(KEYS_ROUTESBY),
			slice_of(key, pattern.len + 1 + from.len), r);
}

static bool
find_by_sender(const struct config *c, const struct asker *s,
	       struct slice pattern, struct map_record *r)
{
	struct ask_suffixes suffixes;
	struct slice domain;

	if (!(c->has & KEYS_HAS_SENDERS) ||
	    !ask_find(c, KEYS_TABLE(KEYS_ROUTESBY), pattern, r))
		return false;
	if (!s) /* of some sender there is one */
		return true;
	if (s->is_bounce)
		return find_pair(c, pattern, SLICE("<>"), r);
	domain = s->ask.domain;
	if (find_pair(c, pattern, s->ask.full, r) ||
	    find_pair(c, pattern, domain, r))
		return true;
	ask_suffixes(&suffixes, c, KEYS_DEPTHS_SENDERS, domain);
	while (ask_next_suffix(&suffixes, &domain))
		if (find_pair(c, pattern, domain, r))
			return true;
	return false;
}

/* Whose routes count? */
enum senders { NOBODY, ONE, ANYBODY };

struct question {
	const struct config *c;
	const struct asker *asker; /* of ONE */
	enum senders senders;
	struct map_record *r;
};

static bool
fits(const struct question *q, struct slice pattern)
{
	if (q->senders != NOBODY &&
	    find_by_sender(q->c, q->senders == ONE ? q->asker : NULL, pattern,
			   q->r))
		return true;
	return ask_find(q->c, KEYS_TABLE(KEYS_ROUTES), pattern, q->r);
}

/* This host, for everybody (RFC 6761): a route for all domains is for none of
 * these. Another host would take them for itself, and send them round. */
static bool
is_localhost(struct slice domain)
{
	const struct slice name = SLICE("localhost"),
			   below = SLICE(".localhost");

	return slice_eq(domain, name) ||
	       slice_eq(domain, SLICE("localhost.localdomain")) ||
	       (domain.len > below.len &&
		slice_eq(slice_from(domain, domain.len - below.len), below));
}

static bool
find_route(const struct question *q, const struct ask *a)
{
	struct ask_suffixes suffixes;
	struct slice suffix;

	if ((q->c->has & KEYS_HAS_ROUTED_ADDRESSES) && fits(q, a->full))
		return true;
	if (fits(q, a->domain))
		return true;
	if (q->c->has & KEYS_HAS_ROUTED_SUFFIXES) {
		ask_suffixes(&suffixes, q->c, KEYS_DEPTHS_ROUTES, a->domain);
		while (ask_next_suffix(&suffixes, &suffix))
			if (fits(q, suffix))
				return true;
	}
	return !is_localhost(a->domain) && fits(q, SLICE("*"));
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

bool
config_virtual(const struct config *c, struct slice address,
	       struct slice *prepend, struct slice *source)
{
	struct map_record r;
	struct ask a;

	if (!ask_address(&a, c, address) || !find_virtual(c, &a, &r))
		return false;
	keys_open(r.value, prepend, source);
	return true;
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

/* The address that virtualdomains makes of another: PREPEND-LOCAL@me. */
static bool
ask_virtual(struct ask *to, const struct config *c, const struct ask *a,
	    const struct map_record *r)
{
	struct slice prepend, source, me = config_me(c);
	char address[2 * ASK_MAX];
	size_t len;

	keys_open(r->value, &prepend, &source);
	len = prepend.len + 1 + a->local.len + 1 + me.len;
	if (len > ADDRESS_MAX)
		return false;
	memcpy(address, prepend.at, prepend.len);
	address[prepend.len] = '-';
	memcpy(address + prepend.len + 1, a->local.at, a->local.len);
	address[len - me.len - 1] = '@';
	memcpy(address + len - me.len, me.at, me.len);
	return ask_address(to, c, slice_of(address, len));
}

/* A domain of ours: is there a mailbox? */
static char
accepts_user(const struct config *c, const struct ask *a, const char **why_r)
{
	struct slice mailbox, source;
	struct map_record r;

	if (!find_user(c, a, &r)) {
		*why_r = "no mailbox here by that name (#5.1.1)";
		return 'D';
	}
	keys_open(r.value, &mailbox, &source);
	if (wants_local(mailbox) && !path_safe(a->local)) {
		*why_r = "this cannot be a mailbox's name (#5.1.3)";
		return 'D';
	}
	return 'K';
}

static char
accepts_routed(const struct config *c, const struct ask *a, const char **why_r)
{
	const struct slice reject = SLICE("reject ");
	struct slice action, source;
	struct map_record r;
	struct question q = {c, NULL, NOBODY, &r};

	if (!find_route(&q, a)) {
		q.senders = ANYBODY;
		if (find_route(&q, a))
			return 'K';
		if (is_localhost(a->domain)) {
			*why_r = "no mailbox here by that name (#5.1.1)";
			return 'D';
		}
		*why_r = "this node's tables have no route there (#4.4.4)";
		return 'Z';
	}
	keys_open(r.value, &action, &source);
	if (slice_eq(action, SLICE("local")))
		return accepts_user(c, a, why_r);
	if (!slice_starts(action, reject))
		return 'K';
	*why_r = slice_trim(slice_from(action, reject.len)).at;
	return 'D';
}

char
config_accepts(const struct config *c, unsigned rights, struct slice rcpt,
	       const char **why_r)
{
	struct slice targets, source;
	struct map_record r;
	struct ask a, to;
	bool is_alias;

	if (!ask_address(&a, c, rcpt)) {
		*why_r = "this is not an address (#5.1.3)";
		return 'D';
	}
	if (config_needs(c) & CONFIG_NEEDS_LEAFDOOR) {
		*why_r = "I do not relay there for you (#5.7.1)";
		return rights & CONFIG_RELAY ? 'K' : 'D';
	}
	is_alias = config_alias(c, rcpt, &targets, &source);
	if (find_local(c, &a, &r))
		return is_alias ? 'K' : accepts_user(c, &a, why_r);
	if (find_virtual(c, &a, &r)) {
		/* The line for all domains accepts none by itself. */
		bool for_all = r.key.len == sizeof KEYS_VIRTUALDOMAINS;
		struct map_record host;

		if (for_all && !(rights & CONFIG_RELAY) &&
		    !find_rcpthost(c, &a, &host)) {
			*why_r = "I do not relay there for you (#5.7.1)";
			return 'D';
		}
		if (is_alias)
			return 'K';
		if (ask_virtual(&to, c, &a, &r))
			return accepts_user(c, &to, why_r);
		*why_r = "this address is too long here (#5.1.3)";
		return 'D';
	}
	if (!(rights & CONFIG_RELAY) && !find_rcpthost(c, &a, &r)) {
		*why_r = "I do not relay there for you (#5.7.1)";
		return 'D';
	}
	return is_alias ? 'K' : accepts_routed(c, &a, why_r);
}

static void
route_user(const struct config *c, const struct ask *a, struct buf *room,
	   struct config_route *route)
{
	size_t before = room->len;
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
	route->nexthops = slice_from(buf_slice(room), before);
	route->decision = CONFIG_NEXTHOPS;
}

static void
route_virtual(const struct config *c, const struct ask *a,
	      const struct map_record *r, struct buf *room,
	      struct config_route *route)
{
	struct slice prepend;
	struct ask to;

	keys_open(r->value, &prepend, &route->source);
	route->virtual_source = route->source;
	route->key = slice_from(r->key, sizeof KEYS_VIRTUALDOMAINS);
	if (!ask_virtual(&to, c, a, r))
		return; /* CONFIG_BADPART */
	buf_puts(room, to.full);
	route_user(c, &to, room, route);
	route->rewritten = slice_of(buf_slice(room).at, to.full.len);
}

/* The key of routes or routesby, without its table. */
static void
name_route(struct config_route *route, const struct map_record *r)
{
	const struct slice by = KEYS_TABLE(KEYS_ROUTESBY);
	size_t nul;

	if (!slice_starts(r->key, by)) {
		route->key = slice_from(r->key, sizeof KEYS_ROUTES);
		return;
	}
	route->key = slice_from(r->key, by.len);
	nul = slice_find(route->key, 0);
	route->from = slice_from(route->key, nul + 1);
	route->key.len = nul;
}

static void
route_by_tables(const struct question *q, const struct ask *a, struct buf *room,
		struct config_route *route)
{
	if (!find_route(q, a)) {
		route->decision =
		    is_localhost(a->domain) ? CONFIG_NOBODY : CONFIG_NOROUTE;
		return;
	}
	keys_open(q->r->value, &route->nexthops, &route->source);
	name_route(route, q->r);
	if (slice_eq(route->nexthops, SLICE("local"))) {
		route->nexthops = SLICE("");
		route_user(q->c, a, room, route);
	} else {
		route_act(route);
		if (route->decision == CONFIG_NEXTHOPS)
			route_limits(q->c, a->domain, route);
	}
}

static void
decide(const struct question *q, struct slice rcpt, struct buf *room,
       struct config_route *route)
{
	const struct config *c = q->c;
	struct ask a;

	buf_clear(room);
	*route = (struct config_route){.decision = CONFIG_BADPART};
	if (!ask_address(&a, c, rcpt))
		return;
	if (find_local(c, &a, q->r)) {
		line_of(q->r, &route->source);
		route->key = slice_from(q->r->key, sizeof KEYS_LOCALS);
		route_user(c, &a, room, route);
	} else if (find_virtual(c, &a, q->r)) {
		struct map_record found = *q->r;

		route_virtual(c, &a, &found, room, route);
	} else {
		route_by_tables(q, &a, room, route);
	}
	if (route->lifetime_s == 0)
		route_lifetime(c, route);
}

void
config_route(const struct config *c, struct slice rcpt, struct buf *room,
	     struct config_route *route)
{
	struct map_record r;
	struct question q = {c, NULL, NOBODY, &r};

	decide(&q, rcpt, room, route);
}

void
config_route_from(const struct config *c, struct slice sender,
		  struct slice rcpt, struct buf *room,
		  struct config_route *route)
{
	struct asker asker;
	struct map_record r;
	struct question q = {c, &asker, ONE, &r};

	asker.is_bounce = sender.len == 0;
	if (!(c->has & KEYS_HAS_SENDERS) ||
	    (sender.len > 0 && !ask_address(&asker.ask, c, sender)))
		q.senders = NOBODY;
	decide(&q, rcpt, room, route);
}
