/* talk.h - SMTP as a local program speaks it on our stdin: bytes to commands
 * and text
 *
 *   state    bytes              next state  event
 *   COMMAND  line CR LF         COMMAND     TALK_COMMAND
 *   LINE     . (first byte)     DOT
 *   DOT      CR LF              COMMAND     TALK_END
 *   DOT      other              TEXT        (the dot was stuffed)
 *   any      CR without LF, LF without CR, a command line that is too long:
 *                               BROKEN      TALK_BAD
 *
 * Only CR LF . CR LF ends a text: nobody can hide a second message in one.
 * Not the smtp-gateway: no networks, no queue, no extensions but SIZE,
 * PIPELINING and 8BITMIME.
 *
 * Source  RFC 5321 sections 2.3.8 and 4.1.1.4
 * Test    tests/talk_test.c
 */
#ifndef QUAIL_QMQPC_TALK_H
#define QUAIL_QMQPC_TALK_H

#include "lib/slice.h"

enum { TALK_LINE_MAX = 2048 };

enum talk_event {
	TALK_MORE,    /* some input was taken; *out is text, perhaps none */
	TALK_COMMAND, /* *out is a whole line, without CR LF */
	TALK_END,     /* the text is over */
	TALK_BAD      /* no SMTP; the machine stays here */
};

struct talk {
	enum {
		TALK_S_COMMAND,
		TALK_S_COMMAND_CR,
		TALK_S_LINE, /* of text, at its begin */
		TALK_S_TEXT,
		TALK_S_CR,
		TALK_S_DOT,
		TALK_S_DOT_CR,
		TALK_S_BROKEN
	} state;
	size_t len;
	char line[TALK_LINE_MAX];
};

/* talk_push - take a part of the input
 *
 * Needs    *t all zero before the first; call again while *in is not empty.
 * Returns  see enum talk_event. Lines of text end in LF alone.
 * Keeps    *out is valid until the next call.
 */
enum talk_event
talk_push(struct talk *t, struct slice *in, struct slice *out);

/* talk_text - text begins: what follows now is no command */
void
talk_text(struct talk *t);

#endif
