/* control.h - the control socket: answering the operator
 *
 * Listens on run/control, for the queue's own user. Each connection asks one
 * thing at a time; answers stream, a slice a round, only as fast as they
 * are read. When CONTROL_SESSIONS are there, another one takes the place of
 * one that makes no progress (control_victim.h).
 *
 * Source  doc/quail-control.7
 * Test    tests/control_test.c, tests/queue_cmd.t
 */
#ifndef QUAIL_QUEUE_CONTROL_H
#define QUAIL_QUEUE_CONTROL_H

#include "lib/server.h"
#include "queue/control_view.h"

enum {
	CONTROL_SESSIONS = 16,
	CONTROL_IDLE_MS = 300000 /* without a request, or a byte read */
};

struct admit;
struct control_link;

struct control {
	struct loop *loop;
	struct server server;
	struct control_source source;
	struct control_link *links;
	/* Who has connected? false: it must go. NULL: anybody may ask. */
	bool (*admits)(struct control *c, int fd);
	struct admit *admit; /* admits' */
};

/* control_init - serve the control socket; set admits behind it
 *
 * Takes    schedule, which stays; path of the socket, unless our starter
 *          handed one over as "control".
 */
void
control_init(struct control *c, struct loop *loop, struct schedule *schedule,
	     const char *path);

/* control_close - drop all connections, listen no more */
void
control_close(struct control *c);

#endif
