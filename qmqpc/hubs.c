#include "qmqpc/hubs.h"

#include "lib/clock.h"
#include "qmqpc/qmqp.h"
#include "qmqpc/resolve.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/utsname.h>

struct hub {
	struct slice line; /* of the table */
	struct hop_name name;
	int64_t until_ms;
	struct package *package;
	struct secure *secure;
	struct verdict *verdict; /* code 0: it has not answered */
	struct buf *why;
	unsigned again;
	bool has_begun;
};

static void
reason(struct hub *h, const char *what, struct slice detail)
{
	if (h->why->len > 0)
		buf_text(h->why, "; ");
	/* without its pin, which helps nobody to read on */
	buf_put(h->why, h->line.at, slice_find(h->line, '/'));
	buf_text(h->why, ": ");
	buf_text(h->why, what);
	if (detail.len > 0) {
		buf_text(h->why, ": ");
		buf_puts(h->why, detail);
	}
}

/* Try, and try again while the reply gets lost; 0 with a verdict. */
static int
ask(struct hub *h, const struct qmqp_hub *to, const char **where,
    struct buf *detail)
{
	unsigned left = h->again;

	for (;;) {
		buf_clear(detail);
		if (qmqp_send(h->package, to, h->verdict, where, detail) == 0)
			return 0;
		if (!slice_eq(slice_text(*where), SLICE(QMQP_WAITING)) ||
		    left-- == 0 || clock_ms() + HUBS_AGAIN_MS >= to->until_ms)
			return -1;
		poll(NULL, 0, HUBS_AGAIN_MS);
	}
}

/* True when the hub has answered K or D. */
static bool
try_endpoint(struct hub *h, const struct endpoint *e, int64_t until_ms)
{
	struct qmqp_hub to = {e, &h->name, h->secure, until_ms, &h->has_begun};
	struct buf detail = {0};
	const char *where;

	if (ask(h, &to, &where, &detail) != 0) {
		h->verdict->code = 0;
		reason(h, where, buf_slice(&detail));
	} else if (h->verdict->code == 'Z') {
		reason(h, "deferred", verdict_text(h->verdict));
	}
	buf_free(&detail);
	return h->verdict->code == 'K' || h->verdict->code == 'D';
}

/* A hub that said Z at one of its addresses would say so at the others. */
static bool
try_name(struct hub *h)
{
	struct endpoint list[RESOLVE_MAX];
	const char *why;
	int n = resolve_host(h->name.host, h->name.port, h->until_ms, list,
			     &why),
	    i;
	int64_t now_ms;

	if (n < 0)
		reason(h, "looking it up", slice_text(why));
	for (i = 0; i < n && (now_ms = clock_ms()) < h->until_ms; i++)
		if (try_endpoint(h, &list[i],
				 now_ms + (h->until_ms - now_ms) / (n - i)) ||
		    h->verdict->code == 'Z')
			return h->verdict->code != 'Z';
	return false;
}

static bool
try_hub(struct hub *h)
{
	struct buf why = {0};
	struct endpoint e;
	bool ready;

	if (hop_parse(&h->name, h->line, "qmqps:") != 0) {
		reason(h, "not HOST:PORT", SLICE(""));
		return false;
	}
	ready = !h->name.is_tls || secure_ready(h->secure, &h->name, &why) == 0;
	if (!ready)
		reason(h, "TLS is not possible", buf_slice(&why));
	buf_free(&why);
	if (!ready)
		return false;
	if (endpoint_parse(&e, h->name.host, h->name.port) == 0)
		return try_endpoint(h, &e, h->until_ms);
	return try_name(h);
}

static uint32_t
chance(void)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof random, 0) != sizeof random)
		random = 0; /* then without it */
	return random;
}

/* What a break means is known when all have been asked. */
static void
learn(struct backoff *b, const struct hub *h)
{
	if (h->verdict->code != 0)
		backoff_answered(b);
	else if (!h->has_begun)
		backoff_failed(b, clock_ms(), chance());
}

/* Another has taken what they broke at: then it is they. If none has, it may be
 * the message. */
static void
learn_breaks(struct hubs *hubs, uint64_t broken, bool is_taken)
{
	unsigned i;

	hubs->is_broken = broken != 0 && !is_taken;
	for (i = 0; hubs->rest && i < HUBS_MAX; i++) {
		if (!(broken >> i & 1))
			continue;
		if (is_taken)
			backoff_failed(&hubs->rest[i], clock_ms(), chance());
		else
			backoff_broke(&hubs->rest[i], clock_ms(), chance());
	}
}

/* A hub when its turn has come; true when it has answered K or D. */
static bool
turn(struct hub *h, struct backoff *rest, int64_t until_ms, unsigned n_left)
{
	int64_t now_ms = clock_ms();
	bool taken;

	h->has_begun = false;
	h->verdict->code = 0;
	h->until_ms = now_ms + (until_ms - now_ms) / (int64_t)n_left;
	if (now_ms >= until_ms) {
		reason(h, "no time left", SLICE(""));
		return false;
	}
	if (rest && !backoff_ready(rest, now_ms)) {
		reason(h, "was in trouble lately", SLICE(""));
		return false;
	}
	taken = try_hub(h);
	if (rest)
		learn(rest, h);
	return taken;
}

static unsigned
host_order(const struct config *config, uint8_t order[HUBS_MAX])
{
	struct utsname host;

	if (uname(&host) != 0)
		host.nodename[0] = 0;
	return hubs_order(config, slice_text(host.nodename), order);
}

void
hubs_send(struct hubs *hubs, struct package *p, int64_t until_ms,
	  struct verdict *v, struct slice *hub, struct buf *why)
{
	struct hub h = {
	    .package = p, .secure = &hubs->secure, .verdict = v, .why = why};
	uint8_t order[HUBS_MAX];
	unsigned n = host_order(hubs->config, order), i;
	uint64_t broken = 0;
	bool taken = false;

	h.again = n == 1 && hubs->comes_back ? 0 : HUBS_AGAIN;
	*hub = SLICE("");
	if (n == 0)
		buf_text(why, "no line in the table qmqpservers");
	for (i = 0; i < n && !taken; i++) {
		config_qmqpserver(hubs->config, order[i], &h.line);
		*hub = h.line;
		taken = turn(&h, hubs->rest ? &hubs->rest[order[i]] : NULL,
			     until_ms, n - i);
		if (h.has_begun && v->code == 0)
			broken |= (uint64_t)1 << order[i];
	}
	learn_breaks(hubs, broken, taken);
	if (!taken)
		verdict_say(v, 'Z', "no hub took the message (#4.4.1)");
}
