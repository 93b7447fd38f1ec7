/* secure.h - what qmtpc needs for next hops "qmtps:": our key, and roots
 *
 * Both are read when first needed. The key (tls/cert.pem, tls/key.pem) may
 * be missing: then the next hop sees a client without one. Roots are those
 * of tls/ca.pem, else the system's, for next hops without a pin.
 *
 * Test  tests/tls.t
 */
#ifndef QUAIL_QMTPD_SECURE_H
#define QUAIL_QMTPD_SECURE_H

#include "lib/tls.h"

#define SECURE_ROOTS "tls/ca.pem"

struct secure {
	struct tls_key *key;
	struct tls_roots *roots;
	struct tls_memory *memory; /* of sessions with next hops */
};

/* How a next hop is to be known. */
struct secure_hop {
	bool on, pinned;
	struct tls_pin pin;
	struct buf host; /* with a NUL behind it */
};

/* secure_parse - take a next hop apart
 *
 * Takes    nexthop: HOST:PORT, or qmtps:HOST:PORT, or qmtps:HOST:PORT/PIN.
 * Returns  true with *address (a part of nexthop) and *s; false: it is none
 *          of these.
 */
bool
secure_parse(struct secure_hop *s, struct slice nexthop, struct slice *address);

/* secure_fault - read what this hop needs, if that is still to be done
 *
 * Returns  NULL; or, when there is something that cannot be used, a static
 *          text with its status. The log says what it is.
 */
const char *
secure_fault(struct secure *s, const struct secure_hop *hop);

/* secure_start - speak TLS on a connection that is being made
 *
 * Takes    place: HOST:PORT, by which an earlier session is found.
 */
void
secure_start(struct secure *s, const struct secure_hop *hop, struct slice place,
	     struct stream *stream);

void
secure_close(struct secure *s);

#endif
