#include "qmqpc/hubs.h"

#include "lib/clock.h"
#include "qmqpc/qmqp.h"
#include "qmqpc/resolve.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

struct hub {
	struct slice name; /* HOST:PORT */
	int64_t until_ms;
	struct package *package;
	struct verdict *verdict; /* code 0: it has not answered */
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

/* Try, and try again while the reply gets lost; 0 with a verdict. */
static int
ask(struct hub *h, const struct endpoint *e, const char **where)
{
	unsigned left = HUBS_AGAIN;
	int error;

	while (qmqp_send(h->package, e, h->until_ms, h->verdict, where) != 0) {
		error = errno;
		if (!slice_eq(slice_text(*where), SLICE(QMQP_WAITING)) ||
		    left-- == 0 || clock_ms() + HUBS_AGAIN_MS >= h->until_ms) {
			errno = error;
			return -1;
		}
		poll(NULL, 0, HUBS_AGAIN_MS);
	}
	return 0;
}

/* True when the hub has answered K or D. */
static bool
try_endpoint(struct hub *h, const struct endpoint *e)
{
	const char *where;

	if (ask(h, e, &where) != 0) {
		h->verdict->code = 0;
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
try_name(struct hub *h, struct slice host, uint16_t port)
{
	struct endpoint list[RESOLVE_MAX];
	const char *why;
	int n = resolve_host(host, port, h->until_ms, list, &why), i;

	if (n < 0)
		reason(h, "looking it up", why);
	for (i = 0; i < n && clock_ms() < h->until_ms; i++)
		if (try_endpoint(h, &list[i]) || h->verdict->code == 'Z')
			return h->verdict->code != 'Z';
	return false;
}

static bool
try_hub(struct hub *h)
{
	struct endpoint e;
	struct slice host;
	uint16_t port;

	h->verdict->code = 0;
	if (hostport_split(h->name, &host, &port) != 0) {
		reason(h, "not HOST:PORT", "");
		return false;
	}
	if (endpoint_parse(&e, host, port) == 0)
		return try_endpoint(h, &e);
	return try_name(h, host, port);
}

static void
learn(struct backoff *b, const struct verdict *v)
{
	uint32_t random = 0;

	if (v->code != 0) {
		backoff_answered(b);
		return;
	}
	if (getrandom(&random, sizeof random, 0) != sizeof random)
		random = 0; /* then without chance */
	backoff_failed(b, clock_ms(), random);
}

unsigned
hubs_count(const struct config *config)
{
	struct slice name;
	unsigned n = 0;

	while (n < HUBS_MAX && config_qmqpserver(config, n, &name))
		n++;
	return n;
}

void
hubs_send(const struct config *config, struct package *p, int64_t until_ms,
	  struct backoff *rest, struct verdict *v, struct slice *hub,
	  struct buf *why)
{
	struct hub h = {.package = p, .verdict = v, .why = why};
	unsigned n = hubs_count(config), i;
	int64_t now_ms;
	bool taken;

	*hub = SLICE("");
	if (n == 0)
		buf_text(why, "no line in the table qmqpservers");
	for (i = 0; i < n; i++) {
		config_qmqpserver(config, i, &h.name);
		*hub = h.name;
		now_ms = clock_ms();
		h.until_ms = now_ms + (until_ms - now_ms) / (int64_t)(n - i);
		if (now_ms >= until_ms) {
			reason(&h, "no time left", "");
			continue;
		}
		if (rest && !backoff_ready(&rest[i], now_ms)) {
			reason(&h, "was in trouble lately", "");
			continue;
		}
		taken = try_hub(&h);
		if (rest)
			learn(&rest[i], v);
		if (taken)
			return;
	}
	verdict_say(v, 'Z', "no hub took the message (#4.4.1)");
}
