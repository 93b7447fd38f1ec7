#include "qmtpd/hop.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/log.h"
#include "lib/owner.h"
#include "qmtpd/pool.h"

#include <stdlib.h>
#include <string.h>

#define NO_CONNECTION "cannot connect to the next hop (#4.4.1)"
#define NO_NAME	      "the next hop's name cannot be looked up (#4.4.3)"
#define NO_HOST	      "the next hop's name has no address (#4.4.4)"
#define NO_TLS	      "no trusted connection to the next hop (#4.4.1)"
#define BAD_NAME      "the next hop is not HOST:PORT (#4.3.5)"
#define LOST	      "lost the connection before the answer (#4.4.2)"
#define STALLED	      "the next hop has stopped answering (#4.4.2)"
#define SPEAKS_TLS    "the next hop speaks TLS; routes must say so (#4.5.0)"
#define TOO_LARGE     "the message is larger than the next hop takes (#5.3.4)"
#define NO_BATCHES    "the next hop has become another (#4.4.2)"
#define NONSENSE      "the next hop does not speak QMTP (#4.5.0)"

enum { ALERT = 0x15 }; /* the first byte of TLS's complaint */

static void
log_hop(const struct hop *h, const char *event, const char *why)
{
	log_open(event);
	log_bytes("nexthop", buf_slice(&h->name));
	log_number("connections", (int64_t)h->n_peers);
	if (why)
		log_text("why", why);
	log_close();
}

static void
pump_later(struct hop *h)
{
	loop_task_queue(h->pool->loop, &h->pump);
}

static struct delivery *
first(const struct list *list)
{
	struct link *link = list_first(list);

	return link ? OWNER(link, struct delivery, link) : NULL;
}

static void
fail_waiting(struct list *list, const char *why)
{
	struct delivery *d;

	while ((d = first(list))) {
		list_drop(&d->link);
		delivery_fail(d, why);
	}
}

static bool
any_open(const struct hop *h)
{
	struct link *link;

	for (link = list_first(&h->peers); link;
	     link = list_next(&h->peers, link))
		if (OWNER(link, struct peer, link)->is_open)
			return true;
	return false;
}

/* The connection is of no use any more. What is bound to it and not yet
 * begun goes elsewhere; a large one does not try again and again. */
static void
drop_peer(struct hop *h, struct peer *p, const char *why)
{
	struct delivery *d;

	if (!peer_idle(p))
		log_hop(h, "lost", why);
	peer_fail(p, why);
	while ((d = first(&p->bound))) {
		list_drop(&d->link);
		d->peer = NULL;
		list_put(&h->small, &d->link);
	}
	d = p->large; /* not if that was its last recipient */
	h->n_peers--;
	peer_free(p);
	if (d) {
		d->peer = NULL;
		delivery_fail(d, why);
	}
	pump_later(h);
}

static size_t
n_large(const struct hop *h)
{
	struct link *link;
	size_t n = 0;

	for (link = list_first(&h->peers); link;
	     link = list_next(&h->peers, link))
		n += OWNER(link, struct peer, link)->large != NULL;
	return n;
}

static void
dial_failed(struct hop *h, const char *why)
{
	h->dial_failed = why;
	pump_later(h);
}

static void
dial_over(struct hop *h)
{
	free(h->dial);
	h->dial = NULL;
	h->dialing = NULL;
}

static void
on_conn(struct conn *c, enum conn_event event);

static void
dial_next(struct hop *h)
{
	struct dns_query *q = &h->dial->query;
	int fd = -1;

	h->dialing = NULL;
	while (fd < 0 && h->dial->next < q->n_addresses)
		fd = endpoint_connect(&q->addresses[h->dial->next++]);
	if (fd < 0) {
		dial_failed(h, h->dial->tls_failed ? NO_TLS : NO_CONNECTION);
		return;
	}
	h->dialing = peer_new_take(h, h->pool->loop, fd, on_conn);
	if (h->secure.on)
		secure_start(&h->pool->secure, &h->secure, h->address,
			     &h->dialing->conn.stream);
	list_put(&h->peers, &h->dialing->link);
	h->n_peers++;
}

static void
looked_up(struct dns_query *q)
{
	struct hop *h = OWNER(q, struct dial, query)->hop;

	switch (q->result) {
	case DNS_FOUND: dial_next(h); break;
	case DNS_NONE: dial_failed(h, NO_HOST); break;
	case DNS_SOFT: dial_failed(h, NO_NAME); break;
	}
}

static void
dial(struct hop *h)
{
	const char *fault = secure_fault(&h->pool->secure, &h->secure);
	struct slice host;
	uint16_t port;

	h->dial = calloc(1, sizeof *h->dial);
	if (!h->dial)
		die_nomem();
	h->dial->hop = h;
	if (!h->is_good || hostport_split(h->address, &host, &port) != 0)
		dial_failed(h, BAD_NAME);
	else if (fault)
		dial_failed(h, fault);
	else
		dns_addresses(h->pool->dns, &h->dial->query, host, port,
			      looked_up);
}

/* With a connection open, what waits can wait for that one. */
static void
settle_failure(struct hop *h)
{
	const char *why = h->dial_failed;

	h->dial_failed = NULL;
	h->dial_again_ms = clock_ms() + HOP_REDIAL_MS;
	log_hop(h, "unreachable", why);
	dial_over(h);
	if (!any_open(h))
		fail_waiting(&h->small, why);
	if (n_large(h) == 0)
		fail_waiting(&h->large, why);
}

static bool
wants_dial(const struct hop *h)
{
	if (h->dial || h->n_peers >= HOP_PEERS_MAX)
		return false;
	if (list_empty(&h->small) &&
	    (list_empty(&h->large) || n_large(h) >= HOP_PEERS_MAX - 1))
		return false;
	return !any_open(h) || clock_ms() >= h->dial_again_ms;
}

/* An idle connection takes a large message when small ones do not need it:
 * none waits, or another connection is there for them. */
static bool
takes_large(const struct hop *h, const struct peer *p)
{
	size_t n = n_large(h);

	return !list_empty(&h->large) && peer_idle(p) &&
	       n < HOP_PEERS_MAX - 1 &&
	       (list_empty(&h->small) || h->n_peers > n + 1);
}

/* One recipient of each in turn: a message of ten thousand recipients and
 * those that came after it take every other place. */
static void
fill_small(struct hop *h, struct peer *p)
{
	struct delivery *d;

	for (;;) {
		d = first(p->turn ? &p->bound : &h->small);
		if (!d)
			d = first(p->turn ? &h->small : &p->bound);
		if (!d || !peer_room(p, d->size))
			return;
		p->turn = !p->turn;
		list_drop(&d->link);
		if (peer_too_large(p, d)) {
			delivery_reject(d, TOO_LARGE);
			continue;
		}
		peer_begin(p, d);
		if (delivery_to_go(d))
			list_put(&p->bound, &d->link);
	}
}

/* What was not hoarded goes out once only. */
static void
begin_large(struct hop *h, struct peer *p, struct delivery *d)
{
	list_drop(&d->link);
	if (peer_too_large(p, d)) {
		delivery_reject(d, TOO_LARGE);
	} else if (!d->hoarded && !peer_whole(p, d)) {
		h->batches = false;
		delivery_fail(d, NO_BATCHES);
	} else {
		peer_begin(p, d);
	}
}

static void
fill(struct hop *h, struct peer *p)
{
	if (!p->is_open)
		return;
	if (p->streaming) {
		peer_stream(p);
	} else if (h->pool->stopping) {
		return;
	} else if (p->large) {
		if (delivery_to_go(p->large) && peer_room(p, p->large->size))
			peer_begin(p, p->large);
	} else if (takes_large(h, p)) {
		begin_large(h, p, first(&h->large));
	} else {
		fill_small(h, p);
	}
	peer_clock(p);
}

static void
hop_free(struct hop *h)
{
	if (h->dial)
		dns_cancel(&h->dial->query);
	dial_over(h);
	loop_task_drop(h->pool->loop, &h->pump);
	list_drop(&h->link);
	buf_free(&h->name);
	buf_free(&h->secure.host);
	free(h);
}

static void
pump(struct loop_task *task)
{
	struct hop *h = OWNER(task, struct hop, pump);
	struct link *link;

	if (h->dial_failed)
		settle_failure(h);
	for (link = list_first(&h->peers); link;
	     link = list_next(&h->peers, link))
		fill(h, OWNER(link, struct peer, link));
	if (!h->pool->stopping && wants_dial(h))
		dial(h);
	if (h->n_deliveries == 0 && h->n_peers == 0 && !h->dial)
		hop_free(h);
}

static void
log_connected(const struct hop *h, const struct stream *s)
{
	log_open("connected");
	log_bytes("nexthop", buf_slice(&h->name));
	log_number("connections", (int64_t)h->n_peers);
	if (tls_is_on(s))
		log_text("tls", tls_is_resumed(s) ? "resumed" : "full");
	if (h->batches)
		log_text("protocol", QUAIL_PROTOCOL);
	log_close();
}

static void
connected(struct hop *h, struct peer *p)
{
	p->is_open = true;
	h->batches = p->quail;
	dial_over(h);
	log_connected(h, &p->conn.stream);
	pump_later(h);
}

/* TLS knows more than that the connection is lost. */
static void
log_trouble(struct hop *h, const struct peer *p)
{
	const char *why = stream_why(&p->conn.stream);

	if (!why && p->conn.shaking && h->secure.on)
		why = "the TLS handshake took too long, or was cut";
	if (!why)
		return;
	log_hop(h, "tls-failed", why);
	if (p == h->dialing)
		h->dial->tls_failed = true;
}

static void
lost(struct hop *h, struct peer *p, const char *why)
{
	log_trouble(h, p);
	if (p != h->dialing) {
		drop_peer(h, p, why);
		return;
	}
	h->n_peers--;
	peer_free(p);
	dial_next(h);
}

/* Nothing was sent yet, so there is nothing to answer behind a greeting. */
static void
greeted(struct hop *h, struct peer *p)
{
	switch (peer_greeted(p)) {
	case QUAIL_MORE: return;
	case QUAIL_READY:
		if (p->conn.in.len == 0) {
			connected(h, p);
			return;
		}
		break;
	case QUAIL_BAD: break;
	}
	log_hop(h, "lost", NONSENSE);
	lost(h, p, NONSENSE);
}

static void
timed_out(struct hop *h, struct peer *p)
{
	if (p->is_open && !peer_idle(p) && !peer_stalled(p))
		return;
	if (p->is_open && !peer_idle(p)) {
		drop_peer(h, p, STALLED);
		if (!any_open(h))
			fail_waiting(&h->small, STALLED);
	} else {
		lost(h, p, LOST);
	}
}

static void
on_conn(struct conn *c, enum conn_event event)
{
	struct peer *p = OWNER(c, struct peer, conn);
	struct hop *h = p->hop;
	bool tls_there;

	switch (event) {
	case CONN_OPEN:
		if (peer_opened(p))
			connected(h, p);
		break;
	case CONN_INPUT:
		if (p->greeting) {
			greeted(h, p);
			break;
		}
		tls_there = !h->secure.on && c->in.len > 0 &&
			    buf_slice(&c->in).at[0] == ALERT;
		if (peer_input(p))
			pump_later(h);
		else
			drop_peer(h, p, tls_there ? SPEAKS_TLS : NONSENSE);
		break;
	case CONN_EOF:
	case CONN_BROKEN: lost(h, p, LOST); break;
	case CONN_DRAINED: pump_later(h); break;
	case CONN_TIMEOUT: timed_out(h, p); break;
	}
}

struct hop *
hop_new(struct pool *pool, struct slice name)
{
	struct hop *h = calloc(1, sizeof *h);

	if (!h)
		die_nomem();
	h->pool = pool;
	buf_puts(&h->name, name);
	h->is_good = secure_parse(&h->secure, buf_slice(&h->name), &h->address);
	list_init(&h->small);
	list_init(&h->large);
	list_init(&h->peers);
	h->pump.run = pump;
	return h;
}

void
hop_put(struct hop *h, struct delivery *d)
{
	list_put(d->large ? &h->large : &h->small, &d->link);
	pump_later(h);
}

void
hop_text(struct hop *h, struct delivery *d)
{
	if (d->peer && d->peer->streaming == d)
		pump_later(h);
}

void
hop_abandon(struct hop *h, struct delivery *d)
{
	struct peer *p = d->peer;

	d->job = NULL;
	list_drop(&d->link);
	if (p && p->streaming == d)
		drop_peer(h, p, "the queue has dropped it");
	else
		delivery_free(d);
}

void
hop_delivery_over(struct delivery *d)
{
	d->hop->n_deliveries--;
	pump_later(d->hop);
	pool_delivery_over(d->hop->pool, d);
}

void
hop_close(struct hop *h)
{
	struct link *link;

	while ((link = list_first(&h->peers)))
		drop_peer(h, OWNER(link, struct peer, link), LOST);
	hop_free(h);
}
