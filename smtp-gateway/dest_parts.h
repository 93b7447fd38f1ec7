/* dest_parts.h - what dest.c (work), dest_find.c (finding) and dest_place.c
 * (how many are there already) say to each other; nobody else's
 */
#ifndef QUAIL_SMTP_DEST_PARTS_H
#define QUAIL_SMTP_DEST_PARTS_H

#include "smtp-gateway/dest.h"

/* dest_init - nothing waits, nothing is known of it */
void
dest_init(struct dest *d);

/* dest_fail - what waits here gets this verdict; only those that another host
 * has deferred, or all */
void
dest_fail(struct dest *d, const struct verdict *v, bool only_second);

/* dest_find_place - has one of its best targets a place for a connection?
 *
 * Needs    d->targets.
 * Returns  false: it waits for one, or has waited for too long, and what
 *          waits here has been told so.
 */
bool
dest_find_place(struct dest *d);

#endif
