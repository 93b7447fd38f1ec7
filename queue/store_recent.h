/* store_recent.h - what was taken lately, kept apart from the log
 *
 * As long as a segment is there its own records tell which packages were
 * taken. Before it is given back, the pages of queue/recent.h that have its
 * keys are in files of their own:
 *
 *   queue/recent/0000002a   one record K (lib/record.h), its segment number
 *                           the page's, its salt 0; entries of 24 bytes: the
 *                           key (12), when it was taken (4) and the message's
 *                           id (8), little-endian
 *
 * A page is written beside the loop, synced, renamed over what was written of
 * it before, and the directory synced: 3 MB at most, whatever the log holds.
 * Its file is removed with the page. A start reads them all. One that is
 * damaged, or that could not be written since the disk is full, costs at most
 * a duplicate.
 *
 * Part of the store; not for others.
 * Test  tests/replay_test.c, tests/fault_test.c, tests/keys_test.c
 */
#ifndef QUAIL_QUEUE_STORE_RECENT_H
#define QUAIL_QUEUE_STORE_RECENT_H

#include "queue/store.h"

/* store_recent_load - read the files of earlier runs
 *
 * Needs    st->recent_dir, and st->recent empty.
 */
void
store_recent_load(struct store *st);

/* store_recent_keep - are this segment's keys kept apart?
 *
 * Returns  true: it may be given back; false: not yet. Then a page is being
 *          written, and st->reclaim_timer set when that is over, or another
 *          call must try again.
 */
bool
store_recent_keep(struct store *st, const struct segment *s);

/* store_recent_turn - forget what is too old, and remove its files */
void
store_recent_turn(struct store *st);

/* store_recent_close - wait for what is being written, and free */
void
store_recent_close(struct store *st);

#endif
