/* qmtpc - the client's machine: replies of any bytes; and its packages and
 * the server's replies, there and back */
#include "qmtpd/qmtp.h"
#include "qmtpd/qmtpc.h"
#include "qmtpd/quail.h"
#include "qmtpd/replies.h"
#include "tests/fuzz/fuzz.h"

struct run {
	struct qmtpc q;
	struct buf *story;
};

static bool
push(void *user, struct slice in)
{
	struct run *r = user;
	enum qmtpc_event event;
	struct verdict v;

	while ((event = qmtpc_push(&r->q, &in, &v)) == QMTPC_REPLY) {
		fuzz_check(v.len <= VERDICT_TEXT_MAX);
		buf_putc(r->story, v.code);
		fuzz_tell(r->story, "", verdict_text(&v));
	}
	if (event == QMTPC_BAD)
		buf_text(r->story, "BAD");
	else
		fuzz_check(in.len == 0);
	return event == QMTPC_MORE;
}

static void
run(struct slice in, struct fuzz_cuts *cuts, struct buf *story)
{
	struct run r = {.story = story};
	struct slice more = SLICE("1:K,");
	struct verdict v;

	buf_clear(story);
	if (!fuzz_feed(in, cuts, push, &r))
		fuzz_check(qmtpc_push(&r.q, &more, &v) == QMTPC_BAD);
}

/* A reply's letter, and as much of its text as is kept. */
static void
told(struct verdict *v, struct slice reply)
{
	struct slice text = slice_from(reply, 1);

	verdict_set(v, reply.at[0], fuzz_take(&text, VERDICT_TEXT_MAX));
}

static void
hostile(struct slice in, struct fuzz_cuts *cuts)
{
	static struct buf whole, cut, expected;
	struct slice reply, rest = in;
	struct verdict v;

	run(in, NULL, &whole);
	run(in, cuts, &cut);
	fuzz_same(&whole, &cut);
	buf_clear(&expected);
	while (fuzz_netstring(&rest, &reply) == 0 && reply.len > 0 &&
	       reply.at[0] && strchr("KZD", reply.at[0])) {
		in = rest;
		told(&v, reply);
		buf_putc(&expected, v.code);
		fuzz_tell(&expected, "", verdict_text(&v));
	}
	fuzz_check(slice_starts(buf_slice(&whole), buf_slice(&expected)));
	fuzz_check(whole.len == expected.len || whole.len == expected.len + 3);
	if (in.len == 0)
		fuzz_same(&whole, &expected);
}

struct server {
	struct qmtp q;
	struct buf *story;
};

static bool
serve(void *user, struct slice in)
{
	struct server *s = user;
	enum qmtp_event event;
	struct slice piece;

	while ((event = qmtp_push(&s->q, &in, &piece)) != QMTP_MORE) {
		fuzz_check(event != QMTP_BAD);
		if (event == QMTP_TEXT)
			buf_puts(s->story, piece);
		else if (event == QMTP_SENDER)
			fuzz_tell(s->story, " sender", piece);
		else if (event == QMTP_RCPT)
			fuzz_tell(s->story, "rcpt", piece);
		else if (event == QMTP_END)
			buf_text(s->story, "end ");
	}
	return true;
}

static struct slice
address(struct slice s)
{
	return address_sane(s) ? s : slice_of(NULL, 0);
}

static void
packages(struct slice in, struct fuzz_cuts *cuts)
{
	static struct buf wire, story, expected;
	struct server s = {.story = &story};

	buf_clear(&wire);
	buf_clear(&story);
	buf_clear(&expected);
	while (in.len > 0) {
		struct slice text = fuzz_string(&in);
		struct slice sender = fuzz_string(&in), rcpt = fuzz_string(&in);

		qmtpc_begin(&wire, text.len);
		buf_puts(&wire, text);
		qmtpc_end(&wire, sender, rcpt);
		buf_puts(&expected, text);
		fuzz_tell(&expected, " sender", address(sender));
		fuzz_tell(&expected, "rcpt", address(rcpt));
		buf_text(&expected, "end ");
	}
	fuzz_feed(buf_slice(&wire), cuts, serve, &s);
	fuzz_check(qmtp_resting(&s.q));
	fuzz_same(&story, &expected);
}

static void
replies(struct slice in, struct fuzz_cuts *cuts)
{
	static struct buf wire, story, expected;
	static const char codes[] = {'K', 'Z', 'D', REPLY_DOOR};
	struct replies all = {.n = 0};
	struct run r = {.story = &story};
	struct verdict door, v;

	buf_clear(&wire);
	buf_clear(&story);
	buf_clear(&expected);
	verdict_set(&door, codes[fuzz_byte(&in) % 3], fuzz_string(&in));
	while (in.len > 0) {
		uint8_t byte = fuzz_byte(&in);
		char code = codes[byte & 3];

		replies_add(&all, code, byte & 4 ? "a (#2.0.0)" : "b");
		verdict_say(&v, code, byte & 4 ? "a (#2.0.0)" : "b");
		if (code == REPLY_DOOR)
			v = door;
		buf_putc(&expected, v.code);
		fuzz_tell(&expected, "", verdict_text(&v));
	}
	while (!replies_put(&wire, wire.len + 1, &all, &door))
		; /* one at a time */
	fuzz_feed(buf_slice(&wire), cuts, push, &r);
	fuzz_same(&story, &expected);
	replies_free(&all);
}

struct greeted {
	struct quail_greeting g;
	struct quail_takes takes;
	enum quail_event last;
	size_t left;
};

static bool
greet(void *user, struct slice in)
{
	struct greeted *g = user;

	g->last = quail_greeted(&g->g, &in, &g->takes);
	fuzz_check(g->last != QUAIL_MORE || in.len == 0);
	g->left += in.len;
	return g->last == QUAIL_MORE;
}

/* quail/1: what a server takes, of any bytes; and there and back */
static void
greeting(struct slice in, struct fuzz_cuts *cuts)
{
	static struct buf wire;
	struct greeted whole = {.left = 0}, cut = {.left = 0};
	struct greeted again = {.left = 0};

	fuzz_feed(in, NULL, greet, &whole);
	fuzz_feed(in, cuts, greet, &cut);
	fuzz_check(whole.last == cut.last);
	if (whole.last != QUAIL_READY)
		return;
	fuzz_check(whole.takes.size == cut.takes.size &&
		   whole.takes.rcpts == cut.takes.rcpts &&
		   whole.takes.params == cut.takes.params);
	fuzz_check(whole.takes.rcpts > 0 &&
		   whole.takes.params >= QUAIL_PARAMS_LEAST);
	buf_clear(&wire);
	quail_greet(&wire, &whole.takes);
	fuzz_feed(buf_slice(&wire), cuts, greet, &again);
	fuzz_check(again.last == QUAIL_READY && again.left == 0);
	fuzz_check(again.takes.size == whole.takes.size &&
		   again.takes.params == whole.takes.params);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	struct slice in = slice_of((const char *)at, n);
	struct fuzz_cuts cuts = fuzz_cuts_take(&in);

	switch (fuzz_byte(&in) % 4) {
	case 3: greeting(in, &cuts); break;
	case 0: hostile(in, &cuts); break;
	case 1: packages(in, &cuts); break;
	case 2: replies(in, &cuts); break;
	}
	return 0;
}
