/* pools_test - the table pools: members, who chooses them, warming up */
#include "cdb/pools.h"
#include "tests/tables.h"

static bool
compile(struct config *c)
{
	struct buf why = {0};
	struct report r;
	bool good;

	no_tables();
	table("me", "hub.example\n");
	table("pools",
	      "pool Bulk over=others\npool slow\n"
	      "member bulk 192.0.2.10 out1.example weight=3 concurrency=20 "
	      "rate=100/m warmup=Gentle start=2026-11-01\n"
	      "member bulk 2001:db8::10 out2.example\n"
	      "member slow 192.0.2.11 out3.example\n"
	      "sender bulk news.example .lists.example vip@slow.example\n"
	      "sender slow <> slow.example\n"
	      "header bulk X-Tier Gold plated\nheader slow x-tier silver\n"
	      "header slow X-Campaign 7\n"
	      "group google Gmail.com .google.com\n"
	      "curve gentle * 50 100 200\ncurve gentle google 10 20\n");
	report_init(&r);
	good = config_build(".", &r) == BUILD_DONE;
	if (!good)
		fprintf(stderr, "# said: %.*s", (int)r.errors.text.len,
			buf_slice(&r.errors.text).at);
	report_free(&r);
	good = good && config_open(c, "config.cdb", &why) == 0;
	buf_free(&why);
	return good;
}

static void
test_members(const struct config *c)
{
	struct pools_member m;
	enum pools_over over;

	ok(pools_find(c, SLICE("BULK"), &over) && over == POOLS_OTHERS &&
	       pools_find(c, SLICE("slow"), &over) && over == POOLS_WAIT &&
	       !pools_find(c, SLICE("x"), &over),
	   "pools");
	ok(pools_member(c, SLICE("bulk"), 0, &m) &&
	       slice_eq(m.address, SLICE("192.0.2.10")) &&
	       m.from.a.any.sa_family == AF_INET &&
	       slice_eq(m.helo, SLICE("out1.example")) && m.weight == 3 &&
	       m.concurrency == 20 && m.rate.n == 100 && m.rate.per_s == 60 &&
	       slice_case_eq(m.curve, SLICE("gentle")) &&
	       m.start_day == 20758 && slice_eq(m.source, SLICE("pools:3")),
	   "all that a member can have");
	ok(pools_member(c, SLICE("bulk"), 1, &m) &&
	       m.from.a.any.sa_family == AF_INET6 && m.weight == 1 &&
	       m.concurrency == 0 && m.rate.n == 0 && m.curve.len == 0,
	   "and that it must have");
	ok(!pools_member(c, SLICE("bulk"), 2, &m) &&
	       !pools_member(c, SLICE("x"), 0, &m),
	   "and no more");
}

static void
test_choice(const struct config *c)
{
	static const struct {
		const char *sender, *pool;
	} senders[] = {
	    {"x@News.example", "bulk"},
	    {"x@a.lists.example", "bulk"},
	    {"VIP@slow.example", "bulk"},
	    {"x@slow.example", "slow"},
	    {"", "slow"},
	    {"x@lists.example", ""},
	    {"news.example", "bulk"},
	    {"x", ""},
	};
	struct slice pool, source;
	size_t i;

	for (i = 0; i < sizeof senders / sizeof *senders; i++) {
		if (!pools_of_sender(c, slice_text(senders[i].sender), &pool,
				     &source))
			pool = SLICE("");
		ok(slice_eq(pool, slice_text(senders[i].pool)),
		   "mail of <%s> goes by \"%s\"", senders[i].sender,
		   senders[i].pool);
	}
	ok(pools_header(c, 0, &pool) && slice_eq(pool, SLICE("x-tier")) &&
	       pools_header(c, 1, &pool) &&
	       slice_eq(pool, SLICE("x-campaign")) &&
	       !pools_header(c, 2, &pool),
	   "which headers count");
	ok(pools_of_header(c, SLICE("X-TIER"), SLICE("gold Plated"), &pool,
			   &source) &&
	       slice_eq(pool, SLICE("bulk")) &&
	       pools_of_header(c, SLICE("x-campaign"), SLICE("7"), &pool,
			       &source) &&
	       slice_eq(source, SLICE("pools:10")) &&
	       !pools_of_header(c, SLICE("x-tier"), SLICE("gold"), &pool,
				&source),
	   "and what they say");
}

static void
test_warmup(const struct config *c)
{
	struct slice g = SLICE("gentle"), google = SLICE("google");

	ok(slice_eq(pools_group(c, SLICE("gmail.com")), google) &&
	       slice_eq(pools_group(c, SLICE("a.google.com")), google) &&
	       slice_eq(pools_group(c, SLICE("b.example")), SLICE("b.example")),
	   "groups");
	ok(pools_warmup(c, g, google, 0) == 10 &&
	       pools_warmup(c, g, google, 1) == 20 &&
	       pools_warmup(c, g, google, 2) == UINT64_MAX,
	   "a group's curve");
	ok(pools_warmup(c, g, SLICE("b.example"), 2) == 200 &&
	       pools_warmup(c, g, SLICE("b.example"), 3) == UINT64_MAX &&
	       pools_warmup(c, g, SLICE("b.example"), -1) == 0 &&
	       pools_warmup(c, SLICE("x"), google, 0) == UINT64_MAX,
	   "that of all others, its end, its begin");
}

static void
test_days(void)
{
	static const struct {
		const char *day;
		int64_t n;
	} days[] = {{"1970-01-01", 0},	   {"1970-12-31", 364},
		    {"2000-02-29", 11016}, {"2000-03-01", 11017},
		    {"2026-11-21", 20778}, {"2100-03-01", 47541},
		    {"2100-02-29", -1},	   {"2026-13-01", -1},
		    {"2026-00-01", -1},	   {"2026-11-00", -1},
		    {"2026-1-1", -1},	   {"1969-12-31", -1},
		    {"2026-11-21x", -1},   {"", -1}};
	size_t i;

	for (i = 0; i < sizeof days / sizeof *days; i++)
		ok(option_parse_day(slice_text(days[i].day)) == days[i].n,
		   "the day %s", days[i].day);
}

int
main(void)
{
	struct config c;

	tables_begin();
	test_days();
	if (ok(compile(&c), "the tables are right")) {
		test_members(&c);
		test_choice(&c);
		test_warmup(&c);
		config_close(&c);
	}
	tables_end();
	return tap_done();
}
