/* sandbox.h - give up, for good, what a daemon never needs
 *
 * Three parts, each by the kernel, each for this process alone and for ever:
 *
 *   no_new_privs   no program that it runs gains anything by setuid
 *   landlock       files, by where they are; TCP ports, signals and abstract
 *                  sockets too where the kernel is new enough
 *   seccomp        system calls, by a list (sandbox_calls.c): any other fails
 *                  with EPERM; execve, ptrace and their like end the process
 *
 * What a file's path has no part in is not landlock's: descriptors that are
 * open keep their rights, and a unix socket is reached by the rights of its
 * file alone.
 *
 * Built with a sanitizer, nothing is given up: that needs more calls.
 *
 * Source  https://docs.kernel.org/userspace-api/landlock.html, seccomp(2)
 * Test    tests/sandbox_test.c, tests/sandbox.t
 */
#ifndef QUAIL_LIB_SANDBOX_H
#define QUAIL_LIB_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum sandbox_kind {
	SANDBOX_FRONT,	  /* reads; accepts; talks to a unix socket */
	SANDBOX_OUT,	  /* reads; talks to the network and to DNS */
	SANDBOX_QUEUE,	  /* writes files; accepts from unix sockets */
	SANDBOX_MAILDIR,  /* writes files; talks to a unix socket */
	SANDBOX_LEAFDOOR, /* writes files; accepts from unix sockets */
	SANDBOX_DRAIN,	  /* writes files; network; forks to resolve names */
	SANDBOX_KINDS
};

enum sandbox_may {
	SANDBOX_READ,	/* read the file, or those below the directory */
	SANDBOX_WRITE,	/* and list, make, change, rename and remove them */
	SANDBOX_SCRATCH /* files without a name (O_TMPFILE) in the directory */
};

struct sandbox_path {
	const char *path;
	enum sandbox_may may;
};

/* What the kernel gave. */
struct sandbox {
	bool no_new_privs, seccomp;
	int landlock;			   /* its ABI; 0: none */
	int landlock_errno, seccomp_errno; /* why not; 0: too old */
};

/* sandbox_files - the first half: no_new_privs and landlock
 *
 * A thread that is made later has the same rights, one that there is already
 * keeps its own: so call it before any is made.
 *
 * Takes    paths of what is there; others are passed over.
 * Returns  *s, seccomp being false.
 */
void
sandbox_files(struct sandbox *s, enum sandbox_kind kind,
	      const struct sandbox_path *paths, size_t n);

/* sandbox_calls - the second half: seccomp
 *
 * QUAIL_SANDBOX=kill in the environment ends the process at a call
 * that is not in the list, in place of EPERM: for tests.
 */
void
sandbox_calls(struct sandbox *s, enum sandbox_kind kind);

/* sandbox_is_whole - has the kernel given all parts? */
bool
sandbox_is_whole(const struct sandbox *s);

/* sandbox_missing - which part has it not given, and who refuses it?
 *
 * Takes    s of which sandbox_is_whole is false.
 */
const char *
sandbox_missing(const struct sandbox *s);

/* sandbox_is_built - is this program one that can be in it at all? */
bool
sandbox_is_built(void);

#endif
