/* dest_parts.h - what dest.c (work) and dest_find.c (finding) say to each
 * other; nobody else's
 */
#ifndef QUAIL_SMTP_DEST_PARTS_H
#define QUAIL_SMTP_DEST_PARTS_H

#include "smtp-gateway/dest.h"

/* dest_slot - where in out->dests a key belongs */
size_t
dest_slot(struct slice key);

/* dest_init - nothing waits, nothing is known of it */
void
dest_init(struct dest *d);

#endif
