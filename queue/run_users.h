/* run_users.h - which user each daemon of quail run is, and which group may
 * connect to which socket
 *
 * As root, where the system has all users that packaging/sysusers.d names,
 * each daemon is its own; else all are who we are, and that is said once.
 *
 * Test  tests/walls.t
 */
#ifndef QUAIL_QUEUE_RUN_USERS_H
#define QUAIL_QUEUE_RUN_USERS_H

#include "lib/buf.h"

#include <sys/types.h>

enum { RUN_GROUPS_MAX = 16 };

/* All that a process becomes. */
struct run_user {
	const char *name;
	uid_t uid;
	gid_t gid;
	gid_t groups[RUN_GROUPS_MAX];
	int n_groups;
};

struct run_users {
	bool are_many; /* each daemon is a user of its own */
	gid_t door, agent;
	struct buf callers; /* for QUAIL_CALLERS, with a NUL */
};

/* run_users_find - ask the system; logs why there is but one
 *
 * QUAIL_ONE_USER in the environment asks for one.
 */
void
run_users_find(struct run_users *u);

/* run_users_get - one user; false: the system has none of that name */
bool
run_users_get(const char *name, struct run_user *user);

/* run_users_become - be that user, in a child; dies if it cannot */
void
run_users_become(const struct run_user *user);

/* run_users_weaken - root without its powers, for who reads foreign bytes and
 * writes nothing; in a child. Does nothing for others than root.
 */
void
run_users_weaken(void);

/* run_users_reach - can that user enter this directory, or run this file? */
bool
run_users_reach(const struct run_user *user, const char *path);

/* run_users_share - give the socket at path, called name ("door", "agent" or
 * "control"), to the queue's user and the group that may connect
 *
 * Takes    queue: of the queue, or of whoever serves the door.
 * Returns  0; -1 with errno.
 */
int
run_users_share(const struct run_users *u, const struct run_user *queue,
		const char *name, const char *path);

/* run_users_hand - give a directory and what is in it to a user
 *
 * What a first run as root has left, or another version's user, or whoever
 * ran the node before; said once if there was any. Links are not followed,
 * nor files given away that have another name too. In a directory that is the
 * user's already, and one floor below, only what is there is looked at. What is
 * neither root's nor of the directory's former owner stays as it is.
 * Takes    is_shared: others put files there, which stay their owners', root's
 *          too, but for the group if they have the directory's; it is left
 *          alone if it is the user's already.
 * Returns  how many. Dies when it cannot.
 */
size_t
run_users_hand(const char *path, const struct run_user *user, bool is_shared);

#endif
