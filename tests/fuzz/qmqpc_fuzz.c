/* qmqpc - the leaf's side of QMQP: answers of any bytes; and its packages
 * as the hub's machine reads them */
#include "lib/netstring.h"
#include "qmqpc/answer.h"
#include "qmqpc/package.h"
#include "qmqpd/qmqp.h"
#include "tests/fuzz/fuzz.h"

/* A reply's letter, and as much of its text as is kept. */
static void
told(struct verdict *v, struct slice reply)
{
	struct slice text = slice_from(reply, 1);

	verdict_set(v, reply.at[0], fuzz_take(&text, VERDICT_TEXT_MAX));
}

static void
answers(struct slice in)
{
	enum answer_result r = ANSWER_MORE;
	struct answer a = {.len = 0};
	struct verdict v, expected;
	struct slice all = in, one;
	bool whole;
	size_t i;

	for (i = 0; i < in.len && r == ANSWER_MORE; i++)
		r = answer_push(&a, (uint8_t)in.at[i]);
	whole = fuzz_netstring(&all, &one) == 0 && one.len > 0 && one.at[0] &&
		strchr("KZD", one.at[0]);
	fuzz_check(whole == (r == ANSWER_DONE));
	if (r == ANSWER_MORE)
		return;
	if (r == ANSWER_DONE) {
		fuzz_check(i == in.len - all.len);
		answer_verdict(&a, &v);
		told(&expected, one);
		fuzz_check(v.code == expected.code);
		fuzz_check(slice_eq(verdict_text(&v), verdict_text(&expected)));
	}
	fuzz_check(answer_push(&a, ',') == ANSWER_BAD);
	fuzz_check(answer_push(&a, '1') == ANSWER_BAD);
}

struct server {
	struct qmqp q;
	struct buf *story;
};

static bool
serve(void *user, struct slice in)
{
	struct server *s = user;
	enum qmqp_event event;
	struct slice piece;

	while ((event = qmqp_push(&s->q, &in, &piece)) != QMQP_MORE) {
		fuzz_check(event != QMQP_BAD);
		if (event == QMQP_TEXT)
			buf_puts(s->story, piece);
		else if (event == QMQP_SENDER)
			fuzz_tell(s->story, " sender", piece);
		else if (event == QMQP_RCPT)
			fuzz_tell(s->story, "rcpt", piece);
		else if (event == QMQP_END)
			buf_text(s->story, "end");
	}
	return true;
}

static struct slice
address(struct slice s)
{
	return address_sane(s) ? s : slice_of(NULL, 0);
}

static void
send(struct package *p, struct buf *story, struct fuzz_cuts *cuts)
{
	struct server s = {.story = story};
	struct slice piece;
	uint64_t at = 0;

	while (at < p->size) {
		fuzz_check(package_piece(p, at, &piece) == 0);
		fuzz_check(piece.len > 0 && piece.len <= p->size - at);
		piece.len = fuzz_cut(cuts, piece.len);
		serve(&s, piece);
		at += piece.len;
	}
	fuzz_check(s.q.state == QMQP_S_OVER);
}

static void
packages(struct slice in, struct fuzz_cuts *cuts)
{
	static struct buf story, expected, rcpts;
	struct package p = {.size = 0};
	struct slice sender, text = fuzz_string(&in);

	buf_clear(&story);
	buf_clear(&expected);
	buf_clear(&rcpts);
	while (text.len > 0) {
		struct slice piece = fuzz_take(&text, fuzz_cut(cuts, text.len));

		fuzz_check(package_text(&p, piece) == 0);
		buf_puts(&expected, piece);
	}
	sender = fuzz_string(&in);
	fuzz_tell(&expected, " sender", address(sender));
	while (in.len > 0) {
		struct slice rcpt = fuzz_string(&in);

		netstring_put(&rcpts, rcpt);
		fuzz_tell(&expected, "rcpt", address(rcpt));
	}
	buf_text(&expected, "end");
	fuzz_check(package_seal(&p, sender, buf_slice(&rcpts)) == 0);
	send(&p, &story, cuts);
	fuzz_same(&story, &expected);
	package_free(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	struct slice in = slice_of((const char *)at, n);
	struct fuzz_cuts cuts = fuzz_cuts_take(&in);

	if (fuzz_byte(&in) & 1)
		packages(in, &cuts);
	else
		answers(in);
	return 0;
}
