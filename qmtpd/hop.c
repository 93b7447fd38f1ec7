#include "qmtpd/hop_parts.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/log.h"

#include <stdlib.h>

#define STALLED	   "the next hop has stopped answering (#4.4.2)"
#define SPEAKS_TLS "the next hop speaks TLS; routes must say so (#4.5.0)"
#define SILENT	   "the next hop has said nothing for 10 seconds (#4.4.2)"
#define NONSENSE   "the next hop does not speak QMTP (#4.5.0)"

enum { ALERT = 0x15 }; /* the first byte of TLS's complaint */

void
hop_log(const struct hop *h, const char *event, const char *why)
{
	log_open(event);
	log_bytes("nexthop", buf_slice(&h->name));
	log_number("connections", (int64_t)h->n_peers);
	if (why)
		log_text("why", why);
	log_close();
}

size_t
hop_n_large(const struct hop *h)
{
	struct link *link;
	size_t n = 0;

	for (link = list_first(&h->peers); link;
	     link = list_next(&h->peers, link))
		n += OWNER(link, struct peer, link)->large != NULL;
	return n;
}

/* What has not begun. */
static void
fail_waiting(struct list *list, const char *why)
{
	struct delivery *d;

	while ((d = delivery_first(list))) {
		list_drop(&d->link);
		delivery_fail(d, why, VERDICT_WAY);
	}
}

static void
fail_all_waiting(struct hop *h, const char *why)
{
	fail_waiting(&h->small, why);
	fail_waiting(&h->large, why);
}

static bool
is_of_use(const struct peer *p)
{
	return p->is_open && !p->is_retired;
}

static bool
any_open(const struct hop *h)
{
	struct link *link;

	for (link = list_first(&h->peers); link;
	     link = list_next(&h->peers, link))
		if (is_of_use(OWNER(link, struct peer, link)))
			return true;
	return false;
}

/* It ended before any answer: is it one that no package can go out on? */
static bool
is_no_way(const struct peer *p, const char *why)
{
	return p->put == 0 || strcmp(why, NONSENSE) == 0 ||
	       strcmp(why, SPEAKS_TLS) == 0;
}

/* The connection is of no use any more. What is bound to it and not yet
 * begun goes elsewhere; a large one does not try again and again. */
void
hop_drop_peer(struct hop *h, struct peer *p, const char *why)
{
	enum verdict_about about = VERDICT_HOST;
	struct delivery *d;

	if (!peer_idle(p) || (!p->answers && p->is_open))
		hop_log(h, "lost", why);
	if (!p->answers && p->is_open) {
		hop_ended_bad(h);
		if (is_no_way(p, why))
			about = VERDICT_WAY;
		p->is_foreign = about == VERDICT_WAY;
	}
	peer_fail(p, why, about, strcmp(why, LOST) == 0);
	while ((d = delivery_first(&p->bound))) {
		list_drop(&d->link);
		d->peer = NULL;
		if (d->n_lost > PEER_AGAIN ||
		    delivery_is_over(d, h->pool->loop->now_ms))
			delivery_fail(d, why, about);
		else
			list_put(&h->small, &d->link);
	}
	d = p->large; /* not if that was its last recipient */
	h->n_peers--;
	h->pool->n_peers--;
	peer_free(p);
	if (d) {
		d->peer = NULL;
		delivery_fail(d, why, about);
	}
	if (about == VERDICT_WAY && !any_open(h))
		fail_all_waiting(h, why);
	hop_pump_later(h);
}

/* With a connection open, what waits can wait for that one. */
static void
settle_failure(struct hop *h)
{
	const char *why = h->dial_failed;

	h->dial_failed = NULL;
	h->dial_again_ms = clock_ms() + HOP_REDIAL_MS;
	h->bad_until_ms = clock_ms() + HOP_BAD_MIN_MS;
	hop_log(h, "unreachable", why);
	dial_over(h);
	if (!any_open(h))
		fail_waiting(&h->small, why);
	if (hop_n_large(h) == 0)
		fail_waiting(&h->large, why);
}

/* One connection that has never had a reply, and waits for its first. */
static bool
is_unproven(const struct hop *h)
{
	struct link *link;

	for (link = list_first(&h->peers); link && h->n_answering == 0;
	     link = list_next(&h->peers, link)) {
		const struct peer *p = OWNER(link, struct peer, link);

		if (p->is_open && p->n_begun > 0 && !p->large)
			return true;
	}
	return false;
}

/* Connections that end without an answer come one by one. */
static bool
is_paced(struct hop *h)
{
	int64_t ms = h->bad_until_ms - clock_ms();

	if (ms <= 0)
		return false;
	loop_timer_set(h->pool->loop, &h->again, ms);
	return true;
}

/* Those that are idle make room; if none is, we look again. */
static bool
lacks_room(struct hop *h)
{
	if (h->pool->n_peers < h->pool->peers_max || pool_spares(h->pool))
		return false;
	loop_timer_set(h->pool->loop, &h->again, HOP_REDIAL_MS);
	return true;
}

static bool
wants_dial(const struct hop *h)
{
	if (is_unproven(h))
		return false;
	if (h->dial || h->n_peers >= HOP_PEERS_MAX)
		return false;
	if (list_empty(&h->small) &&
	    (list_empty(&h->large) || hop_n_large(h) >= HOP_PEERS_MAX - 1))
		return false;
	return !any_open(h) || clock_ms() >= h->dial_again_ms;
}

static void
hop_free(struct hop *h)
{
	if (h->dial)
		dns_cancel(&h->dial->query);
	dial_over(h);
	loop_task_drop(h->pool->loop, &h->pump);
	loop_timer_stop(h->pool->loop, &h->look);
	loop_timer_stop(h->pool->loop, &h->again);
	list_drop(&h->link);
	buf_free(&h->name);
	buf_free(&h->secure.host);
	free(h);
}

/* Trouble is remembered for a while. */
static void
hop_over(struct hop *h)
{
	int64_t ms = h->bad_until_ms + HOP_REMEMBER_MS - clock_ms();

	if (h->n_bad == 0 || ms <= 0)
		hop_free(h);
	else
		loop_timer_set(h->pool->loop, &h->again, ms);
}

static void
pump(struct loop_task *task)
{
	struct hop *h = OWNER(task, struct hop, pump);
	struct link *link, *next;

	if (h->dial_failed)
		settle_failure(h);
	if (h->is_frozen)
		fail_all_waiting(h, SILENT);
	for (link = list_first(&h->peers); link; link = next) {
		struct peer *p = OWNER(link, struct peer, link);

		next = list_next(&h->peers, link);
		if (!hop_let_go(h, p))
			fill_peer(h, p);
	}
	if (!h->pool->stopping && wants_dial(h) && !is_paced(h) &&
	    !lacks_room(h))
		dial_begin(h);
	if (h->n_deliveries == 0 && h->n_peers == 0 && !h->dial)
		hop_over(h);
}

static void
time_to_pump(struct loop_timer *timer)
{
	hop_pump_later(OWNER(timer, struct hop, again));
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
	hop_pump_later(h);
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
	hop_log(h, "tls-failed", why);
	if (p == h->dialing)
		h->dial->tls_failed = true;
}

static void
lost(struct hop *h, struct peer *p, const char *why)
{
	log_trouble(h, p);
	if (p != h->dialing) {
		hop_drop_peer(h, p, why);
		return;
	}
	h->n_peers--;
	h->pool->n_peers--;
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
	hop_log(h, "lost", NONSENSE);
	lost(h, p, NONSENSE);
}

static void
timed_out(struct hop *h, struct peer *p)
{
	if (p->is_open && !peer_idle(p) && !peer_stalled(p))
		return;
	if (p->is_open && !peer_idle(p)) {
		hop_drop_peer(h, p, STALLED);
		h->is_frozen = false; /* we shall see */
		if (!any_open(h))
			fail_waiting(&h->small, STALLED);
	} else {
		lost(h, p, LOST);
	}
}

void
hop_on_conn(struct conn *c, enum conn_event event)
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
			hop_pump_later(h);
		else
			hop_drop_peer(h, p, tls_there ? SPEAKS_TLS : NONSENSE);
		break;
	case CONN_EOF:
	case CONN_BROKEN: lost(h, p, LOST); break;
	case CONN_DRAINED: hop_pump_later(h); break;
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
	h->again.expired = time_to_pump;
	return h;
}

void
hop_put(struct hop *h, struct delivery *d)
{
	list_put(d->large ? &h->large : &h->small, &d->link);
	hop_pump_later(h);
}

void
hop_text(struct hop *h, struct delivery *d)
{
	if (d->peer && d->peer->streaming == d)
		hop_pump_later(h);
}

void
hop_abandon(struct hop *h, struct delivery *d)
{
	struct peer *p = d->peer;

	d->job = NULL;
	list_drop(&d->link);
	if (p && p->streaming == d)
		hop_drop_peer(h, p, "the queue has dropped it");
	else
		delivery_free(d);
}

void
hop_delivery_over(struct delivery *d)
{
	d->hop->n_deliveries--;
	hop_pump_later(d->hop);
	pool_delivery_over(d->hop->pool, d);
}

void
hop_close(struct hop *h)
{
	struct link *link;

	while ((link = list_first(&h->peers)))
		hop_drop_peer(h, OWNER(link, struct peer, link), LOST);
	hop_free(h);
}
