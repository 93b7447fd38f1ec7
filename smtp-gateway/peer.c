#include "smtp-gateway/peer_parts.h"

#include "lib/die.h"
#include "lib/log.h"
#include "lib/owner.h"
#include "smtp-gateway/dest.h"

#include <errno.h>
#include <stdlib.h>

static void
on(struct conn *c, enum conn_event event);

static struct slice
host(const struct peer *p)
{
	return buf_slice(&p->host);
}

void
peer_set_timeout(struct peer *p)
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

void
peer_gone(struct peer *p, const struct verdict *v)
{
	struct dest *d = p->dest;
	struct verdict why = v ? *v : (struct verdict){0};

	conn_close(&p->conn);
	list_drop(&p->of_dest);
	list_drop(&p->of_out);
	if (p->state == PEER_CONNECTING)
		d->n_connecting--;
	buf_free(&p->host);
	buf_free(&p->helo);
	free(p->targets);
	free(p); /* and with it, perhaps, *v */
	dest_peer_gone(d, v ? &why : NULL);
}

void
peer_over(struct peer *p, const struct verdict *v)
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
	peer_set_timeout(p);
}

void
peer_abandon(struct peer *p)
{
	p->transfer = NULL;
	peer_gone(p, NULL);
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

/* What we say we are: the pool's name for the address, helohost, me. */
static struct slice
helo_of(const struct dest *d)
{
	struct slice helo = d->helo;

	if (helo.len == 0 && !config_text(d->out->config, "helohost", &helo))
		helo = config_me(d->out->config);
	return helo;
}

static bool
connect_one(struct peer *p)
{
	int fd;

	name_host(p);
	fd = endpoint_connect_from(&p->targets->at[p->at].to, &p->dest->from);
	p->conn = (struct conn){.connecting = true};
	if (fd < 0) {
		say_why(p, &p->why, strerror(errno), " (#4.4.1)");
		return false;
	}
	conn_connect_take(&p->conn, p->dest->out->loop, fd, on);
	conn_timeout(&p->conn, PEER_CONNECT_MS);
	buf_clear(&p->helo);
	buf_puts(&p->helo, helo_of(p->dest));
	smtpc_init(&p->smtpc, &p->conn.out, buf_slice(&p->helo));
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
	peer_gone(p, &p->why);
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

void
peer_idle(struct peer *p)
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
	peer_over(p, v);
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
	peer_gone(p, NULL);
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
	peer_gone(p, NULL);
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
		peer_over(p, &v);
	}
	peer_idle(p);
}

static void
finished(struct peer *p)
{
	struct verdict v;

	smtpc_verdict(&p->smtpc, host(p), &v);
	peer_over(p, &v);
}

/* False when the peer is gone. */
static bool
event(struct peer *p, enum smtpc_event e)
{
	switch (e) {
	case SMTPC_READY: ready(p); break;
	case SMTPC_RCPT: told(p); break;
	case SMTPC_SEND:
		peer_set_timeout(p);
		peer_pump(p);
		return false; /* nothing may follow a 354 */
	case SMTPC_DONE:
		finished(p);
		peer_idle(p);
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
	peer_set_timeout(p);
}

static void
on(struct conn *c, enum conn_event e)
{
	struct peer *p = OWNER(c, struct peer, conn);

	switch (e) {
	case CONN_OPEN: peer_set_timeout(p); break;
	case CONN_INPUT:
		if (p->state != PEER_QUITTING)
			input(p);
		break;
	case CONN_DRAINED:
		if (p->smtpc.state == SMTPC_S_TEXT) {
			peer_set_timeout(p);
			peer_pump(p);
		}
		break;
	case CONN_EOF: lost(p, "connection closed"); break;
	case CONN_TIMEOUT: timed_out(p); break;
	case CONN_BROKEN:
		lost(p, c->error ? strerror(c->error) : "closed");
		break;
	}
}
