/* in_parts.h - what the three parts of a session say to each other
 *
 *   in_session.c   the connection: input, time-outs, the last line
 *   in_command.c   the commands: may it come now? do it
 *   in_text.c      the message: from DATA to the verdict's reply
 *
 * Nobody else's.
 */
#ifndef QUAIL_SMTP_IN_PARTS_H
#define QUAIL_SMTP_IN_PARTS_H

#include "smtp-gateway/in_session.h"

/* in_session.c */

/* in_reply - one line, without its CR LF */
void
in_reply(struct in_session *s, const char *text);

/* in_error - the same, and count it; too many end the session */
void
in_error(struct in_session *s, const char *text);

/* in_finish - the last line of the session */
void
in_finish(struct in_session *s, const char *text);

/* in_forget_mail - no sender, no recipients */
void
in_forget_mail(struct in_session *s);

/* in_charge - tell the budget that the envelope has grown or gone */
void
in_charge(struct in_session *s);

/* in_wait_for_peer - we have kept it waiting until now: set the time-out for
 * its next byte */
void
in_wait_for_peer(struct in_session *s);

/* in_stall - read no more until in_go_on, or for ms milliseconds (0: for
 * as long as it takes) */
void
in_stall(struct in_session *s, int64_t ms);

void
in_go_on(struct in_session *s);

/* in_log_open - log_open, unless this client may not relay and has caused
 * enough of these (often.h) */
bool
in_log_open(const struct in_session *s, const char *event, const char *why,
	    unsigned n);

/* in_log_peer - client=ADDRESS, inside a line of the log */
void
in_log_peer(const struct in_session *s);

/* in_command.c */

/* in_command - answer s->smtpd.command
 *
 * Takes    more: bytes behind the command have come already.
 */
void
in_command(struct in_session *s, bool more);

/* in_text.c */

/* in_text_begin - begin a message at the door, its trace line first, and
 * answer DATA; or wait a little for the door, and answer then */
void
in_text_begin(struct in_session *s);

/* in_no_queue - answer a DATA that has waited in vain */
void
in_no_queue(struct in_session *s);

/* in_text - hand s->smtpd.text over */
void
in_text(struct in_session *s);

/* in_text_end - commit, or say why not */
void
in_text_end(struct in_session *s);

#endif
