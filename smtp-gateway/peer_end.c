/* peer_end.c - a connection that ends before its time: whose trouble is it?
 *
 *   it was          and                          the verdict is about
 *   connecting      nobody there, no greeting,   WAY; the next target
 *                   no SMTP, 4xx or 5xx to us
 *                   421 or 4.7.x                 LESS; not the next target
 *                                                at a first attempt
 *   busy            closed, silent, stray        HOST
 *                   421                          LESS
 *   busy with a     closed without a word        nothing yet: once more, on
 *   second mail     behind MAIL                  another connection
 *   idle            closed, no mail taken        what waits: WAY, if another
 *                                                cannot be opened soon
 */
#include "lib/log.h"
#include "lib/owner.h"
#include "smtp-gateway/peer_parts.h"

void
peer_log_duplicate(const struct peer *p)
{
	if (!p->smtpc.sent)
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
	return p->n_taken > 0 && !sent_away(p) ? DEST_GOOD : DEST_BAD;
}

/* connecting */

static bool
anyone_again(const struct dest *d)
{
	struct link *link = list_first(&d->transfers);

	return link && transfer_again(OWNER(link, struct transfer, of_dest));
}

/* A host that will not talk to us says nothing about the mail: Z, and the
 * next one, whatever it said. */
static void
will_not_talk(struct peer *p)
{
	struct verdict v;
	struct slice text;
	struct buf b = {0};
	bool elsewhere;

	peer_judge(p, JUDGE_MAIL, &v);
	v.code = 'Z';
	elsewhere = judge_elsewhere(&v, anyone_again(p->dest));
	text = verdict_text(&v);
	text.len = slice_find_last(text, '(');
	buf_puts(&b, text);
	buf_text(&b, "(#4.4.2)");
	verdict_set(&p->why, 'Z', buf_slice(&b));
	buf_free(&b);
	p->why.about = elsewhere ? VERDICT_WAY : VERDICT_LESS;
	if (sent_away(p)) {
		p->why.about = VERDICT_LESS;
		log_end(p, "sent-away", &p->why);
	}
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
	lost_idle(p, &v);
	if (p->transfer && !is_silent && unheard(p))
		put_back(p);
	else if (p->transfer)
		lost_transfer(p, &v);
	v.about = VERDICT_WAY; /* for those that have not begun */
	peer_gone(p, ended(p), &v);
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
	if (!sent_away(p))
		v.about = VERDICT_WAY;
	v.code = 'Z';
	peer_gone(p, ended(p), &v);
}
