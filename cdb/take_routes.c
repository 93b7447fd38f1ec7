/* take_routes.c - rows of the tables routes, smtproutes and agents */
#include "cdb/config.h"
#include "cdb/grammar.h"
#include "cdb/keys.h"
#include "cdb/option.h"
#include "cdb/rows_tables.h"
#include "lib/address.h"

#define OPTIONS                                                                \
	"pool=NAME, concurrency=N, rate=N (messages a second) or N/m, N/h, "   \
	"N/d, retry=N, lifetime=AGE, weights=N,N, tls=POLICY, bounce=hold or " \
	"class=NAME"

static bool
good_bounce(struct slice value)
{
	return slice_eq(value, SLICE("hold")) || slice_eq(value, SLICE("send"));
}

static bool
good_tls(struct slice value)
{
	return config_tls_parse(value) != CONFIG_TLS_UNSAID;
}

static const struct option_kind options[] = {
    {"concurrency", option_good_count,
     "$ wants a number from 1 to 100000, such as concurrency=20"},
    {"rate", option_good_rate,
     "$ is no rate; write messages a second, or a number with /s, /m, /h or "
     "/d after it, such as rate=100/m"},
    {"retry", option_good_count,
     "$ wants a number from 1 to 100000, such as retry=20"},
    {"lifetime", option_good_age,
     "$ is no lifetime; write a number with s, m, h or d after it, such as "
     "lifetime=5d"},
    {"pool", option_good_name,
     "$ names no pool; write the name of one in the table pools, such as "
     "pool=bulk"},
    {"tls", good_tls,
     "$ is no policy of TLS; write tls=none, tls=may, tls=encrypt or "
     "tls=verify"},
    {"bounce", good_bounce,
     "$ is not what can be done with bounces; write bounce=hold or "
     "bounce=send"},
    {"class", option_good_name,
     "$ names no class; write 1 to 63 letters, digits, '.', '-' and '_'"},
    {"weights", option_good_list,
     "$ is no list of weights; write one number for each next hop, such as "
     "weights=3,1"},
    {NULL, NULL, "$ is not an option of a route; write " OPTIONS}};

/* A line of routes while it is looked at. */
struct line {
	struct slice pattern, from, action; /* action: next hops or a word */
	struct slice options;		    /* from the first one on */
	unsigned n_hops;
};

static const char *
sender_fault(struct slice s)
{
	if (slice_eq(s, SLICE("<>")) || grammar_domain(s) ||
	    grammar_suffix(s) || grammar_address(s))
		return NULL;
	return "$ is not a pattern of senders; write from=user@domain, "
	       "from=domain, from=.suffix or from=<> for bounces";
}

static void
cut(struct slice words, struct line *l)
{
	struct slice rest, word;

	*l = (struct line){.pattern = slice_word(&words)};
	rest = words;
	word = slice_word(&rest);
	if (slice_starts(word, SLICE("from="))) {
		l->from = slice_from(word, 5);
		words = rest;
	}
	l->action = slice_trim(words);
	l->options = slice_from(l->action, l->action.len);
}

/* Does the action consist of one word, with or without what follows? */
static bool
begins(const struct line *l, const char *verb)
{
	struct slice rest = l->action;

	return slice_eq(slice_word(&rest), slice_text(verb));
}

static bool
alone(struct slice word)
{
	return slice_eq(word, SLICE("hold")) ||
	       slice_eq(word, SLICE("discard")) ||
	       slice_eq(word, SLICE("local")) ||
	       slice_eq(word, SLICE("reject"));
}

static bool
one_option(struct rows *r, const struct line *l, struct slice word)
{
	size_t eq = slice_find(word, '=');
	struct slice before =
	    slice_of(l->options.at, (size_t)(word.at - l->options.at));
	char key[GRAMMAR_LABEL_MAX + 1];
	struct slice value;

	if (slice_starts(word, SLICE("from="))) {
		rows_wrong(r,
			   "$ must stand directly after the pattern; move it "
			   "there",
			   word);
		return false;
	}
	if (!rows_right(r, option_fault(options, word), word))
		return false;
	memcpy(key, word.at, eq);
	key[eq] = 0;
	if (!option_value(before, key, &value))
		return true;
	rows_wrong(r, "$ gives an option for the second time; keep one", word);
	return false;
}

static bool
one_hop(struct rows *r, struct line *l, struct slice word)
{
	size_t colon = slice_find(word, ':');

	if (alone(word)) {
		rows_wrong(r, "$ stands beside next hops; write it alone",
			   word);
		return false;
	}
	/* Names of agents are known when all lines have been taken. */
	if (grammar_is_agent(slice_of(word.at, colon)) && colon + 1 < word.len)
		;
	else if (!rows_right(r, grammar_nexthop_fault(word), word))
		return false;
	r->tls_client |= slice_starts(word, SLICE("qmtps:"));
	if (slice_starts(word, SLICE("qmtp")))
		r->needs |= CONFIG_NEEDS_QMTPC;
	else if (slice_starts(word, SLICE("smtp:")))
		r->needs |= CONFIG_NEEDS_SMTP_OUT;
	l->n_hops++;
	return true;
}

/* hold, discard, local, reject TEXT */
static bool
single(struct rows *r, struct line *l)
{
	struct slice rest = l->action, word = slice_word(&rest);

	rest = slice_trim(rest);
	if (!slice_eq(word, SLICE("reject"))) {
		if (rest.len > 0)
			rows_wrong(r,
				   "$ stands beside next hops; write it alone",
				   word);
		return rest.len == 0;
	}
	if (rest.len == 0)
		rows_wrong(r,
			   "$ has no text; write what the sender is told, such "
			   "as: reject this domain is gone (#5.1.2)",
			   word);
	return rest.len > 0;
}

static bool
nexthops(struct rows *r, struct line *l)
{
	struct slice word, rest = l->action, weights;
	size_t n_weights = 0, i;

	while ((word = slice_word(&rest)).len > 0) {
		if (option_is(word)) {
			if (l->options.len == 0)
				l->options = slice_from(
				    l->action,
				    (size_t)(word.at - l->action.at));
			if (!one_option(r, l, word))
				return false;
		} else if (l->options.len > 0) {
			rows_wrong(r,
				   "$ stands after an option; write the next "
				   "hops first, then the options",
				   word);
			return false;
		} else if (!one_hop(r, l, word)) {
			return false;
		}
	}
	if (l->n_hops == 0) {
		rows_wrong(r,
			   "$ names no next hop; write one after the pattern, "
			   "such as qmtp:hub.example.org:209",
			   l->action.len ? l->action : l->pattern);
		return false;
	}
	if (!option_value(l->options, "weights", &weights))
		return true;
	for (i = 0, n_weights = 1; i < weights.len; i++)
		n_weights += weights.at[i] == ',';
	if (n_weights == l->n_hops)
		return true;
	rows_wrong(
	    r,
	    "$ does not give as many weights as there are next hops; write "
	    "one number for each",
	    weights);
	return false;
}

/* The value: words in lower case with one blank between; a reject's text as
 * it is, with a status and a NUL behind it. */
static void
put_action(struct rows *r, const struct line *l, struct buf *value)
{
	struct slice rest = l->action, word;

	if (begins(l, "reject")) {
		buf_puts(value, l->action);
		if (!memmem(l->action.at, l->action.len, "(#5.", 4))
			buf_text(value, " (#5.7.1)");
		buf_putc(value, 0);
		return;
	}
	while ((word = slice_word(&rest)).len > 0) {
		size_t colon = slice_find(word, ':');
		struct slice name = slice_of(word.at, colon);

		if (value->len > 0)
			buf_putc(value, ' ');
		if (option_is(word) || !grammar_is_agent(name))
			colon = word.len;
		/* What a site's own agent makes of its place is unknown. */
		buf_puts(value, rows_lower(r, slice_of(word.at, colon)));
		buf_puts(value, slice_from(word, colon));
	}
}

/* Never clear text instead, so it waits. */
static void
tell_unused(struct rows *r, const struct line *l)
{
	struct slice value;

	if (option_value(l->options, "tls", &value) &&
	    config_tls_parse(value) >= CONFIG_TLS_ENCRYPT &&
	    memmem(l->action.at, l->action.len, "smtp:", 5))
		rows_unused(r,
			    "$ cannot be done by SMTP yet; mail for these next "
			    "hops waits",
			    value);
}

static void
note_kinds(struct rows *r, struct slice key)
{
	if (slice_find(key, '@') < key.len)
		r->has |= KEYS_HAS_ROUTED_ADDRESSES;
	if (key.at[0] == '.')
		r->has |= KEYS_HAS_ROUTED_SUFFIXES;
	rows_note_suffix(r, KEYS_DEPTHS_ROUTES, key);
	r->needs |= CONFIG_NEEDS_QUEUE;
}

/* Under "routesby": a mark for the pattern, and the pair. */
static void
put_by_sender(struct rows *r, const struct line *l, struct slice value)
{
	struct buf key = {0};

	buf_puts(&key, rows_lower(r, l->pattern));
	seen_put(&r->seen, "routes of", rows_domain(buf_slice(&key)),
		 rows_mark(r));
	if (!seen_put(&r->seen, "routesby pattern", buf_slice(&key), 1))
		rows_put_in(r, KEYS_ROUTESBY, buf_slice(&key), SLICE(""));
	note_kinds(r, buf_slice(&key));
	buf_putc(&key, 0);
	buf_puts(&key, rows_lower(r, l->from));
	r->has |= KEYS_HAS_SENDERS;
	rows_note_suffix(r, KEYS_DEPTHS_SENDERS, l->from);
	if (rows_first_of(r, KEYS_ROUTESBY, buf_slice(&key), l->pattern))
		rows_put_in(r, KEYS_ROUTESBY, buf_slice(&key), value);
	buf_free(&key);
}

/* A route that says local: users lines for it have a meaning. */
static void
note_local(struct rows *r, struct slice pattern)
{
	struct slice domain = rows_domain(pattern);

	if (pattern.at[0] == '.' || pattern.at[0] == '*')
		domain = SLICE("");
	seen_put(&r->seen, "made local", rows_lower(r, domain), 1);
}

static void
put_route(struct rows *r, struct slice pattern, struct slice value)
{
	struct slice key = rows_lower(r, pattern);

	if (!rows_first_of(r, KEYS_ROUTES, key, pattern))
		return;
	if (slice_find(key, '@') < key.len)
		seen_put(&r->seen, "routes of", rows_domain(key), rows_mark(r));
	note_kinds(r, key);
	rows_put_in(r, KEYS_ROUTES, key, value);
}

void
rows_take_routes(struct rows *r, struct slice words)
{
	struct buf value = {0};
	struct line l;

	cut(words, &l);
	if (!rows_right(r, grammar_route_fault(l.pattern), l.pattern) ||
	    (l.from.at && !rows_right(r, sender_fault(l.from), l.from)) ||
	    !(alone(slice_word(&(struct slice){l.action.at, l.action.len}))
		  ? single(r, &l)
		  : nexthops(r, &l)))
		return;
	put_action(r, &l, &value);
	if (slice_eq(buf_slice(&value), SLICE("local")))
		note_local(r, l.pattern);
	tell_unused(r, &l);
	if (l.from.at)
		put_by_sender(r, &l, buf_slice(&value));
	else
		put_route(r, l.pattern, buf_slice(&value));
	buf_free(&value);
}

/* SCHEME:HOST:PORT: does this node listen there? 0.0.0.0 and [::] are
 * everywhere. */
static bool
is_ourselves(struct rows *r, struct slice hop)
{
	static const char *const all[] = {"0.0.0.0", "[::]"};
	struct slice host, port, here = slice_of(hop.at, slice_find(hop, '/'));
	size_t scheme = slice_find(here, ':') + 1,
	       colon = slice_find_last(here, ':');
	struct buf as = {0};
	bool found = seen_get(&r->seen, "listen as", here) != 0;
	size_t i;

	if (scheme >= colon || colon == here.len)
		return found;
	host = slice_of(here.at + scheme, colon - scheme);
	port = slice_from(here, colon);
	if (seen_get(&r->seen, "me is", host) ||
	    slice_starts(host, SLICE("127.")) || slice_eq(host, SLICE("[::1]")))
		for (i = 0; i < 2 && !found; i++) {
			buf_clear(&as);
			buf_puts(&as, slice_of(here.at, scheme));
			buf_text(&as, all[i]);
			buf_puts(&as, port);
			found = seen_get(&r->seen, "listen as", buf_slice(&as));
		}
	buf_free(&as);
	return found;
}

static void
check_hop(struct rows *r, struct slice word)
{
	size_t colon = slice_find(word, ':');
	struct slice name = slice_of(word.at, colon);

	if (colon == word.len) /* told already */
		return;
	if (grammar_is_agent(name) &&
	    !seen_get(&r->seen, KEYS_AGENTS, rows_lower(r, name)))
		rows_wrong(r, grammar_nexthop_fault(word), word);
	else if (is_ourselves(r, rows_lower(r, word)))
		rows_wrong(r,
			   "$ is an address that this node listens on, so mail "
			   "would go in circles; name another host",
			   word);
}

void
rows_check_routes(struct rows *r, struct slice words)
{
	struct slice word, rest, value;
	struct line l;

	cut(words, &l);
	rest = l.action;
	word = slice_word(&rest);
	if (alone(word))
		return;
	for (; word.len > 0; word = slice_word(&rest))
		if (!option_is(word))
			check_hop(r, word);
	if (option_value(l.action, "pool", &value) &&
	    !seen_get(&r->seen, "pool", rows_lower(r, value)))
		rows_wrong(r,
			   "there is no pool $; write a line in pools: pool "
			   "NAME, and at least one member",
			   value);
}

/* PATTERN:HOST[:PORT], PATTERN::, or :HOST; as qmail has it */
void
rows_take_smtproutes(struct rows *r, struct slice words)
{
	size_t colon = slice_find(words, ':');
	struct slice pattern = slice_of(words.at, colon), host;
	struct buf value = {0};

	if (colon == words.len) {
		rows_wrong(r,
			   "$ has no colon; write DOMAIN:HOST or "
			   "DOMAIN:HOST:PORT",
			   words);
		return;
	}
	host = slice_from(words, colon + 1);
	if (host.len > 0 && host.at[host.len - 1] == ':')
		host.len--;
	if (pattern.len == 0)
		pattern = SLICE("*");
	buf_text(&value, "smtp:");
	buf_puts(&value, host.len ? rows_lower(r, host) : SLICE("mx"));
	if (host.len > 0 && slice_find(host, ':') == host.len)
		buf_text(&value, ":25");
	if (rows_right(r, grammar_route_fault(pattern), pattern) &&
	    rows_right(r,
		       grammar_nexthop_fault(buf_slice(&value))
			   ? "$ has no good host after its colon; write "
			     "DOMAIN:HOST or DOMAIN:HOST:PORT"
			   : NULL,
		       words)) {
		r->needs |= CONFIG_NEEDS_SMTP_OUT;
		put_route(r, pattern, buf_slice(&value));
	}
	buf_free(&value);
}
