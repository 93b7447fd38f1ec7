/* envelope.h - addresses from the command line
 *
 * An argument without any of the bytes that RFC 5322 gives a meaning is an
 * address as it stands, so that VERP senders (list-@host-@[]) pass; any
 * other is read as a list ("Joe <joe@a.test>, bob"), as Sendmail and
 * Postfix do. A bare name is at me.
 *
 * Test  tests/sendmail_test.c
 */
#ifndef QUAIL_QMQPC_ENVELOPE_H
#define QUAIL_QMQPC_ENVELOPE_H

#include "qmqpc/rcpts.h"

/* envelope_qualified - append the address, with "@me" if it has no domain
 *
 * Returns  0; -1 when that is no address (address_sane), *out untouched.
 */
int
envelope_qualified(struct buf *out, struct slice address, bool has_domain,
		   struct slice me);

/* envelope_rcpts - add the recipients that an argument names
 *
 * Returns  0; -1 when it names none or cannot be read. Some may have been
 *          added then.
 */
int
envelope_rcpts(struct rcpts *r, struct slice argument, struct slice me);

/* envelope_sender - append the return path that an argument names
 *
 * Nothing for "" and "<>", the empty return path.
 * Returns  0; -1 when it is not one address.
 */
int
envelope_sender(struct buf *out, struct slice argument, struct slice me);

#endif
