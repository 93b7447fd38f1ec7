/* sources.h - the addresses that mail goes out from: who may, how much now
 *
 * The pools of the tables (cdb/pools.h), read when they are first asked for,
 * and the state of each member: what runs from it, its rate, its count of the
 * day. The state is an address's, whatever pools it is in, and outlives
 * changed tables.
 *
 * Test  tests/sources_test.c, tests/pool_route_test.c
 */
#ifndef QUAIL_QUEUE_SOURCES_H
#define QUAIL_QUEUE_SOURCES_H

#include "cdb/pools.h"
#include "lib/loop.h"
#include "queue/rate.h"
#include "queue/slots.h"
#include "queue/warmup.h"

struct source {
	struct source *next;
	struct endpoint from;
	struct buf address, helo, curve;
	struct slots slots; /* its concurrency */
	struct rate rate;
	int64_t start_day;
	/* destinations that wait for a turn at it: destination_source.c */
	struct line blocked;
	struct loop_timer paced;
};

struct pool_member {
	struct source *source;
	uint32_t weight;
};

struct pool {
	struct pool *next;
	struct buf name;
	enum pools_over over;
	unsigned n;
	struct pool_member members[];
};

struct sources {
	struct loop *loop;
	const struct config *config;
	struct source *all;
	struct pool *pools; /* of the present tables */
	struct warmup warmup;
};

/* sources_init - none yet; warmup is the caller's to open and close */
void
sources_init(struct sources *s, struct loop *loop, const struct config *c);

/* sources_changed - the tables have changed */
void
sources_changed(struct sources *s);

void
sources_free(struct sources *s);

/* sources_at - the state of an address; NULL: no pool that was asked for has
 * it */
struct source *
sources_at(struct sources *s, struct slice address);

/* sources_pool - a pool of the tables; NULL: there is none. Valid until
 * sources_changed. */
struct pool *
sources_pool(struct sources *s, struct slice name);

/* sources_limit - how many may go out from it to a group today; UINT64_MAX:
 * any number */
uint64_t
sources_limit(struct sources *s, const struct source *from, struct slice group,
	      int64_t now_s);

/* sources_has_room - is there a message left of that? */
bool
sources_has_room(struct sources *s, const struct source *from,
		 struct slice group, int64_t now_s);

/* sources_choose - the member that a message goes out from
 *
 * Takes    family: AF_INET or AF_INET6; group: whom it goes to; prefer: this
 *          member, if it is one and has room; may be NULL.
 * Returns  by weight and the message's id; where the pool says others, of
 *          those with room if there are any. NULL: no member of that family.
 */
struct source *
sources_choose(struct sources *s, const struct pool *p, int family, uint64_t id,
	       struct slice group, const struct source *prefer, int64_t now_s);

#endif
