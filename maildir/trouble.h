/* trouble.h - what a failed call means for the mail: always Z
 *
 * Test  tests/maildir_test.c
 */
#ifndef QUAIL_MAILDIR_TROUBLE_H
#define QUAIL_MAILDIR_TROUBLE_H

#include "lib/verdict.h"

/* trouble_verdict - the Z for a call that failed with errno e
 *
 * Takes    path: of the mailbox; named, with the system's words, where the
 *          administrator must know which and why.
 * 4.3.1 for a full disk, 4.2.2 over quota, 4.3.5 where a Maildir or a file
 * of ours is something else, 4.3.0 for the rest.
 */
void
trouble_verdict(struct verdict *v, int e, struct slice path);

#endif
