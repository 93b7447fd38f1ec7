/* smtpc - the client's machine against a server that says anything: every
 * cut, one reply a recipient, and no byte of ours that is not a command
 *
 * What stands behind an answer in one piece was said before our next word, and
 * counts as such; so cuts are compared for a server that waits behind each
 * line. One that does not wait, in any cuts, may only get fewer K out of us. */
#include "lib/buf.h"
#include "smtp-gateway/smtpc.h"
#include "tests/fuzz/fuzz.h"

static const struct slice rcpts[] = {
    {"c@d.test", 8}, {"\"x y@e.test", 11}, {"f", 1}};

static const struct smtpc_mail mail = {.sender = {"a@b.test", 8},
				       .rcpts = rcpts,
				       .n_rcpts = 3,
				       .size = 12,
				       .has_8bit = true};

struct run {
	struct smtpc c;
	struct buf out;
	struct buf *story;
	unsigned n_mails, n_rcpts, n_fine;
	unsigned taken; /* a bit for each mail that was told K */
	bool mailing, sent, by_line;
};

static char
tell_verdict(struct run *r)
{
	struct verdict v;

	smtpc_verdict(&r->c, SLICE("mx.test"), &v);
	fuzz_check(v.code == 'K' || v.code == 'Z' || v.code == 'D');
	fuzz_check(v.len <= VERDICT_TEXT_MAX);
	fuzz_check(r->c.code >= 200 && r->c.code <= 599);
	fuzz_check(!r->c.stray || v.code == 'Z');
	fuzz_check(r->c.code / 100 == 2 || v.code != 'K');
	fuzz_check(r->c.code / 100 == 5 || v.code != 'D');
	buf_putc(r->story, v.code);
	fuzz_tell(r->story, "", verdict_text(&v));
	return v.code;
}

static void
act(struct run *r, enum smtpc_event e)
{
	switch (e) {
	case SMTPC_READY:
	case SMTPC_DONE:
		fuzz_check(r->c.state == SMTPC_S_READY);
		fuzz_check(e == SMTPC_READY || (r->mailing && r->sent));
		fuzz_check(e == SMTPC_READY || r->c.n_good > 0);
		if (e == SMTPC_DONE && tell_verdict(r) == 'K')
			r->taken |= 1U << r->n_mails;
		r->sent = false;
		r->mailing = r->n_mails++ < 2;
		r->n_rcpts = r->n_fine = 0;
		if (r->mailing)
			smtpc_mail(&r->c, &mail);
		else
			smtpc_quit(&r->c);
		break;
	case SMTPC_RCPT:
		fuzz_check(r->mailing && r->c.rcpt == r->n_rcpts++);
		fuzz_check(r->n_rcpts <= mail.n_rcpts);
		r->n_fine += r->c.code / 100 == 2;
		tell_verdict(r);
		break;
	case SMTPC_SEND:
		fuzz_check(r->n_fine > 0 && r->n_rcpts == mail.n_rcpts);
		fuzz_check(r->c.n_good == r->n_fine);
		buf_text(r->story, "send ");
		buf_text(&r->out, "text\r\n.\r\n");
		r->sent = true;
		smtpc_text_end(&r->c);
		break;
	case SMTPC_FAILED:
		fuzz_check(r->mailing && !r->sent);
		tell_verdict(r);
		break;
	case SMTPC_BROKEN: buf_text(r->story, "broken "); break;
	case SMTPC_MORE: break;
	}
}

static bool
push_piece(struct run *r, struct slice in)
{
	enum smtpc_event e;

	do {
		e = smtpc_push(&r->c, &in);
		act(r, e);
	} while (e != SMTPC_MORE && e != SMTPC_BROKEN);
	fuzz_check(e == SMTPC_BROKEN || in.len == 0);
	fuzz_check(strlen(smtpc_where(&r->c)) > 3);
	return e == SMTPC_MORE;
}

static bool
push(void *user, struct slice in)
{
	struct run *r = user;
	bool goes_on = true;

	while (goes_on && in.len > 0) {
		size_t n = r->by_line ? slice_find(in, '\n') : in.len;

		n = n < in.len ? n + 1 : n;
		goes_on = push_piece(r, slice_of(in.at, n));
		in = slice_from(in, n);
	}
	return goes_on;
}

/* What went out is lines that end in CR LF, of printable bytes. */
static void
check_out(const struct buf *out)
{
	struct slice s = buf_slice(out);
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.at[i] == '\r')
			fuzz_check(i + 1 < s.len && s.at[i + 1] == '\n');
		else if (s.at[i] == '\n')
			fuzz_check(i > 0 && s.at[i - 1] == '\r');
		else
			fuzz_check(s.at[i] >= ' ' && s.at[i] <= '~');
	}
	fuzz_check(s.len == 0 || s.at[s.len - 1] == '\n');
}

static unsigned
run(struct slice in, struct fuzz_cuts *cuts, struct buf *story, bool by_line)
{
	struct run r = {.story = story, .by_line = by_line};
	struct slice more = SLICE("250 x\r\n");

	buf_clear(story);
	smtpc_init(&r.c, &r.out, SLICE("leaf.test"));
	if (!fuzz_feed(in, cuts, push, &r))
		fuzz_check(smtpc_push(&r.c, &more) == SMTPC_MORE &&
			   r.c.state == SMTPC_S_BROKEN);
	check_out(&r.out);
	fuzz_tell(story, "out", buf_slice(&r.out));
	buf_free(&r.out);
	return r.taken;
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	static struct buf whole, cut;
	struct slice in = slice_of((const char *)at, n);
	struct fuzz_cuts cuts = fuzz_cuts_take(&in), same = cuts;
	unsigned at_once, in_cuts, by_line;

	in = fuzz_long(in);
	at_once = run(in, NULL, &whole, false);
	in_cuts = run(in, &same, &cut, false);
	by_line = run(in, NULL, &whole, true);
	fuzz_check(((at_once | in_cuts) & ~by_line) == 0);
	run(in, &cuts, &cut, true);
	fuzz_same(&whole, &cut);
	return 0;
}
