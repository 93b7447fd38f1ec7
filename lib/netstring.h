/* netstring.h - the framing under QMTP, QMQP, the door and the log
 *
 * A netstring is LENGTH ":" BYTES ",", LENGTH being ASCII decimal bytes:
 *
 *   12:hello world!,     0:,
 *
 * The head machine knows LENGTH and the colon only: payloads can be larger
 * than memory, so each protocol streams its own bytes and checks its own
 * comma. netstring_slice is for netstrings that are whole in memory.
 *
 * Source  https://cr.yp.to/proto/netstrings.txt
 * Test    tests/netstring_test.c
 */
#ifndef QUAIL_LIB_NETSTRING_H
#define QUAIL_LIB_NETSTRING_H

#include "lib/buf.h"

enum { NETSTRING_DIGITS_MAX = 10 };

enum netstring_result {
	NETSTRING_MORE, /* byte taken, head not finished */
	NETSTRING_DONE, /* byte was ':', the length is known */
	NETSTRING_BAD	/* not a head; the connection is lost */
};

struct netstring_head {
	uint64_t len;	 /* bytes; valid after NETSTRING_DONE */
	unsigned digits; /* digits taken so far */
};

/* netstring_head_push - take the next byte of a head
 *
 * Needs    *h all zero before the first byte.
 * Returns  see enum netstring_result. NETSTRING_BAD for anything but a
 *          digit or ':', for no digit at all, for a leading zero, and for
 *          more than NETSTRING_DIGITS_MAX digits. *h is then meaningless.
 * Keeps    nothing; never blocks, never allocates, never logs.
 * Differs  qmail and Postfix read ":," as an empty netstring and accept
 *          leading zeros. The source forbids both, and so do we.
 */
enum netstring_result
netstring_head_push(struct netstring_head *h, uint8_t byte);

/* netstring_put - append s as a netstring */
void
netstring_put(struct buf *b, struct slice s);

/* netstring_head_put - append the head of a netstring of len bytes */
void
netstring_head_put(struct buf *b, uint64_t len);

/* netstring_slice - take one whole netstring off the front of *rest
 *
 * Returns  0: *r is its payload, borrowed from *rest, which then begins
 *          behind the comma; -1: *rest does not begin with a whole
 *          canonical netstring, and both are untouched.
 */
int
netstring_slice(struct slice *rest, struct slice *r);

#endif
