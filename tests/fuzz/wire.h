/* wire.h - connections without a kernel, for what sits on lib/conn.h
 *
 * Linked in place of lib's conn, loop, server and log: a connection is its
 * two buffers, timers and tasks only remember that they are set. The harness
 * puts bytes in and takes what came out.
 */
#ifndef QUAIL_TESTS_FUZZ_WIRE_H
#define QUAIL_TESTS_FUZZ_WIRE_H

#include "lib/conn.h"
#include "lib/server.h"

/* wire_input - bytes arrive; the connection may be gone afterwards
 *
 * c->in ends where its memory ends, so that a sanitizer sees a step too far.
 */
void
wire_input(struct conn *c, struct slice bytes);

/* wire_end - the peer is gone */
void
wire_end(struct conn *c);

/* wire_out - take what was written: append it to *to */
void
wire_out(struct conn *c, struct buf *to);

/* wire_accept - a connection for a server; NULL when it takes none
 *
 * Returns  the connection that it opened.
 */
struct conn *
wire_accept(struct server *s);

/* wire_opened - the connection that was opened last */
struct conn *
wire_opened(void);

#endif
