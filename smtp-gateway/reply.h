/* reply.h - an SMTP server's replies, line by line
 *
 *   250-mx.test hello\r\n     line "mx.test hello", more to come
 *   250 SIZE 1000\r\n         line "SIZE 1000", the last
 *
 *   state   byte         next state
 *   CODE    a digit      CODE; REST after the third
 *   REST    "-", " "     TEXT
 *   REST    LF           CODE, REPLY_LINE
 *   TEXT    LF           CODE, REPLY_LINE
 *   TEXT    other        TEXT (kept while there is room; no CR at the end)
 *   any other byte       BROKEN, REPLY_BAD
 *
 * Lines may be of any length; what is over REPLY_LINE_MAX is dropped. A reply
 * over REPLY_MAX bytes or REPLY_LINES_MAX lines, or with two codes, is bad.
 *
 * Differs  a bare LF ends a line: nothing can be smuggled to us this way.
 * Source   RFC 5321 section 4.2
 * Test     tests/smtpc_test.c
 */
#ifndef QUAIL_SMTP_REPLY_H
#define QUAIL_SMTP_REPLY_H

#include "lib/slice.h"

enum { REPLY_LINE_MAX = 512, REPLY_MAX = 65536, REPLY_LINES_MAX = 256 };

enum reply_event { REPLY_MORE, REPLY_LINE, REPLY_BAD };

enum reply_state { REPLY_S_CODE, REPLY_S_REST, REPLY_S_TEXT, REPLY_S_BROKEN };

struct reply {
	enum reply_state state;
	unsigned digits;
	unsigned line_code;
	unsigned code;	 /* of the whole reply; 0 before its first line */
	bool first;	 /* this line is the reply's first */
	bool last;	 /* ... and its last */
	bool told;	 /* the line has been told */
	uint32_t length; /* bytes of the reply so far */
	unsigned lines;	 /* ... and whole lines */
	size_t len;
	char line[REPLY_LINE_MAX]; /* len bytes: the line without its code */
};

/* reply_push - take bytes up to the end of a line
 *
 * Needs    *r all zero before the first byte.
 * Takes    *in; it is what is left afterwards.
 * Returns  REPLY_LINE: r->code, first, last, line and len are valid until
 *          the next push. REPLY_BAD: not a reply, and stays so.
 */
enum reply_event
reply_push(struct reply *r, struct slice *in);

#endif
