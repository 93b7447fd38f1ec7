/* control_ask.h - a request at the control socket, taken apart
 *
 * A request is a netstring of netstrings: the verb, then words "key=value":
 *
 *   42:6:remove,19:id=6930000100000001,7:from=<>,,
 *
 *   id=HEX         this message; may come again; also the name of one that
 *                  was set aside (queue/damaged.h)
 *   from=PATTERN   whose return path matches (queue/glob.h)
 *   to=PATTERN     of which a recipient without an outcome matches
 *   dest=PATTERN   of which such a recipient has a next hop that matches
 *   older=SECONDS  that are at least so old
 *   held=1         that are held
 *   all=1          all of them
 *
 * A message must fit all that is said. No id and no pattern means all for
 * those who only look; who changes something has to say all=1.
 *
 * Source  doc/quail-control.7
 * Test    tests/control_test.c
 */
#ifndef QUAIL_QUEUE_CONTROL_ASK_H
#define QUAIL_QUEUE_CONTROL_ASK_H

#include "lib/buf.h"

enum { CONTROL_ASK_MAX = 1024 * 1024 /* bytes of a request */ };

enum control_verb {
	CONTROL_LIST,
	CONTROL_SHOW,
	CONTROL_CAT,
	CONTROL_EXPORT,
	CONTROL_COUNT,
	CONTROL_STATS,
	CONTROL_DESTINATIONS,
	CONTROL_HOLDS,
	CONTROL_HOLD, /* from here on something is changed */
	CONTROL_RELEASE,
	CONTROL_RETRY,
	CONTROL_REMOVE,
	CONTROL_BOUNCE
};

struct control_ask {
	enum control_verb verb;
	struct buf words;	     /* the request; slices point into it */
	struct slice to, from, dest; /* of length 0: not asked */
	struct buf ids;		     /* uint64_t each */
	size_t n_ids;
	struct buf places; /* ids SEGMENT-OFFSET, each with a NUL */
	size_t n_places;
	int64_t older_s;
	bool is_held, is_all;
};

/* control_ask_parse - take a request apart
 *
 * Needs    *a zeroed.
 * Takes    payload: of the outer netstring; copied.
 * Returns  NULL; or what is wrong with it, a static text. control_ask_free
 *          is due in both cases.
 */
const char *
control_ask_parse(struct control_ask *a, struct slice payload);

uint64_t
control_ask_id(const struct control_ask *a, size_t i);

/* control_ask_by_id - are single messages asked for? */
static inline bool
control_ask_by_id(const struct control_ask *a)
{
	return a->n_ids > 0 || a->n_places > 0;
}

/* control_ask_changes - is it a verb that changes something? */
static inline bool
control_ask_changes(const struct control_ask *a)
{
	return a->verb >= CONTROL_HOLD;
}

/* control_ask_only - is this pattern the only thing that selects? */
bool
control_ask_only(const struct control_ask *a, struct slice pattern);

void
control_ask_free(struct control_ask *a);

#endif
