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

enum {
	ADDRESS_MAX = 900,
	ADDRESS_DOMAIN_MAX = 253, /* without a dot at its end */
	ADDRESS_LABEL_MAX = 63
};

/* address_split - cut at the last '@'
 *
 * Returns  true; false when there is none: *local is all, *domain empty.
 */
bool
address_split(struct slice address, struct slice *local, struct slice *domain);

/* address_fits - can it stand in an envelope: at most ADDRESS_MAX bytes, none
 * of NUL, CR, LF? Of what older versions have taken no more is true. */
bool
address_fits(struct slice address);

/* address_sane_domain - can it be a domain?
 *
 * Takes    a name, perhaps with a dot at its end, or an address in brackets.
 * Returns  false for nothing, for more than ADDRESS_DOMAIN_MAX bytes, for a
 *          label (what stands between dots) that is empty or longer than
 *          ADDRESS_LABEL_MAX, and for blanks and control bytes.
 */
bool
address_sane_domain(struct slice domain);

/* address_sane - can it be an address at all? The one answer of every door.
 *
 * Returns  true if it fits and, where it has an '@', stands for somebody at a
 *          sane domain; so for "", the return path of bounces, and for names
 *          without a domain. The local part has no limit of its own: mailing
 *          lists put whole addresses into it.
 */
bool
address_sane(struct slice address);

/* address_why - why is address_sane false? For people; NULL where it is true
 */
const char *
address_why(struct slice address);

/* address_put_lower - append it with the ASCII letters of its domain in
 * lower case, without a dot at its end: the form that tables are asked in */
void
address_put_lower(struct buf *out, struct slice address);

/* address_put_quoted - append it as RFC 5321 wants it between < and >: the
 * local part quoted when it is not a dot-string. Nothing for "". */
void
address_put_quoted(struct buf *out, struct slice address);

/* address_literal - cut [192.0.2.1] or [IPv6:2001:db8::1] open
 *
 * Returns  false when the domain is none; else *inner is what stands in it,
 *          an address or not.
 */
bool
address_literal(struct slice domain, struct slice *inner);

#endif
