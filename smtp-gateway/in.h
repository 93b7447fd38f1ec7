/* in.h - "smtp-gateway in": mail from the Internet to the queue's door
 *
 * One process, one loop, one door for all sessions. Talks to: the network,
 * the door. Writes: nothing.
 */
#ifndef QUAIL_SMTP_IN_H
#define QUAIL_SMTP_IN_H

#include "cdb/service.h"
#include "lib/door.h"

struct in_session;

struct in {
	struct loop *loop;
	struct config *config;
	struct door door;
	struct server server;
	struct service service;
	struct in_session *first;
	uint64_t n_begun; /* sessions so far */
	bool stopping;
};

/* in_start - listen wherever the configuration says "listen smtp"
 *
 * Needs    *in all zero; all three stay in place.
 * Does     dies with exit 100 when there is no such line.
 */
void
in_start(struct in *in, struct loop *loop, struct config *config);

/* in_stop - accept no more; idle sessions get 421, the others after their
 * message. Stops the loop when the last is gone. */
void
in_stop(struct in *in);

/* in_left - this client's session is over (told by in_session.c) */
void
in_left(struct in *in, const struct endpoint *peer);

/* in_refresh - take up a new configuration if there is one */
void
in_refresh(struct in *in);

#endif
