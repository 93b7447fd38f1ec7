/* reply.h - a hub's answer to a QMQP package
 *
 *   21:Kok 1795293611 id 693,     one netstring: K, Z or D, and a text
 *
 *   state   byte taken      next state   result
 *   HEAD    digits, ':'     TEXT         REPLY_MORE
 *   TEXT    left bytes      END          REPLY_MORE
 *   END     ','             OVER         REPLY_DONE
 *   any other byte          BROKEN       REPLY_BAD
 *
 * Source  https://cr.yp.to/proto/qmqp.html
 * Test    tests/sendmail_test.c
 */
#ifndef QUAIL_QMQPC_REPLY_H
#define QUAIL_QMQPC_REPLY_H

#include "lib/netstring.h"
#include "lib/verdict.h"

enum { REPLY_MAX = 65536 };

enum reply_result {
	REPLY_MORE, /* byte taken */
	REPLY_DONE, /* byte taken, and the answer is complete */
	REPLY_BAD   /* this is no answer; the machine stays here */
};

struct reply {
	enum {
		REPLY_S_HEAD,
		REPLY_S_TEXT,
		REPLY_S_END,
		REPLY_S_OVER,
		REPLY_S_BROKEN
	} state;
	struct netstring_head head;
	uint64_t left;
	size_t len;
	char text[VERDICT_TEXT_MAX + 1]; /* letter and as much as we keep */
};

/* reply_push - take the next byte
 *
 * Needs    *r all zero before the first.
 * Returns  see enum reply_result. REPLY_BAD also for an empty answer, one
 *          of more than REPLY_MAX bytes, one that does not begin with K, Z
 *          or D, and any byte behind the end.
 */
enum reply_result
reply_push(struct reply *r, uint8_t byte);

/* reply_verdict - what the answer says
 *
 * Needs    REPLY_DONE.
 */
void
reply_verdict(const struct reply *r, struct verdict *v);

#endif
