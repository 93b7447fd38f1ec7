/* hop.h - the name of a next hop that may be reached by TLS
 *
 *   hub.example.org:628                      clear text
 *   qmqps:hub.example.org:6628               TLS, known by name
 *   qmqps:[2001:db8::1]:6628/sha256:3ba0...  TLS, known by its key
 *
 * Pure: no word of how TLS is spoken, so that whoever only reads such names
 * links none of it.
 *
 * Test  tests/hop_test.c
 */
#ifndef QUAIL_LIB_HOP_H
#define QUAIL_LIB_HOP_H

#include "lib/tls_pin.h"

struct hop_name {
	bool is_tls, is_pinned;
	struct tls_pin pin;
	struct slice address; /* HOST:PORT as it stands */
	struct slice host;    /* without brackets */
	uint16_t port;
};

/* hop_parse - take a name apart
 *
 * Takes    kind: what begins a name with TLS, "qmqps:".
 * Returns  0; -1 when it is no such name, *h is then undefined. A pin is
 *          possible with TLS only.
 * Keeps    slices into name.
 */
int
hop_parse(struct hop_name *h, struct slice name, const char *kind);

#endif
