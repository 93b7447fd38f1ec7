/* qmtpc.h - the client's side of QMTP as a machine: packages and replies
 *
 * Builds packages of one text, one sender and one recipient, lines ending
 * in LF, and reads the replies:
 *
 *   12:\nhello world,8:a@b.test,11:8:c@d.test,,     11:Kok 1 qp 23,
 *   qmtpc_begin, text, qmtpc_end                    QMTPC_REPLY
 *
 * One recipient a package: a server that answers once a package instead of
 * once a recipient (mailfront does) is not waited for in vain.
 *
 * Source  https://cr.yp.to/proto/qmtp.txt
 * Test    tests/qmtpc_test.c
 */
#ifndef QUAIL_QMTPD_QMTPC_H
#define QUAIL_QMTPD_QMTPC_H

#include "lib/field.h"
#include "lib/verdict.h"

enum { QMTPC_REPLY_MAX = 65536 }; /* longest reply that is read at all */

/* qmtpc_begin - append the begin of a package: text_size bytes of text,
 * sent as they are, must follow */
void
qmtpc_begin(struct buf *out, uint64_t text_size);

/* qmtpc_end - append the rest of a package, behind its text */
void
qmtpc_end(struct buf *out, struct slice sender, struct slice rcpt);

enum qmtpc_event {
	QMTPC_MORE,  /* all input is taken */
	QMTPC_REPLY, /* *v is the next recipient's verdict */
	QMTPC_BAD    /* the peer does not speak QMTP; stays so */
};

struct qmtpc {
	struct field field;
	bool broken;
	size_t len;
	char text[1 + VERDICT_TEXT_MAX]; /* the letter and what we keep */
};

/* qmtpc_push - take bytes from the front of *in up to the next reply
 *
 * Needs    *q zeroed before the first byte of a connection.
 * Returns  see enum qmtpc_event. QMTPC_BAD for what is no netstring, is
 *          empty, is longer than QMTPC_REPLY_MAX, or begins with anything
 *          but K, Z or D. What is behind VERDICT_TEXT_MAX bytes is dropped.
 * Keeps    nothing of *in.
 * Differs  replies that begin "K " are taken as they are: s/qmail's do,
 *          though the source reserves the space for extensions.
 */
enum qmtpc_event
qmtpc_push(struct qmtpc *q, struct slice *in, struct verdict *v);

#endif
