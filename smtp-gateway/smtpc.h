/* smtpc.h - the client's half of SMTP: replies in, commands out
 *
 * One connection, any number of mails one after the other. The machine puts
 * commands into the caller's buf and is fed replies; the text itself is the
 * caller's (canon.h), between SMTPC_SEND and smtpc_text_end.
 *
 *   state      goes out                    comes in    next state   event
 *   GREETING                               220         EHLO
 *   EHLO       EHLO                        250         READY        READY
 *   EHLO       EHLO                        5xx         HELO
 *   HELO       HELO                        250         READY        READY
 *   READY      (smtpc_mail)                            MAIL
 *   MAIL       MAIL [RCPT... DATA]         2xx         RCPT
 *   MAIL                                   4xx 5xx     RSET         FAILED
 *   RCPT       RCPT [DATA]                 2xx 4xx 5xx RCPT, DATA   RCPT
 *   DATA       DATA                        3xx         TEXT         SEND
 *   DATA                                   4xx 5xx     RSET         FAILED
 *   TEXT       (text, smtpc_text_end)                  FINAL
 *   FINAL                                  2xx 4xx 5xx READY        DONE
 *   RSET       RSET                        2xx         READY        READY
 *   TEXT                                   4xx 5xx     BROKEN       BROKEN
 *   any                                    421, else   BROKEN       BROKEN
 *
 * A reply means something only where it was asked for. What is there behind
 * the last one that was (but a 421), and what fits no state, is stray: the
 * replies are out of step, nothing of the transaction can be believed, and
 * the connection is of no use any more. What was said of recipients is
 * certain with SEND, and with the READY behind FAILED; not before, for until
 * then one line too many makes each reply that of the command before.
 *
 * Where the server offers PIPELINING, MAIL, all RCPTs and DATA go out at
 * once, and all their replies are read before anything else is done. If
 * DATA is then let through with no recipient left, a lone dot ends it.
 *
 * Source  RFC 5321; RFC 2920 (PIPELINING); RFC 1870 (SIZE); RFC 6152
 * Test    tests/smtpc_test.c
 */
#ifndef QUAIL_SMTP_SMTPC_H
#define QUAIL_SMTP_SMTPC_H

#include "lib/buf.h"
#include "lib/verdict.h"
#include "smtp-gateway/reply.h"

enum { SMTPC_TEXT_MAX = 300, SMTPC_HOST_MAX = 64 };

enum smtpc_event {
	SMTPC_MORE,
	SMTPC_READY,  /* a mail can be sent */
	SMTPC_RCPT,   /* the reply for recipient c->rcpt; 2xx: so far good */
	SMTPC_SEND,   /* send the text, then smtpc_text_end */
	SMTPC_DONE,   /* the reply for all recipients that are so far good; a
			 mail can be sent */
	SMTPC_FAILED, /* the reply for all recipients without one; READY or
			 BROKEN follows */
	SMTPC_BROKEN  /* no more on this connection; c->code is 0 if what came
			 was no reply, c->stray if nobody had asked for it */
};

enum smtpc_state {
	SMTPC_S_GREETING,
	SMTPC_S_EHLO,
	SMTPC_S_HELO,
	SMTPC_S_READY,
	SMTPC_S_MAIL,
	SMTPC_S_RCPT,
	SMTPC_S_DATA,
	SMTPC_S_TEXT,
	SMTPC_S_FINAL,
	SMTPC_S_RSET,
	SMTPC_S_QUIT,
	SMTPC_S_BROKEN
};

struct smtpc_mail {
	struct slice sender;
	const struct slice *rcpts;
	size_t n_rcpts; /* at least one */
	uint64_t size;	/* of the text */
	bool has_8bit;	/* or may have */
};

struct smtpc {
	enum smtpc_state state;
	struct reply reply;
	struct buf *out;
	struct slice helo;
	bool pipelining, eightbit, has_size;
	uint64_t max_size; /* as the server says; 0: it does not */
	const struct smtpc_mail *mail;
	size_t rcpt;	  /* SMTPC_RCPT: whose reply it is */
	size_t n_due;	  /* replies that were asked for and have not come */
	size_t n_told;	  /* recipients whose reply has come */
	size_t n_good;	  /* recipients with a 2xx */
	bool failed;	  /* MAIL was refused: the other replies don't count */
	bool all_told;	  /* nothing was sent; RSET ends what was refused */
	bool stray;	  /* broken by a reply that nobody had asked for */
	bool sent;	  /* the end of the text went out, no reply yet */
	unsigned n_heard; /* whole replies; it may wrap */
	unsigned code;	  /* of the last of them */
	size_t len;
	char text[SMTPC_TEXT_MAX]; /* len bytes of it, its lines joined */
	unsigned refusal;	   /* code of this mail's last, before; or 0 */
	size_t refusal_len;
	char refusal_text[SMTPC_TEXT_MAX];
};

/* smtpc_init - a connection has been opened; the server speaks first
 *
 * Takes    out: commands are appended to it, by every call here. helo: our
 *          name. Both kept.
 */
void
smtpc_init(struct smtpc *c, struct buf *out, struct slice helo);

/* smtpc_push - take a piece of what the server said
 *
 * Takes    *in; it is what is left afterwards. Call until SMTPC_MORE.
 */
enum smtpc_event
smtpc_push(struct smtpc *c, struct slice *in);

/* smtpc_mail - begin the next mail
 *
 * Needs    SMTPC_S_READY. mail and all it points to stay in place until
 *          SMTPC_DONE, SMTPC_FAILED or SMTPC_BROKEN.
 */
void
smtpc_mail(struct smtpc *c, const struct smtpc_mail *mail);

/* smtpc_text_end - the text has gone out, with its end */
void
smtpc_text_end(struct smtpc *c);

/* smtpc_stray - what comes next was said too early: it can be no reply
 *
 * For who knows more than the machine does: that the end of the text has not
 * reached the server yet.
 * Returns  SMTPC_BROKEN.
 */
enum smtpc_event
smtpc_stray(struct smtpc *c);

/* smtpc_quiet - has it said nothing that it was not asked for, not even in
 * part? */
bool
smtpc_quiet(const struct smtpc *c);

/* smtpc_quit - say goodbye; legal in SMTPC_S_READY */
void
smtpc_quit(struct smtpc *c);

/* smtpc_verdict - the last reply as a verdict
 *
 * 2xx is K, 5xx D, all else Z, and what is stray too. The text is "HOST said:
 * 550 5.1.1 text (#5.1.1)"; behind a stray reply "... after 550 5.1.1 text"
 * has the refusal that came before it.
 */
void
smtpc_verdict(const struct smtpc *c, struct slice host, struct verdict *v);

/* smtpc_where - what the client is doing, for the log */
const char *
smtpc_where(const struct smtpc *c);

#endif
