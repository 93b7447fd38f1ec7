/* replies.h - what the recipients of one package are to be told
 *
 * One reply a recipient, in order. Most share one, so they are kept as
 * runs: ten thousand recipients that all wait for the queue are one run.
 *
 * Test  tests/front_test.c
 */
#ifndef QUAIL_QMTPD_REPLIES_H
#define QUAIL_QMTPD_REPLIES_H

#include "lib/buf.h"
#include "lib/verdict.h"

enum { REPLY_DOOR = 0 }; /* a code: the door's verdict, not known yet */

struct replies {
	struct buf runs;
	size_t n;      /* recipients in all */
	size_t n_door; /* of them wait for the door */
	size_t at;     /* bytes of runs that have been put */
};

/* replies_add - the next recipient's reply
 *
 * Takes    code 'K', 'Z', 'D' or REPLY_DOOR; text, a static string.
 */
void
replies_add(struct replies *r, char code, const char *text);

/* replies_put - append the next ones as netstrings, until *out has max bytes
 * or more
 *
 * Takes    door: the verdict for those of REPLY_DOOR; may be NULL when
 *          there is none of them.
 * Returns  true when all have been put.
 */
bool
replies_put(struct buf *out, size_t max, struct replies *r,
	    const struct verdict *door);

void
replies_free(struct replies *r);

#endif
