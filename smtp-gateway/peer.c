#include "smtp-gateway/peer.h"

#include "lib/die.h"
#include "lib/log.h"
#include "lib/owner.h"
#include "smtp-gateway/dest.h"

#include <errno.h>
#include <stdlib.h>

enum { SLICE_MAX = 32 * 1024 }; /* text that is converted at a time */

static void
on(struct conn *c, enum conn_event event);

static struct slice
host(const struct peer *p)
{
	return buf_slice(&p->host);
}

static void
set_timeout(struct peer *p)
{
	int64_t ms = PEER_COMMAND_MS;

	switch (p->smtpc.state) {
	case SMTPC_S_READY: ms = PEER_IDLE_MS; break;
	case SMTPC_S_DATA: ms = PEER_DATA_MS; break;
	case SMTPC_S_TEXT: ms = PEER_BLOCK_MS; break;
	case SMTPC_S_FINAL: ms = PEER_FINAL_MS; break;
	case SMTPC_S_QUIT:
	case SMTPC_S_BROKEN: ms = PEER_QUIT_MS; break;
	case SMTPC_S_GREETING:
	case SMTPC_S_EHLO:
	case SMTPC_S_HELO:
	case SMTPC_S_MAIL:
	case SMTPC_S_RCPT:
	case SMTPC_S_RSET: break;
	}
	conn_timeout(&p->conn, ms);
}

/* the end */

static void
gone(struct peer *p, const struct verdict *v)
{
	struct dest *d = p->dest;
	struct verdict why = v ? *v : (struct verdict){0};

	conn_close(&p->conn);
	list_drop(&p->of_dest);
	list_drop(&p->of_out);
	if (p->state == PEER_CONNECTING)
		d->n_connecting--;
	buf_free(&p->host);
	free(p->targets);
	free(p); /* and with it, perhaps, *v */
	dest_peer_gone(d, v ? &why : NULL);
}

static void
over(struct peer *p, const struct verdict *v)
{
	struct transfer *t = p->transfer;

	p->transfer = NULL;
	p->n_mails++;
	transfer_over(t, v);
}

void
peer_dismiss(struct peer *p)
{
	list_drop(&p->of_dest);
	list_drop(&p->of_out);
	p->state = PEER_QUITTING;
	smtpc_quit(&p->smtpc);
	conn_finish(&p->conn);
	set_timeout(p);
}

void
peer_abandon(struct peer *p)
{
	p->transfer = NULL;
	gone(p, NULL);
}

/* connecting */

static void
name_host(struct peer *p)
{
	const struct target *t = &p->targets->at[p->at];
	struct buf address = {0};

	endpoint_host(&t->to, &address);
	buf_free(&p->host);
	buf_put(&p->host, t->name, t->name_len);
	if (!slice_eq(host(p), buf_slice(&address))) {
		buf_putc(&p->host, '[');
		buf_puts(&p->host, buf_slice(&address));
		buf_putc(&p->host, ']');
	}
	buf_free(&address);
}

static void
say_why(struct peer *p, struct verdict *v, const char *what, const char *status)
{
	struct buf text = {0};

	buf_puts(&text, host(p));
	buf_text(&text, ": ");
	buf_text(&text, what);
	buf_text(&text, " while ");
	buf_text(&text,
		 p->conn.connecting ? "connecting" : smtpc_where(&p->smtpc));
	buf_text(&text, status);
	verdict_set(v, 'Z', buf_slice(&text));
	buf_free(&text);
}

static bool
connect_one(struct peer *p)
{
	int fd;

	name_host(p);
	fd = endpoint_connect(&p->targets->at[p->at].to);
	p->conn = (struct conn){.connecting = true};
	if (fd < 0) {
		say_why(p, &p->why, strerror(errno), " (#4.4.1)");
		return false;
	}
	conn_connect_take(&p->conn, p->dest->out->loop, fd, on);
	conn_timeout(&p->conn, PEER_CONNECT_MS);
	smtpc_init(&p->smtpc, &p->conn.out, config_me(p->dest->out->config));
	return true;
}

static void
connect_next(struct peer *p)
{
	for (; p->at < p->targets->n; p->at++)
		if (connect_one(p))
			return;
	log_open("unreachable");
	log_bytes("dest", p->dest->name);
	log_bytes("why", verdict_text(&p->why));
	log_close();
	gone(p, &p->why);
}

void
peer_start(struct dest *d, const struct targets *targets)
{
	struct peer *p = calloc(1, sizeof *p);

	if (!p)
		die_nomem();
	p->dest = d;
	p->targets = malloc(sizeof *p->targets);
	if (!p->targets)
		die_nomem();
	*p->targets = *targets;
	p->state = PEER_CONNECTING;
	connect_next(p);
}

static void
try_next(struct peer *p)
{
	conn_close(&p->conn);
	p->at++;
	connect_next(p);
}

/* A host that will not talk to us says nothing about the mail: Z, and the
 * next one, whatever it said. */
static void
will_not_talk(struct peer *p)
{
	struct slice text;
	struct buf b = {0};

	smtpc_verdict(&p->smtpc, host(p), &p->why);
	text = verdict_text(&p->why);
	text.len = slice_find_last(text, '(');
	buf_puts(&b, text);
	buf_text(&b, "(#4.4.2)");
	verdict_set(&p->why, 'Z', buf_slice(&b));
	buf_free(&b);
	try_next(p);
}

/* carrying */

static void
idle(struct peer *p)
{
	struct dest *d = p->dest;

	if (p->state == PEER_CONNECTING)
		d->n_connecting--;
	p->state = PEER_IDLE;
	if (p->n_mails >= PEER_MAILS_MAX || d->out->stopping) {
		peer_dismiss(p);
	} else {
		list_put(&d->idle, &p->of_dest);
		list_put(&d->out->idle, &p->of_out);
	}
	dest_work_later(d);
}

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
		idle(p);
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
	set_timeout(p);
}

static void
end_text(struct peer *p)
{
	char *room = buf_room(&p->conn.out, CANON_END_MAX);

	buf_added(&p->conn.out, canon_end(&p->canon, room));
	smtpc_text_end(&p->smtpc);
	conn_flush_later(&p->conn);
	set_timeout(p);
}

/* Some of the text has gone out already: only a close takes it back. */
static void
refuse_nul(struct peer *p)
{
	struct verdict v;

	verdict_say(&v, 'D',
		    "the text has a NUL, which SMTP cannot carry (#5.6.0)");
	over(p, &v);
	gone(p, NULL);
}

static void
pump(struct peer *p)
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
		pump(p);
}

/* trouble */

/* A kept connection that was closed before it took any of this mail: no
 * harm done, but try once more on another. */
static bool
unheard(const struct peer *p)
{
	const struct smtpc *c = &p->smtpc;

	return p->n_mails > 0 && !p->transfer->again && c->n_told == 0 &&
	       p->sent == 0 &&
	       (c->state == SMTPC_S_MAIL ||
		(c->state == SMTPC_S_BROKEN && c->code == 421));
}

static void
lost_transfer(struct peer *p, const struct verdict *v)
{
	struct transfer *t = p->transfer;

	if (unheard(p)) {
		p->transfer = NULL;
		t->peer = NULL;
		p->dest->out->n_busy--;
		t->again = true;
		dest_put(p->dest, t);
		return;
	}
	if (p->smtpc.sent) {
		log_open("possible-duplicate");
		log_id("id", t->job->agent_job->id);
		log_bytes("host", host(p));
		log_close();
	}
	over(p, v);
}

static void
lost(struct peer *p, const char *what)
{
	struct verdict v;

	if (p->state == PEER_CONNECTING) {
		say_why(p, &p->why, what,
			p->conn.connecting ? " (#4.4.1)" : " (#4.4.2)");
		try_next(p);
		return;
	}
	if (p->transfer) {
		say_why(p, &v, what, " (#4.4.2)");
		lost_transfer(p, &v);
	}
	gone(p, NULL);
}

static void
broken(struct peer *p)
{
	struct verdict v;

	if (p->state == PEER_CONNECTING) {
		will_not_talk(p);
		return;
	}
	if (p->transfer) {
		smtpc_verdict(&p->smtpc, host(p), &v);
		if (v.code == 'K') /* good news that nobody asked for */
			v.code = 'Z';
		lost_transfer(p, &v);
	}
	gone(p, NULL);
}

static void
timed_out(struct peer *p)
{
	if (p->state == PEER_IDLE)
		peer_dismiss(p);
	else
		lost(p, "timeout");
}

/* events */

static void
told(struct peer *p)
{
	struct verdict v;

	smtpc_verdict(&p->smtpc, host(p), &v);
	if (v.code != 'K')
		transfer_told(p->transfer, p->smtpc.rcpt, &v);
}

static void
ready(struct peer *p)
{
	struct verdict v;

	if (p->transfer) { /* no recipient was taken; all were told */
		verdict_say(&v, 'Z', "not sent (#4.5.0)");
		over(p, &v);
	}
	idle(p);
}

static void
finished(struct peer *p)
{
	struct verdict v;

	smtpc_verdict(&p->smtpc, host(p), &v);
	over(p, &v);
}

/* False when the peer is gone. */
static bool
event(struct peer *p, enum smtpc_event e)
{
	switch (e) {
	case SMTPC_READY: ready(p); break;
	case SMTPC_RCPT: told(p); break;
	case SMTPC_SEND:
		set_timeout(p);
		pump(p);
		return false; /* nothing may follow a 354 */
	case SMTPC_DONE:
		finished(p);
		idle(p);
		break;
	case SMTPC_FAILED: finished(p); break;
	case SMTPC_BROKEN: broken(p); return false;
	case SMTPC_MORE: break;
	}
	return true;
}

static void
input(struct peer *p)
{
	struct slice in;
	enum smtpc_event e;

	do {
		size_t before = p->conn.in.len;

		in = buf_slice(&p->conn.in);
		e = smtpc_push(&p->smtpc, &in);
		buf_take(&p->conn.in, before - in.len);
		if (!event(p, e))
			return;
	} while (e != SMTPC_MORE);
	conn_flush_later(&p->conn);
	set_timeout(p);
}

static void
on(struct conn *c, enum conn_event e)
{
	struct peer *p = OWNER(c, struct peer, conn);

	switch (e) {
	case CONN_OPEN: set_timeout(p); break;
	case CONN_INPUT:
		if (p->state != PEER_QUITTING)
			input(p);
		break;
	case CONN_DRAINED:
		if (p->smtpc.state == SMTPC_S_TEXT) {
			set_timeout(p);
			pump(p);
		}
		break;
	case CONN_EOF: lost(p, "connection closed"); break;
	case CONN_TIMEOUT: timed_out(p); break;
	case CONN_BROKEN:
		lost(p, c->error ? strerror(c->error) : "closed");
		break;
	}
}
