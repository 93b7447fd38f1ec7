/* keys.h - how the tables lie in a map
 *
 * Keys are "TABLE\0KEY", values "TABLE:LINE\0VALUE". All letters of keys are
 * lower case.
 *
 *   table         KEY                         VALUE                repeats
 *   me            (empty)                     the host's name
 *   listen        protocol                    ADDRESS:PORT         yes
 *   qmqpservers   (empty)                     HOST:PORT, or        yes
 *                                             qmqps:HOST:PORT[/PIN]
 *   qmqpservers   order, timeout, lifetime,   a number
 *                 spool
 *   access        network_key                 rights, decimal
 *   access        the 32 bytes of a pin     rights, decimal, and a name
 *   access        (empty)                     the lengths that occur, one
 *                                             byte each, longest first
 *   locals        domain                      (empty)
 *   rcpthosts     domain or .suffix           (empty)
 *   users         address or *@domain         maildir:PATH
 *   routes        address, domain, .suffix    next hops, or hold, or discard
 *                 or *
 *   bouncefrom, doublebounceto
 *                 (empty)                     a local part
 *   bouncehost, doublebouncehost
 *                 (empty)                     a host
 *   rewrite       rcpt, sender or from        PATTERN ADDRESS      yes
 *   needs         (empty)                     CONFIG_NEEDS_ bits, decimal
 *
 * Change something here, and MAP_VERSION (map.h) goes up.
 */
#ifndef QUAIL_CDB_KEYS_H
#define QUAIL_CDB_KEYS_H

#include "lib/slice.h"

#define KEYS_ME		 "me"
#define KEYS_LISTEN	 "listen"
#define KEYS_QMQPSERVERS "qmqpservers"
#define KEYS_ACCESS	 "access"
#define KEYS_LOCALS	 "locals"
#define KEYS_RCPTHOSTS	 "rcpthosts"
#define KEYS_USERS	 "users"
#define KEYS_ROUTES	 "routes"
#define KEYS_REWRITE	 "rewrite"
#define KEYS_NEEDS	 "needs"
#define KEYS_BOUNCEFROM	 "bouncefrom"
#define KEYS_BOUNCEHOST	 "bouncehost"

#define KEYS_DOUBLEBOUNCETO   "doublebounceto"
#define KEYS_DOUBLEBOUNCEHOST "doublebouncehost"

/* KEYS_TABLE - what the keys of a table begin with */
#define KEYS_TABLE(table) SLICE(table "\0")

/* keys_open - cut a value into what it says and the line that said it */
static inline void
keys_open(struct slice record, struct slice *value, struct slice *source)
{
	size_t nul = slice_find(record, 0);

	*source = slice_of(record.at, nul);
	*value = slice_from(record, nul < record.len ? nul + 1 : nul);
}

#endif
