/* qmtpc_test.c - the QMTP client's machine: packages byte for byte, replies
 * at every cut, and wrong ones */
#include "qmtpd/qmtpc.h"
#include "tests/tap.h"

#include <stdlib.h>

static bool
push_all(struct qmtpc *q, struct slice in, struct buf *story)
{
	enum qmtpc_event event;
	struct verdict v;

	while ((event = qmtpc_push(q, &in, &v)) == QMTPC_REPLY) {
		buf_putc(story, v.code);
		buf_putc(story, '(');
		buf_puts(story, verdict_text(&v));
		buf_text(story, ") ");
	}
	if (event == QMTPC_BAD)
		buf_text(story, "BAD");
	else
		ok_quiet(in.len == 0, "MORE has taken all");
	return event == QMTPC_MORE;
}

static void
run(struct slice wire, size_t piece, struct buf *story)
{
	struct qmtpc q = {0};
	struct slice none = SLICE("4:Kabc,");
	struct verdict v;
	size_t at, n;
	bool fine = true;

	buf_clear(story);
	for (at = 0; at < wire.len && fine; at += n) {
		char *copy;

		n = wire.len - at < piece ? wire.len - at : piece;
		copy = malloc(n);
		memcpy(copy, wire.at + at, n);
		fine = push_all(&q, slice_of(copy, n), story);
		free(copy);
	}
	if (!fine)
		ok_quiet(qmtpc_push(&q, &none, &v) == QMTPC_BAD, "BAD stays");
}

static void
check(struct slice wire, const char *expected, const char *name)
{
	struct buf story = {0};
	bool good = true;
	size_t piece;

	for (piece = 1; piece <= wire.len; piece++) {
		run(wire, piece, &story);
		if (!slice_eq(buf_slice(&story), slice_text(expected))) {
			good = false;
			break;
		}
	}
	ok(good, "%s, cut every %zu: %.*s", name, piece,
	   good ? 0 : (int)story.len, buf_slice(&story).at);
	buf_free(&story);
}

static void
good_replies(void)
{
	check(SLICE("11:Kok 1 qp 23,"), "K(ok 1 qp 23) ", "one reply");
	check(SLICE("1:K,5:Zlate,7:Dno one,"), "K() Z(late) D(no one) ",
	      "three replies");
	check(SLICE("5:K Ok.,"), "K( Ok.) ", "a space in front, as s/qmail's");
	check(SLICE("6:Da\r\nb\xff,"), "D(a b?) ", "odd bytes in a text");
	check(SLICE("4:Z\0\033x,"), "Z(??x) ", "NUL and escape");
}

static void
bad_replies(void)
{
	static const struct {
		struct slice wire;
		const char *story;
	} table[] = {
	    {SLICE("0:,"), "BAD"},
	    {SLICE("1:X,"), "BAD"},
	    {SLICE("2:kx,"), "BAD"},
	    {SLICE("3: Kx,"), "BAD"},
	    {SLICE("01:K,"), "BAD"},
	    {SLICE(":K,"), "BAD"},
	    {SLICE("1:K;"), "BAD"},
	    {SLICE("-1:K,"), "BAD"},
	    {SLICE("1:Kx"), "BAD"},
	    {SLICE("220 smtp.example ESMTP\r\n"), "BAD"},
	    {SLICE("65537:"), "BAD"},
	    {SLICE("99999999999:"), "BAD"},
	    {SLICE("1:K,1:X,1:K,"), "K() BAD"},
	    {SLICE("1:K,\n"), "K() BAD"},
	};
	size_t i;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		check(table[i].wire, table[i].story, "a wrong reply");
}

static void
long_reply(void)
{
	struct buf text = {0}, wire = {0}, story = {0};
	size_t i;

	buf_putc(&text, 'Z');
	for (i = 1; i < QMTPC_REPLY_MAX; i++)
		buf_putc(&text, 'a');
	netstring_put(&wire, buf_slice(&text));
	buf_text(&wire, "2:Kx,");
	run(buf_slice(&wire), 1000, &story);
	ok(story.len == 1 + 1 + VERDICT_TEXT_MAX + 2 + 5 &&
	       memcmp(story.mem + story.len - 7, ") K(x) ", 7) == 0,
	   "a long text is cut, the next reply is read");
	buf_free(&text), buf_free(&wire), buf_free(&story);
}

static void
package(const char *text, const char *sender, const char *rcpt,
	const char *expected)
{
	struct buf out = {0};

	qmtpc_begin(&out, strlen(text));
	buf_text(&out, text);
	qmtpc_end(&out, slice_text(sender), slice_text(rcpt));
	ok(slice_eq(buf_slice(&out), slice_text(expected)), "a package to <%s>",
	   rcpt);
	buf_free(&out);
}

int
main(void)
{
	good_replies();
	bad_replies();
	long_reply();
	package("hello world", "a@b.test", "c@d.test",
		"12:\nhello world,8:a@b.test,11:8:c@d.test,,");
	package("", "", "", "1:\n,0:,3:0:,,");
	package("x\r\n", "s", "1234567890@example",
		"4:\nx\r\n,1:s,22:18:1234567890@example,,");
	return tap_done();
}
