/* talk - what comes on the leaf's stdin: SMTP (sendmail -bs) and text, at
 * every cut, and by a second reading */
#include "qmqpc/talk.h"
#include "qmqpc/textin.h"
#include "tests/fuzz/fuzz.h"

struct run {
	struct talk t;
	struct textin in;
	struct buf *story;
};

static bool
push_talk(void *user, struct slice in)
{
	struct run *r = user;
	enum talk_event e = TALK_MORE;
	struct slice out;

	while (in.len > 0 && e != TALK_BAD) {
		e = talk_push(&r->t, &in, &out);
		if (e == TALK_COMMAND) {
			fuzz_check(out.len <= TALK_LINE_MAX);
			fuzz_tell(r->story, "command", out);
			if (slice_case_eq(out, SLICE("data")))
				talk_text(&r->t);
		} else if (e == TALK_END) {
			buf_text(r->story, "end ");
		} else if (e == TALK_MORE) {
			buf_puts(r->story, out);
		}
	}
	if (e == TALK_BAD)
		buf_text(r->story, "BAD");
	return e != TALK_BAD;
}

static void
talk(struct slice in, struct fuzz_cuts *cuts, struct buf *story)
{
	struct run r = {.story = story};
	struct slice more = SLICE("x\r\n"), out;

	buf_clear(story);
	if (!fuzz_feed(in, cuts, push_talk, &r))
		fuzz_check(talk_push(&r.t, &more, &out) == TALK_BAD);
}

/* A text with bare CR or LF is never taken, and ends at the first lone dot */
static void
talk_end(struct slice in)
{
	static struct buf story, expected;
	struct run r = {.story = &story};
	size_t i;
	bool begins = true;

	buf_clear(&story);
	buf_clear(&expected);
	talk_text(&r.t);
	for (i = 0; i < in.len; i++) {
		char c = in.at[i];

		if (begins && i + 3 <= in.len &&
		    !memcmp(in.at + i, ".\r\n", 3)) {
			buf_text(&expected, "end ");
			i += 3;
			break;
		}
		if (c == '\r' && i + 1 < in.len && in.at[i + 1] == '\n') {
			buf_putc(&expected, '\n');
			begins = true;
			i++;
			continue;
		}
		if (c == '\r' || c == '\n') {
			if (c == '\n' || i + 1 < in.len)
				buf_text(&expected, "BAD");
			i++;
			break;
		}
		if (c != '.' || !begins)
			buf_putc(&expected, c);
		begins = false;
	}
	/* a bare CR is known by the byte behind it; that of a dot too */
	if (i < in.len && expected.len >= 3 &&
	    slice_eq(slice_from(buf_slice(&expected), expected.len - 3),
		     SLICE("BAD")))
		i++;
	push_talk(&r, slice_of(in.at, i < in.len ? i : in.len));
	fuzz_same(&story, &expected);
}

static bool
push_text(void *user, struct slice in)
{
	struct run *r = user;
	enum textin_event e = TEXTIN_MORE;
	struct slice out;

	while (in.len > 0 && e != TEXTIN_END) {
		e = textin_push(&r->in, &in, &out);
		buf_puts(r->story, out);
	}
	return e != TEXTIN_END;
}

static void
text(struct slice in, struct fuzz_cuts *cuts, bool dots, struct buf *story)
{
	struct run r = {.story = story, .in = {.dots_are_text = dots}};
	struct slice out;

	buf_clear(story);
	if (fuzz_feed(in, cuts, push_text, &r)) {
		textin_finish(&r.in, &out);
		buf_puts(story, out);
	}
}

/* Line by line: CR LF is LF, and a lone dot ends it. */
static void
plain_text(struct slice in, bool dots, struct buf *out)
{
	buf_clear(out);
	while (in.len > 0) {
		size_t n = slice_find(in, '\n');
		bool lf = n < in.len, cr = lf && n > 0 && in.at[n - 1] == '\r';
		struct slice line = slice_of(in.at, n - cr);
		/* without an LF, "." and ".\r" are no text either */
		bool dot = slice_eq(line, SLICE(".")) ||
			   (!lf && slice_eq(line, SLICE(".\r")));

		if (dot && !dots)
			return;
		buf_puts(out, line);
		if (lf)
			buf_putc(out, '\n');
		in = slice_from(in, n + lf);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	static struct buf whole, cut, expected;
	struct slice in = slice_of((const char *)at, n);
	struct fuzz_cuts cuts = fuzz_cuts_take(&in);
	uint8_t what = fuzz_byte(&in) & 3;

	in = fuzz_long(in);
	if (what == 0) {
		talk(in, NULL, &whole);
		talk(in, &cuts, &cut);
	} else if (what == 1) {
		talk_end(in);
		return 0;
	} else {
		text(in, NULL, what == 3, &whole);
		text(in, &cuts, what == 3, &cut);
		plain_text(in, what == 3, &expected);
		fuzz_same(&whole, &expected);
	}
	fuzz_same(&whole, &cut);
	return 0;
}
