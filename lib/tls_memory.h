/* tls_memory.h - sessions that may be taken up again (resumption)
 *
 * A second connection between the same two then costs a twentieth of the
 * arithmetic. Both sides may keep such sessions, each in a memory of its own
 * with a fixed number of places: the one that was not used for longest, of
 * a few that compete for its place, makes room.
 *
 * What was proved in the handshake stays bound to the session:
 *
 *   A server keeps with each session whether the client had proved to have
 *   a key, and which. A session that is taken up again has that same peer
 *   (tls_peer), never one that is left over from somebody else. It is bound
 *   to the server's own key: with another one it is not known.
 *
 *   A client looks for a session under a digest of all that it would check:
 *   the pin, or the name and the roots; its own key; the place. Where one
 *   of them is different there is no session, and the handshake is a full
 *   one, with every check.
 *
 * What the tables say about a pin is asked anew for every connection; that
 * is not part of a session.
 *
 * Source  RFC 5246 (7.3, 7.4.1.2, F.1.4)
 * Test    tests/tls_memory_test.c, tests/tls.t
 */
#ifndef QUAIL_LIB_TLS_MEMORY_H
#define QUAIL_LIB_TLS_MEMORY_H

#include "lib/tls.h"

enum {
	TLS_MEMORY_S = 3600, /* a session's life; RFC 5246: a day at most */
	TLS_MEMORY_SERVER = 4096, /* places that suit a front end: 800 KB */
	TLS_MEMORY_CLIENT = 512	  /* ... and an agent */
};

struct tls_memory;

/* tls_memory_new - with places for max sessions, rounded up to a multiple
 * of 8
 *
 * Takes    life_s: how long after its full handshake a session is good.
 * Owns     tls_memory_close wipes and frees it, when no stream uses it.
 */
struct tls_memory *
tls_memory_new(size_t max, unsigned life_s);

void
tls_memory_close(struct tls_memory *m);

/* tls_memory_count - sessions that are kept; some of them may be too old */
size_t
tls_memory_count(const struct tls_memory *m);

/* tls_server_resumes - let the clients of m take their sessions up again
 *
 * Needs    to be called right behind tls_server.
 * Keeps    m until stream_close.
 */
void
tls_server_resumes(struct stream *s, struct tls_memory *m);

/* tls_client_resumes - take up the last session with this place, if there is
 * one and all is as it was; keep this one in its stead
 *
 * Needs    to be called right behind tls_client (and tls_protocols).
 * Takes    place: where it is connected to, by the name that the tables
 *          have for it.
 * Keeps    m until stream_close. A session whose handshake fails is
 *          forgotten, so that the next is a full one.
 */
void
tls_client_resumes(struct stream *s, struct tls_memory *m, struct slice place);

#endif
