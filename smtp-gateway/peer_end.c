/* peer_end.c - a connection that ends before its time: whose trouble is it?
 *
 *   it was          and                          the verdict is about
 *   connecting      nobody there, no greeting,   WAY; the next target
 *                   no SMTP, 4xx or 5xx to us
 *                   421 or 4.7.x                 WAY; not the next target at
 *                                                a first attempt
 *   busy            closed, silent, stray        HOST
 *                   421                          LESS
 *   busy with a     closed without a word        nothing yet: once more, on
 *   second mail     behind MAIL                  another connection
 *   idle            before any mail              WAY
 *                   behind mails                 nothing
 *
 * WAY is for all that waits. What it says is about the connection, and never
 * what was said to a mail: that is for this mail alone.
 */
#include "lib/heard.h"
#include "lib/log.h"
#include "lib/owner.h"
#include "smtp-gateway/peer_parts.h"

/* Of a connection that was reset the kernel knows no more what arrived. */
bool
peer_may_have(const struct peer *p)
{
	return p->smtpc.sent && p->conn.out.len == 0 &&
	       (p->conn.error || heard_left(p->conn.stream.fd) == 0);
}

void
peer_take_back(const struct peer *p)
{
	if (p->smtpc.sent && !peer_may_have(p))
		heard_no_more(p->conn.stream.fd);
}

void
peer_log_duplicate(const struct peer *p)
{
	if (!peer_may_have(p))
		return;
	log_open("possible-duplicate");
	log_id("id", p->transfer->job->agent_job->id);
	log_bytes("host", peer_host(p));
	log_close();
}

/* 421: not now, not so much. */
static bool
sent_away(const struct peer *p)
{
	return p->smtpc.state == SMTPC_S_BROKEN && p->smtpc.code == 421 &&
	       !p->smtpc.stray;
}

static void
log_end(const struct peer *p, const char *event, const struct verdict *why)
{
	log_open(event);
	log_bytes("dest", p->dest->name);
	log_number("mails", p->n_taken);
	log_bytes("why", verdict_text(why));
	log_close();
}

static enum dest_end
ended(const struct peer *p)
{
	if (p->n_mails == 0 && p->state == PEER_IDLE)
		return DEST_UNREACHED;
	return p->n_taken > 0 && !sent_away(p) ? DEST_GOOD : DEST_BAD;
}

/* connecting */

static bool
anyone_again(const struct dest *d)
{
	struct link *link = list_first(&d->transfers);

	return link && transfer_again(OWNER(link, struct transfer, of_dest));
}

/* The word of a host to which no mail was offered. */
static void
of_connection(struct verdict *v)
{
	struct slice text = verdict_text(v);
	struct buf b = {0};

	text.len = slice_find_last(text, '(');
	buf_text(&b, "no connection: ");
	buf_puts(&b, text);
	buf_text(&b, "(#4.4.2)");
	verdict_set(v, 'Z', buf_slice(&b));
	v->about = VERDICT_WAY;
	buf_free(&b);
}

/* A host that will not talk to us says nothing about the mail: Z, and the
 * next one, whatever it said. */
static void
will_not_talk(struct peer *p)
{
	bool elsewhere;

	peer_judge(p, JUDGE_MAIL, &p->why);
	p->why.code = 'Z';
	elsewhere = judge_elsewhere(&p->why, anyone_again(p->dest));
	of_connection(&p->why);
	if (sent_away(p))
		log_end(p, "sent-away", &p->why);
	if (elsewhere)
		peer_next(p);
	else
		peer_gone(p, DEST_UNREACHED, &p->why);
}

static void
not_connected(struct peer *p, const char *what, bool is_silent)
{
	peer_say(p, &p->why, what,
		 p->conn.connecting ? " (#4.4.1)" : " (#4.4.2)", VERDICT_WAY);
	if (is_silent && !p->conn.connecting)
		dest_silent(p->dest);
	peer_next(p);
}

/* carrying */

/* A kept connection that was closed before it took any of this mail, without
 * a word: no harm done, but try once more on another. */
static bool
unheard(const struct peer *p)
{
	return p->n_mails > 0 && !p->transfer->again &&
	       p->smtpc.state == SMTPC_S_MAIL;
}

static void
put_back(struct peer *p)
{
	struct transfer *t = p->transfer;

	p->transfer = NULL;
	t->peer = NULL;
	p->dest->out->n_busy--;
	t->again = true;
	transfer_forget(t);
	dest_put_front(p->dest, t);
}

static void
lost_transfer(struct peer *p, const struct verdict *v)
{
	peer_log_duplicate(p);
	if (p->smtpc.stray || (!p->in_step && !p->smtpc.all_told))
		transfer_forget(p->transfer);
	peer_over(p, p->smtpc.all_told ? &p->why : v);
}

static void
lost_idle(struct peer *p, const struct verdict *why)
{
	if (p->state == PEER_IDLE && p->n_taken == 0)
		log_end(p, "lost", why);
}

void
peer_lost(struct peer *p, const char *what, bool is_silent)
{
	struct verdict v;
	enum dest_end end;

	if (p->state == PEER_CONNECTING) {
		not_connected(p, what, is_silent);
		return;
	}
	if (p->state == PEER_QUITTING) {
		peer_gone(p, DEST_GOOD, NULL);
		return;
	}
	peer_say(p, &v, what, " (#4.4.2)",
		 p->transfer ? VERDICT_HOST : VERDICT_WAY);
	end = ended(p);
	lost_idle(p, &v);
	if (p->transfer && !is_silent && unheard(p))
		put_back(p);
	else if (p->transfer)
		lost_transfer(p, &v);
	peer_gone(p, end, &v);
}

/* The number of mails after which it sends us away is learnt. */
static void
learn_mails(struct peer *p)
{
	struct dest *d = p->dest;

	if (p->n_mails > 0 && (d->mails_max == 0 || p->n_mails < d->mails_max))
		d->mails_max = p->n_mails;
}

void
peer_broken(struct peer *p)
{
	enum dest_end end = ended(p);
	struct verdict v;

	if (p->state == PEER_CONNECTING) {
		will_not_talk(p);
		return;
	}
	peer_judge(p, p->smtpc.stray ? JUDGE_MAIL : JUDGE_TEXT, &v);
	if (sent_away(p)) {
		log_end(p, "sent-away", &v);
		learn_mails(p);
	} else {
		log_end(p, "lost", &v);
	}
	if (p->transfer)
		lost_transfer(p, &v);
	of_connection(&v);
	peer_gone(p, end, &v);
}
