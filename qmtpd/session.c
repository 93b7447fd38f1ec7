#include "qmtpd/session_parts.h"

#include "cdb/client.h"
#include "lib/die.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/often.h"
#include "qmtpd/quail.h"

#include <stdlib.h>
#include <string.h>

static void
log_end(const struct session *s, const char *why)
{
	if (!front_log_open(&s->base, "end", why, OFTEN_FIRST))
		return;
	front_log_client(&s->base);
	log_text("why", why);
	log_text("where",
		 s->machine ? qmtp_where(s->machine) : "between packages");
	log_close();
}

static void
session_free(struct session *s)
{
	struct link *link;

	while ((link = list_first(&s->packages)))
		package_drop(s, OWNER(link, struct transaction, link));
	front_leave(&s->base);
	free(s->machine);
	free(s);
}

static void
close_when_done(struct session *s)
{
	if (!s->ending || !list_empty(&s->packages))
		return;
	conn_timeout(&s->base.conn, SESSION_FINISH_S * 1000);
	conn_finish(&s->base.conn);
}

/* Take no more: what is half here is dropped, the rest is answered, and
 * further input is thrown away until then. */
static void
end(struct session *s)
{
	if (s->ending)
		return;
	s->ending = true;
	if (s->reading)
		package_drop(s, s->reading);
	s->reading = NULL;
	front_go(&s->base);
	front_late(&s->base, true);
	close_when_done(s);
}

static void
reply(struct session *s)
{
	package_reply(s);
	close_when_done(s);
}

static void
answered(struct door_message *m, const struct verdict *v)
{
	struct transaction *p = OWNER(m, struct transaction, message);
	struct session *s = p->session;

	transaction_decide(p, v);
	reply(s);
	if (!s->ending)
		front_go(&s->base);
}

/* The package that is being read needs its id before its first byte of
 * text goes anywhere. False: wait. */
static bool
begun(struct session *s)
{
	struct transaction *p = s->reading;

	if (!p || p->begun)
		return true;
	switch (front_begin(&s->base, &p->message, config_me(session_config(s)),
			    answered)) {
	case FRONT_BEGUN: p->begun = true; return true;
	case FRONT_AWAY:
		transaction_refuse(p, 'Z', FRONT_AWAY_TEXT);
		return true;
	case FRONT_WAIT: break;
	}
	conn_timeout(&s->base.conn, FRONT_WAIT_MS);
	return false;
}

/* May it go on? If not, who says when: the door, an answer, the peer. */
static bool
room(struct session *s)
{
	struct conn *c = &s->base.conn;

	if (!begun(s) || door_full(&s->base.front->door)) {
		front_wait(&s->base);
		return false;
	}
	if (!s->reading && s->n_waiting > 0 &&
	    (s->n_waiting >= SESSION_WINDOW ||
	     s->waiting_bytes >= SESSION_WINDOW_BYTES ||
	     budget_is_spent(&s->base.front->server.budget))) {
		conn_pause(c);
		return false;
	}
	if (c->out.len >= SESSION_REPLIES_MAX) {
		c->tell_drained = true;
		conn_pause(c);
		return false;
	}
	return true;
}

static bool
overrun(struct session *s)
{
	return s->reading && s->reading->replies.n > SESSION_RCPTS_HARD;
}

static unsigned
price(enum qmtp_event event)
{
	switch (event) {
	case QMTP_BEGIN: return FRONT_WORK_PACKAGE;
	case QMTP_RCPT: return 1;
	default: return 0;
	}
}

/* One round's bytes. Returns why the session must end, or NULL. */
static const char *
take_all(struct session *s, struct slice *in)
{
	enum qmtp_event event = QMTP_BEGIN;
	struct slice piece;

	while (in->len > 0 && event != QMTP_MORE && room(s)) {
		if (s->base.front->stopping && !s->reading)
			return "stopping";
		event = qmtp_push(s->machine, in, &piece);
		if (event == QMTP_BAD)
			return "this is not QMTP";
		package_take(s, event, piece);
		if (overrun(s))
			return "too many recipients";
		if (front_worked(&s->base, price(event), in->len > 0))
			break;
	}
	return NULL;
}

static void
input(struct session *s)
{
	struct conn *c = &s->base.conn;
	struct slice in = buf_slice(&c->in);
	size_t before = in.len;
	const char *why;

	if (s->ending) {
		conn_take(c, before);
		return;
	}
	front_alive(&s->base, before, s->machine != NULL);
	client_meet(session_config(s), &s->base, &s->rights);
	if (!s->machine && front_mistaken(&s->base, in)) {
		log_end(s, front_mistaken(&s->base, in));
		session_free(s);
		return;
	}
	if (!s->machine)
		s->machine = calloc(1, sizeof *s->machine);
	if (!s->machine)
		die_nomem();
	s->machine->quail = s->quail;
	why = take_all(s, &in);
	if (s->reading)
		front_flush(s->base.front, &s->reading->message);
	conn_take(c, before - in.len);
	if (why) {
		log_end(s, why);
		end(s);
	} else if (qmtp_resting(s->machine)) {
		free(s->machine);
		s->machine = NULL;
	}
}

/* Time is over: what is complete is still answered. */
static void
end_late(struct session *s, enum pace_state late)
{
	if (s->machine)
		log_end(s, pace_text(late));
	if (late != PACE_OVER || s->ending || s->n_waiting == 0) {
		session_free(s);
		return;
	}
	pace_grant(&s->base.pace, LIMIT_IDLE_S * 1000);
	end(s);
}

/* The largest message that this client may send. */
static uint64_t
size_limit(struct session *s)
{
	const struct config *c = session_config(s);
	const struct tls_pin *pin = s->base.known ? &s->base.pin : NULL;
	struct config_client line;

	if (!s->base.limited || !config_client(c, &s->base.peer, pin, &line) ||
	    line.size == 0 || line.size > SESSION_TEXT)
		return SESSION_TEXT;
	return line.size;
}

/* TLS is open: another quail is told what we take, before it sends. */
static void
opened(struct session *s)
{
	const char *protocol = tls_protocol(&s->base.conn.stream);
	struct quail_takes takes = {.rcpts = LIMIT_RCPTS,
				    .params = TRANSACTION_PARAMS};

	front_alive(&s->base, 0, false);
	client_meet(session_config(s), &s->base, &s->rights);
	s->quail = protocol && strcmp(protocol, QUAIL_PROTOCOL) == 0;
	if (!s->quail)
		return;
	takes.size = size_limit(s);
	quail_greet(&s->base.conn.out, &takes);
	conn_flush_later(&s->base.conn);
}

static void
timed_out(struct session *s)
{
	struct transaction *p = s->reading;
	bool waits = s->n_waiting > 0 || list_has(&s->base.waiting);
	enum pace_state late;

	if (s->base.conn.close_drained) { /* replies that nobody reads */
		session_free(s);
		return;
	}
	if (p && !p->begun) {
		transaction_refuse(p, 'Z', FRONT_AWAY_TEXT);
		front_go(&s->base);
		waits = true;
	}
	if (s->base.conn.out.len > 0)
		waits = false;
	late = front_late(&s->base, waits);
	if (late != PACE_FINE)
		end_late(s, late);
}

static void
on_conn(struct conn *c, enum conn_event event)
{
	struct session *s = OWNER(c, struct session, base.conn);

	if (front_trouble(&s->base, event)) {
		log_end(s, front_trouble(&s->base, event));
		session_free(s);
		return;
	}
	switch (event) {
	case CONN_INPUT: input(s); break;
	case CONN_EOF:
		if (s->reading)
			log_end(s, "the client left");
		end(s);
		break;
	case CONN_DRAINED:
		reply(s);
		if (!list_has(&s->base.waiting))
			conn_resume(c);
		break;
	case CONN_TIMEOUT: timed_out(s); break;
	case CONN_BROKEN: session_free(s); break;
	case CONN_OPEN: opened(s); break;
	}
}

static const char *const protocols[] = {QUAIL_PROTOCOL};

void
qmtpd_accepted(struct server *server, int fd, const struct endpoint *peer)
{
	struct qmtpd *d = OWNER(server, struct qmtpd, front.server);
	struct session *s = calloc(1, sizeof *s);

	if (!s)
		die_nomem();
	list_init(&s->packages);
	s->rights = client_accept(&d->config, &s->base, peer);
	front_start(&s->base, &d->front, fd, peer, on_conn);
	if (tls_is_on(&s->base.conn.stream)) {
		tls_protocols(&s->base.conn.stream, protocols, 1);
		s->base.conn.tell_open = true;
	}
}

void
qmtpd_stop(struct qmtpd *d)
{
	struct link *link, *next;

	front_stop(&d->front);
	for (link = list_first(&d->front.sessions); link; link = next) {
		struct session *s = OWNER(link, struct session, base.all);

		next = list_next(&d->front.sessions, link);
		if (list_empty(&s->packages) && s->base.conn.out.len == 0)
			session_free(s);
		else if (!s->reading)
			end(s);
	}
}
