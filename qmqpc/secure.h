/* secure.h - what the leaf needs for hubs "qmqps:": its key, and roots
 *
 * DIR/tls/cert.pem and DIR/tls/key.pem, if they are there, are shown to the
 * hub; DIR/tls/ca.pem, else the system's bundle, is for hubs without a pin.
 * Read when first needed. Who may not read the key does not get as far as
 * connecting: such a caller's mail goes to the spool, and the drain sends it.
 *
 * The only file of this folder that knows TLS by name.
 *
 * Test  tests/leaf_tls.t
 */
#ifndef QUAIL_QMQPC_SECURE_H
#define QUAIL_QMQPC_SECURE_H

#include "lib/hop.h"
#include "lib/stream.h"

struct tls_key;
struct tls_roots;

struct secure {
	const char *dir; /* kept */
	struct tls_key *key;
	struct tls_roots *roots;
};

/* secure_ready - read what this hub needs, if that is still to be done
 *
 * Needs    s->dir; the rest of *s all zero before the first.
 * Returns  0; -1 with one line appended to *why.
 */
int
secure_ready(struct secure *s, const struct hop_name *hub, struct buf *why);

/* secure_start - speak TLS from here on, to a hub for which we are ready
 *
 * Keeps    hub's pin, and what s has read, until the stream is closed.
 */
void
secure_start(const struct secure *s, const struct hop_name *hub,
	     struct stream *stream);

/* secure_forget - free all; what is needed next is read anew */
void
secure_forget(struct secure *s);

#endif
