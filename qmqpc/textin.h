/* textin.h - from the bytes on a caller's pipe to lines that end in LF
 *
 * CR before LF is dropped (other CR, NUL and a missing last LF survive).
 * Unless dots are text (-i), a line of a single dot ends the input; it and
 * what follows are not text.
 *
 *   a\r\nb\rc\n.\r\nd      gives  a\nb\rc\n
 *
 * Test  tests/textin_test.c
 */
#ifndef QUAIL_QMQPC_TEXTIN_H
#define QUAIL_QMQPC_TEXTIN_H

#include "lib/slice.h"

enum textin_event {
	TEXTIN_MORE, /* some input was taken */
	TEXTIN_END   /* a single dot: no more text */
};

struct textin {
	bool dots_are_text;
	enum {
		TEXTIN_S_LINE, /* at the begin of a line */
		TEXTIN_S_TEXT,
		TEXTIN_S_CR,
		TEXTIN_S_DOT,
		TEXTIN_S_DOT_CR,
		TEXTIN_S_OVER
	} state;
};

/* textin_push - take a part of the input
 *
 * Needs    *t all zero before the first but for dots_are_text; call again
 *          while *in is not empty and it does not say TEXTIN_END.
 * Returns  see enum textin_event; *out is the next piece of text, may be
 *          empty, and is borrowed from *in or static.
 */
enum textin_event
textin_push(struct textin *t, struct slice *in, struct slice *out);

/* textin_finish - the input has ended: *out is the last piece of text
 *
 * Differs  a last line of "." without LF is the end as well, not text.
 */
void
textin_finish(struct textin *t, struct slice *out);

#endif
