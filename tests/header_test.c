/* header_test.c - the header of a submitted message, at every cut */
#include "qmqpc/header.h"

#include "tests/tap.h"

#include <stdlib.h>
#include <time.h>

struct story {
	struct buf out;	 /* what goes on */
	struct buf told; /* recipients: r() R() for Resent-, ! for bad */
	struct buf text; /* behind the header */
	unsigned seen;
};

static enum header_event
tell(struct story *s, struct header *h, enum header_event e, struct slice out)
{
	if (e == HEADER_END) {
		buf_puts(&s->text, out);
		s->seen = h->seen;
		return e;
	}
	buf_puts(&s->out, out);
	if (e == HEADER_BAD)
		buf_text(&s->told, h->is_return	       ? "p!"
				   : h->is_resent_rcpt ? "R!"
						       : "r!");
	if (e == HEADER_RETURN) {
		buf_text(&s->told, "p(");
		buf_put(&s->told, h->list.address, h->list.len);
		buf_putc(&s->told, ')');
	}
	if (e == HEADER_RCPT) {
		buf_text(&s->told, h->is_resent_rcpt ? "R(" : "r(");
		buf_put(&s->told, h->list.address, h->list.len);
		buf_putc(&s->told, ')');
	}
	return e;
}

static void
run_with(struct story *s, struct header h, struct slice in, size_t piece)
{
	enum header_event e = HEADER_MORE;
	struct slice out, part;

	buf_clear(&s->out);
	buf_clear(&s->told);
	buf_clear(&s->text);
	while (in.len > 0) {
		part = slice_of(in.at, in.len < piece ? in.len : piece);
		in = slice_from(in, part.len);
		while (part.len > 0 && e != HEADER_END)
			e = tell(s, &h, header_push(&h, &part, &out), out);
		buf_puts(&s->text, part);
	}
	while (e != HEADER_END)
		e = tell(s, &h, header_finish(&h, &out), out);
}

static void
run(struct story *s, struct slice in, size_t piece)
{
	run_with(s, (struct header){0}, in, piece);
}

enum {
	DATE = HEADER_DATE,
	FROM = HEADER_FROM,
	ID = HEADER_MESSAGE_ID,
	TO = HEADER_TO
};

static const struct {
	const char *what, *in, *out, *told, *text;
	unsigned seen;
} cases[] = {
    {"the example of header.h", "To: a@b.test, c\nBcc: d@e.test\n\ntext\n",
     "To: a@b.test, c\n", "r(a@b.test)r(c)r(d@e.test)", "text\n", TO},
    {"all three that we add are there",
     "Date: x\nFROM: y\nmessage-ID : z\n\nText: x\n",
     "Date: x\nFROM: y\nmessage-ID : z\n", "", "Text: x\n", DATE | FROM | ID},
    {"folded lists", "To: a@b.test,\n\tc@d.test,\n  e\nCc: f,\n g\n\n",
     "To: a@b.test,\n\tc@d.test,\n  e\nCc: f,\n g\n",
     "r(a@b.test)r(c@d.test)r(e)r(f)r(g)", "", TO},
    {"a folded Bcc goes altogether", "Bcc: a,\n b,\n\tc\nSubject: s\n\nt",
     "Subject: s\n", "r(a)r(b)r(c)", "t", 0},
    {"Return-Path and Content-Length go",
     "Return-path: <x>\nX: y\nContent-Length:\n 12\n\nt", "X: y\n", "", "t",
     HEADER_RETURN_PATH},
    {"Resent fields",
     "Resent-To: a@b, c\nResent-Bcc: d\nResent-Cc: e\nTo: x@y, z\n\nt",
     "Resent-To: a@b, c\nResent-Cc: e\nTo: x@y, z\n",
     "R(a@b)R(c)R(d)R(e)r(x@y)r(z)", "t", HEADER_RESENT | TO},
    {"what of a resent message is there",
     "Resent-Date: x\nResent-From: y\nResent-Message-Id: z\nDate: u\n\n",
     "Resent-Date: x\nResent-From: y\nResent-Message-Id: z\nDate: u\n", "", "",
     HEADER_RESENT | HEADER_RESENT_DATE | HEADER_RESENT_FROM |
	 HEADER_RESENT_MESSAGE_ID | DATE},
    {"Resent-Sender makes a message resent", "Resent-Sender: x\n\n",
     "Resent-Sender: x\n", "", "", HEADER_RESENT},
    {"no header", "\ntext\n", "", "", "text\n", 0},
    {"a text without a header", "hello world\n\nTo: a\n", "", "",
     "hello world\n\nTo: a\n", 0},
    {"a line of one word", "hello\nworld\n", "", "", "hello\nworld\n", 0},
    {"a line that is no field ends the header", "To: a, b\nhello\nCc: c\n",
     "To: a, b\n", "r(a)r(b)", "hello\nCc: c\n", TO},
    {"a first line that begins with a space", " To: a\nCc: b\n", "", "",
     " To: a\nCc: b\n", 0},
    {"a line that begins with a colon", "To: a, b\n: c\n", "To: a, b\n",
     "r(a)r(b)", ": c\n", TO},
    {"nothing", "", "", "", "", 0},
    {"no empty line", "To: a, b\n", "To: a, b\n", "r(a)r(b)", "", TO},
    {"no last LF", "To: a, b", "To: a, b\n", "r(a)r(b)", "", TO},
    {"no last LF in a Bcc", "Bcc: a, b", "", "r(a)r(b)", "", 0},
    {"the end inside of a name", "X: y\nBc", "X: y\n", "", "Bc", 0},
    {"a mailbox's separator", "From joe Sat Nov 21\nTo: a, b\n\nt",
     "X-Mailbox-Line: From joe Sat Nov 21\nTo: a, b\n", "r(a)r(b)", "t", TO},
    {"only on the first line", "To: a, b\nFrom joe Sat\nCc: c\n", "To: a, b\n",
     "r(a)r(b)", "From joe Sat\nCc: c\n", TO},
    {"From with a space before its colon", "From : joe\nTo: a\n\nt",
     "From : joe\nTo: a\n", "r(a)", "t", FROM | TO},
    {"a list that cannot be read; others can",
     "To: a b, c\nCc: d, e\nSubject: s\n\nt",
     "To: a b, c\nCc: d, e\nSubject: s\n", "r!r(d)r(e)", "t", TO},
    {"bad at its end", "Cc: d, (e\nBcc: f\n\nt", "Cc: d, (e\n", "r(d)r!r(f)",
     "t", TO},
    {"bad in a folded one", "To: a, b c,\n d, e\nX: y\n\nt",
     "To: a, b c,\n d, e\nX: y\n", "r(a)r!", "t", TO},
    {"names that only begin alike", "Tot: a\nT: b\nBccc: c\nXBcc: d\n\n",
     "Tot: a\nT: b\nBccc: c\nXBcc: d\n", "", "", 0},
    {"bare CR and odd bytes stay", "Subject: a\rb\x01\xff\n\nt\r",
     "Subject: a\rb\x01\xff\n", "", "t\r", 0},
    {"empty lists", "To:\nCc: \nBcc: ;\n\n", "To:\nCc: \n", "", "", TO},
    {"a line of spaces continues", "To: a,\n \n b\n\nt", "To: a,\n \n b\n",
     "r(a)r(b)", "t", TO},
};

static bool
same(const struct buf *b, const char *text)
{
	return slice_eq(buf_slice(b), slice_text(text));
}

static void
test_cases(void)
{
	struct story s = {0};
	size_t i, piece;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct slice in = slice_text(cases[i].in);
		bool good = true;

		for (piece = 1; piece <= in.len + 1; piece++) {
			run(&s, in, piece);
			good &= ok_quiet(same(&s.out, cases[i].out) &&
					     same(&s.told, cases[i].told) &&
					     same(&s.text, cases[i].text) &&
					     s.seen == cases[i].seen,
					 "%s, in pieces of %zu: [%.*s] [%.*s]",
					 cases[i].what, piece, (int)s.out.len,
					 buf_slice(&s.out).at, (int)s.told.len,
					 buf_slice(&s.told).at);
		}
		ok(good, "%s", cases[i].what);
	}
	buf_free(&s.out);
	buf_free(&s.told);
	buf_free(&s.text);
}

/* What qmail-inject's environment asks for. */
static void
test_asked(void)
{
	static const struct header asked = {
	    .drops_from = true, .drops_id = true, .wants_return = true};
	static const struct {
		const char *in, *told;
	} all[] = {
	    {"From: a\nMessage-ID: <x>\n y\nTo: b, c\nReturn-Path: <d@e>\n\nt",
	     "r(b)r(c)p(d@e)"},
	    {"Return-Path: <>\nFrom: a\nMessage-ID: <x>\nTo: b, c\n\nt",
	     "r(b)r(c)"},
	    {"Return-Path: d e <<\nFrom: a\nMessage-ID: <x>\nTo: b, c\n\nt",
	     "p!r(b)r(c)"},
	};
	struct story s = {0};
	size_t i, piece;

	for (i = 0; i < sizeof all / sizeof *all; i++) {
		struct slice in = slice_text(all[i].in);
		bool good = true;

		for (piece = 1; piece <= in.len + 1; piece++) {
			run_with(&s, asked, in, piece);
			good &=
			    ok_quiet(same(&s.out, "To: b, c\n") &&
					 same(&s.told, all[i].told) &&
					 same(&s.text, "t") &&
					 s.seen == (TO | HEADER_RETURN_PATH),
				     "in pieces of %zu: [%.*s] [%.*s]", piece,
				     (int)s.out.len, buf_slice(&s.out).at,
				     (int)s.told.len, buf_slice(&s.told).at);
		}
		ok(good, "asked: %s", all[i].told);
	}
	buf_free(&s.out);
	buf_free(&s.told);
	buf_free(&s.text);
}

static void
test_long(void)
{
	struct buf in = {0};
	struct story s = {0};
	size_t i;

	buf_text(&in, "Subject: ");
	for (i = 0; i < 300000; i++)
		buf_putc(&in, 'x');
	buf_text(&in, "\nTo: a");
	for (i = 0; i < 20000; i++)
		buf_text(&in, ", b@c");
	buf_text(&in, "\n");
	run(&s, buf_slice(&in), 4096);
	ok(s.told.len == 4 + 20000 * 6, "20001 recipients in one field");
	ok(slice_eq(buf_slice(&s.out), buf_slice(&in)), "unchanged");
	buf_clear(&in);
	for (i = 0; i < HEADER_NAME_MAX + 10; i++)
		buf_putc(&in, 'x');
	buf_text(&in, ": y\n");
	run(&s, buf_slice(&in), 7);
	ok(s.out.len == 0 && slice_eq(buf_slice(&s.text), buf_slice(&in)),
	   "a name that is too long is none");
	buf_free(&in);
	buf_free(&s.out);
	buf_free(&s.told);
	buf_free(&s.text);
}

/* Many addresses in one line that is at hand as a whole: each costs what it is
 * long, not what comes behind it. A minute for the square of these, 50 ms
 * otherwise. */
static void
test_one_line(void)
{
	struct header h = {0};
	struct buf line = {0};
	struct slice in, out;
	enum header_event e;
	unsigned i, n = 0;
	clock_t begun;

	buf_text(&line, "To: ");
	for (i = 0; i < 500000; i++)
		buf_text(&line, "g:a@b;,");
	buf_text(&line, "\n\n");
	in = buf_slice(&line);
	begun = clock();
	do {
		e = header_push(&h, &in, &out);
		n += e == HEADER_RCPT;
	} while (e != HEADER_END && in.len > 0);
	ok(n == 500000 && (clock() - begun) / CLOCKS_PER_SEC < 15,
	   "%u groups in a line", n);
	buf_free(&line);
}

int
main(void)
{
	test_cases();
	test_asked();
	test_long();
	test_one_line();
	return tap_done();
}
