/* policy.c - the part of config.h about options, limits and policies */
#include "cdb/ask.h"
#include "cdb/config.h"
#include "cdb/keys.h"
#include "cdb/route_parts.h"

static const char *const tls_names[] = {
    [CONFIG_TLS_NONE] = "none",
    [CONFIG_TLS_MAY] = "may",
    [CONFIG_TLS_ENCRYPT] = "encrypt",
    [CONFIG_TLS_VERIFY] = "verify",
};

enum config_tls
config_tls_parse(struct slice word)
{
	unsigned i;

	for (i = CONFIG_TLS_NONE; i <= CONFIG_TLS_VERIFY; i++)
		if (slice_eq(word, slice_text(tls_names[i])))
			return (enum config_tls)i;
	return CONFIG_TLS_UNSAID;
}

const char *
config_tls_name(enum config_tls policy)
{
	return policy == CONFIG_TLS_UNSAID ? "" : tls_names[policy];
}

/* options */

static uint32_t
rate_a_second(struct option_rate rate)
{
	uint32_t whole = rate.n / rate.per_s;

	return rate.n > 0 && whole == 0 ? 1 : whole;
}

static void
set_rate(struct config_route *route, struct option_rate rate)
{
	if (rate.n == 0)
		return;
	route->pace = rate;
	route->rate = rate_a_second(rate);
}

static void
take_options(struct config_route *route, struct slice words)
{
	struct slice value;

	route->concurrency = (uint32_t)option_number(words, "concurrency");
	route->retry = (uint32_t)option_number(words, "retry");
	route->lifetime_s = option_age_s(words, "lifetime");
	set_rate(route, option_rate(words, "rate"));
	option_value(words, "weights", &route->weights);
	option_value(words, "pool", &route->pool);
	option_value(words, "class", &route->class);
	if (option_value(words, "tls", &value))
		route->tls = config_tls_parse(value);
	route->hold_bounces = option_value(words, "bounce", &value) &&
			      slice_eq(value, SLICE("hold"));
}

/* "qmtp:b:209 smtp:mx retry=10": the options are the words from the first
 * one on that is KEY=VALUE. */
void
route_act(struct config_route *route)
{
	const struct slice reject = SLICE("reject ");
	struct slice all = route->nexthops, rest = all, word;

	route->decision = CONFIG_NEXTHOPS;
	if (slice_eq(all, SLICE("hold"))) {
		route->decision = CONFIG_HOLD;
	} else if (slice_eq(all, SLICE("discard"))) {
		route->decision = CONFIG_DISCARD;
	} else if (slice_starts(all, reject)) {
		route->decision = CONFIG_REJECT;
		route->text = slice_trim(slice_from(all, reject.len));
		if (route->text.len > 0)
			route->text.len--; /* its NUL */
		route->nexthops = SLICE("");
	} else if (slice_find(all, '=') < all.len) {
		while ((word = slice_word(&rest)).len > 0 && !option_is(word))
			;
		if (word.len == 0)
			return;
		rest = slice_from(all, (size_t)(word.at - all.at));
		route->nexthops =
		    slice_trim(slice_of(all.at, all.len - rest.len));
		take_options(route, rest);
	}
}

uint32_t
config_weight(const struct config_route *r, unsigned n)
{
	struct slice rest = r->weights;
	uint64_t weight;

	for (;;) {
		size_t comma = slice_find(rest, ',');

		if (n-- == 0)
			return slice_number(slice_of(rest.at, comma),
					    UINT32_MAX, &weight) == 0
				   ? (uint32_t)weight
				   : 0;
		if (comma == rest.len)
			return 0;
		rest = slice_from(rest, comma + 1);
	}
}

/* limits */

void
route_limits(const struct config *c, struct slice domain,
	     struct config_route *route)
{
	const struct slice table = KEYS_TABLE(KEYS_LIMITS);
	struct slice rest = route->nexthops, hop = slice_word(&rest), words,
		     source;
	struct map_record r;

	if (!(c->has & KEYS_HAS_LIMITS) ||
	    (route->concurrency && route->rate) || hop.len > ASK_MAX)
		return;
	if (!(slice_eq(hop, SLICE("smtp:mx"))
		  ? ask_find(c, table, domain, &r) ||
			ask_find_suffix(c, table, KEYS_DEPTHS_LIMITS, domain,
					&r)
		  : ask_find(c, table, hop, &r)) &&
	    !ask_find(c, table, SLICE("*"), &r))
		return;
	keys_open(r.value, &words, &source);
	if (!route->concurrency) {
		route->concurrency =
		    (uint32_t)option_number(words, "concurrency");
		route->concurrency_source = source;
	}
	if (!route->rate) {
		set_rate(route, option_rate(words, "rate"));
		route->rate_source = source;
	}
}

void
route_lifetime(const struct config *c, struct config_route *route)
{
	struct map_record r;
	struct slice value;
	uint64_t n;

	if (!(c->has & KEYS_HAS_LIFETIME) ||
	    !map_find(c->map, KEYS_TABLE(KEYS_QUEUELIFETIME), 0, &r))
		return;
	keys_open(r.value, &value, &route->lifetime_source);
	if (slice_number(value, UINT32_MAX, &n) == 0)
		route->lifetime_s = n ? (int64_t)n : 1; /* 0: one attempt */
}

/* tables of their own */

bool
config_alias(const struct config *c, struct slice address,
	     struct slice *targets, struct slice *source)
{
	struct map_record r;
	struct ask a;

	if (!(c->has & KEYS_HAS_ALIASES) || !ask_address(&a, c, address) ||
	    (!ask_find(c, KEYS_TABLE(KEYS_ALIASES), a.full, &r) &&
	     !ask_find(c, SLICE(KEYS_ALIASES "\0*@"), a.domain, &r)))
		return false;
	keys_open(r.value, targets, source);
	return true;
}

bool
config_tls_policy(const struct config *c, struct slice domain,
		  struct config_tls_line *line)
{
	struct slice words;
	struct map_record r;
	struct ask a;

	*line = (struct config_tls_line){0};
	if (!(c->has & KEYS_HAS_TLS) || !ask_domain(&a, domain) ||
	    !ask_find_place(c, KEYS_TABLE(KEYS_TLSPOLICY),
			    KEYS_DEPTHS_TLSPOLICY, a.domain, &r))
		return false;
	keys_open(r.value, &words, &line->source);
	line->policy = config_tls_parse(slice_word(&words));
	option_value(words, "name", &line->name);
	option_value(words, "ca", &line->ca);
	option_value(words, "pin", &line->pin);
	return true;
}

bool
config_dkim(const struct config *c, struct slice domain, unsigned n,
	    struct slice *selector, struct slice *file, struct slice *source)
{
	struct slice words;
	struct map_record r;
	struct ask a;

	if (!ask_domain(&a, domain) ||
	    !ask_find_place(c, KEYS_TABLE(KEYS_DKIM), KEYS_DEPTHS_DKIM,
			    a.domain, &r) ||
	    !map_find(c->map, r.key, n, &r))
		return false;
	keys_open(r.value, &words, source);
	*selector = slice_word(&words);
	*file = slice_trim(words);
	return true;
}
