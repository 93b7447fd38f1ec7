/* smtpd.h - the server's half of SMTP: bytes in, commands and text out
 *
 * It knows how lines and text are framed and how commands are written; not
 * which may come when, and not what to answer: in_session.c does.
 *
 *   EHLO leaf.test\r\n                   command EHLO, argument leaf.test
 *   MAIL FROM:<a@b.test> SIZE=5\r\n      command MAIL, address a@b.test
 *   RCPT TO:<"c d"@e.test>\r\n           command RCPT, address c d@e.test
 *   RCPT TO:<f@g.test>\r\n               command RCPT, address f@g.test
 *   DATA\r\n                             command DATA; then smtpd_data
 *   hi\r\n..\r\n.\r\n                    text "hi\n.\n", end
 *
 *   state      byte          next state         text
 *   BEGIN      .             DOT
 *   BEGIN      CR            CR
 *   BEGIN      LF            MIDDLE, bare
 *   BEGIN      other         MIDDLE             the byte
 *   MIDDLE     CR            CR
 *   MIDDLE     LF            MIDDLE, bare
 *   MIDDLE     other         MIDDLE             the byte
 *   CR         LF            BEGIN              LF
 *   CR         CR            CR, bare
 *   CR         other         MIDDLE, bare
 *   DOT        CR            DOT_CR
 *   DOT        LF            MIDDLE, bare
 *   DOT        other         MIDDLE             the byte
 *   DOT_CR     LF            COMMAND, SMTPD_END
 *   DOT_CR     CR            CR, bare
 *   DOT_CR     other         MIDDLE, bare
 *
 * Only CR LF . CR LF ends the text, so nobody's other idea of a line end
 * can hide a second message in the first; and a text with a bare CR or a
 * bare LF anywhere is marked, to be refused at its end.
 *
 * Source  RFC 5321; RFC 1870 (SIZE); RFC 6152 (8BITMIME)
 * Test    tests/smtpd_test.c
 */
#ifndef QUAIL_SMTP_SMTPD_H
#define QUAIL_SMTP_SMTPD_H

#include "lib/slice.h"

enum {
	SMTPD_LINE_MAX = 2048, /* a command with its CR LF; RFC: 512 and more
				  with the extensions and long addresses */
	SMTPD_DOMAIN_MAX = 255
};

enum smtpd_event {
	SMTPD_MORE,    /* what is left in the input is not enough yet */
	SMTPD_COMMAND, /* see m->command */
	SMTPD_TEXT,    /* see m->text */
	SMTPD_END      /* the text is over; m->bare says if it was clean */
};

enum smtpd_verb {
	SMTPD_UNKNOWN,
	SMTPD_HELO,
	SMTPD_EHLO,
	SMTPD_MAIL,
	SMTPD_RCPT,
	SMTPD_DATA,
	SMTPD_RSET,
	SMTPD_NOOP,
	SMTPD_QUIT,
	SMTPD_VRFY,
	SMTPD_HELP
};

enum smtpd_fault {
	SMTPD_GOOD,
	SMTPD_BARE,	/* a bare CR or LF: no more commands from this peer */
	SMTPD_NUL,	/* a NUL: the same */
	SMTPD_TOO_LONG, /* the line has been skipped */
	SMTPD_SYNTAX,	/* wrong or missing argument */
	SMTPD_ADDRESS,	/* the path is none, or too long */
	SMTPD_PARAMETER /* an ESMTP parameter that we do not know */
};

struct smtpd_command {
	enum smtpd_verb verb;
	enum smtpd_fault fault;
	struct slice argument; /* HELO, EHLO: the name */
	struct slice address;  /* MAIL, RCPT: plain bytes, unquoted */
	uint64_t size;	       /* MAIL: as declared; 0 for not */
	bool body_8bit;	       /* MAIL: BODY=8BITMIME */
};

enum smtpd_state {
	SMTPD_S_COMMAND,
	SMTPD_S_SKIP, /* the rest of a line that is too long */
	SMTPD_S_BEGIN,
	SMTPD_S_MIDDLE,
	SMTPD_S_CR,
	SMTPD_S_DOT,
	SMTPD_S_DOT_CR
};

struct smtpd {
	enum smtpd_state state;
	bool bare; /* this text had a bare CR or LF */
	struct smtpd_command command;
	struct slice text;
};

/* smtpd_push - take the next command or piece of text
 *
 * Needs    *m all zero before the first byte.
 * Takes    the n bytes at at, which are all that has come and was not used.
 *          They are changed in place: addresses are unquoted there and text
 *          is unfolded there.
 * Returns  see enum smtpd_event; *used bytes are done with. After
 *          SMTPD_MORE the unused ones (fewer than SMTPD_LINE_MAX) come again
 *          with what follows them.
 * Keeps    the slices of m->command and m->text point into the n bytes.
 * Differs  a parameter is refused by any client, not only after HELO; paths
 *          without angle brackets are refused.
 */
enum smtpd_event
smtpd_push(struct smtpd *m, char *at, size_t n, size_t *used);

/* smtpd_data - what follows is text (DATA was answered 354) */
void
smtpd_data(struct smtpd *m);

#endif
