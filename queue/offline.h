/* offline.h - looking at a queue's files while no daemon runs
 *
 * Nothing is written, locked or synced; the segments are read as a start
 * reads them, by the same code. What only the daemon knows is not there:
 * attempts, answers, times.
 *
 * Test  tests/queue_cmd.t
 */
#ifndef QUAIL_QUEUE_OFFLINE_H
#define QUAIL_QUEUE_OFFLINE_H

#include "queue/control_view.h"

struct offline {
	struct loop loop;
	struct store store;
	struct config config;
	struct holds holds;
	struct ages ages;
	struct control_source source; /* for struct control_run */
};

/* offline_open - read the queue of the node in the current directory
 *
 * Dies     with one line when it cannot be read.
 */
void
offline_open(struct offline *o);

void
offline_close(struct offline *o);

#endif
