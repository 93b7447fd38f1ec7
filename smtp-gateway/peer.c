#include "smtp-gateway/peer_parts.h"

#include "lib/owner.h"

#include <stdlib.h>

void
peer_judge(const struct peer *p, enum judge_at at, struct verdict *v)
{
	struct judge how = {.at = at,
			    .is_smarthost = !p->dest->is_mx,
			    .again =
				p->transfer && transfer_again(p->transfer)};

	judge(&p->smtpc, peer_host(p), how, v);
}

void
peer_say(const struct peer *p, struct verdict *v, const char *what,
	 const char *status, enum verdict_about about)
{
	struct buf text = {0};

	buf_puts(&text, peer_host(p));
	buf_text(&text, ": ");
	buf_text(&text, what);
	buf_text(&text, " while ");
	buf_text(&text,
		 p->conn.connecting ? "connecting" : smtpc_where(&p->smtpc));
	buf_text(&text, status);
	verdict_set(v, 'Z', buf_slice(&text));
	v->about = (uint8_t)about;
	buf_free(&text);
}

static void
look_again(struct peer *p)
{
	conn_timeout(&p->conn, deadline_next_ms(&p->deadline, peer_now_ms(p)));
}

void
peer_set_timeout(struct peer *p)
{
	int64_t ms = PEER_COMMAND_MS;

	switch (p->smtpc.state) {
	case SMTPC_S_GREETING:
	case SMTPC_S_EHLO:
	case SMTPC_S_HELO: ms = p->dest->patience_ms; break;
	case SMTPC_S_READY: ms = PEER_IDLE_MS; break;
	case SMTPC_S_DATA: ms = PEER_DATA_MS; break;
	case SMTPC_S_TEXT: ms = PEER_BLOCK_MS; break;
	case SMTPC_S_FINAL: ms = PEER_FINAL_MS; break;
	case SMTPC_S_QUIT:
	case SMTPC_S_BROKEN: ms = PEER_QUIT_MS; break;
	case SMTPC_S_MAIL:
	case SMTPC_S_RCPT:
	case SMTPC_S_RSET: break;
	}
	p->n_heard = p->smtpc.n_heard;
	deadline_wait(&p->deadline, peer_now_ms(p), ms);
	look_again(p);
}

/* the end */

void
peer_leave_crowd(struct peer *p)
{
	crowd_leave(p->crowd, dest_wake);
	p->crowd = NULL;
}

void
peer_gone(struct peer *p, enum dest_end end, const struct verdict *why)
{
	struct dest *d = p->dest;
	struct verdict v = why ? *why : (struct verdict){0};
	bool is_second = p->is_second;

	peer_take_back(p);
	conn_close(&p->conn);
	peer_leave_crowd(p);
	share_leave(&d->out->peers, p->is_bounce, dest_wake);
	list_drop(&p->of_dest);
	list_drop(&p->of_out);
	if (p->state == PEER_CONNECTING)
		d->n_connecting--;
	buf_free(&p->host);
	buf_free(&p->helo);
	free(p->targets);
	free(p); /* and with it, perhaps, *why */
	dest_peer_gone(d, end, &v, is_second);
}

void
peer_dismiss(struct peer *p)
{
	list_drop(&p->of_dest);
	list_drop(&p->of_out);
	p->state = PEER_QUITTING;
	smtpc_quit(&p->smtpc);
	conn_finish(&p->conn);
	peer_set_timeout(p);
}

void
peer_abandon(struct peer *p)
{
	p->transfer = NULL;
	peer_gone(p, DEST_GOOD, NULL);
}

/* carrying */

static void
greeted(struct peer *p)
{
	struct dest *d = p->dest;

	d->n_connecting--;
	dest_greeted(d, peer_now_ms(p) - p->since_ms);
}

static bool
has_had_enough(const struct peer *p)
{
	const struct dest *d = p->dest;

	return p->n_mails >= PEER_MAILS_MAX || d->out->stopping ||
	       dest_wants_place(p) ||
	       (d->mails_max > 0 && p->n_mails >= d->mails_max);
}

void
peer_idle(struct peer *p)
{
	struct dest *d = p->dest;

	if (p->state == PEER_CONNECTING)
		greeted(p);
	p->state = PEER_IDLE;
	list_drop(&p->of_out);
	if (has_had_enough(p)) {
		peer_dismiss(p);
	} else {
		list_put(&d->idle, &p->of_dest);
		list_put(&d->out->idle, &p->of_out);
	}
	dest_work_later(d);
}

/* events */

static void
ready(struct peer *p)
{
	if (p->transfer) /* nothing was sent; all were told why */
		peer_over(p, &p->why);
	peer_idle(p);
}

static void
done(struct peer *p)
{
	struct verdict v;

	peer_judge(p, JUDGE_TEXT, &v);
	if (v.code == 'K') {
		p->n_taken++;
		dest_taken(p->dest);
	}
	peer_over(p, &v);
	peer_idle(p);
}

/* False when the peer is gone. */
static bool
event(struct peer *p, enum smtpc_event e)
{
	switch (e) {
	case SMTPC_READY: ready(p); break;
	case SMTPC_RCPT: peer_told(p); break;
	case SMTPC_SEND: peer_may_send(p); break;
	case SMTPC_DONE: done(p); break;
	case SMTPC_FAILED: peer_judge(p, JUDGE_MAIL, &p->why); break;
	case SMTPC_BROKEN: peer_broken(p); return false;
	case SMTPC_MORE: break;
	}
	return true;
}

/* The reply to the text: was it said before the end of that has arrived? */
static bool
too_early(const struct peer *p)
{
	return p->smtpc.state == SMTPC_S_FINAL && p->smtpc.sent &&
	       !peer_may_have(p);
}

static void
input(struct peer *p)
{
	struct slice in;
	enum smtpc_event e;

	p->dest->heard_ms = peer_now_ms(p);
	if (too_early(p)) {
		smtpc_stray(&p->smtpc);
		peer_broken(p);
		return;
	}
	do {
		size_t before = p->conn.in.len;

		in = buf_slice(&p->conn.in);
		e = smtpc_push(&p->smtpc, &in);
		buf_take(&p->conn.in, before - in.len);
		if (!event(p, e))
			return;
	} while (e != SMTPC_MORE);
	conn_flush_later(&p->conn);
	if (p->n_heard != p->smtpc.n_heard)
		peer_set_timeout(p);
	if (p->smtpc.state == SMTPC_S_TEXT)
		peer_pump(p);
}

static void
timed_out(struct peer *p)
{
	enum deadline_state late = peer_look(p);

	if (late == DEADLINE_FINE)
		look_again(p);
	else if (p->state == PEER_IDLE)
		peer_dismiss(p);
	else if (late == DEADLINE_OVER && p->state == PEER_BUSY)
		peer_lost(p, "it took too long", true);
	else
		peer_lost(p, "timeout", true);
}

static void
opened(struct peer *p)
{
	p->since_ms = peer_now_ms(p);
	peer_set_timeout(p);
}

void
peer_on(struct conn *c, enum conn_event e)
{
	struct peer *p = OWNER(c, struct peer, conn);

	switch (e) {
	case CONN_OPEN: opened(p); break;
	case CONN_INPUT:
		if (p->state != PEER_QUITTING)
			input(p);
		break;
	case CONN_DRAINED:
		if (p->smtpc.state == SMTPC_S_TEXT)
			peer_pump(p);
		break;
	case CONN_EOF: peer_lost(p, "connection closed", false); break;
	case CONN_TIMEOUT: timed_out(p); break;
	case CONN_BROKEN:
		peer_lost(p, c->error ? strerror(c->error) : "closed", false);
		break;
	}
}
