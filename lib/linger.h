/* linger.h - closing a socket without taking the last reply away
 *
 * Whoever closes a TCP socket while the peer still sends resets the
 * connection, and the peer's system then throws away what it has not read
 * yet: our reply. So the end of our side is told, and what still comes is
 * read and dropped, until the peer closes, for LINGER_MS, or for
 * LINGER_BYTES, whichever is first.
 *
 * One set a process. It lies outside of all sessions: theirs are over. When
 * LINGER_MAX sockets are in it, or as many as linger_limit allows, the next
 * one is closed at once.
 *
 * Source  RFC 9112 section 9.6 says the same of HTTP; RFC 1122 section
 *         4.2.2.13
 * Test    tests/conn_test.c
 */
#ifndef QUAIL_LIB_LINGER_H
#define QUAIL_LIB_LINGER_H

#include "lib/loop.h"

enum {
	LINGER_MAX = 1024,
	LINGER_SHARE = 4, /* of a server's descriptors one in so many */
	LINGER_MS = 5000,
	LINGER_BYTES = 64 << 20
};

/* linger_take - close a connected, non-blocking socket so
 *
 * Owns     fd. A peer that has closed already, or is no socket, is let go
 *          at once.
 */
void
linger_take(struct loop *loop, int fd);

/* linger_limit - no more than n at a time from now on */
void
linger_limit(size_t n);

/* linger_most - how many there may be */
size_t
linger_most(void);

/* linger_n - how many there are */
size_t
linger_n(void);

/* linger_end - close all now; needs the loop that they were given with */
void
linger_end(void);

#endif
