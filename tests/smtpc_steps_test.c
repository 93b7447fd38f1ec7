/* smtpc_steps_test.c - every step of a dialogue, every code said there, one
 * line too many at every place, at once or later: what the client believes
 *
 * The server keeps a ledger: it said 354 to DATA, has got the end of the text,
 * and its next word was a 2xx. K may only be believed with that, D never. What
 * nobody can tell from the truth is left out: a word that is said while the
 * text is on its way, and so heard behind it.
 */
#include "smtp-gateway/smtpc.h"

#include "tests/tap.h"

#include <stdlib.h>

enum step { GREET, HELLO, MAIL, RCPT0, RCPT1, DATA, TEXT, RSET, N_STEPS };

static const unsigned codes[] = {220, 250, 354, 421, 450, 452,
				 500, 503, 530, 552, 554};
enum { N_CODES = sizeof codes / sizeof *codes };

enum order { BEFORE, BEHIND, LATER, N_ORDERS };

/* All of a dialogue that is not as usual. */
struct plan {
	enum step odd;
	unsigned code; /* 0: the usual one */
	enum step where;
	unsigned extra; /* 0: none */
	enum order order;
	bool pipelining;
};

struct dialogue {
	const struct plan *plan;
	struct smtpc c;
	struct buf wire;  /* from the client */
	struct buf said;  /* by the server, not read yet */
	struct buf later; /* to be said before the next reply */
	size_t n_rcpts;
	bool mail, is_text, taken, silent;
	bool good[2]; /* recipients that the server has taken */
	bool first;   /* its next word is the answer to the text */
	char told[2]; /* what the client believes, when it is certain */
	char maybe[2];
};

static const struct slice rcpts[] = {{"c@d.test", 8}, {"e@f.test", 8}};
static const struct smtpc_mail mail = {
    .sender = {"a@b.test", 8}, .rcpts = rcpts, .n_rcpts = 2};

static void
put_reply(struct buf *out, unsigned code)
{
	buf_number(out, code);
	buf_text(out, " word\r\n");
}

/* The first word behind the text is what it says of it. */
static void
word(struct dialogue *d, struct buf *out, unsigned code)
{
	if (d->first)
		d->taken = code / 100 == 2;
	d->first = false;
	put_reply(out, code);
}

/* Returns the code of the reply proper. */
static unsigned
say(struct dialogue *d, enum step step)
{
	static const unsigned usual[N_STEPS] = {[GREET] = 220, [DATA] = 354};
	const struct plan *p = d->plan;
	bool has_extra = p->extra && p->where == step;
	unsigned code = usual[step] ? usual[step] : 250;

	if (p->code && p->odd == step)
		code = p->code;
	if (d->later.len > 0) {
		buf_puts(&d->said, buf_slice(&d->later));
		buf_clear(&d->later);
	}
	if (has_extra && p->order == BEFORE)
		word(d, &d->said, p->extra);
	if (step == HELLO && d->plan->pipelining && code == 250)
		buf_text(&d->said, "250-word\r\n250 PIPELINING\r\n");
	else
		word(d, &d->said, code);
	if (has_extra && p->order == BEHIND)
		word(d, &d->said, p->extra);
	if (has_extra && p->order == LATER)
		word(d, &d->later, p->extra);
	return code;
}

static void
data(struct dialogue *d)
{
	if (!d->mail || !(d->good[0] || d->good[1]))
		put_reply(&d->said, 503);
	else
		d->is_text = say(d, DATA) / 100 == 3;
}

static void
command(struct dialogue *d, struct slice line)
{
	if (slice_starts(line, SLICE("EHLO")) ||
	    slice_starts(line, SLICE("HELO"))) {
		say(d, HELLO);
	} else if (slice_starts(line, SLICE("MAIL"))) {
		d->n_rcpts = 0;
		d->mail = say(d, MAIL) / 100 == 2;
	} else if (slice_starts(line, SLICE("RCPT"))) {
		size_t n = d->n_rcpts++ & 1;

		d->good[n] = say(d, n ? RCPT1 : RCPT0) / 100 == 2 && d->mail;
	} else if (slice_starts(line, SLICE("DATA"))) {
		data(d);
	} else if (slice_starts(line, SLICE("RSET"))) {
		say(d, RSET);
	} else {
		put_reply(&d->said, 500);
	}
}

static void
text_line(struct dialogue *d, struct slice line)
{
	if (!slice_eq(line, SLICE(".\r\n")))
		return;
	d->is_text = false;
	d->first = true;
	say(d, TEXT);
}

static bool
serve(struct dialogue *d)
{
	struct slice in = buf_slice(&d->wire), line;
	size_t n = slice_find(in, '\n');

	if (n == in.len)
		return false;
	line = slice_of(in.at, n + 1);
	if (d->is_text)
		text_line(d, line);
	else
		command(d, line);
	buf_take(&d->wire, n + 1);
	return true;
}

/* What the replies so far say of recipients is certain now. */
static void
settle(struct dialogue *d)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (!d->told[i])
			d->told[i] = d->maybe[i];
}

static void
believe_all(struct dialogue *d, char letter)
{
	size_t i;

	for (i = 0; i < 2; i++)
		if (!d->maybe[i])
			d->maybe[i] = letter;
}

static char
letter(const struct smtpc *c)
{
	struct verdict v;

	smtpc_verdict(c, SLICE("mx"), &v);
	return v.code;
}

/* As peer.c does. False: the connection is at its end. */
static bool
event(struct dialogue *d, enum smtpc_event e, bool *begun)
{
	switch (e) {
	case SMTPC_READY:
		settle(d);
		if (*begun)
			return false;
		*begun = true;
		smtpc_mail(&d->c, &mail);
		break;
	case SMTPC_RCPT:
		if (letter(&d->c) != 'K' && !d->maybe[d->c.rcpt])
			d->maybe[d->c.rcpt] = letter(&d->c);
		break;
	case SMTPC_SEND:
		if (!smtpc_quiet(&d->c) || d->said.len > 0)
			break;
		buf_text(&d->wire, "text\r\n.\r\n");
		smtpc_text_end(&d->c);
		break;
	case SMTPC_DONE:
		believe_all(d, letter(&d->c));
		settle(d);
		return false;
	case SMTPC_FAILED: believe_all(d, letter(&d->c)); break;
	case SMTPC_BROKEN: return false;
	case SMTPC_MORE: break;
	}
	return true;
}

/* The client reads all that there is, in one piece or byte by byte. */
static bool
hear(struct dialogue *d, size_t piece, bool *begun)
{
	struct buf all = d->said;
	struct slice rest = buf_slice(&all);
	bool goes_on = true;

	d->said = (struct buf){0};
	while (goes_on && rest.len > 0) {
		struct slice in =
		    slice_of(rest.at, rest.len < piece ? rest.len : piece);
		enum smtpc_event e;

		rest = slice_from(rest, in.len);
		while (goes_on && (e = smtpc_push(&d->c, &in)) != SMTPC_MORE)
			goes_on = event(d, e, begun);
	}
	buf_free(&all);
	return goes_on;
}

static unsigned n_k, n_d, n_run;

static void
check(const struct plan *p, const struct dialogue *d, size_t piece)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		bool has = d->taken && d->good[i];
		bool fine = d->told[i] == 'K'	? has
			    : d->told[i] == 'D' ? !has
						: true;

		n_k += d->told[i] == 'K';
		n_d += d->told[i] == 'D';
		ok_quiet(fine,
			 "told %c, taken %d: step %d says %u, %u at %d (%d), "
			 "pipelining %d, pieces of %zu",
			 d->told[i], has, (int)p->odd, p->code, p->extra,
			 (int)p->where, (int)p->order, p->pipelining, piece);
	}
}

static void
play(const struct plan *p, size_t piece)
{
	struct dialogue d = {.plan = p};
	bool begun = false, goes_on;
	unsigned i;

	smtpc_init(&d.c, &d.wire, SLICE("me"));
	say(&d, GREET);
	goes_on = hear(&d, piece, &begun);
	for (i = 0; i < 100 && goes_on; i++) {
		bool served = serve(&d);

		/* a server answers what came in one piece in one piece */
		while (p->pipelining && !d.is_text && !d.first && serve(&d))
			;
		if (!served && d.later.len > 0) {
			buf_puts(&d.said, buf_slice(&d.later));
			buf_clear(&d.later);
		} else if (!served) {
			break;
		}
		goes_on = hear(&d, piece, &begun);
	}
	/* what had begun and did not end is tried again: as if told Z */
	check(p, &d, piece);
	n_run++;
	buf_free(&d.wire);
	buf_free(&d.said);
	buf_free(&d.later);
}

/* In pieces what stands behind the 354 is heard while the text goes out. */
static bool
is_clear(const struct plan *p, size_t piece)
{
	if (!p->extra)
		return true;
	if (p->where == DATA && (p->order == LATER || piece < 1000))
		return false;
	return p->extra != 354 ||
	       (p->order != LATER && !(p->code && p->odd == DATA));
}

static void
extras(struct plan p, size_t piece)
{
	unsigned where, i, order;

	play(&p, piece);
	for (where = 0; where < N_STEPS; where++)
		for (i = 0; i < N_CODES; i++)
			for (order = 0; order < N_ORDERS; order++) {
				p.where = (enum step)where;
				p.extra = codes[i];
				p.order = (enum order)order;
				if (is_clear(&p, piece))
					play(&p, piece);
			}
}

static void
steps(bool pipelining, size_t piece)
{
	struct plan p = {.pipelining = pipelining};
	unsigned odd, i;

	extras(p, piece);
	for (odd = 0; odd < N_STEPS; odd++)
		for (i = 0; i < N_CODES; i++) {
			p.odd = (enum step)odd;
			p.code = codes[i];
			extras(p, piece);
		}
}

int
main(void)
{
	steps(false, 1000);
	steps(true, 1000);
	steps(false, 1);
	steps(true, 1);
	ok(tap_failed == 0 && n_k > 1000 && n_d > 1000,
	   "%u dialogues: %u K, %u D, none of them wrong", n_run, n_k, n_d);
	return tap_done();
}
