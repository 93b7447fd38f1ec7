/* dest_parts.h - what dest.c (work) and dest_find.c (finding) say to each
 * other; nobody else's
 */
#ifndef QUAIL_SMTP_DEST_PARTS_H
#define QUAIL_SMTP_DEST_PARTS_H

#include "smtp-gateway/dest.h"

/* dest_init - nothing waits, nothing is known of it */
void
dest_init(struct dest *d);

#endif
