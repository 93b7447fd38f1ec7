/* field.h - one netstring of a package, taken apart as it comes
 *
 * QMTP and QMQP are netstrings behind and inside netstrings. A field is one
 * of them: its head, its payload in slices, its comma. It may lie within
 * another netstring, whose bytes it is paid out of (the budget).
 *
 *   5:abcde,      FIELD_HEAD (left is 5), FIELD_BYTES "abc",
 *                 FIELD_BYTES "de", FIELD_END
 *
 * Not a protocol: which field comes when, and how long it may be, is the
 * machine's affair. Check the length at FIELD_HEAD.
 *
 * Source  https://cr.yp.to/proto/netstrings.txt
 * Test    tests/qmtp_test.c, tests/qmqp_test.c
 */
#ifndef QUAIL_LIB_FIELD_H
#define QUAIL_LIB_FIELD_H

#include "lib/address.h"
#include "lib/netstring.h"

enum field_result {
	FIELD_MORE,  /* all input is taken */
	FIELD_HEAD,  /* the length is known: left */
	FIELD_BYTES, /* *piece is what there is of the payload, not yet taken */
	FIELD_END,   /* the comma was there; the field is new again */
	FIELD_BAD    /* not a netstring, or it does not fit its budget */
};

struct field {
	struct netstring_head head;
	uint64_t left; /* bytes of payload to come */
	bool in_body;
};

/* field_push - take bytes from the front of *in
 *
 * Needs    *f zeroed before the first byte of the first field.
 * Takes    budget, bytes that the netstring around this one has left, or
 *          NULL; what is taken of *in is taken off it too.
 * Returns  see enum field_result. FIELD_BAD is for good: do not push again.
 * Keeps    nothing. *piece is borrowed from *in; tell with field_take how
 *          much of it was used.
 */
enum field_result
field_push(struct field *f, uint64_t *budget, struct slice *in,
	   struct slice *piece);

/* field_take - the first n bytes of the FIELD_BYTES piece are used
 *
 * Needs    n <= the piece's length.
 */
void
field_take(struct field *f, uint64_t *budget, struct slice *in, size_t n);

/* An address longer than ADDRESS_MAX is still read to its end, so that it
 * alone is refused; one longer than this ends the connection. */
enum { FIELD_ADDRESS_MAX = 65536 };

struct field_address {
	struct field field;
	size_t len;
	bool too_long;
	char bytes[ADDRESS_MAX];
};

/* field_address_push - collect one netstring that is an address
 *
 * Needs    *a zeroed before the first byte of the first one.
 * Returns  FIELD_MORE; FIELD_END and *address, borrowed from *a until the
 *          next push, its at NULL when it is no address that we handle
 *          (address_sane); FIELD_BAD.
 */
enum field_result
field_address_push(struct field_address *a, uint64_t *budget, struct slice *in,
		   struct slice *address);

#endif
