/* What comes of a session's packages, from the machine's events to the door,
 * and from the door's verdicts to replies. */
#include "cdb/client.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/often.h"
#include "qmtpd/session_parts.h"

static void
log_package(const struct session *s, const struct transaction *p)
{
	struct slice text = p->code ? slice_text(p->why) : SLICE("");
	char code[2] = {p->code, 0};

	if (p->verdict && p->replies.n_door > 0) {
		code[0] = p->verdict->code;
		text = verdict_text(p->verdict);
	}
	if (code[0] == 'K')
		log_open("package");
	else if (!front_log_open(&s->base, "package", p->why, OFTEN_FEW))
		return;
	log_id("id", p->message.id);
	front_log_client(&s->base);
	log_number("size", (int64_t)p->size);
	log_number("rcpts", (int64_t)p->replies.n);
	log_number("refused", (int64_t)(p->replies.n - p->replies.n_door));
	if (code[0])
		log_text("verdict", code);
	if (code[0] && code[0] != 'K')
		log_bytes("why", text);
	log_close();
}

/* What a package that waits costs us, its replies to come included. */
static uint64_t
weight(const struct transaction *p)
{
	return p->size + p->replies.runs.len + 32 * p->replies.n;
}

/* What it costs us in memory, its verdict to come included. */
static void
charge(struct session *s, struct transaction *p)
{
	budget_move(&s->base.front->server.budget, &p->held,
		    sizeof *p + sizeof *p->verdict + p->replies.runs.cap);
}

void
package_drop(struct session *s, struct transaction *p)
{
	budget_move(&s->base.front->server.budget, &p->held, 0);
	transaction_free(p);
}

/* A recipient costs its client three bytes, and us thirty for its reply:
 * past the budget no more of those than of anything else. */
static size_t
replies_max(const struct session *s)
{
	return budget_allows(&s->base.front->server.budget, 0,
			     SESSION_REPLIES_MAX);
}

void
package_reply(struct session *s)
{
	struct conn *c = &s->base.conn;
	struct link *link;

	while ((link = list_first(&s->packages))) {
		struct transaction *p = OWNER(link, struct transaction, link);
		bool all;

		if (!transaction_ready(p))
			break;
		all = replies_put(&c->out, replies_max(s), &p->replies,
				  p->verdict);
		conn_flush_later(c);
		if (!all) {
			c->tell_drained = true;
			break;
		}
		log_package(s, p);
		s->n_waiting--;
		s->waiting_bytes -= weight(p);
		package_drop(s, p);
	}
}

static void
begun(struct session *s, uint64_t size)
{
	struct transaction *p = transaction_new(s, size);
	const char *why = client_again(session_config(s), &s->base, &s->rights);
	char code;

	s->reading = p;
	list_put(&s->packages, &p->link);
	charge(s, p);
	if (why)
		transaction_refuse(p, 'Z', why);
	if (size > SESSION_TEXT)
		transaction_refuse(p, 'D', "the message is too large (#5.3.4)");
	code = client_may_begin(session_config(s), &s->base, size, &why);
	if (code != 'K')
		transaction_refuse(p, code, why);
}

static void
sender(struct session *s, struct slice address)
{
	struct transaction *p = s->reading;
	const char *why = "";

	front_flush(s->base.front, &p->message);
	if (!address.at)
		transaction_refuse(p, 'D',
				   "this sender is no address (#5.1.7)");
	else if (client_may_use(session_config(s), &s->base, address, &why) !=
		 'K')
		transaction_refuse(p, 'D', why);
	else
		door_sender(&p->message, address);
}

static void
rcpt(struct session *s, struct slice address)
{
	struct transaction *p = s->reading;
	struct slice params = qmtp_params(s->machine);
	const char *why = "";
	char code;

	if (p->replies.n >= LIMIT_RCPTS) {
		code = 'Z';
		why = "too many recipients in one package (#4.5.3)";
	} else if (p->replies.runs.cap >= BUDGET_SHARE &&
		   budget_is_spent(&s->base.front->server.budget)) {
		code = 'Z';
		why = "too much is being received now (#4.3.1)";
	} else if (!address.at || address.len == 0) {
		code = 'D';
		why = "this is no address (#5.1.3)";
	} else if (!transaction_params_fit(p, params)) {
		code = 'Z';
		why = "too many parameters in one package (#4.5.3)";
	} else {
		code =
		    config_accepts(session_config(s), s->rights, address, &why);
	}
	transaction_rcpt(p, address, code, why);
	if (code == 'K' && !p->code)
		transaction_rcpt_params(p, params);
	charge(s, p);
}

static void
over(struct session *s)
{
	struct transaction *p = s->reading;

	s->reading = NULL;
	pace_ended(&s->base.pace);
	s->n_waiting++;
	s->waiting_bytes += weight(p);
	transaction_complete(p);
	package_reply(s);
}

void
package_take(struct session *s, enum qmtp_event event, struct slice piece)
{
	switch (event) {
	case QMTP_BEGIN: begun(s, s->machine->text_len); break;
	case QMTP_TEXT:
		front_text(s->base.front, &s->reading->message, piece);
		break;
	case QMTP_SENDER: sender(s, piece); break;
	case QMTP_PARAMS: transaction_params(s->reading, piece); break;
	case QMTP_RCPT: rcpt(s, piece); break;
	case QMTP_END: over(s); break;
	case QMTP_MORE:
	case QMTP_BAD: break;
	}
}
