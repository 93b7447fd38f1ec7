#include "qmqpc/hubs.h"

#include "lib/clock.h"
#include "qmqpc/qmqp.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>

struct hub {
	struct slice name; /* HOST:PORT */
	int64_t until_ms;
	struct package *package;
	struct verdict *verdict;
	struct buf *why;
};

static void
reason(struct hub *h, const char *what, const char *detail)
{
	if (h->why->len > 0)
		buf_text(h->why, "; ");
	buf_puts(h->why, h->name);
	buf_text(h->why, ": ");
	buf_text(h->why, what);
	if (*detail) {
		buf_text(h->why, ": ");
		buf_text(h->why, detail);
	}
}

/* True when the hub has answered K or D. */
static bool
try_endpoint(struct hub *h, const struct endpoint *e)
{
	const char *where;

	if (qmqp_send(h->package, e, h->until_ms, h->verdict, &where) != 0) {
		reason(h, where, strerror(errno));
		return false;
	}
	if (h->verdict->code != 'Z')
		return true;
	reason(h, "deferred", "");
	buf_text(h->why, ": ");
	buf_puts(h->why, verdict_text(h->verdict));
	return false;
}

/* A hub that said Z at one of its addresses would say so at the others. */
static bool
try_addresses(struct hub *h, const struct addrinfo *list)
{
	struct endpoint e;

	for (; list && clock_ms() < h->until_ms; list = list->ai_next) {
		if (list->ai_addrlen > sizeof e.a)
			continue;
		e.len = list->ai_addrlen;
		memcpy(&e.a, list->ai_addr, e.len);
		h->verdict->code = 0;
		if (try_endpoint(h, &e))
			return true;
		if (h->verdict->code == 'Z')
			return false;
	}
	return false;
}

static bool
try_name(struct hub *h, struct slice host, uint16_t port)
{
	struct addrinfo *list,
	    wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	char name[256], service[8];
	bool taken;
	int e;

	if (host.len >= sizeof name || slice_find(host, 0) != host.len) {
		reason(h, "no name of a host", "");
		return false;
	}
	memcpy(name, host.at, host.len);
	name[host.len] = 0;
	snprintf(service, sizeof service, "%u", port);
	e = getaddrinfo(name, service, &wanted, &list);
	if (e != 0) {
		reason(h, "looking it up", gai_strerror(e));
		return false;
	}
	taken = try_addresses(h, list);
	freeaddrinfo(list);
	return taken;
}

static bool
try_hub(struct hub *h)
{
	struct endpoint e;
	struct slice host;
	uint16_t port;

	if (hostport_split(h->name, &host, &port) != 0) {
		reason(h, "not HOST:PORT", "");
		return false;
	}
	if (endpoint_parse(&e, host, port) == 0)
		return try_endpoint(h, &e);
	return try_name(h, host, port);
}

void
hubs_send(const struct config *config, struct package *p, int64_t until_ms,
	  struct verdict *v, struct slice *hub, struct buf *why)
{
	struct hub h = {.package = p, .verdict = v, .why = why};
	unsigned n = 0, i;
	int64_t now_ms;

	*hub = SLICE("");
	while (config_qmqpserver(config, n, &h.name))
		n++;
	if (n == 0)
		buf_text(why, "no line in the table qmqpservers");
	for (i = 0; i < n; i++) {
		config_qmqpserver(config, i, &h.name);
		*hub = h.name;
		now_ms = clock_ms();
		h.until_ms = now_ms + (until_ms - now_ms) / (int64_t)(n - i);
		if (now_ms >= until_ms)
			reason(&h, "no time left", "");
		else if (try_hub(&h))
			return;
	}
	verdict_say(v, 'Z', "no hub took the message (#4.4.1)");
}
