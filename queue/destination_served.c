/* destination_served.c - mail that no agent serves: whose daemon does not run.
 * It waits, however long that lasts, and so that must be said */
#include "lib/log.h"
#include "queue/destination_parts.h"
#include "queue/dispatch.h"

static bool
is_served(const struct destinations *all, const struct destinations_kind *kind)
{
	return !all->room || all->room(all, kind->name).all > 0;
}

bool
destination_is_served(const struct destination *d)
{
	return is_served(d->all, d->kind);
}

/* As often as it is logged, so the walk costs nothing. */
static uint64_t
waiting(const struct destinations *all, const struct destinations_kind *kind)
{
	const struct destination *d;
	struct names_walk w = {0};
	uint64_t n = 0;

	while ((d = destinations_walk(all, &w)))
		if (d->kind == kind)
			n += d->waiting.n;
	return n;
}

static void
say(const struct destinations *all, const struct destinations_kind *kind)
{
	log_open("no-agent");
	log_bytes("name", kind->name);
	log_number("messages", (int64_t)waiting(all, kind));
	log_text("what", "no agent of that name is connected, so this mail "
			 "waits: is its daemon running?");
	log_close();
}

static void
look(const struct destinations *all, struct destinations_kind *kind)
{
	int64_t now_ms = all->loop->now_ms;

	if (!destinations_kind_waits(kind) || is_served(all, kind)) {
		kind->is_missing = false;
		return;
	}
	if (!kind->is_missing)
		kind->missing_ms = now_ms + DESTINATION_MISSING_MS;
	kind->is_missing = true;
	if (now_ms < kind->missing_ms)
		return;
	say(all, kind);
	kind->missing_ms = now_ms + DESTINATION_MISSING_AGAIN_MS;
}

void
destinations_look(struct destinations *all)
{
	struct destinations_kind *kind;

	for (kind = all->kinds; kind; kind = kind->next)
		look(all, kind);
}
