#include "smtp-gateway/lookup.h"

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/owner.h"

enum { SERVERS_MAX = 120 }; /* bytes of them in a reply */

/* Each answer tells something of the domain, or of who answers. */
static void
note(struct lookup *l)
{
	l->exists |= l->query.exists;
	l->is_unheard |= l->query.is_unheard;
}

static void
finish(struct lookup *l, char code, const char *before, const char *after)
{
	char text[VERDICT_TEXT_MAX];
	size_t n = 0;
	const char *parts[] = {before, l->domain, after};
	size_t i;

	for (i = 0; i < 3; i++) {
		size_t len = strlen(parts[i]);

		if (len > sizeof text - n)
			len = sizeof text - n;
		memcpy(text + n, parts[i], len);
		n += len;
	}
	verdict_set(&l->verdict, code, slice_of(text, n));
	l->done(l);
}

static void
loops_back(struct lookup *l)
{
	finish(l, 'D', "mail for ", " loops back (#5.4.6)");
}

/* It may be right, and the table wrong. */
static void
keeps_to_itself(struct lookup *l)
{
	finish(l, 'Z', "the mail host of ",
	       " is in a private network, and mxnetworks does not name it "
	       "(#4.4.4)");
}

/* Is this address of no use for what we look for? */
static enum self
self_of(const struct lookup *l, const struct endpoint *e)
{
	struct endpoint numeric;

	if (l->is_mx)
		return self_address(l->by.config, e, l->by.is_test);
	/* a route means what it says, but a name may have moved */
	return endpoint_parse(&numeric, slice_text(l->domain), 1) != 0 &&
		       self_serves(l->by.config, e)
		   ? SELF_US
		   : SELF_NOT;
}

/* The worst of what its addresses are. */
static enum self
add(struct lookup *l, struct slice name, uint16_t preference)
{
	enum self all = SELF_NOT, self;
	size_t i;

	for (i = 0; i < l->query.n_addresses && l->targets.n < TARGETS_MAX;
	     i++) {
		struct target *t = &l->targets.at[l->targets.n];

		self = self_of(l, &l->query.addresses[i]);
		all = self > all ? self : all;
		l->loops |= self > SELF_PRIVATE;
		l->is_private |= self == SELF_PRIVATE;
		if (self != SELF_NOT)
			continue;
		t->to = l->query.addresses[i];
		t->preference = preference;
		t->name_len = (uint8_t)name.len;
		memcpy(t->name, name.at, name.len);
		l->targets.n++;
	}
	return all;
}

/* No usable answer: whether any server is there at all is what an
 * administrator needs first. */
static void
not_now(struct lookup *l, const char *what)
{
	struct buf after = {0}, servers = {0};

	if (l->is_unheard) {
		dns_servers(l->by.dns, &servers);
		buf_text(&after, " now: no name server answers (asked: ");
		buf_puts(&after,
			 slice_of(buf_slice(&servers).at,
				  servers.len < SERVERS_MAX ? servers.len
							    : SERVERS_MAX));
		buf_text(&after, ") (#4.4.3)");
	} else {
		buf_text(&after, " now (#4.4.3)");
	}
	buf_putc(&after, 0);
	finish(l, 'Z', what, after.mem);
	buf_free(&after);
	buf_free(&servers);
}

/* addresses of a smarthost, or of a domain without MX */

static void
own_addresses(struct dns_query *q)
{
	struct lookup *l = OWNER(q, struct lookup, query);

	note(l);
	if (q->result == DNS_FOUND)
		add(l, slice_text(l->domain), 0);
	if (l->targets.n > 0)
		l->done(l);
	else if (l->is_private)
		keeps_to_itself(l);
	else if (l->loops && l->is_mx)
		loops_back(l);
	else if (l->loops)
		finish(l, 'Z', "the smarthost ", " is this host (#4.4.6)");
	else if (q->result == DNS_SOFT || !l->is_mx)
		not_now(l, "cannot find the address of ");
	else if (l->exists)
		finish(l, 'D', "the domain ",
		       " has no mail host: neither MX nor address (#5.1.2)");
	else
		finish(l, 'D', "there is no domain ", " (#5.1.2)");
}

/* addresses of the MX hosts, one after the other */

static void
next_host(struct lookup *l);

/* It is us: no host that is not better. */
static void
cut_here(struct lookup *l)
{
	uint16_t preference = l->mx[l->next].preference;

	l->n_mx = l->next;
	while (l->targets.n > 0 &&
	       l->targets.at[l->targets.n - 1].preference == preference)
		l->targets.n--;
}

static void
host_addresses(struct dns_query *q)
{
	struct lookup *l = OWNER(q, struct lookup, query);
	const struct dns_mx *mx = &l->mx[l->next];

	note(l);
	if (q->result == DNS_SOFT)
		l->soft = true;
	if (q->result == DNS_FOUND &&
	    add(l, slice_text(mx->host), mx->preference) == SELF_US)
		cut_here(l);
	l->next++;
	next_host(l);
}

static void
skip_localhost(struct lookup *l)
{
	while (l->next < l->n_mx &&
	       self_name(l->by.config, l->by.helo,
			 slice_text(l->mx[l->next].host)) == SELF_NOWHERE) {
		l->loops = true;
		l->next++;
	}
}

static void
next_host(struct lookup *l)
{
	skip_localhost(l);
	if (l->next < l->n_mx && clock_ms() >= l->until_ms) {
		l->soft = true; /* the others have not been asked */
		l->n_mx = l->next;
	}
	if (l->next < l->n_mx && l->targets.n < TARGETS_MAX)
		dns_addresses(l->by.dns, &l->query,
			      slice_text(l->mx[l->next].host), l->port,
			      host_addresses);
	else if (l->targets.n > 0)
		l->done(l);
	else if (l->soft)
		not_now(l, "cannot find the MX hosts of ");
	else if (l->is_private)
		keeps_to_itself(l);
	else if (l->loops)
		loops_back(l);
	else
		finish(l, 'Z', "no MX host of ", " has an address (#4.4.4)");
}

static bool
is_me(const struct lookup *l, struct slice host)
{
	return self_name(l->by.config, l->by.helo, host) == SELF_US;
}

/* Never to ourselves, nor to hosts that would only send it to us. */
static void
cut_at_me(struct lookup *l)
{
	size_t i, n = l->n_mx;

	for (i = 0; i < l->n_mx; i++) {
		if (!is_me(l, slice_text(l->mx[i].host)))
			continue;
		for (n = 0; l->mx[n].preference < l->mx[i].preference; n++)
			;
		break;
	}
	l->n_mx = n;
}

static void
mx_hosts(struct dns_query *q)
{
	struct lookup *l = OWNER(q, struct lookup, query);

	note(l);
	if (q->result == DNS_SOFT) {
		not_now(l, "cannot find the MX of ");
		return;
	}
	if (q->result == DNS_NONE) {
		if (is_me(l, slice_text(l->domain)))
			loops_back(l);
		else
			dns_addresses(l->by.dns, q, slice_text(l->domain),
				      l->port, own_addresses);
		return;
	}
	l->n_mx = q->n_mx;
	memcpy(l->mx, q->mx, q->n_mx * sizeof q->mx[0]);
	if (l->n_mx == 1 && l->mx[0].host[0] == '\0') {
		finish(l, 'D', "", " takes no mail (#5.1.10)");
		return;
	}
	cut_at_me(l);
	if (l->n_mx == 0)
		loops_back(l);
	else
		next_host(l);
}

static void
start(struct lookup *l, const struct asker *by, struct slice name,
      uint16_t port, void (*done)(struct lookup *))
{
	l->by = *by;
	l->port = port;
	l->done = done;
	l->until_ms = clock_ms() + LOOKUP_MS;
	if (name.len > DNS_NAME_MAX)
		name.len = DNS_NAME_MAX; /* then there is no such name */
	memcpy(l->domain, name.at, name.len);
	l->domain[name.len] = '\0';
}

void
lookup_smarthost(struct lookup *l, const struct asker *by, struct slice name,
		 uint16_t port, void (*done)(struct lookup *))
{
	start(l, by, name, port, done);
	dns_addresses(by->dns, &l->query, slice_text(l->domain), port,
		      own_addresses);
}

/* Of localhost nobody is asked; the answer comes as any other. */
void
lookup_domain(struct lookup *l, const struct asker *by, struct slice name,
	      uint16_t port, void (*done)(struct lookup *))
{
	struct endpoint at;
	struct slice inner;

	start(l, by, name, port, done);
	l->is_mx = true;
	if (address_literal(name, &inner))
		name =
		    endpoint_parse(&at, inner, port) == 0 ? inner : SLICE("");
	else if (self_name(by->config, by->helo, name) == SELF_NOWHERE)
		name = SLICE("127.0.0.1");
	else
		name = SLICE("");
	if (name.len > 0)
		dns_addresses(by->dns, &l->query, name, port, own_addresses);
	else
		dns_mx(by->dns, &l->query, slice_text(l->domain), mx_hosts);
}

void
lookup_cancel(struct lookup *l)
{
	dns_cancel(&l->query);
}
