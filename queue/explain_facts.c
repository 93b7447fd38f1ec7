#include "queue/explain_facts.h"

#include "cdb/pools.h"
#include "lib/address.h"
#include "queue/decision.h"
#include "queue/say.h"

#include <stdio.h>

static const struct slice nothing = {"", 0};

void
explain_fact(struct explain *e, const char *what, struct slice value,
	     struct slice source, struct slice pattern)
{
	if (e->json) {
		printf("%s{\"what\":\"%s\",\"value\":", e->n_facts++ ? "," : "",
		       what + strspn(what, " "));
		say_json(value);
		if (source.len > 0) {
			printf(",\"line\":");
			say_json(source);
		}
		if (pattern.len > 0) {
			printf(",\"pattern\":");
			say_json(pattern);
		}
		putchar('}');
		return;
	}
	printf("%-10s", what);
	say_slice(value);
	if (source.len > 0) {
		printf("  [");
		say_slice(source);
		putchar(pattern.len ? ' ' : ']');
	}
	if (source.len > 0 && pattern.len > 0) {
		say_slice(pattern);
		putchar(']');
	}
	putchar('\n');
}

static void
tell(struct explain *e, const char *what, const char *value,
     struct slice source)
{
	explain_fact(e, what, slice_text(value), source, nothing);
}

/* who may send there */

static struct slice
line_that_accepts(const struct explain *e, struct slice domain)
{
	struct slice source;

	if (config_local_line(e->config, domain, &source) ||
	    config_rcpthost_line(e->config, domain, &source))
		return source;
	return nothing;
}

static void
tell_accepted(struct explain *e, struct slice address, struct slice domain)
{
	const char *who = e->has_client ? "accepted" : "stranger", *why;
	char code = config_accepts(e->config, e->rights, address, &why);
	struct slice source = line_that_accepts(e, domain);

	if (code == 'K') {
		tell(e, who, e->has_client ? "yes" : "may send here by SMTP",
		     source);
		return;
	}
	buf_clear(&e->scratch);
	buf_text(&e->scratch, e->has_client ? code == 'D' ? "no, is told: "
							  : "later, is told: "
					    : "is told by SMTP: ");
	buf_text(&e->scratch, why);
	explain_fact(e, who, buf_slice(&e->scratch), nothing, nothing);
}

/* what becomes of the address */

/* What this host's own sendmail would write instead, as a leaf. */
static void
tell_rewrites(struct explain *e, struct slice address)
{
	static const char *const whats[] = {"rcpt", "sender", "from"};
	struct slice source;
	struct buf out = {0};
	size_t i;

	for (i = 0; i < sizeof whats / sizeof *whats; i++) {
		buf_clear(&out);
		buf_text(&out, "as ");
		buf_text(&out, whats[i]);
		buf_text(&out, ": ");
		if (config_rewrite(e->config, whats[i], address, &out, &source))
			explain_fact(e, "rewritten", buf_slice(&out), source,
				     nothing);
	}
	buf_free(&out);
}

static void
tell_addresses(struct explain *e, struct slice address,
	       const struct config_route *r)
{
	struct slice value, source;

	explain_fact(e, "address", address, nothing, nothing);
	if (e->has_sender)
		explain_fact(e, "sender",
			     e->sender.len ? e->sender : SLICE("<>"), nothing,
			     nothing);
	if (config_alias(e->config, address, &value, &source))
		explain_fact(e, "alias", value, source, nothing);
	if (r->rewritten.len > 0)
		explain_fact(e, "virtual", r->rewritten, r->virtual_source,
			     nothing);
}

/* the way out */

static void
tell_agent(struct explain *e, struct slice hop)
{
	static const struct {
		const char *name, *agent;
	} agents[] = {{"qmtp", "qmtpc"},
		      {"qmtps", "qmtpc"},
		      {"smtp", "smtp-gateway out"},
		      {"maildir", "maildir"}};
	struct slice name = slice_of(hop.at, slice_find(hop, ':'));
	size_t i;

	for (i = 0; i < sizeof agents / sizeof *agents; i++)
		if (slice_eq(name, slice_text(agents[i].name))) {
			tell(e, "  agent", agents[i].agent, nothing);
			return;
		}
	buf_clear(&e->scratch);
	buf_text(&e->scratch, "the site's own, ");
	buf_puts(&e->scratch, name);
	explain_fact(e, "  agent", buf_slice(&e->scratch), nothing, nothing);
}

/* For smtp:mx the recipient's domain, else the host that is named. */
static struct slice
peer_of(struct slice hop, struct slice domain)
{
	size_t colon = slice_find(hop, ':'), last;
	struct slice host =
	    slice_from(hop, colon < hop.len ? colon + 1 : colon);

	if (slice_eq(hop, SLICE("smtp:mx")))
		return domain;
	host.len = slice_find(host, '/');
	last = slice_find_last(host, ':');
	return slice_of(host.at, last);
}

static void
tell_tls(struct explain *e, const struct config_route *r, struct slice hop,
	 struct slice domain)
{
	struct config_tls_line line;
	struct slice peer = peer_of(hop, domain);
	size_t slash = slice_find(hop, '/');

	if (slice_starts(hop, SLICE("maildir:")))
		return;
	if (slice_starts(hop, SLICE("qmtps:"))) {
		bool pinned = slash < hop.len;
		bool said = !pinned &&
			    config_tls_policy(e->config, peer, &line) &&
			    line.policy == CONFIG_TLS_VERIFY;

		if (said)
			pinned = line.pin.len > 0;
		tell(e, "  tls",
		     pinned ? "always, to the key of this pin"
			    : "always, with a valid certificate",
		     said ? line.source : r->source);
	} else if (slice_starts(hop, SLICE("qmtp:"))) {
		tell(e, "  tls", "none", r->source);
	} else if (r->tls != CONFIG_TLS_UNSAID) {
		tell(e, "  tls", config_tls_name(r->tls), r->source);
	} else if (config_tls_policy(e->config, peer, &line)) {
		tell(e, "  tls", config_tls_name(line.policy), line.source);
	} else {
		tell(e, "  tls", "nothing is said of it", nothing);
	}
}

/* What smtp-gateway knows before it asks anybody. */
static void
tell_literal(struct explain *e, struct slice hop, struct slice domain)
{
	struct endpoint at;
	struct slice inner, source;

	if (!slice_eq(hop, SLICE("smtp:mx")) ||
	    !address_literal(domain, &inner))
		return;
	if (endpoint_parse(&at, inner, 25) != 0) {
		tell(e, "  mx", "not an address: such mail is returned",
		     nothing);
		return;
	}
	switch (config_mx_address(e->config, &at, &source)) {
	case CONFIG_MX_GOOD: tell(e, "  mx", "that address", source); break;
	case CONFIG_MX_PRIVATE:
		tell(e, "  mx",
		     "none: a private network that mxnetworks does not name; "
		     "such mail waits",
		     nothing);
		break;
	case CONFIG_MX_NOWHERE:
		tell(e, "  mx",
		     "none: no host of others is there; such mail is returned",
		     nothing);
		break;
	}
}

static void
tell_hops(struct explain *e, const struct config_route *r, struct slice domain)
{
	struct slice rest = r->nexthops, hop;
	unsigned n = 0;

	while ((hop = slice_word(&rest)).len > 0) {
		uint32_t weight = config_weight(r, n++);

		buf_clear(&e->scratch);
		buf_puts(&e->scratch, hop);
		if (weight > 0) {
			buf_text(&e->scratch, ", weight ");
			buf_number(&e->scratch, weight);
		}
		explain_fact(e, "next hop", buf_slice(&e->scratch), r->source,
			     r->key);
		tell_agent(e, hop);
		tell_literal(e, hop, domain);
		tell_tls(e, r, hop, domain);
		explain_state(e, hop, domain);
	}
}

static void
tell_number(struct explain *e, const char *what, uint64_t n, const char *unit,
	    struct slice source)
{
	buf_clear(&e->scratch);
	buf_number(&e->scratch, n);
	buf_text(&e->scratch, unit);
	explain_fact(e, what, buf_slice(&e->scratch), source, nothing);
}

static const char *
unit_of(uint32_t per_s)
{
	return per_s == 60	? " a minute"
	       : per_s == 3600	? " an hour"
	       : per_s == 86400 ? " a day"
				: " a second";
}

static struct slice
either(struct slice special, struct slice of_route)
{
	return special.len > 0 ? special : of_route;
}

static void
tell_limits(struct explain *e, const struct config_route *r)
{
	if (r->concurrency)
		tell_number(e, "limit", r->concurrency, " at a time",
			    either(r->concurrency_source, r->source));
	if (r->pace.n)
		tell_number(e, "rate", r->pace.n, unit_of(r->pace.per_s),
			    either(r->rate_source, r->source));
	if (r->retry)
		tell_number(e, "retry", r->retry, "", r->source);
	if (r->lifetime_s)
		tell_number(e, "lifetime", (uint64_t)r->lifetime_s, " s",
			    either(r->lifetime_source, r->source));
	if (r->class.len > 0)
		explain_fact(e, "class", r->class, r->source, nothing);
	if (r->hold_bounces)
		tell(e, "bounces", "are held", r->source);
}

static void
tell_pool(struct explain *e, struct slice pool, struct slice source)
{
	struct pools_member m;
	unsigned n;

	explain_fact(e, "pool", pool, source, nothing);
	for (n = 0; pools_member(e->config, pool, n, &m); n++) {
		buf_clear(&e->scratch);
		buf_puts(&e->scratch, m.address);
		buf_text(&e->scratch, " as ");
		buf_puts(&e->scratch, m.helo);
		buf_text(&e->scratch, ", weight ");
		buf_number(&e->scratch, m.weight);
		if (m.curve.len > 0) {
			buf_text(&e->scratch, ", warming up by ");
			buf_puts(&e->scratch, m.curve);
		}
		explain_fact(e, "  source", buf_slice(&e->scratch), m.source,
			     nothing);
	}
}

static void
tell_sources(struct explain *e, const struct config_route *r)
{
	struct slice pool, source, name;
	unsigned n;

	if (r->pool.len > 0) {
		tell_pool(e, r->pool, r->source);
		return;
	}
	for (n = 0; pools_header(e->config, n, &name); n++)
		explain_fact(e, "pool", name,
			     SLICE("the header of this name may choose one"),
			     nothing);
	if (e->has_sender &&
	    pools_of_sender(e->config, e->sender, &pool, &source))
		tell_pool(e, pool, source);
	else
		tell(e, "source", "any address of this host", nothing);
}

static void
tell_decision(struct explain *e, const struct config_route *r)
{
	struct buf what = {0};

	decision_what(r, &what);
	explain_fact(e, "decision", buf_slice(&what), r->source, r->key);
	buf_free(&what);
}

void
explain_facts(struct explain *e, struct slice address)
{
	struct slice local, domain;
	struct config_route r;
	struct buf room = {0};

	if (e->has_sender)
		config_route_from(e->config, e->sender, address, &room, &r);
	else
		config_route(e->config, address, &room, &r);
	if (!address_split(address, &local, &domain))
		domain = config_me(e->config);
	e->n_facts = 0;
	if (e->json)
		printf("{\"facts\":[");
	tell_addresses(e, address, &r);
	if (r.decision == CONFIG_NEXTHOPS)
		tell_hops(e, &r, domain);
	else
		tell_decision(e, &r);
	if (r.from.len > 0)
		explain_fact(e, "because",
			     SLICE("the route is for this sender"), r.source,
			     r.from);
	if (r.decision == CONFIG_NEXTHOPS) {
		tell_limits(e, &r);
		if (memmem(r.nexthops.at, r.nexthops.len, "smtp:", 5))
			tell_sources(e, &r);
	}
	explain_client(e);
	tell_accepted(e, address, domain);
	tell_rewrites(e, address);
	if (e->json)
		puts("]}");
	buf_free(&room);
	buf_free(&e->scratch);
}
