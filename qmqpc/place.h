/* place.h - where a leaf's things are, and its configuration
 *
 * Test  tests/sendmail.t
 */
#ifndef QUAIL_QMQPC_PLACE_H
#define QUAIL_QMQPC_PLACE_H

#include "cdb/config.h"

struct place {
	const char *dir;
	struct buf path; /* of config.cdb, with a NUL */
	struct config config;
};

/* place_open - open the configuration
 *
 * Takes    dir: kept; NULL for QUAIL_DIR, or else /etc/quail.
 * Returns  0; -1 with one line appended to *why. place_close is legal then.
 */
int
place_open(struct place *p, const char *dir, struct buf *why);

void
place_close(struct place *p);

#endif
