/* judge.h - what a server's refusal means for the mail
 *
 * The letter of a reply says K, D or Z; but a 5xx may be about how we are set
 * up, and a Z about the host and not about the mail. Then another host may
 * take it.
 *
 *   what was said                                      becomes
 *   421, at any time                                   Z, about LESS
 *   5xx that asks for TLS or for a login, or does      Z, about HOST
 *   not like our EHLO
 *   500, 502, 503, 504 to MAIL, RCPT or DATA           Z, about HOST, at the
 *                                                      first attempt; then D
 *   5xx of a smarthost that speaks of login, TLS or    Z, about HOST
 *   relaying
 *   4xx of a recipient or his mailbox (450, 4.1.x,     Z, about MAIL
 *   4.2.x), of policy (4.7.x)
 *   any other 4xx, no SMTP, stray replies              Z, about HOST
 *
 * Too many recipients: the others may have a transaction of their own.
 *
 * Source  RFC 5321 sections 4.2 and 4.5.3.1.10; RFC 3463; RFC 4954 section 6
 * Test    tests/judge_test.c
 */
#ifndef QUAIL_SMTP_JUDGE_H
#define QUAIL_SMTP_JUDGE_H

#include "smtp-gateway/smtpc.h"

enum judge_at {
	JUDGE_MAIL, /* a reply to MAIL or DATA, or to none */
	JUDGE_RCPT,
	JUDGE_TEXT
};

struct judge {
	enum judge_at at;
	bool is_smarthost; /* the tables name it */
	bool again;	   /* it is not the first attempt for this message */
};

/* judge - the last reply as a verdict
 *
 * As smtpc_verdict, with what it is about.
 */
void
judge(const struct smtpc *c, struct slice host, struct judge how,
      struct verdict *v);

/* judge_too_many - does this reply to RCPT say that there have been enough?
 *
 * Needs    a reply that is no 2xx.
 * Returns  true for a 452 or 552 behind a recipient that was taken, unless
 *          its status speaks of a mailbox or of the system.
 */
bool
judge_too_many(const struct smtpc *c);

/* judge_elsewhere - may another host of the same domain be asked now?
 *
 * Takes    again: it is not the first attempt for this message.
 * Returns  false for a K or D; at a first attempt also for 421 and 4.7.x,
 *          which big receivers do not like to be answered so, and for what a
 *          mailbox says (4.2.x).
 */
bool
judge_elsewhere(const struct verdict *v, bool again);

#endif
