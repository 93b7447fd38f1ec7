/* store_pause.h - what an operator says of a message, kept over restarts
 *
 * Part of the store, beside its outcomes.
 *
 * Test  tests/control_test.c
 */
#ifndef QUAIL_QUEUE_STORE_PAUSE_H
#define QUAIL_QUEUE_STORE_PAUSE_H

#include "queue/store.h"

/* store_pause - record that a message is held, or is so no more
 *
 * True in memory at once, on disk with the next batch (store_pause_sync).
 * Returns  0; -1 with errno: nothing has changed.
 */
int
store_pause(struct store *st, struct message *m, bool is_paused);

/* store_pause_sync - make all that was said durable now
 *
 * Returns  0; -1: some of it is not, and waits for the disk.
 */
int
store_pause_sync(struct store *st);

#endif
