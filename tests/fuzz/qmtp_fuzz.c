/* qmtp - the server's machine: every cut, and a second reading */
#include "qmtpd/qmtp.h"
#include "tests/fuzz/fuzz.h"

struct run {
	struct qmtp q;
	struct buf *story;
	uint64_t text; /* bytes of it that were told */
	enum qmtp_event last;
};

static void
tell(struct run *r, enum qmtp_event event, struct slice piece)
{
	switch (event) {
	case QMTP_BEGIN:
		fuzz_check(r->q.text_len < QMTP_TEXT_MAX);
		r->text = 0;
		buf_text(r->story, "begin ");
		buf_number(r->story, r->q.text_len);
		buf_text(r->story, " text(");
		break;
	case QMTP_TEXT:
		fuzz_check(piece.len > 0);
		r->text += piece.len;
		fuzz_check(r->text <= r->q.text_len);
		buf_puts(r->story, piece);
		break;
	case QMTP_SENDER:
		fuzz_check(r->q.encoding == '\r' || r->text == r->q.text_len);
		buf_text(r->story, ") ");
		fuzz_check(!piece.at || address_sane(piece));
		fuzz_tell(r->story, "sender", piece);
		break;
	case QMTP_RCPT:
		fuzz_check(!piece.at || address_sane(piece));
		fuzz_tell(r->story, "rcpt", piece);
		fuzz_check(r->q.quail || qmtp_params(&r->q).len == 0);
		fuzz_tell(r->story, "params", qmtp_params(&r->q));
		break;
	case QMTP_PARAMS:
		fuzz_check(r->q.quail);
		fuzz_tell(r->story, "params", piece);
		break;
	case QMTP_END:
		fuzz_check(qmtp_resting(&r->q));
		buf_text(r->story, "end ");
		break;
	case QMTP_BAD: buf_text(r->story, "BAD"); break;
	case QMTP_MORE: break;
	}
}

static bool
push(void *user, struct slice in)
{
	struct run *r = user;
	struct slice piece;
	size_t before;

	do {
		piece = slice_of(NULL, 0);
		before = in.len;
		r->last = qmtp_push(&r->q, &in, &piece);
		fuzz_check(in.len <= before);
		tell(r, r->last, piece);
		fuzz_check(r->q.list_left <= QMTP_LIST_MAX);
	} while (r->last != QMTP_MORE && r->last != QMTP_BAD);
	fuzz_check(r->last == QMTP_BAD || in.len == 0);
	return r->last != QMTP_BAD;
}

static bool quail; /* is quail/1 spoken? */

static bool
run(struct slice in, struct fuzz_cuts *cuts, struct buf *story)
{
	struct run r = {.story = story, .q = {.quail = quail}};
	bool good;

	buf_clear(story);
	good = fuzz_feed(in, cuts, push, &r);
	fuzz_check(strlen(qmtp_where(&r.q)) > 5);
	if (!good) {
		struct slice more = SLICE("1:\n,0:,0:,"), piece;

		fuzz_check(qmtp_push(&r.q, &more, &piece) == QMTP_BAD);
	}
	return good;
}

static struct slice
address(struct slice s)
{
	return address_sane(s) ? s : slice_of(NULL, 0);
}

static void
lines(struct buf *story, struct slice text)
{
	size_t i;

	for (i = 1; i < text.len; i++)
		if (text.at[0] == '\n' || text.at[i] != '\r' ||
		    i + 1 == text.len || text.at[i + 1] != '\n')
			buf_putc(story, text.at[i]);
}

/* One whole package, as plainly as can be; false: there is none in front. */
static bool
package(struct slice *in, struct buf *story)
{
	struct slice text, sender, list, rcpt;

	if (fuzz_netstring(in, &text) != 0 ||
	    fuzz_netstring(in, &sender) != 0 || fuzz_netstring(in, &list) != 0)
		return false;
	if (text.len == 0 || (text.at[0] != '\n' && text.at[0] != '\r') ||
	    sender.len > FIELD_ADDRESS_MAX)
		return false;
	buf_text(story, "begin ");
	buf_number(story, text.len - 1);
	buf_text(story, " text(");
	lines(story, text);
	buf_text(story, ") ");
	fuzz_tell(story, "sender", address(sender));
	while (list.len > 0) {
		if (fuzz_netstring(&list, &rcpt) != 0 ||
		    rcpt.len > FIELD_ADDRESS_MAX)
			return false;
		fuzz_tell(story, "rcpt", address(rcpt));
		fuzz_tell(story, "params", SLICE(""));
	}
	buf_text(story, "end ");
	return true;
}

/* Every whole package of the input is told. */
static void
second_reading(struct slice in, const struct buf *story)
{
	static struct buf expected;
	size_t whole = 0;

	buf_clear(&expected);
	while (package(&in, &expected))
		whole = expected.len;
	buf_cut(&expected, whole);
	fuzz_check(slice_starts(buf_slice(story), buf_slice(&expected)));
}

static unsigned
ends(struct slice in)
{
	struct qmtp q = {0};
	struct slice piece;
	enum qmtp_event event;
	unsigned n = 0;

	do {
		event = qmtp_push(&q, &in, &piece);
		n += event == QMTP_END;
	} while (event != QMTP_MORE && event != QMTP_BAD);
	return n;
}

static unsigned
packages(struct slice in)
{
	static struct buf story;
	unsigned n = 0;

	for (buf_clear(&story); package(&in, &story); n++)
		;
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	static struct buf whole, cut;
	struct slice in = slice_of((const char *)at, n);
	struct fuzz_cuts cuts = fuzz_cuts_take(&in);

	quail = n > 0 && at[0] & 128;
	run(in, NULL, &whole);
	run(in, &cuts, &cut);
	fuzz_same(&whole, &cut);
	if (quail)
		return 0;
	second_reading(in, &whole);
	fuzz_check(ends(in) == packages(in));
	return 0;
}
