/* network.h - networks of clients, and the keys they have in a map
 *
 * All addresses are 16 bytes, v4 as ::ffff:a.b.c.d, so a v4 network of N
 * bits has 96 + N here. The longest match is found without scanning: a map
 * lists the lengths that occur in it, and has one key per network; a lookup
 * masks the address once per length.
 *
 * Test  tests/config_test.c
 */
#ifndef QUAIL_CDB_NETWORK_H
#define QUAIL_CDB_NETWORK_H

#include "lib/buf.h"

enum { NETWORK_BITS = 128, NETWORK_V4 = 96, NETWORK_KEY = 17 };

struct network {
	uint8_t address[16];
	uint8_t bits; /* of 128 */
};

enum network_result {
	NETWORK_GOOD,
	NETWORK_BAD,   /* no address, or no number of bits behind the slash */
	NETWORK_STRAY, /* bits set behind the network's: *n has them cut off */
};

/* network_parse - read ADDRESS or ADDRESS/BITS, v4 or v6
 *
 * Returns  see enum network_result; *n is only for NETWORK_BAD undefined.
 */
enum network_result
network_parse(struct network *n, struct slice s);

/* network_cut - clear all bits of the address but the first n->bits */
void
network_cut(struct network *n);

/* network_v4 - is the whole of it v4? */
bool
network_v4(const struct network *n);

/* network_key - what names it in a map: NETWORK_KEY bytes */
void
network_key(const struct network *n, char key[NETWORK_KEY]);

/* network_text - append it as text, "192.0.2.0/24" */
void
network_text(const struct network *n, struct buf *out);

#endif
