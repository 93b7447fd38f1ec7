/* peer_open.c - a connection is made: to which of the targets? */
#include "smtp-gateway/peer_parts.h"

#include "lib/die.h"
#include "lib/log.h"

#include <errno.h>
#include <stdlib.h>

static void
name_host(struct peer *p)
{
	const struct target *t = &p->targets->at[p->at];
	struct buf address = {0};

	endpoint_host(&t->to, &address);
	buf_free(&p->host);
	buf_put(&p->host, t->name, t->name_len);
	if (!slice_eq(peer_host(p), buf_slice(&address))) {
		buf_putc(&p->host, '[');
		buf_puts(&p->host, buf_slice(&address));
		buf_putc(&p->host, ']');
	}
	buf_free(&address);
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
	fd = endpoint_connect_from(peer_address(p), &p->dest->from);
	p->conn = (struct conn){.connecting = true};
	if (fd < 0) {
		peer_say(p, &p->why, strerror(errno), " (#4.4.1)", VERDICT_WAY);
		return false;
	}
	p->crowd = crowd_enter(&p->dest->out->crowds, peer_address(p));
	conn_connect_take(&p->conn, p->dest->out->loop, fd, peer_on);
	deadline_wait(&p->deadline, peer_now_ms(p), PEER_CONNECT_MS);
	conn_timeout(&p->conn, PEER_CONNECT_MS);
	buf_clear(&p->helo);
	buf_puts(&p->helo, helo_of(p->dest));
	smtpc_init(&p->smtpc, &p->conn.out, buf_slice(&p->helo));
	return true;
}

/* The best target that has not been asked, and has a place for us; those that
 * were silent last. */
static bool
choose(struct peer *p)
{
	size_t i, n = p->targets->n;

	for (i = 0; i < 2 * n; i++) {
		uint32_t bit = 1u << i % n;

		p->at = i % n;
		if ((p->asked & bit) ||
		    !dest_has_place(p->dest, peer_address(p)) ||
		    dest_shuns(p->dest, peer_address(p)) != (i >= n))
			continue;
		p->asked |= bit;
		return true;
	}
	return false;
}

static void
connect_next(struct peer *p)
{
	while (peer_now_ms(p) < p->deadline.over_ms && choose(p))
		if (connect_one(p))
			return;
	if (p->why.code == 0)
		dest_say_full(&p->why);
	log_open("unreachable");
	log_bytes("dest", p->dest->name);
	log_bytes("why", verdict_text(&p->why));
	log_close();
	peer_gone(p, DEST_UNREACHED, &p->why);
}

/* Targets that have deferred this transfer are not for it. */
static void
leave_out(struct peer *p, const struct transfer *t)
{
	size_t i;

	p->is_second = t->n_tried > 0;
	p->why = t->said;
	for (i = 0; i < p->targets->n; i++)
		if (transfer_tried(t, &p->targets->at[i].to))
			p->asked |= 1u << i;
}

void
peer_start(struct dest *d, const struct targets *targets,
	   const struct transfer *t, bool is_bounce)
{
	struct peer *p = calloc(1, sizeof *p);

	if (!p)
		die_nomem();
	p->dest = d;
	p->is_bounce = is_bounce;
	deadline_start_ms(&p->deadline, d->out->loop->now_ms, PEER_OPEN_MS);
	p->targets = malloc(sizeof *p->targets);
	if (!p->targets)
		die_nomem();
	*p->targets = *targets;
	p->state = PEER_CONNECTING;
	leave_out(p, t);
	connect_next(p);
}

void
peer_next(struct peer *p)
{
	conn_close(&p->conn);
	peer_leave_crowd(p);
	dest_shun(p->dest, peer_address(p));
	connect_next(p);
}
