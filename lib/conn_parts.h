/* conn_parts.h - what the two files of conn.h share; nobody else's
 *
 * conn.c has a connection's life, its output and what sessions call;
 * conn_input.c reads, and lends what came to the session.
 *
 * Test  tests/conn_test.c
 */
#ifndef QUAIL_LIB_CONN_PARTS_H
#define QUAIL_LIB_CONN_PARTS_H

#include "lib/conn.h"

enum {
	CONN_READ_MIN = 4 * 1024,
	CONN_READ_FIRST = 32 * 1024,
	CONN_READ_MAX = 256 * 1024,
	CONN_TURN_US = 1000,	   /* what one CONN_INPUT may take, ... */
	CONN_ROUND_US = 10 * 1000, /* ... and those of a round together; */
	CONN_TURN_LEAST_US = 100   /* but that much is everybody's */
};

/* conn_allowed - how much does the budget let it read now? */
static inline size_t
conn_allowed(const struct conn *c)
{
	return budget_allows(c->budget, c->in.len + c->out.len, c->read_max);
}

/* conn_reads - does it want to know of input? */
static inline bool
conn_reads(const struct conn *c)
{
	if (c->connecting || c->shaking || c->eof)
		return false;
	return c->close_drained || (!c->paused && conn_allowed(c) > 0);
}

/* conn_settle - its buffers have changed: tell the budget */
static inline void
conn_settle(struct conn *c)
{
	budget_move(c->budget, &c->held, c->in.cap + c->out.cap);
}

/* conn_update_wants - tell the loop what it waits for */
void
conn_update_wants(struct conn *c);

/* conn_broken - stop watching it and say so, with an errno
 *
 * Keeps    nothing: the session may have freed the struct.
 */
void
conn_broken(struct conn *c, int error);

/* conn_input - read what there is, once, and tell the session
 *
 * Keeps    nothing: the session may have freed the struct.
 */
void
conn_input(struct conn *c);

/* conn_go_on - its turn comes after conn_yield
 *
 * Keeps    nothing: the session may have freed the struct.
 */
void
conn_go_on(struct conn *c);

/* conn_more - read on in the next round: the stream itself has something */
void
conn_more(struct conn *c);

/* conn_return - it is being closed: its session has nothing lent any more */
void
conn_return(const struct conn *c);

#endif
