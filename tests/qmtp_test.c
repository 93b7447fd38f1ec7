/* qmtp_test.c - the QMTP server's machine: every cut, wrong wires, both
 * line encodings, and random packages of our own client */
#include "lib/list.h"
#include "qmtpd/qmtp.h"
#include "qmtpd/qmtpc.h"
#include "tests/tap.h"

#include <stdlib.h>

/* Two recipients: with one, "one reply a package" looks right too. */
static const char two_rcpts[] =
    "12:\nhello world,8:a@b.test,22:8:c@d.test,8:e@f.test,,";
static const char told[] = "begin 11 text(hello world) sender(a@b.test) "
			   "rcpt(c@d.test) rcpt(e@f.test) end ";

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

/* Pieces of text are told as one: where they were cut is nobody's affair. */
static void
tell(struct buf *story, struct buf *text, const struct qmtp *q,
     enum qmtp_event event, struct slice piece)
{
	if (event == QMTP_TEXT) {
		ok_quiet(piece.len > 0, "a piece of text is never empty");
		buf_puts(text, piece);
		return;
	}
	if (event == QMTP_SENDER) {
		put(story, "text", buf_slice(text));
		buf_clear(text);
		put(story, "sender", piece);
	} else if (event == QMTP_RCPT) {
		put(story, "rcpt", piece);
	} else if (event == QMTP_BEGIN) {
		buf_text(story, "begin ");
		buf_number(story, q->text_len);
		buf_text(story, " ");
	} else if (event == QMTP_END) {
		buf_text(story, "end ");
	} else if (event == QMTP_BAD) {
		buf_text(story, "BAD");
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
	struct qmtp q = {0};
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

		ok_quiet(qmtp_push(&q, &none, &p) == QMTP_BAD, "BAD stays");
		ok_quiet(strlen(qmtp_where(&q)) > 5, "where");
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
	    {"empty text, empty sender", SLICE("1:\n,0:,4:1:a,,"),
	     SLICE("begin 0 text() sender() rcpt(a) end ")},
	    {"no recipient", SLICE("2:\nx,1:s,0:,"),
	     SLICE("begin 1 text(x) sender(s) end ")},
	    {"two packages", SLICE("2:\nx,1:s,0:,2:\ny,1:t,4:1:a,,"),
	     SLICE("begin 1 text(x) sender(s) end "
		   "begin 1 text(y) sender(t) rcpt(a) end ")},
	    {"empty recipient", SLICE("2:\nx,1:s,6:0:,0:,,"),
	     SLICE("begin 1 text(x) sender(s) rcpt() rcpt() end ")},
	    {"NUL, CR and 8-bit stay", SLICE("8:\n\0\r\xff\r\n\r\n,1:s,0:,"),
	     SLICE("begin 7 text(\0\r\xff\r\n\r\n) sender(s) end ")},
	    {"odd addresses are refused alone",
	     SLICE("1:\n,3:a\0b,24:3:c\nd,1:e,3:f\rg,1:h,1:\0,,"),
	     SLICE("begin 0 text() sender(?) rcpt(?) rcpt(e) rcpt(?) "
		   "rcpt(h) rcpt(?) end ")},
	    {"CR LF: lines", SLICE("7:\ra\r\nb\r\n,1:s,0:,"),
	     SLICE("begin 6 text(a\nb\n) sender(s) end ")},
	    {"CR LF: CR CR LF", SLICE("6:\r\r\r\n\r\r,1:s,0:,"),
	     SLICE("begin 5 text(\r\n\r\r) sender(s) end ")},
	    {"CR LF: as qmail does",
	     SLICE("22:\rh\ri\r\r\n.\r\nlast\nx\r\r\n\r\ny,1:s,0:,"),
	     SLICE("begin 21 text(h\ri\r\n.\nlast\nx\r\n\ny) sender(s) end ")},
	    {"CR LF: a last CR", SLICE("5:\rx\r\n\r,1:s,0:,"),
	     SLICE("begin 4 text(x\n\r) sender(s) end ")},
	    {"CR LF: only CR LF", SLICE("3:\r\r\n,1:s,0:,"),
	     SLICE("begin 2 text(\n) sender(s) end ")},
	    {"encodings alternate", SLICE("3:\r\r\n,0:,0:,3:\n\r\n,0:,0:,"),
	     SLICE("begin 2 text(\n) sender() end "
		   "begin 2 text(\r\n) sender() end ")},
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
	    B("02:\nx,", "BAD"),
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
	    B("2:xy,", "begin 1 BAD"),
	    B("1:\n;", "begin 0 BAD"),
	    B("2:\nxy", "begin 1 BAD"),
	    B("2:\rxy", "begin 1 BAD"),
	    B("3:\rx\r;", "begin 2 BAD"),
#define T    "2:\nx,"
#define TOLD "begin 1 "
	    B(T "1:ab", TOLD "BAD"),
	    B(T "01:a,", TOLD "BAD"),
	    B(T ":,", TOLD "BAD"),
	    B(T "65537:", TOLD "BAD"),
	    B(T "9999999999:", TOLD "BAD"),
#undef TOLD
#define TOLD "begin 1 text(x) sender(s) "
	    B(T "1:s,:", TOLD "BAD"),
	    B(T "1:s,01:", TOLD "BAD"),
	    B(T "1:s,16777217:", TOLD "BAD"),
	    B(T "1:s,0:;", TOLD "BAD"),
	    B(T "1:s,4:01:a,", TOLD "BAD"),
	    B(T "1:s,4:-1:a", TOLD "BAD"),
	    B(T "1:s,4::", TOLD "BAD"),
	    B(T "1:s,4:2:a", TOLD "BAD"),	      /* inner > outer */
	    B(T "1:s,4:1:ab", TOLD "BAD"),	      /* no comma */
	    B(T "1:s,2:1:", TOLD "BAD"),	      /* ends in a payload */
	    B(T "1:s,1:1", TOLD "BAD"),		      /* ends in a head */
	    B(T "1:s,3:1:a,", TOLD "BAD"),	      /* no room for ',' */
	    B(T "1:s,5:1:a,1", TOLD "rcpt(a) BAD"),   /* one byte too long */
	    B(T "1:s,4:1:a,;", TOLD "rcpt(a) BAD"),   /* no end */
	    B(T "1:s,4:1:a,1:b,", TOLD "rcpt(a) BAD") /* one too many */
	};
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		check(table[i].wire, table[i].story, "a wrong wire");
}

/* An address of ADDRESS_MAX bytes is one, of one more is not. */
static void
long_addresses(void)
{
	size_t len;

	for (len = ADDRESS_MAX - 1; len <= ADDRESS_MAX + 2; len++) {
		struct buf wire = {0}, address = {0}, list = {0}, want = {0};
		struct buf story = {0};
		struct slice a;

		while (address.len < len)
			buf_putc(&address, 'a');
		a = len <= ADDRESS_MAX ? buf_slice(&address)
				       : slice_of(NULL, 0);
		netstring_put(&list, buf_slice(&address));
		netstring_put(&list, SLICE("b"));
		netstring_put(&wire, SLICE("\n"));
		netstring_put(&wire, buf_slice(&address));
		netstring_put(&wire, buf_slice(&list));
		buf_text(&want, "begin 0 text() ");
		put(&want, "sender", a);
		put(&want, "rcpt", a);
		buf_text(&want, "rcpt(b) end ");
		run(buf_slice(&wire), 1, &story);
		ok(slice_eq(buf_slice(&story), buf_slice(&want)),
		   "an address of %zu, byte by byte", len);
		run(buf_slice(&wire), 4096, &story);
		ok(slice_eq(buf_slice(&story), buf_slice(&want)),
		   "an address of %zu, at once", len);
		buf_free(&wire), buf_free(&address), buf_free(&list);
		buf_free(&want), buf_free(&story);
	}
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

/* Our client's packages come out of our server as they went in. */
static void
random_packages(void)
{
	struct buf wire = {0}, want = {0}, story = {0};
	struct buf text = {0}, sender = {0}, rcpt = {0};
	unsigned round, packages;
	bool good = true;

	for (round = 0; round < 2000 && good; round++) {
		buf_clear(&wire);
		buf_clear(&want);
		for (packages = any(4); packages > 0; packages--) {
			any_bytes(&text, 40, "a\r\n\0\xff.,:1", 9);
			any_bytes(&sender, 12, "a@.:,1\xff", 7);
			any_bytes(&rcpt, 12, "b@.:,1\xff", 7);
			qmtpc_begin(&wire, text.len);
			buf_puts(&wire, buf_slice(&text));
			qmtpc_end(&wire, buf_slice(&sender), buf_slice(&rcpt));
			buf_text(&want, "begin ");
			buf_number(&want, text.len);
			buf_putc(&want, ' ');
			put(&want, "text", buf_slice(&text));
			put(&want, "sender", if_sane(buf_slice(&sender)));
			put(&want, "rcpt", if_sane(buf_slice(&rcpt)));
			buf_text(&want, "end ");
		}
		run(buf_slice(&wire), 1 + any(60), &story);
		good = slice_eq(buf_slice(&story), buf_slice(&want));
	}
	ok(good, "random packages of our client, round %u", round);
	buf_free(&wire), buf_free(&want), buf_free(&story);
	buf_free(&text), buf_free(&sender), buf_free(&rcpt);
}

/* Random bytes of the protocol's alphabet: the story is the same whatever
 * the cuts, and nothing steps out of its input. */
static void
random_bytes(void)
{
	struct buf wire = {0}, whole = {0}, cut = {0};
	unsigned round;
	bool good = true;

	for (round = 0; round < 20000 && good; round++) {
		any_bytes(&wire, 40, "0123:,\r\n\nab1:,1", 16);
		run(buf_slice(&wire), 1 + wire.len, &whole);
		run(buf_slice(&wire), 1 + any(5), &cut);
		good = slice_eq(buf_slice(&whole), buf_slice(&cut));
	}
	ok(good, "random bytes, round %u", round);
	buf_free(&wire), buf_free(&whole), buf_free(&cut);
}

static void
encode(struct buf *wire, struct slice text)
{
	struct buf lines = {0};
	size_t i;

	buf_putc(&lines, '\r');
	for (i = 0; i < text.len; i++) {
		if (text.at[i] == '\n')
			buf_putc(&lines, '\r');
		buf_putc(&lines, text.at[i]);
	}
	netstring_put(wire, buf_slice(&lines));
	buf_text(wire, "0:,0:,");
	buf_free(&lines);
}

/* The CR LF encoding is reversible for every text. */
static void
round_trip(void)
{
	struct buf text = {0}, wire = {0}, story = {0}, want = {0};
	unsigned round;
	size_t from;
	bool good = true;

	for (round = 0; round < 5000 && good; round++) {
		any_bytes(&text, 30, "a\r\n\r\n\0", 6);
		buf_clear(&wire);
		buf_clear(&want);
		encode(&wire, buf_slice(&text));
		put(&want, "text", buf_slice(&text));
		buf_text(&want, "sender() end ");
		run(buf_slice(&wire), 1 + any(9), &story);
		from = slice_find(buf_slice(&story), 't');
		good = slice_eq(slice_from(buf_slice(&story), from),
				buf_slice(&want));
	}
	ok(good, "CR LF texts come back, round %u", round);
	buf_free(&text), buf_free(&wire), buf_free(&story), buf_free(&want);
}

static void
resting(void)
{
	struct qmtp q = {0};
	struct slice in = SLICE(two_rcpts), piece;
	unsigned rests = 0;

	ok(qmtp_resting(&q), "rests before the first byte");
	in.len = 1;
	ok(qmtp_push(&q, &in, &piece) == QMTP_MORE && !qmtp_resting(&q),
	   "does not rest behind it");
	in = slice_from(SLICE(two_rcpts), 1);
	while (qmtp_push(&q, &in, &piece) != QMTP_END)
		rests += qmtp_resting(&q);
	ok(rests == 0 && qmtp_resting(&q), "rests behind the package");
}

static void
lists(void)
{
	struct link links[3] = {{0}};
	struct list list;

	list_init(&list);
	ok(list_empty(&list), "a new list is empty");
	list_put(&list, &links[0]);
	list_put(&list, &links[1]);
	list_put(&list, &links[1]);
	list_put(&list, &links[2]);
	list_drop(&links[1]);
	list_drop(&links[1]);
	ok(list_first(&list) == &links[0] &&
	       list_next(&list, &links[0]) == &links[2] &&
	       list_next(&list, &links[2]) == NULL && !list_has(&links[1]),
	   "a link is in a list once, and leaves it");
	list_drop(&links[0]);
	list_drop(&links[2]);
	ok(list_empty(&list), "and it is empty again");
}

int
main(void)
{
	check(SLICE(two_rcpts), SLICE(told), "the example of the header");
	good_wires();
	bad_wires();
	long_addresses();
	resting();
	random_packages();
	random_bytes();
	round_trip();
	lists();
	return tap_done();
}
