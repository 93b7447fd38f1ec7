/* qmtp.h - the server's side of QMTP as a machine: bytes in, events out
 *
 * No I/O, no clock, no allocation, no policy: the session decides and
 * answers. A package is a text, a sender and a list of recipients:
 *
 *   12:\nhello world,8:a@b.test,22:8:c@d.test,8:e@f.test,,
 *   text             sender     recipient list
 *
 *   state      what is taken          next state             event
 *   TEXT       netstring head         same                   QMTP_BEGIN
 *   TEXT       LF or CR: encoding     same
 *   TEXT       the rest of it         SENDER at its comma    QMTP_TEXT
 *   SENDER     a whole netstring      LIST                   QMTP_SENDER
 *   LIST       netstring head         RCPT, or LIST_END if empty
 *   RCPT       a whole netstring      RCPT, or LIST_END      QMTP_RCPT
 *   LIST_END   ','                    TEXT                   QMTP_END
 *   any        anything else          BROKEN                 QMTP_BAD
 *
 * With q->quail set it is quail/1 (quail-protocol(7)): a list of parameters
 * stands behind the sender, and one behind each recipient:
 *
 *   12:\nhello world,8:a@b.test,11:8:ret=HDRS,,
 *   45:8:c@d.test,0:,8:e@f.test,16:12:notify=NEVER,,,
 *
 *   SENDER     a whole netstring      PARAMS                 QMTP_SENDER
 *   PARAMS     a netstring of those   LIST                   QMTP_PARAMS
 *   RCPT       a whole netstring      RCPT_PARAMS
 *   RCPT_PARAMS a netstring of those  RCPT, or LIST_END      QMTP_RCPT
 *
 * The text's first byte says how its lines end: LF, or CR for CR LF. They
 * come out ending in LF; every other byte comes out as it went in: NUL, a
 * CR that has no LF behind it, 8-bit bytes, a last line without an end.
 *
 * Source  https://cr.yp.to/proto/qmtp.txt, doc/quail-protocol.7
 * Test    tests/qmtp_test.c
 */
#ifndef QUAIL_QMTPD_QMTP_H
#define QUAIL_QMTPD_QMTP_H

#include "lib/field.h"

enum {
	QMTP_TEXT_MAX = 1 << 30, /* longest text that is read at all */
	QMTP_LIST_MAX = 1 << 24, /* ... and list of recipients */
	QMTP_PARAMS_MAX = 1024	 /* ... and list of parameters */
};

enum qmtp_event {
	QMTP_MORE,   /* all input is taken */
	QMTP_BEGIN,  /* a package; q->text_len bytes of text on the wire */
	QMTP_TEXT,   /* *piece is decoded text */
	QMTP_SENDER, /* *piece is the return path */
	QMTP_PARAMS, /* *piece is the message's parameters, good netstrings */
	QMTP_RCPT,   /* *piece is a recipient, qmtp_params(q) its own */
	QMTP_END,    /* the package is complete: answer it */
	QMTP_BAD     /* this is no QMTP; stays so. Close, answer nothing */
};

enum qmtp_state {
	QMTP_S_TEXT,
	QMTP_S_SENDER,
	QMTP_S_PARAMS,
	QMTP_S_LIST,
	QMTP_S_RCPT,
	QMTP_S_RCPT_PARAMS,
	QMTP_S_LIST_END,
	QMTP_S_BROKEN
};

struct qmtp {
	bool quail; /* quail/1 is spoken; set before the first byte */
	enum qmtp_state state;
	enum qmtp_state broken_in; /* where it went wrong, for the log */
	char encoding;		   /* '\n' or '\r'; 0: not known yet */
	bool cr_held;		   /* a CR that may begin a CR LF */
	struct field text;	   /* text, and the head of the list */
	uint64_t text_len;	   /* without the encoding byte */
	uint64_t list_left;
	struct field_address address;
	struct slice rcpt; /* whose parameters are being read */
	struct field list; /* ... and they themselves */
	size_t params_len;
	char params[QMTP_PARAMS_MAX];
};

/* qmtp_push - take bytes from the front of *in up to the next event
 *
 * Needs    *q zeroed but for quail before the first byte of a connection.
 * Returns  see enum qmtp_event; QMTP_MORE only when *in is used up. The
 *          events, texts put together, do not depend on how the bytes were
 *          cut. For an address that cannot be one (over ADDRESS_MAX bytes,
 *          or with NUL, CR or LF) piece->at is NULL: refuse that one alone.
 * Keeps    nothing of *in. *piece is borrowed, from *in or from *q, until
 *          the next push.
 * Differs  qmail reads ":" as "0:", leading zeros, and lengths that are no
 *          numbers in the list; we refuse them. Longer texts and lists than
 *          QMTP_TEXT_MAX and QMTP_LIST_MAX close the connection, which the
 *          client takes as Z.
 */
enum qmtp_event
qmtp_push(struct qmtp *q, struct slice *in, struct slice *piece);

/* qmtp_params - behind QMTP_RCPT: the recipient's parameters
 *
 * Returns  netstrings, each of them good; empty unless quail is set. Borrowed
 *          from *q until the next push.
 */
struct slice
qmtp_params(const struct qmtp *q);

/* qmtp_resting - is it between two packages, with nothing begun? */
bool
qmtp_resting(const struct qmtp *q);

/* qmtp_where - what it is reading, or was when it broke; for the log */
const char *
qmtp_where(const struct qmtp *q);

#endif
