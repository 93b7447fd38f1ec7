/* store_seal.h - the index and the seal of a full segment, written beside the
 * loop
 *
 * When a segment is full the next one is begun, and what the full one holds is
 * put in order, written behind its last record as E, synced, and sealed with F:
 * 14 MB for small messages, 100 ms. A thread does it, one segment at a time.
 * Until it has ended the segment is not given back; where the process dies
 * before, it is scanned.
 *
 * Part of the store; not for others.
 * Test  tests/replay_test.c, tests/fault_test.c
 */
#ifndef QUAIL_QUEUE_STORE_SEAL_H
#define QUAIL_QUEUE_STORE_SEAL_H

#include "queue/store.h"

void
store_seal_init(struct store *st);

/* store_seal - seal the current segment; nothing more is written to it
 *
 * Takes    st->index, which is empty then. Waits for the end of the last one,
 *          if that is still being sealed.
 */
void
store_seal(struct store *st);

/* store_seal_wait - wait until none is being sealed */
void
store_seal_wait(struct store *st);

/* store_seal_close - the same, for good */
void
store_seal_close(struct store *st);

#endif
