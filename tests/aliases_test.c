/* aliases_test.c - recipients of a message, and what aliases make of them */
#include "lib/netstring.h"
#include "queue/aliases.h"
#include "tests/tables.h"

static const uint8_t hash_key[SIPHASH_KEY] = {1, 2, 3};
static struct config config;
static uint32_t n_rcpts;

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
	struct incoming in = {.id = 1};
	struct slice rest = slice_text(rcpts), one;

	buf_clear(&out);
	while ((one = slice_word(&rest)).len > 0)
		incoming_rcpt(&in, one);
	if (aliases_expand(&config, hash_key, &in) != 0)
		buf_text(&out, "too many");
	else
		for (rest = buf_slice(&in.rcpts);
		     netstring_slice(&rest, &one) == 0;) {
			if (out.len > 0)
				buf_putc(&out, ' ');
			buf_puts(&out, one);
		}
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
		"ann@hub.test ann@hub.test ann@hub.test Bob@Far.test");
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
	aliases_expand(&config, hash_key, &in);
	netstring_put(&want, SLICE("proto=ESMTP"));
	netstring_put(&want, SLICE("notify.0=NEVER"));
	netstring_put(&want, SLICE("notify.1=DELAY"));
	netstring_put(&want, SLICE("notify.2=DELAY"));
	netstring_put(&want, SLICE("notify.3=FAILURE"));
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
		"big4@hub.test",
		"too many");
	ok(n_rcpts == 5, "then nothing is changed");
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

int
main(void)
{
	tables_begin();
	test_simple();
	test_reports();
	test_loops();
	test_bounds();
	test_accepted();
	config_close(&config);
	tables_end();
	return tap_done();
}
