/* qmqp.h - the server's side of QMQP as a machine: bytes in, events out
 *
 * No I/O, no clock, no allocation, no policy: the session decides and
 * answers. A connection carries one package, a netstring of netstrings:
 * the message, the return path, the recipients.
 *
 *   42:12:hello world\n,8:a@b.test,6:c@test,3:d@e,,
 *      message          sender     recipients
 *
 *   state      what is taken        next state              event
 *   OUTER      netstring head       TEXT
 *   TEXT       netstring head       same                    QMQP_BEGIN
 *   TEXT       its payload, comma   SENDER                  QMQP_TEXT
 *   SENDER     a whole netstring    RCPT, or OUTER_END      QMQP_SENDER
 *   RCPT       a whole netstring    RCPT, or OUTER_END      QMQP_RCPT
 *   OUTER_END  ','                  OVER                    QMQP_END
 *   any        anything else        BROKEN                  QMQP_BAD
 *
 * From TEXT to OUTER_END every byte is paid for out of the outer length,
 * which must come out exactly.
 *
 * Source  https://cr.yp.to/proto/qmqp.html
 * Test    tests/qmqp_test.c
 */
#ifndef QUAIL_QMQPD_QMQP_H
#define QUAIL_QMQPD_QMQP_H

#include "lib/field.h"

enum { QMQP_PACKAGE_MAX = 1 << 30 /* longest package that is read at all */ };

enum qmqp_event {
	QMQP_MORE,   /* all input is taken */
	QMQP_BEGIN,  /* q->text_len bytes of message will come */
	QMQP_TEXT,   /* *piece is text */
	QMQP_SENDER, /* *piece is the return path */
	QMQP_RCPT,   /* *piece is a recipient */
	QMQP_END,    /* the package is complete: answer it, then close */
	QMQP_BAD     /* this is no QMQP; stays so. Close, answer nothing */
};

enum qmqp_state {
	QMQP_S_OUTER,
	QMQP_S_TEXT,
	QMQP_S_SENDER,
	QMQP_S_RCPT,
	QMQP_S_OUTER_END,
	QMQP_S_OVER,
	QMQP_S_BROKEN
};

struct qmqp {
	enum qmqp_state state;
	enum qmqp_state broken_in; /* where it went wrong, for the log */
	struct field outer, text;
	uint64_t outer_left;
	uint64_t text_len;
	struct field_address address;
};

/* qmqp_push - take bytes from the front of *in up to the next event
 *
 * Needs    *q zeroed before the first byte of a connection.
 * Returns  see enum qmqp_event; QMQP_MORE only when *in is used up. The
 *          events, texts put together, do not depend on how the bytes were
 *          cut. For an address that cannot be one (over ADDRESS_MAX bytes,
 *          or with NUL, CR or LF) piece->at is NULL. Bytes behind QMQP_END
 *          are QMQP_BAD: do not push them, the package was complete.
 * Keeps    nothing of *in. *piece is borrowed, from *in or from *q, until
 *          the next push.
 * Differs  qmail reads ":" as "0:" and leading zeros; mailfront and Postfix
 *          ignore the outer length and stop at the ','. We refuse both.
 *          A package of no recipients is legal here; the session refuses it.
 */
enum qmqp_event
qmqp_push(struct qmqp *q, struct slice *in, struct slice *piece);

/* qmqp_where - what it is reading, or was when it broke; for the log */
const char *
qmqp_where(const struct qmqp *q);

#endif
