/* addrlist.h - a list of mail addresses, fed byte by byte
 *
 * Reads what stands in To, Cc and Bcc, and what callers give as recipients:
 *
 *   Joe <joe@a.test>, "J. (x)" <@r.test:j@b.test>, team: ann, bob@c.test;
 *
 * gives joe@a.test, j@b.test, ann (has_domain false) and bob@c.test. Gives
 * the addresses as envelopes carry them: quotes, comments, white space,
 * display names, group names and source routes are gone.
 *
 * Not a validator: what is clear is taken although RFC 5322 calls it
 * obsolete or wrong ("a @ b", "[x] <a@b>", an unclosed group, ";" between
 * addresses, an empty "<>", which is no address). What is not clear is BAD:
 * two words without a comma, two "@", a "(" or '"' or "<" that never ends.
 *
 * Source  RFC 5322 sections 3.4 and 4.4
 * Test    tests/addrlist_test.c
 */
#ifndef QUAIL_QMQPC_ADDRLIST_H
#define QUAIL_QMQPC_ADDRLIST_H

#include "lib/address.h"

enum addrlist_event {
	ADDRLIST_MORE,	  /* byte taken */
	ADDRLIST_ADDRESS, /* byte taken, and an address is complete */
	ADDRLIST_BAD	  /* this is no list; the machine stays here */
};

/* What the byte before was, as far as the grammar cares. */
enum addrlist_last {
	ADDRLIST_L_NOTHING,
	ADDRLIST_L_WORD,
	ADDRLIST_L_DOT,
	ADDRLIST_L_AT
};

struct addrlist {
	char address[ADDRESS_MAX];
	size_t len;
	bool has_domain; /* an "@" outside of quotes */

	enum {
		ADDRLIST_S_TEXT,
		ADDRLIST_S_QUOTED,
		ADDRLIST_S_LITERAL,
		ADDRLIST_S_COMMENT,
		ADDRLIST_S_BAD
	} state;
	enum { ADDRLIST_A_BEFORE, ADDRLIST_A_INSIDE, ADDRLIST_A_BEHIND } angle;
	enum addrlist_last last;
	uint64_t depth;	 /* of comments in comments */
	bool gap;	 /* white space or a comment since the last word */
	bool is_escaped; /* the byte before was a backslash */
	bool is_route;	 /* in the @a,@b: of <@a,@b:c@d> */
	bool is_phrase;	 /* cannot be an address unless "<" follows */
	bool told;	 /* the address was given out: the next byte clears */
};

/* addrlist_push - take the next byte
 *
 * Needs    *a all zero before the first byte.
 * Returns  see enum addrlist_event. At ADDRLIST_ADDRESS the address is
 *          a->address, a->len bytes, until the next call. At ADDRLIST_BAD
 *          it is what there was of the address that cannot be read.
 */
enum addrlist_event
addrlist_push(struct addrlist *a, uint8_t byte);

/* addrlist_end - the list is over; perhaps its last address is complete
 *
 * Returns  as addrlist_push; ADDRLIST_MORE when there is nothing more.
 *          Clear the struct before another list.
 */
enum addrlist_event
addrlist_end(struct addrlist *a);

#endif
