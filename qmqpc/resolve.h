/* resolve.h - the addresses of a hub's name, with a deadline
 *
 * getaddrinfo(3) knows none, so a child asks it and is killed when the time
 * is up: a name server that does not answer must not keep mail from the
 * spool.
 *
 * Test  tests/leaf_test.c
 */
#ifndef QUAIL_QMQPC_RESOLVE_H
#define QUAIL_QMQPC_RESOLVE_H

#include "lib/endpoint.h"

enum { RESOLVE_MAX = 16 };

/* resolve_host - look a host up
 *
 * Takes    until_ms: on clock_ms.
 * Returns  how many addresses are in list; -1 for none, and *why says so
 *          (static text).
 */
int
resolve_host(struct slice host, uint16_t port, int64_t until_ms,
	     struct endpoint list[RESOLVE_MAX], const char **why);

#endif
