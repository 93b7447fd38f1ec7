#include "smtp-gateway/in_session.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/owner.h"
#include "lib/trace.h"
#include "smtp-gateway/in_command.h"

#include <stdlib.h>
#include <sys/socket.h>

static void
log_peer(const struct in_session *s)
{
	struct buf b = {0};

	endpoint_host(&s->peer, &b);
	log_bytes("client", buf_slice(&b));
	buf_free(&b);
}

static void
end(struct in_session *s)
{
	struct in *in = s->in;

	door_abort(&s->message);
	conn_close(&s->conn);
	if (s->next)
		s->next->prev = s->prev;
	if (s->prev)
		s->prev->next = s->next;
	else
		in->first = s->next;
	buf_free(&s->helo);
	buf_free(&s->envelope);
	buf_free(&s->late);
	free(s);
	in_left(in);
}

void
in_reply(struct in_session *s, const char *text)
{
	conn_put(&s->conn, slice_text(text));
	conn_put(&s->conn, SLICE("\r\n"));
}

void
in_finish(struct in_session *s, const char *text)
{
	in_reply(s, text);
	s->state = IN_CLOSING;
	door_abort(&s->message);
	conn_finish(&s->conn);
	conn_timeout(&s->conn, IN_FINISH_MS);
}

void
in_error(struct in_session *s, const char *text)
{
	in_reply(s, text);
	if (++s->errors >= IN_ERRORS_MAX)
		in_finish(s, "421 4.7.0 too many errors");
}

void
in_forget_mail(struct in_session *s)
{
	s->has_sender = false;
	s->n_rcpts = 0;
	buf_free(&s->envelope);
	buf_free(&s->late);
}

static void
wait_for_peer(struct in_session *s)
{
	int64_t ms = LIMIT_IDLE_S * 1000;
	int64_t left = s->end_ms - s->in->loop->now_ms;

	conn_timeout(&s->conn, left < 1 ? 1 : left < ms ? left : ms);
}

static void
stall(struct in_session *s, int64_t ms)
{
	s->stalled = true;
	conn_timeout(&s->conn, ms);
	conn_pause(&s->conn);
}

static void
go_on(struct in_session *s)
{
	s->stalled = false;
	wait_for_peer(s);
	conn_resume(&s->conn);
}

/* verdicts */

/* Without the status at its end: the reply has it in front. */
static struct slice
bare_text(const struct verdict *v)
{
	struct slice text = verdict_text(v);
	size_t open = slice_find_last(text, '(');

	if (open + 1 < text.len && text.at[open + 1] == '#' &&
	    text.at[text.len - 1] == ')')
		text.len = open;
	return slice_trim(text);
}

static void
put_verdict(struct buf *out, const struct verdict *v, uint64_t id)
{
	if (v->code == 'K') {
		buf_text(out, "250 2.0.0 ok ");
		buf_hex(out, 16, id);
	} else {
		buf_text(out, v->code == 'D' ? "554 " : "451 ");
		buf_puts(out, verdict_status(v));
		buf_putc(out, ' ');
		buf_puts(out, bare_text(v));
	}
	buf_text(out, "\r\n");
}

static void
log_message(const struct in_session *s, struct slice reply)
{
	struct slice sender = buf_slice(&s->envelope);

	sender.len = slice_find(sender, '\0');
	log_open("message");
	log_id("id", s->message.id);
	log_peer(s);
	log_bytes("helo", buf_slice(&s->helo));
	log_bytes("from", sender);
	log_number("rcpts", (int64_t)s->n_rcpts);
	log_number("size", (int64_t)s->size);
	log_bytes("reply", slice_trim(reply));
	log_close();
}

/* The message is over: tell, and take the next command. */
static void
tell(struct in_session *s, struct slice reply)
{
	bool good = reply.at[0] == '2';

	log_message(s, reply);
	conn_put(&s->conn, reply);
	s->state = IN_READY;
	if (good)
		s->errors = s->commands = 0;
	else
		s->errors++;
	in_forget_mail(s);
	if (s->last || s->in->stopping)
		in_finish(s, "421 4.3.2 shutting down");
	else if (s->errors >= IN_ERRORS_MAX)
		in_finish(s, "421 4.7.0 too many errors");
}

static void
answered(struct door_message *m, const struct verdict *v)
{
	struct in_session *s = OWNER(m, struct in_session, message);
	struct buf reply = {0};

	put_verdict(&reply, v, m->id);
	if (s->state != IN_WAIT) {
		/* The client still sends: it hears of it at the end. */
		buf_free(&s->late);
		s->late = reply;
		if (s->stalled)
			go_on(s);
		return;
	}
	tell(s, buf_slice(&reply));
	buf_free(&reply);
	if (s->state == IN_CLOSING)
		return;
	wait_for_peer(s);
	conn_resume(&s->conn);
}

/* text */

static void
no_queue(struct in_session *s)
{
	s->begins = false;
	in_error(s, "451 4.3.0 the queue is not there, try again");
}

static void
put_head(struct in_session *s, const char *proto)
{
	struct buf b = {0};

	door_attr(&s->message, "proto", slice_text(proto));
	endpoint_host(&s->peer, &b);
	door_attr(&s->message, "client", buf_slice(&b));
	buf_clear(&b);
	if (config_access(s->in->config, &s->peer) & CONFIG_RELAY)
		door_attr(&s->message, "relay", SLICE("1"));
	trace_received(&b, buf_slice(&s->helo), &s->peer,
		       config_me(s->in->config), proto, s->message.id,
		       clock_s());
	door_text(&s->message, buf_slice(&b));
	buf_free(&b);
}

void
in_text_begin(struct in_session *s)
{
	struct door *door = &s->in->door;

	if (!door->is_open) {
		no_queue(s);
	} else if (door_begin(door, &s->message, answered) != 0) {
		s->begins = true;
		stall(s, IN_BEGIN_MS);
	} else {
		s->begins = false;
		put_head(s, s->esmtp ? "ESMTP" : "SMTP");
		smtpd_data(&s->smtpd);
		s->state = IN_TEXT;
		s->size = 0;
		s->too_big = false;
		in_reply(s, "354 go on");
	}
}

static void
text(struct in_session *s)
{
	s->size += s->smtpd.text.len;
	if (s->size > 2 * (uint64_t)LIMIT_TEXT) {
		in_finish(s, "552 5.3.4 message much too big");
		return;
	}
	if (s->size > LIMIT_TEXT)
		s->too_big = true;
	if (s->too_big || s->smtpd.bare) {
		door_abort(&s->message); /* the rest is read and dropped */
		return;
	}
	door_text(&s->message, s->smtpd.text);
	if (door_full(&s->in->door) && s->message.door)
		stall(s, 0);
}

static void
commit(struct in_session *s)
{
	struct slice rest = buf_slice(&s->envelope);
	size_t n = slice_find(rest, '\0');

	door_sender(&s->message, slice_of(rest.at, n));
	for (rest = slice_from(rest, n + 1); rest.len > 0;
	     rest = slice_from(rest, n + 1)) {
		n = slice_find(rest, '\0');
		door_rcpt(&s->message, slice_of(rest.at, n));
	}
	door_commit(&s->message);
	s->state = IN_WAIT;
	conn_timeout(&s->conn, 0);
	conn_pause(&s->conn);
}

static void
text_end(struct in_session *s)
{
	struct buf late = s->late;

	s->late = (struct buf){0};
	if (s->smtpd.bare) {
		door_abort(&s->message);
		log_message(s, SLICE("550 bare CR or LF"));
		in_finish(s, "550 5.5.2 lines must end with CR LF; this "
			     "message has a bare CR or LF");
	} else if (s->too_big) {
		door_abort(&s->message);
		tell(s, SLICE("552 5.3.4 message too big\r\n"));
	} else if (late.len > 0) {
		tell(s, buf_slice(&late));
	} else {
		commit(s);
	}
	buf_free(&late);
}

/* input */

static void
input(struct in_session *s)
{
	struct buf *in = &s->conn.in;

	while (!s->stalled && (s->state == IN_READY || s->state == IN_TEXT)) {
		size_t used;
		enum smtpd_event e =
		    smtpd_push(&s->smtpd, in->mem + in->off, in->len, &used);

		switch (e) {
		case SMTPD_COMMAND: in_command(s, in->len > used); break;
		case SMTPD_TEXT: text(s); break;
		case SMTPD_END: text_end(s); break;
		case SMTPD_MORE: break;
		}
		buf_take(in, used);
		if (e == SMTPD_MORE)
			break;
	}
}

static void
lost(struct in_session *s, const char *how)
{
	if (s->state == IN_TEXT || s->state == IN_WAIT) {
		log_open("lost");
		log_peer(s);
		log_text("where", s->state == IN_TEXT
				      ? "receiving the text"
				      : "waiting for the queue");
		log_text("how", how);
		log_close();
	}
	end(s);
}

static void
timed_out(struct in_session *s)
{
	if (s->state == IN_CLOSING) {
		end(s);
	} else if (s->begins) {
		no_queue(s);
		if (s->state != IN_CLOSING)
			go_on(s);
	} else {
		in_finish(s, "421 4.4.2 timeout");
	}
}

static void
on(struct conn *c, enum conn_event event)
{
	struct in_session *s = OWNER(c, struct in_session, conn);

	switch (event) {
	case CONN_INPUT:
		if (s->state == IN_CLOSING)
			break;
		wait_for_peer(s);
		input(s);
		break;
	case CONN_EOF:
		if (s->state == IN_TEXT) {
			lost(s, "closed");
		} else if (s->state != IN_CLOSING) {
			s->state = IN_CLOSING;
			conn_finish(c);
			conn_timeout(c, IN_FINISH_MS);
		}
		break;
	case CONN_TIMEOUT: timed_out(s); break;
	case CONN_BROKEN: lost(s, "broken"); break;
	case CONN_OPEN:
	case CONN_DRAINED: break;
	}
}

static void
greet(struct in_session *s)
{
	conn_put(&s->conn, SLICE("220 "));
	conn_put(&s->conn, config_me(s->in->config));
	conn_put(&s->conn, SLICE(" ESMTP\r\n"));
	wait_for_peer(s);
}

void
in_session_start_take(struct in *in, int fd, const struct endpoint *peer)
{
	struct in_session *s = calloc(1, sizeof *s);
	char byte;

	if (!s)
		die_nomem();
	s->in = in;
	s->peer = *peer;
	s->end_ms = in->loop->now_ms + LIMIT_SESSION_S * 1000;
	s->next = in->first;
	if (s->next)
		s->next->prev = s;
	in->first = s;
	conn_open_take(&s->conn, in->loop, fd, on);
	if (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
		in_finish(s, "554 5.5.0 you spoke before the greeting");
	else
		greet(s);
}

void
in_session_room(struct in_session *s)
{
	if (!s->stalled)
		return;
	go_on(s);
	if (s->begins)
		in_text_begin(s);
}

void
in_session_stop(struct in_session *s)
{
	s->last = true;
	if (s->state == IN_READY)
		in_finish(s, "421 4.3.2 shutting down");
}
