/* drain_parts.h - what the drain's files share among themselves
 *
 * Not for others: see drain.h.
 */
#ifndef QUAIL_QMQPC_DRAIN_PARTS_H
#define QUAIL_QMQPC_DRAIN_PARTS_H

#include "qmqpc/drain.h"

/* drain_try - send a message that is due, or do with it what is to be done
 *
 * Returns  0; -1 with errno when a sync has failed.
 */
int
drain_try(struct drain *d, struct waiting_item *item);

/* drain_sync - one sync for all names that were removed or moved since the
 * last
 *
 * Returns  0; -1 with errno.
 */
int
drain_sync(struct drain *d);

/* drain_hub_ready - is there a hub that does not rest? */
bool
drain_hub_ready(const struct drain *d);

#endif
