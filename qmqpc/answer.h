/* answer.h - a hub's answer to a QMQP package
 *
 *   21:Kok 1795293611 id 693,     one netstring: K, Z or D, and a text
 *
 *   state   byte taken      next state   result
 *   HEAD    digits, ':'     TEXT         ANSWER_MORE
 *   TEXT    left bytes      END          ANSWER_MORE
 *   END     ','             OVER         ANSWER_DONE
 *   any other byte          BROKEN       ANSWER_BAD
 *
 * Source  https://cr.yp.to/proto/qmqp.html
 * Test    tests/sendmail_test.c
 */
#ifndef QUAIL_QMQPC_ANSWER_H
#define QUAIL_QMQPC_ANSWER_H

#include "lib/netstring.h"
#include "lib/verdict.h"

enum { ANSWER_MAX = 65536 };

enum answer_result {
	ANSWER_MORE, /* byte taken */
	ANSWER_DONE, /* byte taken, and the answer is complete */
	ANSWER_BAD   /* this is no answer; the machine stays here */
};

struct answer {
	enum {
		ANSWER_S_HEAD,
		ANSWER_S_TEXT,
		ANSWER_S_END,
		ANSWER_S_OVER,
		ANSWER_S_BROKEN
	} state;
	struct netstring_head head;
	uint64_t left;
	size_t len;
	char text[VERDICT_TEXT_MAX + 1]; /* letter and as much as we keep */
};

/* answer_push - take the next byte
 *
 * Needs    *r all zero before the first.
 * Returns  see enum answer_result. ANSWER_BAD also for an empty answer, one
 *          of more than ANSWER_MAX bytes, one that does not begin with K, Z
 *          or D, and any byte behind the end.
 */
enum answer_result
answer_push(struct answer *r, uint8_t byte);

/* answer_code - K, Z or D; after ANSWER_DONE */
char
answer_code(const struct answer *r);

/* answer_verdict - what the answer says
 *
 * Needs    ANSWER_DONE.
 */
void
answer_verdict(const struct answer *r, struct verdict *v);

#endif
