#include "smtp-gateway/peer_parts.h"

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

void
peer_take(struct peer *p, struct transfer *t)
{
	const struct agent_job *job = t->job->agent_job;
	struct slice text = transfer_text(t, 0);
	const char *why = unfit(p, t, text);
	struct verdict v;

	list_drop(&p->of_out);
	if (why) {
		verdict_say(&v, 'D', why);
		transfer_over(t, &v);
		peer_idle(p);
		return;
	}
	p->state = PEER_BUSY;
	p->transfer = t;
	p->canon = (struct canon){0};
	p->sent = 0;
	t->peer = p;
	p->dest->out->n_busy++;
	p->mail = (struct smtpc_mail){
	    .sender =
		slice_eq(job->sender, SLICE("#@[]")) ? SLICE("") : job->sender,
	    .rcpts = t->rcpts,
	    .n_rcpts = t->n_rcpts,
	    .size = job->size,
	    .has_8bit = !job->text_complete || has_8bit(text)};
	smtpc_mail(&p->smtpc, &p->mail);
	conn_flush_later(&p->conn);
	peer_set_timeout(p);
}

static void
end_text(struct peer *p)
{
	char *room = buf_room(&p->conn.out, CANON_END_MAX);

	buf_added(&p->conn.out, canon_end(&p->canon, room));
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
	peer_over(p, &v);
	peer_gone(p, NULL);
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
		p->sent += text.len - rest.len;
		transfer_took(p->transfer, text.len - rest.len);
	}
	conn_flush_later(c);
	if (p->sent == p->transfer->job->agent_job->size)
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
