/* qmqp_test.c - the QMQP server's machine: every cut, wrong wires, random
 * packages */
#include "qmqpd/qmqp.h"

#include "lib/address.h"
#include "tests/tap.h"

#include <stdlib.h>

/* Two recipients: with one, a mix-up of their order would not show. */
static const char two_rcpts[] =
    "42:12:hello world\n,8:a@b.test,6:c@test,3:d@e,,";
static const char told[] = "begin 12 text(hello world\n) sender(a@b.test) "
			   "rcpt(c@test) rcpt(d@e) end ";

static void
put(struct buf *story, const char *what, struct slice s)
{
	buf_text(story, what);
	buf_putc(story, '(');
	if (s.at)
		buf_puts(story, s);
	else
		buf_text(story, "?");
	buf_text(story, ") ");
}

/* What can be no address is told as none. */
static struct slice
if_sane(struct slice address)
{
	return address_sane(address) ? address : slice_of(NULL, 0);
}

static void
tell(struct buf *story, struct buf *text, const struct qmqp *q,
     enum qmqp_event event, struct slice piece)
{
	if (event == QMQP_TEXT) {
		ok_quiet(piece.len > 0, "a piece of text is never empty");
		buf_puts(text, piece);
		return;
	}
	if (event == QMQP_SENDER) {
		put(story, "text", buf_slice(text));
		buf_clear(text);
		put(story, "sender", piece);
	} else if (event == QMQP_RCPT) {
		put(story, "rcpt", piece);
	} else if (event == QMQP_BEGIN) {
		buf_text(story, "begin ");
		buf_number(story, q->text_len);
		buf_text(story, " ");
	} else if (event == QMQP_END) {
		buf_text(story, "end ");
	} else if (event == QMQP_BAD) {
		buf_text(story, "BAD");
	}
}

static bool
push_all(struct qmqp *q, struct slice in, struct buf *text, struct buf *story)
{
	enum qmqp_event event;
	struct slice piece;

	do {
		piece = slice_of(NULL, 0);
		event = qmqp_push(q, &in, &piece);
		tell(story, text, q, event, piece);
	} while (event != QMQP_MORE && event != QMQP_BAD);
	ok_quiet(event == QMQP_BAD || in.len == 0, "MORE has taken all");
	return event != QMQP_BAD;
}

/* Each piece is in memory of its own, so that ASan sees a step too far. */
static void
run(struct slice wire, size_t piece, struct buf *story)
{
	struct qmqp q = {0};
	struct buf text = {0};
	size_t at, n;
	bool fine = true;

	buf_clear(story);
	for (at = 0; at < wire.len && fine; at += n) {
		char *copy;

		n = wire.len - at < piece ? wire.len - at : piece;
		copy = malloc(n);
		memcpy(copy, wire.at + at, n);
		fine = push_all(&q, slice_of(copy, n), &text, story);
		free(copy);
	}
	if (!fine) {
		struct slice none = SLICE("1"), p;

		ok_quiet(qmqp_push(&q, &none, &p) == QMQP_BAD, "BAD stays");
		ok_quiet(strlen(qmqp_where(&q)) > 5, "where");
	}
	buf_free(&text);
}

static void
check(struct slice wire, struct slice expected, const char *name)
{
	struct buf story = {0};
	bool good = true;
	size_t piece;

	for (piece = 1; piece <= wire.len; piece++) {
		run(wire, piece, &story);
		if (!slice_eq(buf_slice(&story), expected)) {
			good = false;
			break;
		}
	}
	ok(good, "%s, cut every %zu: %.*s", name, piece,
	   good ? 0 : (int)story.len, buf_slice(&story).at);
	buf_free(&story);
}

static void
good_wires(void)
{
	static const struct {
		const char *name;
		struct slice wire, story;
	} table[] = {
	    {"no recipient", SLICE("8:1:x,1:s,,"),
	     SLICE("begin 1 text(x) sender(s) end ")},
	    {"all empty", SLICE("9:0:,0:,0:,,"),
	     SLICE("begin 0 text() sender() rcpt() end ")},
	    {"NUL, CR and 8-bit stay", SLICE("14:7:\0\r\xff\r\n\n\r,1:s,,"),
	     SLICE("begin 7 text(\0\r\xff\r\n\n\r) sender(s) end ")},
	    {"odd addresses are refused alone",
	     SLICE("25:0:,3:a\0b,3:c\nd,1:e,3:f\rg,,"),
	     SLICE("begin 0 text() sender(?) rcpt(?) rcpt(e) rcpt(?) end ")},
	    {"bytes behind the package", SLICE("8:1:x,1:s,,y"),
	     SLICE("begin 1 text(x) sender(s) end BAD")},
	};
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		check(table[i].wire, table[i].story, table[i].name);
}

static void
bad_wires(void)
{
	static const struct {
		struct slice wire, story;
	} table[] = {
#define B(w, s) {SLICE(w), SLICE(s)}
	    B("0:,", "BAD"),
	    B("00:", "BAD"),
	    B("08:", "BAD"),
	    B(":", "BAD"),
	    B("-1:", "BAD"),
	    B("+5:", "BAD"),
	    B(" 5:", "BAD"),
	    B("5 :", "BAD"),
	    B("x", "BAD"),
	    B("\n", "BAD"),
	    B("99999999999:", "BAD"),
	    B("12345678901234567890:", "BAD"),
	    B("1073741825:", "BAD"),
	    B("8:01:", "BAD"),
	    B("8::", "BAD"),
	    B("8:-1:", "BAD"),
	    B("8:6:", "BAD"),		  /* inner > outer */
	    B("8:1:x;", "begin 1 BAD"),	  /* no comma */
	    B("4:1:x,", "begin 1 BAD"),	  /* no sender */
	    B("5:1:x,1", "begin 1 BAD"),  /* ends in a head */
	    B("6:1:x,1:", "begin 1 BAD"), /* ends behind a head */
	    B("7:1:x,1:", "begin 1 BAD"), /* no room for the comma */
	    B("8:1:x,2:", "begin 1 BAD"), /* inner > outer */
	    B("20:1:x,65537:", "begin 1 BAD"),
	    B("20:1:x,01:", "begin 1 BAD"),
	    B("20:1:x,9999999999:", "begin 1 BAD"),
#define TOLD "begin 1 text(x) sender(s) "
	    B("8:1:x,1:s,;", TOLD "BAD"),
	    B("8:1:x,1:s,1", TOLD "BAD"),     /* outer too short */
	    B("9:1:x,1:s,,", TOLD "BAD"),     /* outer too long */
	    B("11:1:x,1:s,1:a,", TOLD "BAD"), /* one too short */
	    B("13:1:x,1:s,1:a,,", TOLD "rcpt(a) BAD"),
	    B("12:1:x,1:s,1:a,1:b,,", TOLD "rcpt(a) BAD"),
	    B("16:1:x,1:s,1:a,2:b,,", TOLD "rcpt(a) BAD"),
	};
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		check(table[i].wire, table[i].story, "a wrong wire");
}

static unsigned seed = 1;

static unsigned
any(unsigned below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

static void
any_bytes(struct buf *b, unsigned max, const char *alphabet, unsigned letters)
{
	unsigned n = any(max + 1);

	buf_clear(b);
	while (n-- > 0)
		buf_putc(b, alphabet[any(letters)]);
}

static void
random_packages(void)
{
	struct buf wire = {0}, inner = {0}, want = {0}, story = {0}, s = {0};
	unsigned round, rcpts;
	bool good = true;

	for (round = 0; round < 3000 && good; round++) {
		buf_clear(&wire), buf_clear(&inner), buf_clear(&want);
		any_bytes(&s, 40, "a\r\n\0\xff.,:1", 9);
		netstring_put(&inner, buf_slice(&s));
		buf_text(&want, "begin ");
		buf_number(&want, s.len);
		buf_putc(&want, ' ');
		put(&want, "text", buf_slice(&s));
		any_bytes(&s, 12, "a@.:,1\xff", 7);
		netstring_put(&inner, buf_slice(&s));
		put(&want, "sender", if_sane(buf_slice(&s)));
		for (rcpts = any(5); rcpts > 0; rcpts--) {
			any_bytes(&s, 12, "b@.:,1\xff", 7);
			netstring_put(&inner, buf_slice(&s));
			put(&want, "rcpt", if_sane(buf_slice(&s)));
		}
		netstring_put(&wire, buf_slice(&inner));
		buf_text(&want, "end ");
		run(buf_slice(&wire), 1 + any(60), &story);
		good = slice_eq(buf_slice(&story), buf_slice(&want));
	}
	ok(good, "random packages, round %u", round);
	buf_free(&wire), buf_free(&inner), buf_free(&want);
	buf_free(&story), buf_free(&s);
}

/* Random bytes of the protocol's alphabet, also within an outer length:
 * the story is the same whatever the cuts, nothing steps out of its input. */
static void
random_bytes(void)
{
	struct buf wire = {0}, inner = {0}, whole = {0}, cut = {0};
	unsigned round;
	bool good = true;

	for (round = 0; round < 20000 && good; round++) {
		any_bytes(&inner, 30, "0123:,\nab1:,1:,1", 16);
		buf_clear(&wire);
		if (round & 1)
			netstring_put(&wire, buf_slice(&inner));
		else
			buf_puts(&wire, buf_slice(&inner));
		run(buf_slice(&wire), 1 + wire.len, &whole);
		run(buf_slice(&wire), 1 + any(5), &cut);
		good = slice_eq(buf_slice(&whole), buf_slice(&cut));
	}
	ok(good, "random bytes, round %u", round);
	buf_free(&wire), buf_free(&inner), buf_free(&whole), buf_free(&cut);
}

int
main(void)
{
	check(SLICE(two_rcpts), SLICE(told), "the example of the header");
	good_wires();
	bad_wires();
	random_packages();
	random_bytes();
	return tap_done();
}
