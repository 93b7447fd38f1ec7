/* sandbox_parts.h - what the files of the sandbox share; not for others
 *
 * Numbers and layouts of the kernel's are ours: the headers of a libc may be
 * older than the kernel, and the static leaf has none of linux/.
 */
#ifndef QUAIL_LIB_SANDBOX_PARTS_H
#define QUAIL_LIB_SANDBOX_PARTS_H

#include "lib/sandbox.h"

#include <stdint.h>

/* Those machines whose calls we know by their numbers, and the kernel's word
 * for each. */
#if defined(__x86_64__) && defined(__LP64__)
#define SANDBOX_MACHINE 0xc000003eu
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define SANDBOX_MACHINE 0xc00000b7u
#endif

/* How a call of a list is looked at. */
enum sandbox_how {
	SANDBOX_ANY,	    /* whatever its arguments */
	SANDBOX_NO_CODE,    /* its third is no PROT_EXEC */
	SANDBOX_OWN,	    /* its first is our process, or 0 */
	SANDBOX_LOCAL,	    /* a unix socket, a stream */
	SANDBOX_NETWORK,    /* the same, or TCP or UDP */
	SANDBOX_UNSENT,	    /* its second asks how much is in a socket */
	SANDBOX_FLAGS,	    /* its second asks for flags, or is FD_CLOEXEC's */
	SANDBOX_PLAIN_MODE, /* its second is no mode that gives rights */
	SANDBOX_PLAIN_OPEN, /* its fourth is none, if its third makes a file */
	SANDBOX_PLAIN_OPEN_OLD, /* the same, its third and second */
	SANDBOX_NOT_THE_LOG,	/* its first is none of 0, 1 and 2 */
	SANDBOX_NO_LISTENER,	/* its first is no socket that listens */
	SANDBOX_OPTION,		/* the same, and it sets one of a few options */
	SANDBOX_TO_KILL,	/* its second is SIGKILL */
	SANDBOX_FORK,		/* no new namespace, no shared memory */
	SANDBOX_THREAD,		/* a thread, and no process */
	SANDBOX_NO_SUCH,	/* says ENOSYS, so that another is tried */
	SANDBOX_DEADLY		/* ends the process */
};

struct sandbox_call {
	uint16_t number;
	uint8_t kinds; /* a bit for each sandbox_kind */
	uint8_t how;
};

/* sandbox_list - all calls of all kinds, those first that are made most */
const struct sandbox_call *
sandbox_list(size_t *n);

/* A word of the program that the kernel runs at each call. */
struct sandbox_op {
	uint16_t code;
	uint8_t yes, no;
	uint32_t k;
};

enum { SANDBOX_OPS_MAX = 1024 };

struct sandbox_program {
	struct sandbox_op ops[SANDBOX_OPS_MAX];
	size_t n;
};

/* Those descriptors that listen, when the program is written: our starter has
 * them too, and gives them to the next process. */
enum { SANDBOX_LISTENERS_MAX = 64 };

struct sandbox_listeners {
	int fds[SANDBOX_LISTENERS_MAX];
	size_t n;
};

/* sandbox_write - the program for a kind
 *
 * Takes    kills: a call that is not in the list ends the process.
 * Returns  false where the machine is not known.
 */
bool
sandbox_write(struct sandbox_program *p, enum sandbox_kind kind,
	      const struct sandbox_listeners *listeners, bool kills);

#endif
