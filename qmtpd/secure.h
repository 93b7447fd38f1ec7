/* secure.h - what qmtpc needs for next hops "qmtps:": our key, and by what
 * each next hop is known
 *
 * In this order: by the pin in its name; by the pin, or by another name and
 * other authorities, in its line of the table tlspolicy, if that says
 * verify; by its own name. A line with another policy is for SMTP: a next
 * hop "qmtps:" is always verified. Authorities are those of the line's file,
 * else of tls/ca.pem, else the system's.
 *
 * Our key (tls/cert.pem, tls/key.pem) is read when first needed. It may be
 * missing: then the next hop sees a client without one. Tables and
 * authorities are looked at for every new connection.
 *
 * Test  tests/tls.t
 */
#ifndef QUAIL_QMTPD_SECURE_H
#define QUAIL_QMTPD_SECURE_H

#include "cdb/config.h"
#include "lib/tls.h"
#include "qmtpd/roots.h"

#define SECURE_ROOTS "tls/ca.pem"

/* All zero at first, but for config. */
struct secure {
	struct config *config; /* NULL: there are no tables */
	struct tls_key *key;
	struct roots roots;
	struct tls_memory *memory; /* of sessions with next hops */
};

/* What a next hop's name says of it. */
struct secure_hop {
	bool on, pinned;
	struct tls_pin pin;
	struct buf host; /* with a NUL behind it */
};

/* By what one connection knows its next hop. */
struct secure_trust {
	bool pinned;
	struct tls_pin pin;
	struct buf name;	  /* with a NUL behind it */
	struct roots_file *roots; /* NULL: pinned */
};

/* secure_refresh - take up new tables, if there are any */
void
secure_refresh(struct secure *s);

/* secure_parse - take a next hop apart
 *
 * Takes    nexthop: HOST:PORT, or qmtps:HOST:PORT, or qmtps:HOST:PORT/PIN.
 * Returns  true with *address (a part of nexthop) and *s; false: it is none
 *          of these.
 */
bool
secure_parse(struct secure_hop *s, struct slice nexthop, struct slice *address);

/* secure_ask - by what is this next hop known now?
 *
 * Returns  NULL with *t, also for a hop without TLS; or, when there is
 *          something that cannot be used, a static text with its status.
 *          The log says what it is.
 * Owns     secure_leave frees *t, when its connection is closed.
 */
const char *
secure_ask(struct secure *s, const struct secure_hop *hop,
	   struct secure_trust *t);

/* secure_same - is a next hop known by the same in both? */
bool
secure_same(const struct secure_trust *a, const struct secure_trust *b);

/* secure_start - speak TLS on a connection that is being made
 *
 * Takes    t: stays where it is until the stream is closed.
 *          place: HOST:PORT, by which an earlier session is found.
 */
void
secure_start(struct secure *s, const struct secure_trust *t, struct slice place,
	     struct stream *stream);

void
secure_leave(struct secure_trust *t);

void
secure_close(struct secure *s);

#endif
