/* admit.h - who may call the queue, and as what
 *
 * Each front end and each agent has a user of its own (lib/callers.h), and
 * nobody else is let in: not root either, who has no business at the door. The
 * table agents gives a site's own agents theirs; one that it gives none is
 * the queue's own user. Where all of a node runs as one user, that one may do
 * everything.
 *
 * A stranger's connection is closed without a word; event=stranger says so, the
 * first of each reason, then a count a minute (lib/often.h).
 *
 * Test  tests/admit_test.c, tests/walls.t
 */
#ifndef QUAIL_QUEUE_ADMIT_H
#define QUAIL_QUEUE_ADMIT_H

#include "cdb/config.h"
#include "lib/callers.h"
#include "queue/claims.h"

enum {
	ADMIT_DOOR_MAX = 64, /* connections of one front end's user, ... */
	ADMIT_AGENT_MAX = 64 /* ... and of one agent's */
};

enum admit_socket { ADMIT_DOOR, ADMIT_AGENT, ADMIT_CONTROL };

struct admit {
	struct callers callers;
	const struct config *config;
	/* The users whom the table agents has had since the start, as far as
	 * the system has them. */
	struct buf users;
};

/* admit_init - by what our starter says, and these tables, which stay */
void
admit_init(struct admit *a, const struct config *c);

/* admit_tables - the tables have changed: who are the users of agents now?
 *
 * A user who came to the system after our start may be out of sight by then;
 * event=caller-unknown says so.
 */
void
admit_tables(struct admit *a);

void
admit_free(struct admit *a);

struct intake;
struct dispatch;
struct control;

/* admit_guard - from now on these three let in only whom *a does */
void
admit_guard(struct admit *a, struct intake *in, struct dispatch *d,
	    struct control *c);

/* admit_door, admit_agent, admit_control - who has connected?
 *
 * Returns  ADMIT_ bits of the front ends that it may be; true: one of the
 *          agents', or an operator. 0 or false: close it; that has been
 *          logged. *uid in any case but where nobody can be asked.
 */
unsigned
admit_door(struct admit *a, int fd, uid_t *uid);

bool
admit_agent(struct admit *a, int fd, uid_t *uid);

bool
admit_control(struct admit *a, int fd);

/* admit_crowd - has a user n connections, and so no right to another one?
 *
 * Not where one user is all of us. What is refused has been logged.
 */
bool
admit_crowd(struct admit *a, enum admit_socket socket, uid_t uid, size_t n);

/* admit_hello - may this agent serve the next hops of that name?
 *
 * Takes    n: processes that serve them already.
 * Returns  NULL; else why not.
 */
const char *
admit_hello(const struct admit *a, uid_t uid, struct slice name, size_t n);

/* admit_refuse - log it, as above
 *
 * Takes    why, a text that stays.
 */
void
admit_refuse(enum admit_socket socket, uid_t uid, struct slice as,
	     const char *why);

#endif
