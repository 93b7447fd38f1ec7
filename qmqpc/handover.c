#include "qmqpc/handover.h"

#include "lib/clock.h"
#include "qmqpc/hubs.h"
#include "qmqpc/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sysexits.h>

/* Where there is a spool nobody need wait for long. */
static int64_t
timeout_s(const struct config *config, bool has_spool)
{
	struct config_leaf leaf;
	const char *text = secure_getenv("QUAIL_TIMEOUT_S");
	uint64_t s;

	if (text &&
	    slice_number(slice_text(text), HANDOVER_TIMEOUT_MAX_S, &s) == 0 &&
	    s > 0)
		return (int64_t)s;
	config_leaf(config, &leaf);
	if (leaf.timeout_s > 0)
		return leaf.timeout_s;
	return has_spool ? HANDOVER_SPOOL_S : HANDOVER_TIMEOUT_S;
}

/* What a caller wants to know of a D is whose fault it is. */
static int
rejected(const struct verdict *v)
{
	return slice_starts(verdict_status(v), SLICE("5.1.")) ? EX_NOUSER
							      : EX_UNAVAILABLE;
}

static int
later(struct submit *s, const char *what, int error)
{
	buf_text(&s->why, "; no hub took the message, ");
	if (error) {
		buf_text(&s->why, what);
		buf_text(&s->why, ": ");
		buf_text(&s->why, strerror(error));
		buf_text(&s->why, "; ");
	}
	buf_text(&s->why, "try again later");
	return EX_TEMPFAIL;
}

/* No hub has it: then it is the spool's, if there is one. */
static int
keep(struct submit *s, struct spool *spool)
{
	struct spool_entry e = {.birth_us = clock_us(),
				.n_rcpts = (uint32_t)s->rcpts.n};

	if (spool->dir < 0)
		return later(s, "", 0);
	if (spool_room(spool, s->package.size) != 0)
		return later(s, "and the spool is full", errno);
	if (getrandom(&e.id, sizeof e.id, 0) != sizeof e.id ||
	    spool_put(spool, &s->package, &e, buf_slice(&s->sender),
		      buf_slice(&s->rcpts.wire)) != 0)
		return later(s, "and the spool failed", errno);
	buf_text(&s->why, "; the message waits in the spool as ");
	buf_hex(&s->why, 16, e.id);
	return 0;
}

static int
send_it(struct submit *s, const struct place *place, struct spool *spool)
{
	struct hubs hubs = {.config = &place->config, .secure.dir = place->dir};
	int64_t until_ms =
	    clock_ms() + timeout_s(hubs.config, spool->dir >= 0) * 1000;
	struct slice hub;
	struct verdict v;

	buf_clear(&s->why);
	hubs_send(&hubs, &s->package, until_ms, &v, &hub, &s->why);
	secure_forget(&hubs.secure);
	if (v.code == 'Z')
		return keep(s, spool);
	buf_clear(&s->why);
	buf_puts(&s->why, hub);
	buf_text(&s->why, v.code == 'K' ? ": " : " rejects it: ");
	buf_puts(&s->why, verdict_text(&v));
	return v.code == 'K' ? 0 : rejected(&v);
}

static void
open_spool(struct spool *spool, const struct place *place)
{
	struct buf path = {0};

	spool_path(&path, place->dir);
	spool_open(spool, buf_slice(&path).at);
	spool_limit(spool, &place->config);
	buf_free(&path);
}

int
handover_message(struct submit *s, const struct place *place)
{
	struct spool spool;
	int code;

	open_spool(&spool, place);
	code = send_it(s, place, &spool);
	spool_close(&spool);
	return code;
}
