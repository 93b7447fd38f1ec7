/* route_parts.h - what route.c and policy.c share: a route's line read
 *
 * Not for others; those ask config.h.
 */
#ifndef QUAIL_CDB_ROUTE_PARTS_H
#define QUAIL_CDB_ROUTE_PARTS_H

#include "cdb/config.h"

/* route_act - from the words of a line, in route->nexthops, to a decision,
 * its next hops and its options */
void
route_act(struct config_route *route);

/* route_limits - what the line does not say of concurrency and rate */
void
route_limits(const struct config *c, struct slice domain,
	     struct config_route *route);

/* route_lifetime - what queuelifetime says */
void
route_lifetime(const struct config *c, struct config_route *route);

#endif
