/* canon.h - message text as SMTP's DATA may carry it: the smuggling boundary
 *
 * QMTP and QMQP bring text with any bytes in it. Outside, only CR LF ends a
 * line and only CR LF . CR LF ends the text; whoever reads a bare CR or a
 * bare LF as a line end must find no line of its own in what we send. So
 * every line end of whatever kind leaves as CR LF, and every line that
 * begins with a dot, after that, with two.
 *
 *   in the text    goes out         at the beginning of a line
 *   LF             CR LF            "."  ->  ".."
 *   CR LF          CR LF
 *   other CR       CR LF
 *   NUL            nothing: CANON_BAD for good
 *   other bytes    unchanged, 8 bits, lines of any length
 *
 * The end is CR LF (unless a line has just ended) and ". CR LF".
 *
 * Differs  lines over 998 bytes are neither cut nor refused: cutting breaks
 *          signatures, and servers that care say so themselves.
 * Source   RFC 5321 sections 2.3.8 and 4.5.2
 * Test     tests/canon_test.c
 */
#ifndef QUAIL_SMTP_CANON_H
#define QUAIL_SMTP_CANON_H

#include "lib/slice.h"

enum { CANON_ROOM_MIN = 4, CANON_END_MAX = 5 };

enum canon_result {
	CANON_OK, /* *in is used up, or *out has no more room */
	CANON_BAD /* there was a NUL; nothing more comes, do not end */
};

struct canon {
	bool in_line;  /* the last byte out was not a line end */
	bool after_cr; /* the last byte in was CR: its LF has been said */
	bool bad;
};

/* canon_push - convert as much of *in as fits
 *
 * Needs    *c all zero at the beginning of a text.
 * Takes    room: at least CANON_ROOM_MIN. Twice the input is always enough.
 * Returns  see enum canon_result; *in is what is left, *n_r the bytes put at
 *          out.
 */
enum canon_result
canon_push(struct canon *c, struct slice *in, char *out, size_t room,
	   size_t *n_r);

/* canon_end - the bytes that end the text
 *
 * Takes    out: room for CANON_END_MAX.
 * Returns  how many there are.
 */
size_t
canon_end(struct canon *c, char *out);

#endif
