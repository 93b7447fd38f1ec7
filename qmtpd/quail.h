/* quail.h - what quail/1 adds to QMTP, as a machine: greeting and batches
 *
 * Two nodes of quail agree on it by ALPN; nobody else is spoken to so. The
 * server greets, before the client has sent a package, with what it takes:
 *
 *   47:13:size=52428800,11:rcpts=10000,11:params=3072,,
 *
 * Packages are QMTP's with parameters behind the sender and behind each
 * recipient (see qmtp.h for one); many recipients in a package are welcome.
 * Replies are QMTP's, one a recipient.
 *
 * Source  doc/quail-protocol.7
 * Test    tests/quail_test.c
 */
#ifndef QUAIL_QMTPD_QUAIL_H
#define QUAIL_QMTPD_QUAIL_H

#include "lib/field.h"

#define QUAIL_PROTOCOL "quail/1"

enum { QUAIL_GREETING_MAX = 1024, QUAIL_PARAMS_LEAST = 1024 };

/* What a server takes. */
struct quail_takes {
	uint64_t size;	 /* bytes of text, decoded as they are stored */
	uint64_t rcpts;	 /* recipients of a package */
	uint64_t params; /* bytes of all lists of parameters of a package */
};

/* quail_greet - append the greeting */
void
quail_greet(struct buf *out, const struct quail_takes *takes);

enum quail_event {
	QUAIL_MORE,  /* all input is taken */
	QUAIL_READY, /* *takes is known; the rest of *in are replies */
	QUAIL_BAD    /* this is no greeting; stays so */
};

struct quail_greeting {
	struct field field;
	bool broken;
	size_t len;
	char text[QUAIL_GREETING_MAX];
};

/* quail_greeted - take bytes of the greeting from the front of *in
 *
 * Needs    *g zeroed before the first byte. Not to be called again behind
 *          QUAIL_READY.
 * Returns  see enum quail_event. QUAIL_BAD for what is no netstring of
 *          netstrings "key=value", is longer than QUAIL_GREETING_MAX, says
 *          one of our keys twice, not at all, or without a number, takes no
 *          recipient, or fewer parameters than QUAIL_PARAMS_LEAST. Other keys
 *          are for later versions of this program, and ignored.
 */
enum quail_event
quail_greeted(struct quail_greeting *g, struct slice *in,
	      struct quail_takes *takes);

/* The recipients of one package. */
struct quail_batch {
	struct buf list;
	size_t n, params_len;
};

/* quail_add - one more recipient
 *
 * Takes    params: a list of good netstrings, perhaps empty; with those of
 *          all others within what the server takes.
 */
void
quail_add(struct quail_batch *b, struct slice rcpt, struct slice params);

/* quail_end - append what comes behind a package's text (qmtpc_begin) */
void
quail_end(struct buf *out, struct slice sender, struct slice params,
	  const struct quail_batch *b);

void
quail_batch_free(struct quail_batch *b);

#endif
