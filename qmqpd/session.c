#include "qmqpd/session.h"

#include "cdb/client.h"
#include "lib/clock.h"
#include "lib/die.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/often.h"
#include "lib/owner.h"
#include "qmqpd/qmqp.h"

#include <stdlib.h>

enum state { IDLE, READING, WAITING, CLOSING };

struct session {
	struct front_session base;
	enum state state;
	unsigned rights;
	struct qmqp *machine; /* while READING */
	struct door_message message;
	bool headed;  /* its size is known */
	bool begun;   /* at the door, or refused */
	bool decided; /* the door has answered already */
	char code;    /* refused: 'Z' or 'D', and why */
	const char *why;
	char table_code; /* the first recipient that the tables refuse */
	const char *table_why;
	struct verdict *verdict; /* the door's, while it must wait */
	uint64_t size;
	size_t n_rcpts, n_accepted;
};

static struct qmqpd *
daemon_of(struct session *s)
{
	return OWNER(s->base.front, struct qmqpd, front);
}

static void
log_end(const struct session *s, const char *why)
{
	if (!front_log_open(&s->base, "end", why, OFTEN_FIRST))
		return;
	front_log_client(&s->base);
	log_text("why", why);
	if (s->machine)
		log_text("where", qmqp_where(s->machine));
	log_close();
}

static void
log_package(const struct session *s, const struct verdict *v)
{
	char code[2] = {v->code, 0};

	if (v->code == 'K')
		log_open("package");
	else if (!front_log_open(&s->base, "package", s->why, OFTEN_FEW))
		return;
	log_id("id", s->message.id);
	front_log_client(&s->base);
	log_number("size", (int64_t)s->size);
	log_number("rcpts", (int64_t)s->n_rcpts);
	log_text("verdict", code);
	if (v->code != 'K')
		log_bytes("why", verdict_text(v));
	log_close();
}

static void
session_free(struct session *s)
{
	door_abort(&s->message);
	front_leave(&s->base);
	free(s->machine);
	free(s->verdict);
	free(s);
}

static void
put_reply(struct buf *out, const struct verdict *v)
{
	netstring_head_put(out, 1 + (uint64_t)v->len);
	buf_putc(out, v->code);
	buf_puts(out, verdict_text(v));
	buf_putc(out, ',');
}

static void
say_ok(struct verdict *v, uint64_t id)
{
	struct buf text = {0};

	buf_text(&text, "ok ");
	buf_number(&text, (uint64_t)clock_s());
	buf_text(&text, " qp ");
	buf_hex(&text, 16, id);
	verdict_set(v, 'K', buf_slice(&text));
	buf_free(&text);
}

/* The one reply, and the end. */
static void
reply(struct session *s, const struct verdict *door)
{
	struct verdict v = *door;
	uint64_t kept = door_kept(&s->message, door);

	if (v.code == 'K' && (v.len == 0 || kept != s->message.id))
		say_ok(&v, kept);
	log_package(s, &v);
	s->state = CLOSING;
	put_reply(&s->base.conn.out, &v);
	conn_timeout(&s->base.conn, SESSION_REPLY_S * 1000);
	conn_finish(&s->base.conn);
}

static void
refuse(struct session *s, char code, const char *why)
{
	s->begun = true;
	if (s->code)
		return;
	s->code = code;
	s->why = why;
	door_abort(&s->message);
}

/* The door may answer before the package is complete (it went away): the
 * reply waits for the last byte, so that the client reads it. It can't be
 * a K then, whatever it says. */
static void
answered(struct door_message *m, const struct verdict *v)
{
	struct session *s = OWNER(m, struct session, message);

	if (s->state == WAITING) {
		reply(s, v);
		return;
	}
	refuse(s, 'Z', FRONT_AWAY_TEXT);
	s->verdict = v->code == 'K' ? NULL : malloc(sizeof *v);
	if (!s->verdict && v->code != 'K')
		die_nomem();
	if (s->verdict)
		*s->verdict = *v;
	front_go(&s->base);
}

static void
rcpt(struct session *s, struct slice address)
{
	const char *why = "";
	char code;

	s->n_rcpts++;
	if (s->n_rcpts > LIMIT_RCPTS) {
		refuse(s, 'D', "too many recipients (#5.5.3)");
		return;
	}
	if (!address.at || address.len == 0) {
		refuse(s, 'D', "a recipient is no address (#5.1.3)");
		return;
	}
	code =
	    config_accepts(&daemon_of(s)->config, CONFIG_RELAY, address, &why);
	if (code == 'K') {
		s->n_accepted++;
	} else if (!s->table_code) {
		s->table_code = code;
		s->table_why = why;
	}
	door_rcpt(&s->message, address);
}

static void
complete(struct session *s)
{
	struct verdict v;

	s->state = WAITING;
	free(s->machine);
	s->machine = NULL;
	if (s->n_rcpts == 0)
		refuse(s, 'D', "no recipients (#5.5.1)");
	else if (s->n_accepted == 0)
		refuse(s, s->table_code, s->table_why);
	if (!s->code) {
		door_commit(&s->message);
		return;
	}
	if (s->verdict)
		v = *s->verdict;
	else
		verdict_say(&v, s->code, s->why);
	reply(s, &v);
}

static void
begin(struct session *s)
{
	const char *why =
	    client_again(&daemon_of(s)->config, &s->base, &s->rights);
	char code;

	s->headed = true;
	s->size = s->machine->text_len;
	if (why) {
		refuse(s, 'Z', why);
	} else if (!s->base.relay) {
		refuse(s, 'Z', "you may not send here (#4.7.1)");
	} else if (s->size > LIMIT_TEXT) {
		refuse(s, 'D', "the message is too large (#5.3.4)");
	} else {
		code = client_may_begin(&daemon_of(s)->config, &s->base,
					s->size, &why);
		if (code != 'K')
			refuse(s, code, why);
	}
}

static void
sender(struct session *s, struct slice address)
{
	const char *why = "";

	front_flush(s->base.front, &s->message);
	if (!address.at)
		refuse(s, 'D', "the sender is no address (#5.1.7)");
	else if (client_may_use(&daemon_of(s)->config, &s->base, address,
				&why) != 'K')
		refuse(s, 'D', why);
	else
		door_sender(&s->message, address);
}

static void
take(struct session *s, enum qmqp_event event, struct slice piece)
{
	struct front *f = s->base.front;

	switch (event) {
	case QMQP_BEGIN: begin(s); break;
	case QMQP_TEXT: front_text(f, &s->message, piece); break;
	case QMQP_SENDER: sender(s, piece); break;
	case QMQP_RCPT: rcpt(s, piece); break;
	case QMQP_END: complete(s); break;
	case QMQP_MORE:
	case QMQP_BAD: break;
	}
}

/* The message needs its id before its text goes anywhere. False: wait. */
static bool
begun(struct session *s)
{
	if (s->begun)
		return true;
	switch (front_begin(&s->base, &s->message,
			    config_me(&daemon_of(s)->config), answered)) {
	case FRONT_BEGUN: s->begun = true; return true;
	case FRONT_AWAY: refuse(s, 'Z', FRONT_AWAY_TEXT); return true;
	case FRONT_WAIT: break;
	}
	conn_timeout(&s->base.conn, FRONT_WAIT_MS);
	return false;
}

static bool
room(struct session *s)
{
	if ((!s->headed || begun(s)) && !door_full(&s->base.front->door))
		return true;
	front_wait(&s->base);
	return false;
}

/* One round's bytes. False: this is not QMQP. */
static bool
take_all(struct session *s, struct slice *in)
{
	enum qmqp_event event = QMQP_BEGIN;
	struct slice piece;

	while (in->len > 0 && event != QMQP_MORE && event != QMQP_END &&
	       room(s)) {
		event = qmqp_push(s->machine, in, &piece);
		if (event == QMQP_BAD)
			return false;
		take(s, event, piece);
		if (front_worked(&s->base, event == QMQP_RCPT, in->len > 0))
			break;
	}
	return true;
}

static void
input(struct session *s)
{
	struct conn *c = &s->base.conn;
	struct slice in = buf_slice(&c->in);
	size_t before = in.len;
	bool fine;

	if (s->state >= WAITING) {
		conn_take(c, before); /* behind the package: not ours */
		return;
	}
	front_alive(&s->base, before, s->state == READING);
	client_meet(&daemon_of(s)->config, &s->base, &s->rights);
	if (s->state == IDLE && front_mistaken(&s->base, in)) {
		log_end(s, front_mistaken(&s->base, in));
		session_free(s);
		return;
	}
	s->state = READING;
	if (!s->machine)
		s->machine = calloc(1, sizeof *s->machine);
	if (!s->machine)
		die_nomem();
	fine = take_all(s, &in);
	c->heard_all = s->state >= WAITING && in.len == 0;
	front_flush(s->base.front, &s->message);
	conn_take(c, before - in.len);
	if (!fine) {
		log_end(s, "this is not QMQP");
		session_free(s);
	}
}

static void
timed_out(struct session *s)
{
	bool waits = s->state == WAITING || list_has(&s->base.waiting);
	enum pace_state late;

	if (s->state < WAITING && s->headed && !s->begun) {
		refuse(s, 'Z', FRONT_AWAY_TEXT);
		front_late(&s->base, true);
		front_go(&s->base);
		return;
	}
	late = s->state == CLOSING ? PACE_OVER : front_late(&s->base, waits);
	if (late == PACE_FINE)
		return;
	if (s->state == READING)
		log_end(s, pace_text(late));
	session_free(s);
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
		if (s->state == READING)
			log_end(s, "the client left");
		if (s->state < WAITING)
			session_free(s);
		break;
	case CONN_TIMEOUT: timed_out(s); break;
	case CONN_BROKEN: session_free(s); break;
	case CONN_OPEN:
	case CONN_DRAINED: break;
	}
}

void
qmqpd_accepted(struct server *server, int fd, const struct endpoint *peer)
{
	struct qmqpd *d = OWNER(server, struct qmqpd, front.server);
	struct session *s = calloc(1, sizeof *s);

	if (!s)
		die_nomem();
	s->rights = client_accept(&d->config, &s->base, peer);
	front_start(&s->base, &d->front, fd, peer, on_conn);
}

void
qmqpd_stop(struct qmqpd *d)
{
	struct link *link, *next;

	front_stop(&d->front);
	for (link = list_first(&d->front.sessions); link; link = next) {
		struct session *s = OWNER(link, struct session, base.all);

		next = list_next(&d->front.sessions, link);
		if (s->state == IDLE)
			session_free(s);
	}
}
