/* callers.h - who is at the other end of a unix socket, and whom we expect
 *
 * Our starter says in the environment which user each kind of caller has, and
 * which group may connect to each of our sockets:
 *
 *   QUAIL_CALLERS  "NAME=USER NAME=USER ..."
 *   QUAIL_GROUPS   "SOCKET=GROUP SOCKET=GROUP ..."
 *
 * Users and groups are names or numbers. Without QUAIL_CALLERS there is one
 * user for all: our own, and nobody else is anybody.
 *
 * Source  unix(7), SO_PEERCRED: who made the connection, at that time
 * Test    tests/admit_test.c, tests/walls.t
 */
#ifndef QUAIL_LIB_CALLERS_H
#define QUAIL_LIB_CALLERS_H

#include "lib/slice.h"

#include <sys/types.h>

enum { CALLERS_MAX = 16 };

#define CALLERS_VARIABLE "QUAIL_CALLERS"
#define CALLERS_GROUPS	 "QUAIL_GROUPS"

struct callers {
	uid_t own;
	bool is_told; /* there is a list; without one all are our own user */
	size_t n;
	struct callers_one {
		struct slice name;
		uid_t uid;
		bool is_known; /* the system has this user */
	} all[CALLERS_MAX];
};

/* callers_uid - the user who has made this connection
 *
 * Returns  0 and *uid; -1 with errno.
 */
int
callers_uid(int fd, uid_t *uid);

/* callers_user - a user by name or by number
 *
 * Returns  0 and *uid; -1: the system has no such user.
 */
int
callers_user(struct slice user, uid_t *uid);

/* callers_read - what our starter says
 *
 * Does     dies, exit 100, when it says something else than above. A user whom
 *          the system does not have is logged, and nobody is that caller.
 * Keeps    pointers into the environment.
 */
void
callers_read(struct callers *c);

/* callers_are - may this user call as one of that name?
 *
 * The one on the list; without a list, we ourselves.
 */
bool
callers_are(const struct callers *c, const char *name, uid_t uid);

/* callers_share - let the group of this socket, if it has one, connect
 *
 * Takes    name, as in QUAIL_GROUPS; path of a socket that is ours.
 * Does     dies when there is no such group, or we are not in it.
 */
void
callers_share(const char *name, const char *path);

#endif
