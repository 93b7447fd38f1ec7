/* depths_test - who chooses an address does not choose what it costs
 *
 * Suffixes and extensions are looked up only as long as tables have them. A
 * config.cdb that does not say how long they are gives the same answers. */
#include "cdb/pools.h"
#include "tests/tables.h"

static const char *const ends[] = {
    "far.test",	      "deep.far.test", "a.b.far.test", "virtual.test",
    "x.virtual.test", "edge.test",     "other",	       "here.test"};

static void
make_tables(void)
{
	no_tables();
	table("me", "hub.test\n");
	table("locals", "here.test\n");
	table("users", "joe@here.test maildir:mail/joe\n"
		       "joe-*@here.test maildir:mail/joe-ext\n"
		       "joe-list-*@here.test maildir:mail/list\n"
		       "v-joe-*@hub.test maildir:mail/v\n"
		       "*@here.test maildir:mail/all\n");
	table("virtualdomains", ".virtual.test:v-joe\n");
	table("rcpthosts", ".edge.test\nfar.test\n.far.test\n");
	table("routes", ".far.test smtp:192.0.2.1:25\n"
			".deep.far.test hold\n"
			".far.test from=.x.sender.test discard\n"
			"* smtp:mx pool=p\n");
	table("limits", ".b.far.test rate=5\n.other rate=7\n");
	table("tlspolicy", ".far.test may\n.a.b.far.test none\n");
	table("pools", "pool p\nmember p 192.0.2.9 hub.test\n"
		       "sender p .sender.test\n"
		       "group g .far.test .x.virtual.test\n");
	says("tables with suffixes", BUILD_DONE, "", "");
}

static struct slice
some_domain(struct buf *b, unsigned n)
{
	unsigned i;

	buf_clear(b);
	for (i = 0; i < n % 7; i++)
		buf_text(b, i % 2 ? "b." : "x.");
	buf_text(b, ends[n / 7 % 8]);
	return buf_slice(b);
}

static void
put_line(struct buf *out, struct slice s)
{
	buf_puts(out, s);
	buf_putc(out, '\n');
}

/* All that the tables say of an address, from a sender of that domain. */
static void
ask(const struct config *c, struct slice rcpt, struct slice domain,
    struct buf *out)
{
	struct config_route r;
	struct config_tls_line line;
	struct buf room = {0}, sender = {0};
	struct slice pool = SLICE(""), source = SLICE("");
	const char *why = "";

	buf_text(&sender, "s@x.");
	buf_text(&sender, domain.len % 2 ? "x.sender.test" : "sender.test");
	config_route_from(c, buf_slice(&sender), rcpt, &room, &r);
	put_line(out, r.nexthops);
	put_line(out, r.source);
	put_line(out, r.rate_source);
	buf_putc(out, config_accepts(c, 0, rcpt, &why));
	buf_putc(out, config_rcpthost(c, domain) ? 'r' : '-');
	if (config_tls_policy(c, domain, &line))
		put_line(out, line.source);
	pools_of_sender(c, buf_slice(&sender), &pool, &source);
	put_line(out, pool);
	put_line(out, pools_group(c, domain));
	buf_free(&room);
	buf_free(&sender);
}

/* As an older quail build leaves it. */
static struct config
as_older(const struct config *c)
{
	struct config old = *c;

	old.depths = old.extensions = SLICE("");
	return old;
}

static void
test_same_answers(const struct config *c)
{
	static const char *const locals[] = {
	    "joe",	   "joe-",  "joe-x-y", "joe-list-",
	    "joe-list-z-", "-joe-", "ann"};
	struct config old = as_older(c);
	struct buf domain = {0}, rcpt = {0}, now = {0}, then = {0};
	unsigned i, good = 0;

	for (i = 0; i < 7 * 8 * 7; i++) {
		some_domain(&domain, i / 7);
		buf_clear(&rcpt);
		buf_text(&rcpt, locals[i % 7]);
		buf_putc(&rcpt, '@');
		buf_puts(&rcpt, buf_slice(&domain));
		buf_clear(&now);
		buf_clear(&then);
		ask(c, buf_slice(&rcpt), buf_slice(&domain), &now);
		ask(&old, buf_slice(&rcpt), buf_slice(&domain), &then);
		good += ok_quiet(slice_eq(buf_slice(&now), buf_slice(&then)),
				 "the same for %.*s", (int)rcpt.len,
				 buf_slice(&rcpt).at);
	}
	ok(good == i, "%u addresses, with and without depths", i);
	buf_free(&domain), buf_free(&rcpt), buf_free(&now), buf_free(&then);
}

/* What one address costs, in bytes hashed for each of its own. */
static uint64_t
cost(const struct config *c, struct slice rcpt, struct slice domain)
{
	uint64_t before = map_work(c->map).bytes;
	struct buf out = {0};

	ask(c, rcpt, domain, &out);
	buf_free(&out);
	return (map_work(c->map).bytes - before) / rcpt.len;
}

static void
test_costs(const struct config *c)
{
	struct buf dots = {0}, dashes = {0};
	struct config old = as_older(c);
	struct slice domain;
	uint64_t now, then;
	size_t i;

	buf_text(&dots, "a@");
	for (i = 0; i < 121; i++)
		buf_text(&dots, "x.");
	buf_text(&dots, "far.test");
	domain = slice_from(buf_slice(&dots), 2);
	now = cost(c, buf_slice(&dots), domain);
	then = cost(&old, buf_slice(&dots), domain);
	ok(now < 32 && then > 10 * now,
	   "123 labels: %u bytes hashed for each of theirs, not %u",
	   (unsigned)now, (unsigned)then);
	for (i = 0; i < 870; i++)
		buf_putc(&dashes, '-');
	buf_text(&dashes, "@here.test");
	now = cost(c, buf_slice(&dashes), SLICE("here.test"));
	then = cost(&old, buf_slice(&dashes), SLICE("here.test"));
	ok(now < 16 && then > 10 * now,
	   "870 dashes: %u bytes hashed for each of theirs, not %u",
	   (unsigned)now, (unsigned)then);
	buf_free(&dots), buf_free(&dashes);
}

/* Twice as long is twice as dear, not four times. */
static void
test_doubled(const struct config *c)
{
	uint64_t bytes[2];
	struct buf rcpt = {0}, out = {0};
	size_t i, k;

	for (k = 0; k < 2; k++) {
		uint64_t before = map_work(c->map).bytes;

		buf_clear(&rcpt);
		buf_text(&rcpt, "a-a-a-a@");
		for (i = 0; i < 60u << k; i++)
			buf_text(&rcpt, "x.");
		buf_text(&rcpt, "far.test");
		ask(c, buf_slice(&rcpt), slice_from(buf_slice(&rcpt), 8), &out);
		bytes[k] = map_work(c->map).bytes - before;
	}
	ok(bytes[1] <= 2 * bytes[0] + 64, "%u bytes, doubled: %u",
	   (unsigned)bytes[0], (unsigned)bytes[1]);
	buf_free(&rcpt), buf_free(&out);
}

int
main(void)
{
	struct config c;
	struct buf why = {0};

	tables_begin();
	make_tables();
	if (config_open(&c, "config.cdb", &why) != 0)
		return 1;
	ok(c.depths.len == KEYS_DEPTHS_N * KEYS_DEPTHS &&
	       c.extensions.len == KEYS_EXTENSIONS,
	   "a build says how long suffixes and extensions are");
	test_same_answers(&c);
	test_costs(&c);
	test_doubled(&c);
	config_close(&c);
	buf_free(&why);
	tables_end();
	return tap_done();
}
