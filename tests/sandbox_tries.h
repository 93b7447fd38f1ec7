/* sandbox_tries.h - what a captured process would try; for sandbox_test.c
 *
 * Each try returns 0 when it came through, else errno. They run in a process
 * of their own, in the node's directory, and do no harm to this machine.
 */
#ifndef QUAIL_TESTS_SANDBOX_TRIES_H
#define QUAIL_TESTS_SANDBOX_TRIES_H

#include "lib/sandbox.h"

#include <sys/types.h>

#define BIT(kind) (1u << SANDBOX_##kind)
struct sandbox_try {
	const char *what;
	int (*run)(void);
	unsigned may; /* which kinds may */
	int abi;      /* of landlock, from which on it is refused */
};

/* What the tries aim at; set before them. */
struct sandbox_aims {
	pid_t parent;	     /* has an abstract socket */
	pid_t victim;	     /* another process of the same user */
	unsigned short port; /* somebody listens there, at 127.0.0.1 */
	int listener;	     /* a socket that listens, anew for each try */
	int log;	     /* a file that each try has as its descriptor 2 */
	const char *outside; /* a directory that is not the node's */
	char secret[16];     /* the same address in the victim */
};

extern struct sandbox_aims aims;

extern const struct sandbox_try sandbox_tries[];
extern const unsigned n_sandbox_tries;

#endif
