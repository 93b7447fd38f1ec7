#include "smtp-gateway/in_session.h"

#include "lib/die.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/often.h"
#include "lib/owner.h"
#include "smtp-gateway/in_parts.h"

#include <stdlib.h>
#include <sys/socket.h>

bool
in_log_open(const struct in_session *s, const char *event, const char *why,
	    unsigned n)
{
	if (!(config_access(s->in->config, &s->peer) & CONFIG_RELAY))
		return often_open(event, &s->peer, why, n);
	log_open(event);
	return true;
}

void
in_log_peer(const struct in_session *s)
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
	struct endpoint peer = s->peer;

	door_abort(&s->message);
	conn_close(&s->conn);
	server_guest_drop(&s->guest);
	if (s->next)
		s->next->prev = s->prev;
	if (s->prev)
		s->prev->next = s->next;
	else
		in->first = s->next;
	buf_free(&s->helo);
	buf_free(&s->envelope);
	buf_free(&s->late);
	in_charge(s);
	free(s);
	in_left(in, &peer);
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
	in_charge(s);
}

void
in_charge(struct in_session *s)
{
	budget_move(&s->in->server.budget, &s->held, s->envelope.cap);
}

void
in_wait_for_peer(struct in_session *s)
{
	pace_wait(&s->pace, s->in->loop->now_ms);
	conn_timeout(&s->conn, pace_next_ms(&s->pace, s->in->loop->now_ms));
}

/* A command that has begun must be ended, too. */
static void
came(struct in_session *s)
{
	int64_t now_ms = s->in->loop->now_ms;

	pace_input(&s->pace, s->conn.in.len - s->left, s->inside, now_ms);
	conn_timeout(&s->conn, pace_next_ms(&s->pace, now_ms));
	if (list_has(&s->guest.idle))
		server_guest_heard(&s->in->server, &s->guest);
}

void
in_stall(struct in_session *s, int64_t ms)
{
	s->stalled = true;
	conn_timeout(&s->conn, ms);
	conn_pause(&s->conn);
}

void
in_go_on(struct in_session *s)
{
	s->stalled = false;
	in_wait_for_peer(s);
	conn_resume(&s->conn);
}

/* input */

/* Of a line that is too long nothing is kept, but it must have an end. */
static void
skipped(struct in_session *s, size_t n)
{
	if (s->smtpd.state != SMTPD_S_SKIP)
		return;
	s->n_skipped += n;
	if (s->n_skipped > IN_LINE_MAX)
		in_finish(s, "500 5.5.2 line much too long");
}

static void
input(struct in_session *s)
{
	unsigned most = list_has(&s->guest.idle) ? IN_WORK : IN_WORK_RIGHT,
		 n = 0;
	struct buf *in = &s->conn.in;

	while (in->len > 0 && !s->stalled &&
	       (s->state == IN_READY || s->state == IN_TEXT)) {
		size_t used;
		enum smtpd_event e =
		    smtpd_push(&s->smtpd, in->mem + in->off, in->len, &used);

		switch (e) {
		case SMTPD_COMMAND:
			s->n_skipped = 0;
			in_command(s, in->len > used);
			break;
		case SMTPD_TEXT: in_text(s); break;
		case SMTPD_END: in_text_end(s); break;
		case SMTPD_MORE: skipped(s, used); break;
		}
		conn_take(&s->conn, used);
		if (e != SMTPD_TEXT && e != SMTPD_MORE)
			pace_ended(&s->pace);
		if (e == SMTPD_MORE)
			break;
		n += e != SMTPD_TEXT;
		if (n >= most && in->len > 0 && !s->stalled) {
			conn_yield(&s->conn);
			break;
		}
	}
	s->left = in->len;
	s->inside = s->state == IN_TEXT || in->len > 0 ||
		    s->smtpd.state == SMTPD_S_SKIP;
}

/* Counted for all: on a leaf anybody is a client that may relay, and this is
 * made at will. */
static void
lost(struct in_session *s, const char *how)
{
	if ((s->state == IN_TEXT || s->state == IN_WAIT) &&
	    often_open("lost", &s->peer, how, OFTEN_FEW)) {
		in_log_peer(s);
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
		in_no_queue(s);
		if (s->state != IN_CLOSING)
			in_go_on(s);
	} else if (pace_state(&s->pace, s->in->loop->now_ms) == PACE_SLOW) {
		in_finish(s, "421 4.4.2 too slow");
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
		came(s);
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

/* Another client needs its place, so nothing of it may be left behind. */
static void
displaced(struct server_guest *g)
{
	static const struct slice words =
	    SLICE("421 4.3.2 idle, and others wait\r\n");
	struct in_session *s = OWNER(g, struct in_session, guest);

	if (s->state == IN_READY && s->conn.out.len == 0 && s->conn.io.fd >= 0)
		send(s->conn.io.fd, words.at, words.len,
		     MSG_NOSIGNAL | MSG_DONTWAIT);
	lost(s, "idle, and another client needs its place");
}

static void
greet(struct in_session *s)
{
	conn_put(&s->conn, SLICE("220 "));
	conn_put(&s->conn, config_me(s->in->config));
	conn_put(&s->conn, SLICE(" ESMTP\r\n"));
	in_wait_for_peer(s);
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
	s->number = ++in->n_begun;
	s->balanced = in->server.balanced;
	s->tables = in->config->generation;
	pace_start(&s->pace, &in->server.limits, in->loop->now_ms);
	s->next = in->first;
	if (s->next)
		s->next->prev = s;
	in->first = s;
	conn_open_take(&s->conn, in->loop, fd, on);
	s->conn.budget = &in->server.budget;
	s->guest = (struct server_guest){.peer = &s->peer, .leave = displaced};
	if (!(config_access(in->config, peer) & CONFIG_RELAY))
		server_guest_heard(&in->server, &s->guest);
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
	in_go_on(s);
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
