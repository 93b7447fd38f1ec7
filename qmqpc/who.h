/* who.h - the user who calls sendmail
 *
 * Asked of the kernel and the user database; no environment variable has
 * a say.
 *
 * Test  tests/sendmail_test.c
 */
#ifndef QUAIL_QMQPC_WHO_H
#define QUAIL_QMQPC_WHO_H

#include "lib/buf.h"

/* who_calls - append the user's name and full name
 *
 * Does     "uid1000" for a user without a name, or with one that does not
 *          fit into an address.
 */
void
who_calls(struct buf *user, struct buf *name);

/* who_user - append a user's name if it is a plain local part, or uidN */
void
who_user(struct buf *user, const char *name, unsigned long uid);

/* who_name - append the full name out of a GECOS field: what stands before
 * the first comma, "&" being the user's name with a capital */
void
who_name(struct buf *out, const char *gecos, struct slice user);

#endif
