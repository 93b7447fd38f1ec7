#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/often.h"
#include "lib/owner.h"
#include "lib/trace.h"
#include "smtp-gateway/in_parts.h"

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
put_verdict(struct buf *out, const struct verdict *v,
	    const struct door_message *m)
{
	if (v->code == 'K') {
		buf_text(out, "250 2.0.0 ok ");
		buf_hex(out, 16, door_kept(m, v));
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
	if (reply.at[0] == '2')
		log_open("message");
	else if (!in_log_open(s, "message", NULL, OFTEN_FEW))
		return;
	log_id("id", s->message.id);
	in_log_peer(s);
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

	put_verdict(&reply, v, m);
	if (s->state != IN_WAIT) {
		/* The client still sends: it hears of it at the end. */
		buf_free(&s->late);
		s->late = reply;
		if (s->stalled)
			in_go_on(s);
		return;
	}
	tell(s, buf_slice(&reply));
	buf_free(&reply);
	if (s->state == IN_CLOSING)
		return;
	in_wait_for_peer(s);
	conn_resume(&s->conn);
}

/* text */

void
in_no_queue(struct in_session *s)
{
	s->begins = false;
	in_forget_mail(s);
	in_reply(s, "451 4.3.0 the queue is not there, try again");
}

static void
put_head(struct in_session *s, const char *proto)
{
	struct buf b = {0};

	door_attr(&s->message, "proto", slice_text(proto));
	endpoint_host(&s->peer, &b);
	door_attr(&s->message, "client", buf_slice(&b));
	buf_clear(&b);
	if (s->rights & CONFIG_RELAY)
		door_attr(&s->message, "relay", SLICE("1"));
	trace_received(&b, buf_slice(&s->helo), &s->peer,
		       config_me(s->in->config), proto, s->message.id,
		       clock_s());
	if (!(s->rights & CONFIG_REPEATS))
		door_origin(&s->message, b.len, s->number);
	door_text(&s->message, buf_slice(&b));
	buf_free(&b);
}

void
in_text_begin(struct in_session *s)
{
	struct door *door = &s->in->door;

	if (door_begin(door, &s->message, answered) != 0) {
		s->begins = true;
		in_stall(s, door->is_open ? IN_BEGIN_MS : IN_AWAY_MS);
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

void
in_text(struct in_session *s)
{
	s->size += s->smtpd.text.len;
	if (s->size > 2 * (uint64_t)LIMIT_TEXT) {
		in_finish(s, "552 5.3.4 message much too big");
		return;
	}
	if (s->size > s->most)
		s->too_big = true;
	if (s->too_big || s->smtpd.bare) {
		door_abort(&s->message); /* the rest is read and dropped */
		return;
	}
	door_text(&s->message, s->smtpd.text);
	if (door_full(&s->in->door) && s->message.door)
		in_stall(s, 0);
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

void
in_text_end(struct in_session *s)
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
