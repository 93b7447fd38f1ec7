/* dsn.h - what a sender asks of delivery reports (RFC 3461), as parameters
 *
 * A parameter is "KEY=VALUE", the key in lower case, the value as in SMTP:
 *
 *   ret=FULL | HDRS                 of a message: how much a report returns
 *   envid=XTEXT                     of a message: an id that reports carry
 *   notify=NEVER                    of a recipient: when to report; or one
 *   notify=SUCCESS,FAILURE,DELAY    or more of these three, each once
 *   orcpt=TYPE;XTEXT                of a recipient: the address it was first
 *
 * A list of them is a concatenation of netstrings. In quail/1 the message
 * and each recipient have a list of their own; at the door and at an agent
 * they are attributes, those of the N-th recipient (from 0) with ".N" behind
 * the key: "notify.0=NEVER".
 *
 * Source  RFC 3461 (4.1 to 4.4, 5.4), quail-protocol(7)
 * Test    tests/dsn_test.c
 */
#ifndef QUAIL_LIB_DSN_H
#define QUAIL_LIB_DSN_H

#include "lib/buf.h"

enum { DSN_ENVID_MAX = 100, DSN_ORCPT_MAX = 500 };

/* dsn_of_message, dsn_of_rcpt - is it such a parameter, and well formed?
 *
 * Returns  false for every other key too: who does not know a parameter
 *          leaves it out.
 */
bool
dsn_of_message(struct slice param);

bool
dsn_of_rcpt(struct slice param);

/* dsn_attr_put - append the name of an attribute: a recipient parameter's key
 * with its number */
void
dsn_attr_put(struct buf *out, struct slice key, size_t n);

/* dsn_attr_split - a recipient's attribute: "notify.7=NEVER"
 *
 * Returns  true, *key ("notify"), *n and *value, which stands with its '=' in
 *          front; false: it is none, or not well formed (a leading zero).
 */
bool
dsn_attr_split(struct slice attr, struct slice *key, size_t *n,
	       struct slice *value);

/* dsn_pick - append, as a list, what a list of attributes has of the message
 *
 * Takes    attrs: netstrings; what is no parameter is left out.
 */
void
dsn_pick(struct buf *out, struct slice attrs);

/* dsn_pick_rcpt - the same for the n-th recipient */
void
dsn_pick_rcpt(struct buf *out, struct slice attrs, size_t n);

#endif
