/* pools.h - the addresses that mail goes out from, and how much of it
 *
 *	pool    bulk over=wait
 *	member  bulk 192.0.2.10 out1.example.org weight=2 rate=100/m \
 *	        warmup=slow start=2026-11-01            (in one line)
 *	member  bulk 2001:db8::10 out1.example.org
 *	sender  bulk news.example.org
 *	header  bulk X-Tier gold
 *	group   google gmail.com googlemail.com
 *	curve   slow google 20 50 100 200 400
 *	curve   slow * 50 100 200 400 800 1600
 *
 * A pool is chosen by the route (struct config_route, pool), else by a
 * header of the message, else by the sender. Of its members only those of
 * the next hop's family count. This module answers; it counts nothing.
 * Slices are valid until the next config_refresh or config_close.
 *
 * Source  doc/quail-pools.5
 * Test    tests/pools_test.c
 */
#ifndef QUAIL_CDB_POOLS_H
#define QUAIL_CDB_POOLS_H

#include "cdb/config.h"
#include "cdb/option.h"

enum pools_over {
	POOLS_WAIT,  /* what exceeds a warm-up limit waits for the next day */
	POOLS_OTHERS /* ... or goes to the pool's other members */
};

struct pools_member {
	struct slice address;	 /* "192.0.2.10", without brackets */
	struct endpoint from;	 /* the same, port 0, to bind to */
	struct slice helo;	 /* what it says it is */
	uint32_t weight;	 /* its share, 1 unless said */
	uint32_t concurrency;	 /* connections at a time; 0: not said */
	struct option_rate rate; /* messages; n is 0: not said */
	struct slice curve;	 /* warm-up; empty: none */
	int64_t start_day;	 /* of it, in days since 1970-01-01 */
	struct slice source;	 /* "pools:2" */
};

/* pools_find - is there a pool, and what of that which is over a limit? */
bool
pools_find(const struct config *c, struct slice pool, enum pools_over *over);

/* pools_member - the n-th (from 0) member of a pool
 *
 * Returns  true and *m; false: no such member.
 */
bool
pools_member(const struct config *c, struct slice pool, unsigned n,
	     struct pools_member *m);

/* pools_of_sender - the pool of a return path: by the address, its domain,
 * its suffixes; "" is "<>"
 *
 * Returns  true, *pool and the line in *source; false: none.
 */
bool
pools_of_sender(const struct config *c, struct slice sender, struct slice *pool,
		struct slice *source);

/* pools_header - the n-th (from 0) name of a header that chooses pools, in
 * lower case; false: no such */
bool
pools_header(const struct config *c, unsigned n, struct slice *name);

/* pools_of_header - the pool of a header's value
 *
 * Takes    name in any case; value without blanks around it, case counts not.
 * Returns  see pools_of_sender.
 */
bool
pools_of_header(const struct config *c, struct slice name, struct slice value,
		struct slice *pool, struct slice *source);

/* pools_group - whom warm-up counts together: the group of a domain, by it or
 * its suffixes
 *
 * Returns  the group's name, or the domain as it was given: it is alone.
 */
struct slice
pools_group(const struct config *c, struct slice domain);

/* pools_warmup - messages that a curve allows to a group in a day
 *
 * Takes    days since the member's start, the first being 0.
 * Returns  the curve's number: of the group, or else of '*'. UINT64_MAX, no
 *          limit, behind its end and for a curve that is not there; 0 before
 *          the start.
 */
uint64_t
pools_warmup(const struct config *c, struct slice curve, struct slice group,
	     int64_t days);

#endif
