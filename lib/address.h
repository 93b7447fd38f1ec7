/* address.h - envelope addresses: bytes and a length
 *
 * Unquoted, without angle brackets, as QMTP and QMQP carry them. The domain
 * is what follows the last '@'.
 *
 * Test  tests/lib_test.c
 */
#ifndef QUAIL_LIB_ADDRESS_H
#define QUAIL_LIB_ADDRESS_H

#include "lib/buf.h"

enum { ADDRESS_MAX = 900 };

/* address_split - cut at the last '@'
 *
 * Returns  true; false when there is none: *local is all, *domain empty.
 */
bool
address_split(struct slice address, struct slice *local, struct slice *domain);

/* address_sane - at most ADDRESS_MAX bytes, none of NUL, CR, LF */
bool
address_sane(struct slice address);

/* address_put_lower - append it with the ASCII letters of its domain in
 * lower case, without a dot at its end: the form that tables are asked in */
void
address_put_lower(struct buf *out, struct slice address);

/* address_put_quoted - append it as RFC 5321 wants it between < and >: the
 * local part quoted when it is not a dot-string. Nothing for "". */
void
address_put_quoted(struct buf *out, struct slice address);

#endif
