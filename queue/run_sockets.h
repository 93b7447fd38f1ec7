/* run_sockets.h - the listening sockets that quail run holds for its daemons
 *
 * Test  tests/run.t
 */
#ifndef QUAIL_QUEUE_RUN_SOCKETS_H
#define QUAIL_QUEUE_RUN_SOCKETS_H

#include "cdb/config.h"

enum { RUN_SOCKETS_MAX = 64, RUN_ADDRESS_MAX = 64 };

struct run_socket {
	int fd;
	const char *name;	  /* the protocol, or "door" and its like */
	char at[RUN_ADDRESS_MAX]; /* address and port, or path */
};

/* In the order of the listen lines of each protocol: inherited_socket counts
 * them. */
struct run_sockets {
	size_t n;
	struct run_socket all[RUN_SOCKETS_MAX];
};

/* run_sockets_bind - hold exactly what the configuration asks for
 *
 * What is held already stays as it is, so that no client notices.
 * Returns  0; -1 when one cannot be bound: what and why is logged, and *s is
 *          as it was.
 */
int
run_sockets_bind(struct run_sockets *s, const struct config *c);

/* run_sockets_heal - bind anew what does not listen any more
 *
 * A daemon that was captured can have shut it down, where the kernel has no
 * seccomp: the next one would hear nobody.
 * Returns  whether there was any; each is logged.
 */
bool
run_sockets_heal(struct run_sockets *s);

/* run_sockets_deafen - close those of the network: who calls is refused
 *
 * Those in run/ stay.
 */
void
run_sockets_deafen(struct run_sockets *s);

/* run_sockets_close - close all, and remove the unix sockets' files */
void
run_sockets_close(struct run_sockets *s);

#endif
