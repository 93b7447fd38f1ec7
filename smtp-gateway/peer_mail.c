/* peer_mail.c - the mail that a connection carries */
#include "smtp-gateway/peer_parts.h"

#include "lib/heard.h"

enum { SLICE_MAX = 32 * 1024 }; /* text that is converted at a time */

static bool
has_8bit(struct slice s)
{
	unsigned char all = 0;
	size_t i;

	for (i = 0; i < s.len; i++)
		all |= (unsigned char)s.at[i];
	return all >= 0x80;
}

static const char *
unfit(const struct peer *p, const struct transfer *t, struct slice text)
{
	if (slice_find(text, '\0') < text.len)
		return "the text has a NUL, which SMTP cannot carry (#5.6.0)";
	if (p->smtpc.max_size > 0 &&
	    t->job->agent_job->size > p->smtpc.max_size)
		return "the next host takes no message of this size (#5.3.4)";
	return NULL;
}

static void
refuse(struct transfer *t, const char *why)
{
	struct verdict v;
	size_t i;

	verdict_say(&v, 'D', why);
	for (i = 0; i < t->n_rcpts; i++)
		transfer_told(t, i, &v, false);
	transfer_over(t, &v, NULL);
}

/* What goes in this mail: no more recipients than this host is known to
 * take; the rest follows. */
static void
make_mail(struct peer *p, struct slice text)
{
	const struct agent_job *job = p->transfer->job->agent_job;
	size_t n = p->transfer->n_rcpts, most = p->dest->rcpts_max;

	p->mail = (struct smtpc_mail){
	    .sender =
		slice_eq(job->sender, SLICE("#@[]")) ? SLICE("") : job->sender,
	    .rcpts = p->transfer->rcpts,
	    .n_rcpts = most > 0 && most < n ? most : n,
	    .size = job->size,
	    .has_8bit = !job->text_complete || has_8bit(text)};
	for (; n > p->mail.n_rcpts; n--)
		transfer_rest(p->transfer, n - 1);
}

void
peer_take(struct peer *p, struct transfer *t)
{
	struct slice text = transfer_text(t, 0);
	const char *why = unfit(p, t, text);

	if (why) {
		refuse(t, why);
		peer_idle(p);
		return;
	}
	list_drop(&p->of_out);
	list_put(&p->dest->out->busy, &p->of_out);
	p->state = PEER_BUSY;
	p->transfer = t;
	p->canon = (struct canon){0};
	p->sent = p->put = 0;
	deadline_start(&p->deadline, peer_now_ms(p), t->job->agent_job->size);
	p->in_step = false;
	t->peer = p;
	p->dest->out->n_busy++;
	make_mail(p, text);
	smtpc_mail(&p->smtpc, &p->mail);
	conn_flush_later(&p->conn);
	peer_set_timeout(p);
}

/* the end of a turn */

static bool
has_other(const struct peer *p)
{
	const struct targets *all = p->targets;
	size_t i;

	for (i = 0; i < all->n; i++)
		if (!endpoint_same_address(&all->at[i].to, peer_address(p)) &&
		    !transfer_tried(p->transfer, &all->at[i].to))
			return true;
	return false;
}

/* Not when it may have the mail: a second one would be a copy of it. Nor when
 * the text has gone, and nobody kept it. */
static bool
may_go_elsewhere(const struct peer *p)
{
	return !p->smtpc.sent && has_other(p) &&
	       (p->transfer->job->holds || p->sent == 0);
}

static void
tell_rest(struct transfer *t, const struct verdict *v)
{
	size_t i;

	for (i = 0; i < t->n_rcpts; i++)
		if (t->fates[i] == FATE_REST) {
			t->fates[i] = FATE_OPEN;
			transfer_told(t, i, v, false);
		}
}

/* Would those that were left for the next mail be told the same? */
static bool
concerns_rest(const struct peer *p, const struct verdict *v)
{
	return v->code == 'Z' && (p->smtpc.failed || p->smtpc.n_good > 0);
}

void
peer_over(struct peer *p, const struct verdict *v)
{
	struct transfer *t = p->transfer;
	const struct endpoint *at =
	    may_go_elsewhere(p) ? peer_address(p) : NULL;
	bool elsewhere = judge_elsewhere(v, transfer_again(t));
	size_t i;

	if (concerns_rest(p, v))
		tell_rest(t, v);
	for (i = 0; i < t->n_rcpts; i++)
		transfer_told(t, i, v, elsewhere);
	p->transfer = NULL;
	p->n_mails++;
	transfer_over(t, v, at);
}

void
peer_told(struct peer *p)
{
	struct transfer *t = p->transfer;
	struct verdict v;

	peer_judge(p, JUDGE_RCPT, &v);
	if (v.code == 'K')
		return;
	p->why = v;
	if (judge_too_many(&p->smtpc)) {
		transfer_rest(t, p->smtpc.rcpt);
		p->dest->rcpts_max = p->smtpc.n_good;
	} else {
		transfer_told(t, p->smtpc.rcpt, &v,
			      judge_elsewhere(&v, transfer_again(t)));
	}
}

/* text */

static bool
has_rest(const struct transfer *t)
{
	return memchr(t->fates, FATE_REST, t->n_rcpts) != NULL;
}

void
peer_may_send(struct peer *p)
{
	struct verdict v;

	p->in_step = true;
	if (!has_rest(p->transfer) || transfer_hold(p->transfer))
		return;
	verdict_say(&v, 'Z',
		    "more recipients than the host takes at a time (#4.5.3)");
	tell_rest(p->transfer, &v);
}

static void
end_text(struct peer *p)
{
	char *room = buf_room(&p->conn.out, CANON_END_MAX);
	size_t n = canon_end(&p->canon, room);

	buf_added(&p->conn.out, n);
	p->put += n;
	smtpc_text_end(&p->smtpc);
	conn_flush_later(&p->conn);
	peer_set_timeout(p);
}

/* Some of the text has gone out already: only a close takes it back. */
static void
refuse_nul(struct peer *p)
{
	struct verdict v;

	verdict_say(&v, 'D',
		    "the text has a NUL, which SMTP cannot carry (#5.6.0)");
	tell_rest(p->transfer, &v);
	peer_over(p, &v);
	peer_gone(p, DEST_GOOD, NULL);
}

/* A word of the server's that is there before the end of the text has gone is
 * no reply to that: first hear what it is. */
static bool
is_quiet(const struct peer *p)
{
	return smtpc_quiet(&p->smtpc) && heard_waits(p->conn.stream.fd) == 0;
}

void
peer_pump(struct peer *p)
{
	struct conn *c = &p->conn;
	struct slice text;

	while (c->out.len < PEER_OUT_MAX) {
		struct slice rest = transfer_text(p->transfer, p->sent);
		size_t n;

		if (rest.len == 0)
			break;
		if (rest.len > SLICE_MAX)
			rest.len = SLICE_MAX;
		text = rest;
		if (canon_push(&p->canon, &rest,
			       buf_room(&c->out, 2 * SLICE_MAX), 2 * SLICE_MAX,
			       &n) == CANON_BAD) {
			refuse_nul(p);
			return;
		}
		buf_added(&c->out, n);
		p->put += n;
		p->sent += text.len - rest.len;
		transfer_took(p->transfer, text.len - rest.len);
	}
	conn_flush_later(c);
	if (p->sent == p->transfer->job->agent_job->size && is_quiet(p))
		end_text(p);
	else if (c->out.len >= PEER_OUT_MAX)
		c->tell_drained = true;
}

void
peer_text(struct peer *p)
{
	if (p->smtpc.state == SMTPC_S_TEXT && !p->conn.tell_drained)
		peer_pump(p);
}

/* Bytes of the text that have not arrived there yet. */
static uint64_t
left(const struct peer *p)
{
	uint64_t n = p->conn.out.len + heard_left(p->conn.stream.fd);

	return n < p->put ? n : p->put;
}

enum deadline_state
peer_look(struct peer *p)
{
	bool is_text = p->smtpc.state == SMTPC_S_TEXT;
	bool moves = p->state == PEER_BUSY && (is_text || p->smtpc.sent);
	uint64_t waits = moves ? left(p) : 0;

	return deadline_look(&p->deadline, peer_now_ms(p),
			     moves ? p->put - waits : 0, is_text && waits == 0);
}
