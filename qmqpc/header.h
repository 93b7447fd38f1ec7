/* header.h - the header of a submitted message, as it streams by
 *
 * Passes the fields on unchanged but for those that must not leave (Bcc,
 * Resent-Bcc, Return-Path, Content-Length), tells the recipients that
 * To, Cc, Bcc and their Resent- sisters name, and remembers which fields
 * there were, so that the missing ones can be added at its end
 * (fields.h). Fields may be of any length: nothing is held back but a name.
 *
 *   To: a@b.test, c        copied, HEADER_RCPT a@b.test, HEADER_RCPT c
 *   Bcc: d@e.test          HEADER_RCPT d@e.test
 *   (empty line)           HEADER_END
 *
 * A first line "From joe Sat ..." of a mailbox becomes X-Mailbox-Line, so
 * that nothing is lost. A line that is no field ends the header too and
 * begins the text.
 *
 * Source  RFC 5322 sections 2.2 and 3.6
 * Test    tests/header_test.c
 */
#ifndef QUAIL_QMQPC_HEADER_H
#define QUAIL_QMQPC_HEADER_H

#include "qmqpc/addrlist.h"

enum { HEADER_NAME_MAX = 128 };

/* Fields that were seen: bits of header.seen. */
enum {
	HEADER_DATE = 1,
	HEADER_FROM = 2,
	HEADER_MESSAGE_ID = 4,
	HEADER_RESENT = 8, /* any field that begins with Resent- */
	HEADER_RESENT_DATE = 16,
	HEADER_RESENT_FROM = 32,
	HEADER_RESENT_MESSAGE_ID = 64,
	HEADER_TO = 128, /* To or Cc, that recipients are told by */
	HEADER_RETURN_PATH = 256
};

enum header_event {
	HEADER_MORE,   /* some input was taken */
	HEADER_RCPT,   /* header.list holds the address of a recipient */
	HEADER_RETURN, /* header.list holds that of Return-Path */
	HEADER_BAD,    /* a field of recipients cannot be read; the rest of it
			  is not read, and the header goes on */
	HEADER_END     /* the header is over */
};

struct header {
	unsigned seen;
	bool drops_from;   /* set at the begin: another From will be added */
	bool drops_id;	   /* the same: another Message-ID */
	bool wants_return; /* the same: tell HEADER_RETURN, which is HEADER_BAD
			      too where it cannot be read */
	bool is_return;	   /* of HEADER_BAD: in Return-Path */
	bool
	    is_resent_rcpt; /* of HEADER_RCPT, HEADER_BAD: in a Resent- field */
	struct addrlist list;

	enum {
		HEADER_S_LINE,
		HEADER_S_NAME,
		HEADER_S_VALUE,
		HEADER_S_OVER
	} state;
	bool had_line;	 /* the first line is behind us */
	bool in_field;	 /* a line that begins with a space continues it */
	bool is_dropped; /* this field does not go on */
	bool is_read;	 /* this field's addresses are wanted */
	size_t name_len;
	char name[HEADER_NAME_MAX];
};

/* header_push - take a part of the input
 *
 * Needs    *h all zero before the first; call again while *in is not empty
 *          and it does not say HEADER_END.
 * Returns  see enum header_event. At every event *out is to be appended to
 *          the message first: it may be empty. At HEADER_END the missing
 *          fields and an empty line come before *out, and the rest of *in
 *          is text.
 * Keeps    *out points into *in or *h: valid until the next call.
 */
enum header_event
header_push(struct header *h, struct slice *in, struct slice *out);

/* header_finish - the input has ended inside of the header
 *
 * Call it until it says HEADER_END; events and *out as with header_push.
 */
enum header_event
header_finish(struct header *h, struct slice *out);

#endif
