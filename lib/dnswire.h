/* dnswire.h - one DNS question and what its answer says, as bytes
 *
 * For the static leaf, which asks its name servers by itself; everything
 * else asks by c-ares (dns.h) or the system's getaddrinfo(3).
 *
 *   12 34 01 00 00 01 00 00 00 00 00 00    id, RD, one question
 *   03 'h' 'u' 'b' 04 't' 'e' 's' 't' 00   its name
 *   00 01 00 01                            A (or 28, AAAA), IN
 *
 * Pure: no descriptor, no clock, nothing allocated.
 *
 * Source  RFC 1035 section 4
 * Test    tests/dnswire_test.c
 */
#ifndef QUAIL_LIB_DNSWIRE_H
#define QUAIL_LIB_DNSWIRE_H

#include "lib/slice.h"

enum { DNSWIRE_A = 1, DNSWIRE_AAAA = 28 };
enum { DNSWIRE_QUERY_MAX = 12 + 255 + 4, DNSWIRE_REPLY_MAX = 1232 };

struct dnswire_query {
	uint8_t bytes[DNSWIRE_QUERY_MAX];
	size_t len;
};

/* dnswire_ask - make a question
 *
 * Takes    name: labels with dots between, perhaps one behind; type: DNSWIRE_A
 *          or _AAAA; id: of 16 bits nobody can guess.
 * Returns  0; -1 when no question can ask for such a name: empty, a label
 *          that is empty or over 63 bytes, over 253 in all.
 */
int
dnswire_ask(struct dnswire_query *q, struct slice name, unsigned type,
	    uint16_t id);

enum dnswire_result {
	DNSWIRE_FOREIGN, /* no answer to this question: wait on */
	DNSWIRE_FOUND,	 /* *n_r addresses, perhaps 0 */
	DNSWIRE_NO_NAME, /* the name does not exist */
	DNSWIRE_FAILED	 /* the server cannot say, or speaks nonsense */
};

/* dnswire_take - read a reply
 *
 * Takes    max: how many addresses there is room for; more are left out.
 * Returns  see enum dnswire_result; each address is 4 (A) or 16 bytes in
 *          addresses[]. Those of aliases (CNAME) count, whatever their
 *          owner: only the asked server can have written them. A reply that
 *          was cut (TC) counts for what is in it.
 */
enum dnswire_result
dnswire_take(const struct dnswire_query *q, struct slice reply,
	     uint8_t (*addresses)[16], size_t max, size_t *n_r);

#endif
