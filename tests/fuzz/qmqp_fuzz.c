/* qmqp - the server's machine: every cut, and a second reading */
#include "qmqpd/qmqp.h"
#include "tests/fuzz/fuzz.h"

struct run {
	struct qmqp q;
	struct buf *story;
	uint64_t text; /* bytes of it that were told */
	unsigned ends;
	enum qmqp_event last;
};

static void
tell(struct run *r, enum qmqp_event event, struct slice piece)
{
	switch (event) {
	case QMQP_BEGIN:
		fuzz_check(r->q.text_len < QMQP_PACKAGE_MAX);
		buf_text(r->story, "begin ");
		buf_number(r->story, r->q.text_len);
		buf_text(r->story, " text(");
		break;
	case QMQP_TEXT:
		fuzz_check(piece.len > 0);
		r->text += piece.len;
		fuzz_check(r->text <= r->q.text_len);
		buf_puts(r->story, piece);
		break;
	case QMQP_SENDER:
		fuzz_check(r->text == r->q.text_len);
		buf_text(r->story, ") ");
		fuzz_check(!piece.at || address_sane(piece));
		fuzz_tell(r->story, "sender", piece);
		break;
	case QMQP_RCPT:
		fuzz_check(!piece.at || address_sane(piece));
		fuzz_tell(r->story, "rcpt", piece);
		break;
	case QMQP_END:
		r->ends++;
		buf_text(r->story, "end ");
		break;
	case QMQP_BAD: buf_text(r->story, "BAD"); break;
	case QMQP_MORE: break;
	}
}

static bool
push(void *user, struct slice in)
{
	struct run *r = user;
	struct slice piece;

	do {
		piece = slice_of(NULL, 0);
		r->last = qmqp_push(&r->q, &in, &piece);
		tell(r, r->last, piece);
		fuzz_check(r->q.outer_left <= QMQP_PACKAGE_MAX);
	} while (r->last != QMQP_MORE && r->last != QMQP_BAD);
	fuzz_check(r->last == QMQP_BAD || in.len == 0);
	return r->last != QMQP_BAD;
}

static unsigned
run(struct slice in, struct fuzz_cuts *cuts, struct buf *story)
{
	struct run r = {.story = story};

	buf_clear(story);
	if (!fuzz_feed(in, cuts, push, &r)) {
		struct slice more = SLICE("1"), piece;

		fuzz_check(qmqp_push(&r.q, &more, &piece) == QMQP_BAD);
	}
	fuzz_check(strlen(qmqp_where(&r.q)) > 5);
	return r.ends;
}

static struct slice
address(struct slice s)
{
	return address_sane(s) ? s : slice_of(NULL, 0);
}

/* The package, as plainly as can be; false: it is not whole, or none. */
static bool
package(struct slice *in, struct buf *story)
{
	struct slice all, text, sender, rcpt;

	buf_clear(story);
	if (fuzz_netstring(in, &all) != 0 || fuzz_netstring(&all, &text) != 0 ||
	    fuzz_netstring(&all, &sender) != 0 ||
	    sender.len > FIELD_ADDRESS_MAX)
		return false;
	buf_text(story, "begin ");
	buf_number(story, text.len);
	buf_putc(story, ' ');
	fuzz_tell(story, "text", text);
	fuzz_tell(story, "sender", address(sender));
	while (all.len > 0) {
		if (fuzz_netstring(&all, &rcpt) != 0 ||
		    rcpt.len > FIELD_ADDRESS_MAX)
			return false;
		fuzz_tell(story, "rcpt", address(rcpt));
	}
	buf_text(story, "end ");
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	static struct buf whole, cut, expected;
	struct slice in = slice_of((const char *)at, n);
	struct fuzz_cuts cuts = fuzz_cuts_take(&in);
	unsigned ends = run(in, NULL, &whole);

	run(in, &cuts, &cut);
	fuzz_same(&whole, &cut);
	fuzz_check(ends == package(&in, &expected));
	if (ends) {
		buf_text(&expected, in.len > 0 ? "BAD" : "");
		fuzz_same(&whole, &expected);
	}
	return 0;
}
