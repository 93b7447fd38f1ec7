/* in_command.h - the commands of a session: may it come now? do it
 *
 * What in_session.c and in_command.c say to each other; nobody else's.
 */
#ifndef QUAIL_SMTP_IN_COMMAND_H
#define QUAIL_SMTP_IN_COMMAND_H

#include "smtp-gateway/in_session.h"

/* in_command - answer s->smtpd.command
 *
 * Takes    more: bytes behind the command have come already.
 */
void
in_command(struct in_session *s, bool more);

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

/* in_text_begin - begin a message at the door, its trace line first, and
 * answer DATA; or wait a little for the door, and answer then */
void
in_text_begin(struct in_session *s);

#endif
