/* tables - the text tables of a configuration, from their bytes to answers
 *
 * A line "== NAME" begins the table NAME. What compiles is asked about each
 * word of the input. The map is one in memory: TinyCDB is config_fuzz's.
 */
#include "cdb/grammar.h"
#include "cdb/keys.h"
#include "lib/address.h"
#include "tests/fuzz/tables_memory.h"

/* asking */

static void
check_mailbox(struct slice path)
{
	struct slice rest = path;

	fuzz_check(slice_starts(path, SLICE("maildir:")) && path.len > 8);
	fuzz_check(slice_find(path, 0) == path.len);
	fuzz_check(slice_find(path, ' ') == path.len);
	for (rest = slice_from(path, 8);;) {
		size_t n = slice_find(rest, '/');

		fuzz_check(!slice_eq(slice_of(rest.at, n), SLICE("..")));
		if (n == rest.len)
			return;
		rest = slice_from(rest, n + 1);
	}
}

static void
check_hops(struct slice hops)
{
	struct slice word;

	if (slice_starts(hops, SLICE("maildir:"))) {
		check_mailbox(hops);
		return;
	}
	fuzz_check(slice_trim(hops).len > 0);
	while ((word = slice_word(&hops)).len > 0)
		fuzz_check(
		    !grammar_nexthop_fault(word) ||
		    grammar_is_agent(slice_of(word.at, slice_find(word, ':'))));
}

static void
ask(const struct config *c, struct slice rcpt)
{
	static struct buf room;
	struct config_route route;
	struct slice local, domain, targets, source;
	const char *why = NULL;
	char stranger, own;

	config_route(c, rcpt, &room, &route);
	if (route.decision == CONFIG_NEXTHOPS)
		check_hops(route.nexthops);
	own = config_accepts(c, CONFIG_RELAY, rcpt, &why);
	fuzz_check(own == 'K' || ((own == 'Z' || own == 'D') && why));
	stranger = config_accepts(c, 0, rcpt, &why);
	fuzz_check(stranger != 'K' || own == 'K');
	/* a route may be for some senders only; a leaf has none, and what
	 * stands for others needs none */
	if (own == 'K' && !config_alias(c, rcpt, &targets, &source) &&
	    !(c->has & KEYS_HAS_SENDERS) &&
	    !(config_needs(c) & CONFIG_NEEDS_LEAFDOOR))
		fuzz_check(route.decision != CONFIG_NOROUTE &&
			   route.decision != CONFIG_NOBODY);
	if (!address_split(rcpt, &local, &domain))
		domain = config_me(c);
	if (stranger == 'K')
		fuzz_check(config_local(c, domain) ||
			   config_rcpthost(c, domain) ||
			   config_virtual(c, rcpt, &local, &domain));
}

static void
rewrite(const struct config *c, struct slice address)
{
	static const char *const whats[] = {"rcpt", "sender", "from"};
	static struct buf out;
	struct slice source;
	size_t i;

	for (i = 0; i < 3; i++) {
		buf_clear(&out);
		if (config_rewrite(c, whats[i], address, &out, &source))
			fuzz_check(out.len <= ADDRESS_MAX && out.len > 0);
		else
			fuzz_check(out.len == 0);
	}
}

static void
rights(const struct config *c, struct slice word)
{
	struct endpoint e = {0};
	struct tls_pin pin;
	struct slice name;
	unsigned bits;

	if (endpoint_parse(&e, word, 1) == 0)
		fuzz_check(config_access(c, &e) < 256);
	if (tls_pin_parse(word, &pin) == 0 &&
	    config_access_key(c, &pin, &bits, &name))
		fuzz_check(!grammar_client_name_fault(name));
}

static void
lists(const struct config *c)
{
	static const char *const protocols[] = {"qmqp", "qmtp", "smtp", "qmqps",
						"qmtps"};
	struct slice s;
	unsigned i, n;

	for (i = 0; i < 5; i++)
		for (n = 0; config_listen(c, protocols[i], n, &s); n++)
			fuzz_check(n < 16 && !grammar_listen_fault(s));
	for (n = 0; config_qmqpserver(c, n, &s); n++)
		fuzz_check(!grammar_server_fault(s));
	s = config_me(c);
	fuzz_check(s.len == 0 || grammar_domain(s));
	config_needs(c);
}

/* What a site's other tables say of an address. */
static void
others(const struct config *c, struct slice rcpt)
{
	static struct buf room;
	struct slice local, domain, a, b, source;
	struct config_route route;
	struct config_tls_line line;
	unsigned n;

	config_route_from(c, rcpt, rcpt, &room, &route);
	for (n = 0; n < 8 && config_weight(&route, n) > 0; n++)
		;
	config_alias(c, rcpt, &a, &source);
	address_split(rcpt, &local, &domain);
	config_tls_policy(c, domain, &line);
	for (n = 0; n < 8 && config_dkim(c, domain, n, &a, &b, &source); n++)
		;
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	struct slice in = slice_of((const char *)at, n), rest = in, word;
	struct buf why = {0};
	struct config c;

	if (!compile(in) || config_open(&c, "", &why) != 0)
		return 0;
	lists(&c);
	while (rest.len > 0) {
		struct slice line =
		    fuzz_take(&rest, slice_find(rest, '\n') + 1);

		while ((word = slice_word(&line)).len > 0) {
			word = slice_trim(word);
			ask(&c, word);
			others(&c, word);
			rewrite(&c, word);
			rights(&c, word);
		}
	}
	ask(&c, SLICE("Alice@Local.Test"));
	ask(&c, SLICE("a/../b@local.test"));
	ask(&c, SLICE("x@a.b.c.test"));
	return 0;
}
