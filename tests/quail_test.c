/* quail_test.c - quail/1: our client against our server at every cut, random
 * packages, wrong wires, greetings */
#include "qmtpd/quail.h"

#include "qmtpd/qmtp.h"
#include "qmtpd/qmtpc.h"
#include "tests/tap.h"

#include <stdlib.h>

static const char example[] =
    "12:\nhello world,8:a@b.test,11:8:ret=HDRS,,"
    "45:8:c@d.test,0:,8:e@f.test,16:12:notify=NEVER,,,";
static const char told[] =
    "begin 11 text(hello world) sender(a@b.test) params(8:ret=HDRS,) "
    "rcpt(c@d.test) params() rcpt(e@f.test) params(12:notify=NEVER,) end ";

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

static void
tell(struct buf *story, struct buf *text, const struct qmtp *q,
     enum qmtp_event event, struct slice piece)
{
	switch (event) {
	case QMTP_TEXT: buf_puts(text, piece); break;
	case QMTP_SENDER:
		put(story, "text", buf_slice(text));
		buf_clear(text);
		put(story, "sender", piece);
		break;
	case QMTP_PARAMS: put(story, "params", piece); break;
	case QMTP_RCPT:
		put(story, "rcpt", piece);
		put(story, "params", qmtp_params(q));
		break;
	case QMTP_BEGIN:
		buf_text(story, "begin ");
		buf_number(story, q->text_len);
		buf_text(story, " ");
		break;
	case QMTP_END: buf_text(story, "end "); break;
	case QMTP_BAD: buf_text(story, "BAD"); break;
	case QMTP_MORE: break;
	}
}

static bool
push_all(struct qmtp *q, struct slice in, struct buf *text, struct buf *story)
{
	enum qmtp_event event;
	struct slice piece;

	do {
		piece = slice_of(NULL, 0);
		event = qmtp_push(q, &in, &piece);
		tell(story, text, q, event, piece);
	} while (event != QMTP_MORE && event != QMTP_BAD);
	ok_quiet(event == QMTP_BAD || in.len == 0, "MORE has taken all");
	return event != QMTP_BAD;
}

/* Each piece is in memory of its own, so that ASan sees a step too far. */
static void
run(struct slice wire, size_t piece, struct buf *story)
{
	struct qmtp q = {.quail = true};
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
	if (!fine)
		ok_quiet(strlen(qmtp_where(&q)) > 5, "where");
	buf_free(&text);
}

static void
check(struct slice wire, struct slice expected, const char *name)
{
	struct buf story = {0};
	bool good = true;
	size_t piece;

	for (piece = 1; piece <= wire.len && good; piece++) {
		run(wire, piece, &story);
		good = slice_eq(buf_slice(&story), expected);
	}
	ok(good, "%s, cut every %zu: %.*s", name, piece - 1,
	   good ? 0 : (int)story.len, buf_slice(&story).at);
	buf_free(&story);
}

static void
wires(void)
{
	static const struct {
		struct slice wire, story;
	} table[] = {
#define B(w, s) {SLICE(w), SLICE(s)}
#define T	"2:\nx,"
#define S	T "1:s,0:,"
#define TOLD	"begin 1 text(x) sender(s) "
#define P	TOLD "params() "
	    B(S "0:,", P "end "),
	    B(S "0:,2:\ny,0:,0:,7:1:b,0:,,",
	      P "end begin 1 text(y) sender() params() rcpt(b) params() end "),
	    B(S "7:1:\0,0:,,", P "rcpt(?) params() end "),
	    B(T "1:s,6:3:a=b,,0:,", TOLD "params(3:a=b,) end "),
	    B(T "1:s,1:x,", TOLD "BAD"),       /* no netstrings */
	    B(T "1:s,5:3:a=b,", TOLD "BAD"),   /* not all of one */
	    B(T "1:s,7:3:a=b,0,", TOLD "BAD"), /* something behind */
	    B(T "1:s,7:03:a=b,,", TOLD "BAD"),
	    B(T "1:s,01:", TOLD "BAD"),
	    B(T "1:s,1025:", TOLD "BAD"),
	    B(S "4:1:a,,", P "BAD"), /* a list without parameters */
	    B(S "7:1:a,0:;", P "BAD"),
	    B(S "8:1:a,0:,,", P "rcpt(a) params() BAD"),
	    B(S "7:1:a,1:,,", P "BAD"),
	    B(S "8:1:a,1:x,,", P "BAD"),
	    B(S "9:1:a,9:x", P "BAD"), /* inner > outer */
	    B(S "7:1:a,0:,;", P "rcpt(a) params() BAD"),
#undef B
	};
	size_t i;

	check(SLICE(example), SLICE(told), "the example of the header");
	for (i = 0; i < sizeof table / sizeof *table; i++)
		check(table[i].wire, table[i].story, "a wire");
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

/* Any that a door lets in. */
static void
any_address(struct buf *b, const char *alphabet)
{
	do
		any_bytes(b, 12, alphabet, (unsigned)strlen(alphabet));
	while (!address_sane(buf_slice(b)));
}

static void
any_params(struct buf *list)
{
	struct buf one = {0};
	unsigned n = any(3);

	buf_clear(list);
	while (n-- > 0) {
		any_bytes(&one, 20, "ab=,:.1", 7);
		netstring_put(list, buf_slice(&one));
	}
	buf_free(&one);
}

static void
any_package(struct buf *wire, struct buf *want)
{
	struct buf text = {0}, sender = {0}, rcpt = {0}, params = {0};
	struct quail_batch batch = {0};
	struct buf rcpts = {0};
	unsigned n;

	any_bytes(&text, 40, "a\r\n\0\xff.,:1", 9);
	any_address(&sender, "a@.:,1\xff");
	for (n = any(6); n > 0; n--) {
		any_address(&rcpt, "b@.:,1\xff");
		any_params(&params);
		quail_add(&batch, buf_slice(&rcpt), buf_slice(&params));
		put(&rcpts, "rcpt", buf_slice(&rcpt));
		put(&rcpts, "params", buf_slice(&params));
	}
	any_params(&params);
	qmtpc_begin(wire, text.len);
	buf_puts(wire, buf_slice(&text));
	quail_end(wire, buf_slice(&sender), buf_slice(&params), &batch);
	buf_text(want, "begin ");
	buf_number(want, text.len);
	buf_putc(want, ' ');
	put(want, "text", buf_slice(&text));
	put(want, "sender", buf_slice(&sender));
	put(want, "params", buf_slice(&params));
	buf_puts(want, buf_slice(&rcpts));
	buf_text(want, "end ");
	quail_batch_free(&batch);
	buf_free(&text), buf_free(&sender), buf_free(&rcpt);
	buf_free(&params), buf_free(&rcpts);
}

static void
random_packages(void)
{
	struct buf wire = {0}, want = {0}, story = {0};
	unsigned round, packages;
	bool good = true;
	size_t piece;

	for (round = 0; round < 300 && good; round++) {
		buf_clear(&wire);
		buf_clear(&want);
		for (packages = any(4); packages > 0; packages--)
			any_package(&wire, &want);
		for (piece = 1; piece <= wire.len && good; piece++) {
			run(buf_slice(&wire), piece, &story);
			good = slice_eq(buf_slice(&story), buf_slice(&want));
		}
	}
	ok(good, "random packages of our client at every cut, round %u", round);
	buf_free(&wire), buf_free(&want), buf_free(&story);
}

/* The longest list that is taken, and one byte more. */
static void
long_params(void)
{
	size_t len;

	for (len = QMTP_PARAMS_MAX; len <= QMTP_PARAMS_MAX + 1; len++) {
		struct buf one = {0}, list = {0}, wire = {0}, story = {0};
		bool fits = len <= QMTP_PARAMS_MAX;

		while (one.len < len - 6)
			buf_putc(&one, 'a');
		netstring_put(&list, buf_slice(&one));
		ok_quiet(list.len == len, "%zu", list.len);
		buf_text(&wire, "1:\n,0:,");
		netstring_put(&wire, buf_slice(&list));
		buf_text(&wire, "0:,");
		run(buf_slice(&wire), 7, &story);
		ok((story.mem[story.len - 1] == ' ') == fits,
		   "a list of %zu bytes", len);
		buf_free(&one), buf_free(&list), buf_free(&wire);
		buf_free(&story);
	}
}

/* greetings */

static enum quail_event
greeted(struct slice wire, size_t piece, struct quail_takes *takes,
	struct buf *rest)
{
	struct quail_greeting g = {0};
	enum quail_event event = QUAIL_MORE;
	size_t at, n;

	buf_clear(rest);
	for (at = 0; at < wire.len; at += n) {
		struct slice in;
		char *copy;

		n = wire.len - at < piece ? wire.len - at : piece;
		copy = malloc(n);
		memcpy(copy, wire.at + at, n);
		in = slice_of(copy, n);
		if (event == QUAIL_MORE)
			event = quail_greeted(&g, &in, takes);
		buf_puts(rest, in);
		free(copy);
	}
	if (event == QUAIL_BAD)
		ok_quiet(quail_greeted(&g, &wire, takes) == QUAIL_BAD, "stays");
	return event;
}

static const struct {
	const char *name;
	struct slice wire;
	enum quail_event event;
} greetings[] = {
    {"the example",
     SLICE("47:13:size=52428800,11:rcpts=10000,11:params=3072,,"), QUAIL_READY},
    {"other keys",
     SLICE("54:13:size=52428800,11:rcpts=10000,4:x=yz,"
	   "11:params=3072,,"),
     QUAIL_READY},
    {"not all of it", SLICE("47:13:size=52428800,11:rcpts=10000,"), QUAIL_MORE},
    {"no size", SLICE("30:11:rcpts=10000,11:params=3072,,"), QUAIL_BAD},
    {"no number", SLICE("47:13:size=5242880k,11:rcpts=10000,11:params=3072,,"),
     QUAIL_BAD},
    {"no recipients", SLICE("42:13:size=52428800,7:rcpts=0,11:params=3072,,"),
     QUAIL_BAD},
    {"too few parameters",
     SLICE("47:13:size=52428800,11:rcpts=10000,11:params=1023,,"), QUAIL_BAD},
    {"a key twice",
     SLICE("54:13:size=52428800,6:size=5,11:rcpts=10000,11:params=3072,,"),
     QUAIL_BAD},
    {"no key", SLICE("50:13:size=52428800,0:,11:rcpts=10000,11:params=3072,,"),
     QUAIL_BAD},
    {"empty", SLICE("0:,"), QUAIL_BAD},
    {"a reply", SLICE("4:Kok.,"), QUAIL_BAD},
    {"no netstring", SLICE("220 hub ESMTP\r\n"), QUAIL_BAD},
    {"too long", SLICE("1025:"), QUAIL_BAD},
};

static void
test_greetings(void)
{
	struct buf rest = {0}, wire = {0};
	struct quail_takes takes = {0};
	size_t i, piece;
	bool good;

	for (i = 0; i < sizeof greetings / sizeof *greetings; i++) {
		good = true;
		for (piece = 1; piece <= greetings[i].wire.len; piece++)
			good = good && greeted(greetings[i].wire, piece, &takes,
					       &rest) == greetings[i].event;
		ok(good, "greeting: %s", greetings[i].name);
	}
	takes = (struct quail_takes){52428800, 10000, 3072};
	quail_greet(&wire, &takes);
	ok(slice_eq(buf_slice(&wire), greetings[0].wire), "ours");
	buf_text(&wire, "3:Kok,");
	good = true;
	for (piece = 1; piece <= wire.len; piece++) {
		takes = (struct quail_takes){0};
		good = good &&
		       greeted(buf_slice(&wire), piece, &takes, &rest) ==
			   QUAIL_READY &&
		       slice_eq(buf_slice(&rest), SLICE("3:Kok,")) &&
		       takes.size == 52428800 && takes.rcpts == 10000 &&
		       takes.params == 3072;
	}
	ok(good, "and read; what is behind it stays");
	buf_free(&rest), buf_free(&wire);
}

int
main(void)
{
	wires();
	random_packages();
	long_params();
	test_greetings();
	return tap_done();
}
