/* aliases_test.c - recipients of a message, and what aliases make of them */
#include "lib/netstring.h"
#include "queue/aliases.h"
#include "tests/tables.h"

static const uint8_t hash_key[SIPHASH_KEY] = {1, 2, 3};
static struct config config;
static uint32_t n_rcpts;
static struct aliases_said said;
static const char *sender = "sue@hub.test"; /* of the next ones, ... */
static bool is_stranger, is_retry;	    /* ... as they are */
static struct buf kept;		/* attributes of the last, "; " behind each */
static const char *header = ""; /* of the next ones */

static void
build(const char *aliases)
{
	struct buf why = {0};
	struct report r;

	no_tables();
	table("me", "hub.test\n");
	table("locals", "hub.test\nmany.test\n");
	table("users", "*@hub.test maildir:mail/%u\n");
	table("aliases", aliases);
	report_init(&r);
	if (config_build(".", &r) != BUILD_DONE) {
		fprintf(stderr, "# %.*s", (int)r.errors.text.len,
			buf_slice(&r.errors.text).at);
		exit(1);
	}
	report_free(&r);
	if (config.map)
		config_refresh(&config, &why);
	else
		config_open(&config, "config.cdb", &why);
	buf_free(&why);
}

/* The recipients as words; "too many" when that is what it says. */
static struct buf *
expand(const char *rcpts)
{
	static struct buf out;
	static uint8_t n;
	struct incoming in = {.id = 1, .is_trusted = !is_stranger};
	struct slice rest = slice_text(rcpts), one;

	in.key[0] = is_retry ? n : ++n; /* the package is another each time */
	buf_text(&in.sender, sender);
	buf_clear(&out);
	while ((one = slice_word(&rest)).len > 0)
		incoming_rcpt(&in, one);
	incoming_text(&in, -1, 65536, slice_text(header));
	switch (aliases_expand(&config, hash_key, &said, &in)) {
	case ALIASES_AGAIN: buf_text(&out, "again"); break;
	case ALIASES_MANY: buf_text(&out, "too many"); break;
	case ALIASES_LOOP: buf_text(&out, "loop"); break;
	case ALIASES_DONE:
		for (rest = buf_slice(&in.rcpts);
		     netstring_slice(&rest, &one) == 0;) {
			if (out.len > 0)
				buf_putc(&out, ' ');
			buf_puts(&out, one);
		}
		break;
	}
	buf_clear(&kept);
	for (rest = buf_slice(&in.attrs); netstring_slice(&rest, &one) == 0;
	     buf_text(&kept, "; "))
		buf_puts(&kept, one);
	n_rcpts = in.n_rcpts;
	incoming_free(&in, -1);
	return &out;
}

static void
becomes(const char *rcpts, const char *want)
{
	struct slice got = buf_slice(expand(rcpts));

	ok(slice_eq(got, slice_text(want)), "%s: %s", rcpts, want);
	if (!slice_eq(got, slice_text(want)))
		fprintf(stderr, "# %.*s\n", (int)got.len, got.at);
}

static void
test_simple(void)
{
	build("team@hub.test  ann@hub.test Bob@Far.test\n"
	      "all@hub.test   team@hub.test carl@hub.test bob@Far.test\n"
	      "*@many.test    ann@hub.test\n"
	      "me@many.test   dora@hub.test\n");
	becomes("x@y.test z@y.test", "x@y.test z@y.test");
	becomes("team@hub.test", "ann@hub.test Bob@Far.test");
	becomes("x@y.test TEAM@Hub.Test z@y.test",
		"x@y.test ann@hub.test Bob@Far.test z@y.test");
	becomes("team", "ann@hub.test Bob@Far.test");
	becomes("all@hub.test", "ann@hub.test Bob@Far.test carl@hub.test "
				"bob@Far.test");
	becomes("q@many.test me@many.test", "ann@hub.test dora@hub.test");
	becomes("team@hub.test all@hub.test team@hub.test",
		"ann@hub.test Bob@Far.test carl@hub.test bob@Far.test");
	becomes("ann@hub.test ann@hub.test team@hub.test",
		"ann@hub.test ann@hub.test Bob@Far.test");
	becomes("team@hub.test ann@hub.test", "Bob@Far.test ann@hub.test");
}

/* Recipient 1 becomes two, so what was said of 2 is said of 3. */
static void
test_reports(void)
{
	struct incoming in = {.id = 1};
	struct buf want = {0};

	incoming_rcpt(&in, SLICE("x@y.test"));
	incoming_rcpt(&in, SLICE("team@hub.test"));
	incoming_rcpt(&in, SLICE("z@y.test"));
	incoming_attr(&in, SLICE("proto=ESMTP"));
	incoming_attr(&in, SLICE("notify.0=NEVER"));
	incoming_attr(&in, SLICE("notify.1=DELAY"));
	incoming_attr(&in, SLICE("notify.2=FAILURE"));
	aliases_expand(&config, hash_key, NULL, &in);
	netstring_put(&want, SLICE("proto=ESMTP"));
	netstring_put(&want, SLICE("notify.0=NEVER"));
	netstring_put(&want, SLICE("notify.1=DELAY"));
	netstring_put(&want, SLICE("notify.2=DELAY"));
	netstring_put(&want, SLICE("notify.3=FAILURE"));
	netstring_put(&want, SLICE("via=1-3 team@hub.test"));
	netstring_put(&want, SLICE("expanded=1 hub.test"));
	ok(slice_eq(buf_slice(&in.attrs), buf_slice(&want)),
	   "what is asked of reports goes with its recipient");
	buf_free(&want);
	incoming_free(&in, -1);
}

static void
test_loops(void)
{
	build("a@hub.test  b@hub.test\n"
	      "b@hub.test  a@hub.test c@hub.test\n"
	      "*@many.test boss@many.test\n");
	becomes("a@hub.test", "a@hub.test c@hub.test");
	becomes("b@hub.test", "b@hub.test c@hub.test");
	becomes("x@many.test", "boss@many.test");
	becomes("boss@many.test", "boss@many.test");
}

/* What the message keeps of its way, and what it finds of an earlier one. */
static void
keeps(const char *rcpts, const char *want, const char *attrs)
{
	becomes(rcpts, want);
	ok(slice_eq(buf_slice(&kept), slice_text(attrs)), "and keeps %s",
	   attrs);
	if (!slice_eq(buf_slice(&kept), slice_text(attrs)))
		fprintf(stderr, "# %.*s\n", (int)kept.len, buf_slice(&kept).at);
}

/* Who was told, and by whom: nobody else's copy is dropped. */
static void
test_said(void)
{
	header = "Delivered-To: team@hub.test\n"
		 "X-Quail-Expanded: 2 00000000000000b1\n\n";
	is_stranger = true;
	becomes("team@hub.test", "loop");
	keeps("team@hub.test z@y.test", "team@hub.test z@y.test", "loops=0; ");
	becomes("team@hub.test", "loop");
	is_stranger = false;
	becomes("team@hub.test", "loop"); /* a stranger's tells nobody */
	is_retry = true;
	becomes("team@hub.test", "loop"); /* its answer may be lost */
	is_retry = false;
	becomes("team@hub.test", "again");
	is_retry = true;
	becomes("team@hub.test", "again");
	is_retry = false;
	is_stranger = true;
	becomes("team@hub.test", "loop");
	is_stranger = false;
	sender = "u2@hub.test"; /* who has sent it on */
	becomes("team@hub.test", "loop");
	becomes("team@hub.test", "again");
	sender = "";
	keeps("team@hub.test z@y.test", "team@hub.test z@y.test", "loops=0; ");
	keeps("team@hub.test z@y.test", "z@y.test", "");
	sender = "sue@hub.test";
	becomes("team@hub.test", "again");
	header = "";
}

static void
test_marks(void)
{
	build("team@hub.test  ann@hub.test far@b.test\n"
	      "all@hub.test   team@hub.test carl@hub.test two@hub.test\n"
	      "two@hub.test   ann@hub.test dora@hub.test\n"
	      "me@hub.test    me@hub.test copy@hub.test\n");
	keeps("x@y.test", "x@y.test", "");
	keeps("x@y.test TEAM", "x@y.test ann@hub.test far@b.test",
	      "via=1-3 TEAM@hub.test; expanded=1 hub.test; ");
	keeps("all@hub.test z@y.test",
	      "ann@hub.test far@b.test carl@hub.test dora@hub.test z@y.test",
	      "via=0-4 all@hub.test; via=0-2 team@hub.test; "
	      "via=3-4 two@hub.test; expanded=1 hub.test; ");
	header = "Received: x\nDelivered-To: Team@hub.test\n\n";
	becomes("team@hub.test", "loop");
	becomes("team@hub.test team", "loop");
	keeps("team@hub.test z@y.test", "team@hub.test z@y.test", "loops=0; ");
	keeps("z@y.test all@hub.test",
	      "z@y.test team@hub.test carl@hub.test ann@hub.test "
	      "dora@hub.test",
	      "via=1-5 all@hub.test; via=3-5 two@hub.test; "
	      "expanded=1 hub.test; loops=1; ");
	header = "";
	header = "Delivered-To: team@hub.test\n"
		 "X-Quail-Expanded: 2 00000000000000a1\n\n";
	becomes("team@hub.test", "loop");
	becomes("team@hub.test", "again");
	keeps("team@hub.test z@y.test", "z@y.test", "");
	header = "Delivered-To: team@hub.test\n"
		 "X-Quail-Expanded: 2 00000000000000a2\n"
		 "X-Quail-Expanded: 2 00000000000000a1\n\n";
	becomes("team@hub.test", "again");
	header = "Delivered-To: team@hub.test\n"
		 "X-Quail-Expanded: 2 00000000000000a2\n\n";
	keeps("team@hub.test z@y.test", "team@hub.test z@y.test", "loops=0; ");
	keeps("team@hub.test z@y.test", "z@y.test", "");
	header = "";
	test_said();
	keeps("me@hub.test", "me@hub.test copy@hub.test",
	      "via=0-2 me@hub.test; expanded=1 hub.test; ");
	header = "X-Quail-Expanded: 2 0 me@hub.test hub.test\n\n";
	keeps("me@hub.test", "me@hub.test", "");
	header = "X-Quail-Expanded: 2 0 me@hub.test b.test\n\n";
	keeps("me@hub.test", "me@hub.test copy@hub.test",
	      "via=0-2 me@hub.test; expanded=2 hub.test; ");
	header = "";
}

/* What one message may become, however the aliases of a site are knit. */
static void
test_copies(void)
{
	struct buf t = {0};
	int i;

	buf_text(&t, "one@hub.test x@y.test\nmany@hub.test");
	for (i = 0; i < 100; i++) {
		buf_text(&t, " u");
		buf_number(&t, (uint64_t)i);
		buf_text(&t, "@y.test");
	}
	buf_text(&t, "\n*@many.test one@hub.test far@hub.test\n");
	for (i = 0; i < 30; i++) {
		buf_text(&t, "s");
		buf_number(&t, (uint64_t)i);
		buf_text(&t, "@hub.test d");
		buf_number(&t, (uint64_t)i);
		buf_text(&t, "@y.test\n");
	}
	buf_putc(&t, 0);
	build(t.mem);
	header = "X-Quail-Expanded: 1000\n\n";
	expand("many@hub.test");
	ok(n_rcpts == 100, "100 of each of a thousand");
	header = "X-Quail-Expanded: 1001\n\n";
	becomes("many@hub.test", "loop");
	becomes("one@hub.test", "x@y.test");
	header = "X-Quail-Expanded: 100001\n\n";
	becomes("one@hub.test", "x@y.test");
	becomes("q@many.test", "loop");
	header = "";
	buf_clear(&t);
	for (i = 0; i < 30; i++) {
		buf_text(&t, "s");
		buf_number(&t, (uint64_t)i);
		buf_text(&t, "@hub.test ");
	}
	buf_putc(&t, 0);
	expand(t.mem);
	for (i = 0, n_rcpts = 0; (size_t)i < kept.len; i++)
		n_rcpts += kept.mem[kept.off + (size_t)i] == '-';
	ok(n_rcpts == ALIASES_SINGLE_MAX,
	   "of thirty that stand for one, %u leave their name", n_rcpts);
	buf_free(&t);
}

/* Levels of two each would be a million. */
static void
test_bounds(void)
{
	struct buf t = {0};
	int i, k;

	for (i = 0; i < 25; i++) {
		buf_text(&t, "l");
		buf_number(&t, (uint64_t)i);
		buf_text(&t, "@hub.test");
		for (k = 0; k < 2; k++) {
			buf_text(&t, k ? " r" : " l");
			buf_number(&t, (uint64_t)i + 1);
			buf_text(&t, "@hub.test");
		}
		buf_text(&t, "\nr");
		buf_number(&t, (uint64_t)i);
		buf_text(&t, "@hub.test l");
		buf_number(&t, (uint64_t)i + 1);
		buf_text(&t, "@hub.test r");
		buf_number(&t, (uint64_t)i + 1);
		buf_text(&t, "@hub.test\n");
	}
	buf_putc(&t, 0);
	build(t.mem);
	becomes("l0@hub.test", "l20@hub.test r20@hub.test");
	buf_clear(&t);
	for (k = 0; k < 6; k++) {
		buf_text(&t, "big");
		buf_number(&t, (uint64_t)k);
		buf_text(&t, "@hub.test");
		for (i = 0; i < 2000; i++) {
			buf_text(&t, " u");
			buf_number(&t, (uint64_t)(2000 * k + i));
			buf_text(&t, "@y.test");
		}
		buf_putc(&t, '\n');
	}
	buf_putc(&t, 0);
	build(t.mem);
	expand("big0@hub.test big1@hub.test big2@hub.test big3@hub.test");
	ok(n_rcpts == 8000, "8,000 of four");
	becomes("big0@hub.test big1@hub.test big2@hub.test big3@hub.test "
		"big4@hub.test big5@hub.test",
		"too many");
	ok(n_rcpts == 6, "then nothing is changed");
	buf_clear(&t);
	for (i = 0; i < 4000; i++) {
		buf_text(&t, "p");
		buf_number(&t, (uint64_t)i);
		buf_text(&t, "@y.test ");
	}
	buf_text(&t, "big0 big1 big2");
	buf_putc(&t, 0);
	expand(t.mem);
	ok(n_rcpts == 10000, "what the client names counts too: 10,000");
	buf_cut(&t, t.len - 1);
	buf_text(&t, " one@y.test");
	buf_putc(&t, 0);
	becomes(t.mem, "too many");
	buf_free(&t);
}

static void
test_accepted(void)
{
	const char *why;

	build("team@many.test ann@hub.test\n");
	ok(config_accepts(&config, 0, SLICE("team@many.test"), &why) == 'K',
	   "an alias needs no mailbox");
	ok(config_accepts(&config, 0, SLICE("nobody@many.test"), &why) == 'D',
	   "what is neither is refused");
}

/* Asked one by one as they come, or all at once because the tables are other
 * ones now: the same. */
static void
test_looked(void)
{
	unsigned i;

	for (i = 0; i < 3; i++) {
		struct incoming in = {.id = 1};
		uint64_t before;

		build(i == 1 ? "x@hub.test y@hub.test\n"
			     : "team@hub.test ann@hub.test bob@hub.test\n");
		incoming_rcpt(&in, SLICE("team@hub.test"));
		aliases_look(&config, &in, SLICE("team@hub.test"));
		incoming_rcpt(&in, SLICE("z@hub.test"));
		aliases_look(&config, &in, SLICE("z@hub.test"));
		ok(in.has_alias == (i != 1), "asked of as they come");
		if (i == 1)
			build("team@hub.test ann@hub.test bob@hub.test\n");
		if (i == 2)
			build("x@hub.test y@hub.test\n");
		before = map_work(config.map).n;
		aliases_expand(&config, hash_key, NULL, &in);
		ok(in.n_rcpts == (i == 2 ? 2 : 3),
		   "what counts are the tables at the end: %u", in.n_rcpts);
		ok(i != 2 || map_work(config.map).n > before,
		   "which are asked again if they are other ones");
		incoming_free(&in, -1);
	}
}

/* Nobody asks twice. */
static void
test_looked_once(void)
{
	struct incoming in = {.id = 1};
	uint64_t before;
	unsigned i;

	build("team@hub.test ann@hub.test\n");
	for (i = 0; i < 1000; i++) {
		incoming_rcpt(&in, SLICE("z@hub.test"));
		aliases_look(&config, &in, SLICE("z@hub.test"));
	}
	before = map_work(config.map).n;
	ok(aliases_expand(&config, hash_key, NULL, &in) == ALIASES_DONE &&
	       map_work(config.map).n == before,
	   "none of a thousand is an alias: known without a look");
	incoming_free(&in, -1);
}

int
main(void)
{
	tables_begin();
	test_looked();
	test_looked_once();
	test_simple();
	test_reports();
	test_loops();
	test_marks();
	test_copies();
	test_bounds();
	test_accepted();
	buf_free(&kept);
	config_close(&config);
	tables_end();
	return tap_done();
}
