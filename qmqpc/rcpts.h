/* rcpts.h - the recipients of one message: each once, in order
 *
 * Test  tests/sendmail_test.c
 */
#ifndef QUAIL_QMQPC_RCPTS_H
#define QUAIL_QMQPC_RCPTS_H

#include "lib/buf.h"
#include "lib/siphash.h"

struct rcpts {
	struct buf wire; /* a netstring for each */
	size_t n;
	uint32_t *table; /* open hashing: offsets into wire, plus one */
	size_t table_size;
	uint8_t key[SIPHASH_KEY]; /* of the hash: others choose addresses */
	bool is_full;		  /* more than LIMIT_RCPTS came */
};

/* rcpts_add - add an address unless it is there already
 *
 * Needs    *r all zero before the first; an address without NUL, CR, LF.
 * Does     notes is_full instead of taking more than LIMIT_RCPTS.
 */
void
rcpts_add(struct rcpts *r, struct slice address);

void
rcpts_free(struct rcpts *r);

#endif
