/* How a connection to a next hop is made: its name, its addresses in turn. */
#include "lib/die.h"
#include "qmtpd/hop_parts.h"

#include <stdlib.h>

#define NO_CONNECTION "cannot connect to the next hop (#4.4.1)"
#define NO_NAME	      "the next hop's name cannot be looked up (#4.4.3)"
#define NO_SERVER                                                              \
	"the next hop's name cannot be looked up: no name server answers "     \
	"(#4.4.3)"
#define NO_HOST	 "the next hop's name has no address (#4.4.4)"
#define NO_TLS	 "no trusted connection to the next hop (#4.4.1)"
#define BAD_NAME "the next hop is not HOST:PORT (#4.3.5)"

static void
failed(struct hop *h, const char *why)
{
	h->dial_failed = why;
	hop_pump_later(h);
}

void
dial_over(struct hop *h)
{
	free(h->dial);
	h->dial = NULL;
	h->dialing = NULL;
}

void
dial_next(struct hop *h)
{
	struct dns_query *q = &h->dial->query;
	struct secure_trust trust;
	const char *fault;
	int fd = -1;

	h->dialing = NULL;
	fault = secure_ask(&h->pool->secure, &h->secure, &trust);
	if (fault) {
		failed(h, fault);
		return;
	}
	while (fd < 0 && h->dial->next < q->n_addresses)
		fd = endpoint_connect(&q->addresses[h->dial->next++]);
	if (fd < 0) {
		secure_leave(&trust);
		failed(h, h->dial->tls_failed ? NO_TLS : NO_CONNECTION);
		return;
	}
	h->dialing = peer_new_take(h, h->pool->loop, fd, hop_on_conn);
	h->dialing->trust = trust;
	if (h->secure.on)
		secure_start(&h->pool->secure, &h->dialing->trust, h->address,
			     &h->dialing->conn.stream);
	list_put(&h->peers, &h->dialing->link);
	h->n_peers++;
	h->pool->n_peers++;
}

static void
looked_up(struct dns_query *q)
{
	struct hop *h = OWNER(q, struct dial, query)->hop;

	switch (q->result) {
	case DNS_FOUND: dial_next(h); break;
	case DNS_NONE: failed(h, NO_HOST); break;
	case DNS_SOFT: failed(h, q->is_unheard ? NO_SERVER : NO_NAME); break;
	}
}

void
dial_begin(struct hop *h)
{
	struct slice host;
	uint16_t port;

	h->dial = calloc(1, sizeof *h->dial);
	if (!h->dial)
		die_nomem();
	h->dial->hop = h;
	if (!h->is_good || hostport_split(h->address, &host, &port) != 0)
		failed(h, BAD_NAME);
	else
		dns_addresses(h->pool->dns, &h->dial->query, host, port,
			      looked_up);
}
