/* in_session.h - one SMTP client: what may come when, and what is answered
 *
 *   state     entered                    and then
 *   READY     greeted, or a verdict told commands, in order of the replies
 *   TEXT      DATA answered 354          text goes to the door as it comes
 *   WAIT      the text is over           nothing is read until the verdict
 *   CLOSING   QUIT, 421, or a refusal    the last reply goes out
 *
 * In READY the envelope says which command may come: no sender yet (MAIL),
 * a sender (RCPT), recipients (RCPT, DATA).
 *
 * Nobody gets a 250 for a message before the queue's K. Trouble of ours is
 * a 4xx. What comes before it may come (anything behind EHLO or DATA in one
 * write, anything before the greeting) is answered 554 and ends the session:
 * that is how text is made to look like commands.
 *
 * Test  tests/smtpd_test.c (the machine), tests/smtp_in.t (the program)
 */
#ifndef QUAIL_SMTP_IN_SESSION_H
#define QUAIL_SMTP_IN_SESSION_H

#include "lib/pace.h"
#include "smtp-gateway/in.h"
#include "smtp-gateway/smtpd.h"

enum {
	IN_ERRORS_MAX = 20,    /* 4xx and 5xx since the last good message */
	IN_COMMANDS_MAX = 200, /* commands without a good message */
	IN_LINE_MAX = 65536,   /* bytes of a line that are skipped */
	IN_WORK = 64,	       /* commands in a round, of a stranger ... */
	IN_WORK_RIGHT = 1024,  /* ... and of who has the right to relay */
	IN_BEGIN_MS = 5000,    /* to wait for a queue that gives no ids */
	IN_AWAY_MS = 500,      /* ... that is not there: it may be back */
	IN_FINISH_MS = 10000   /* to write out the last reply */
};

enum in_state { IN_READY, IN_TEXT, IN_WAIT, IN_CLOSING };

struct in_session {
	struct in *in;
	struct in_session *prev, *next;
	struct conn conn;
	struct smtpd smtpd;
	struct door_message message;
	struct endpoint peer;
	struct server_guest guest; /* while it has no right here */
	uint64_t number;	   /* of the connection, for the door */
	struct pace pace;
	bool inside; /* of a message, or a line */
	size_t left; /* bytes that have been counted, and wait */
	size_t n_skipped;
	size_t held; /* of the envelope, for the budget */
	const struct server_socket *balanced; /* see server.h */
	uint64_t tables; /* of which generation it was looked at */
	unsigned rights; /* as they were at MAIL */
	uint64_t most;	 /* bytes of a message, for this client */
	enum in_state state;
	bool greeted, esmtp; /* HELO or EHLO; EHLO */
	bool has_sender;
	bool stalled; /* the door is full, or has no id for us: no reading */
	bool begins;  /* DATA has no answer yet */
	bool too_big;
	bool last; /* no more after this message */
	struct buf helo;
	struct buf envelope; /* the sender and recipients, a NUL behind each */
	struct buf late;     /* a verdict's reply that came before the end */
	size_t n_rcpts;
	uint64_t size; /* of the text, so far */
	unsigned errors, commands;
};

/* in_session_start_take - greet a client
 *
 * Owns     fd. The session frees itself and tells in_left.
 */
void
in_session_start_take(struct in *in, int fd, const struct endpoint *peer);

/* in_session_room - the door has room again */
void
in_session_room(struct in_session *s);

/* in_session_stop - end soon: now, or when the message in hand is done */
void
in_session_stop(struct in_session *s);

#endif
