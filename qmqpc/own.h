/* own.h - directories of the drain's own, among names that anybody may make
 *
 * All may drop names into the spool, so somebody may have taken ours first:
 * by a file, a link, a FIFO, a directory full of things. What is there and is
 * not the drain's gets another name, aside.ID, unopened and with all that is
 * in it, and the place is ours in the same step. From then on the sticky bit
 * keeps it so.
 *
 * Test  tests/leafspool_test.c, tests/leaf_crowd.t
 */
#ifndef QUAIL_QMQPC_OWN_H
#define QUAIL_QMQPC_OWN_H

#include "qmqpc/spool.h"

enum { OWN_TRIES = 1000 }; /* against one who keeps taking it */

/* own_is - is this a directory whose contents only the drain can have made?
 *
 * That of the spool's owner or of root. No user can make or link one.
 */
bool
own_is(const struct spool *s, const struct stat *st);

/* own_say_taken - log that a place cannot be had; why is errno's */
void
own_say_taken(const char *name);

/* own_dir - open a place, make it, or take it back
 *
 * Needs    us to own the spool, or to be root.
 * Takes    name, in the spool; mode, before the umask.
 * Returns  a descriptor to list and sync; -1 with errno, EBUSY when somebody
 *          has mounted something there. Logs what it sets aside.
 */
int
own_dir(const struct spool *s, const char *name, mode_t mode);

#endif
