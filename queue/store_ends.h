/* store_ends.h - how far the log is durable, in a file beside it
 *
 * A segment that is cut short, or whose tail is zeros, looks like one whose
 * last batch never ended. Of most the next segment's first record says how
 * long they were; of a run's last one nothing in the log can. So the file
 * queue/ends says it, of those:
 *
 *   quail-ends 1
 *   6b02093a 000000000001a6f0
 *   end
 *
 * The log was synced up to there at least, so an old file says too little and
 * never too much. One that is damaged says nothing. It is written when the
 * queue has been loaded, at an orderly stop, and every ten minutes while there
 * is mail.
 *
 * Part of the store; not for others.
 * Test  tests/find_test.c
 */
#ifndef QUAIL_QUEUE_STORE_ENDS_H
#define QUAIL_QUEUE_STORE_ENDS_H

#include "queue/store.h"

/* store_ends_read - read the file into st->ends
 *
 * Needs    st->dir.
 */
void
store_ends_read(struct store *st);

/* store_ends_of - how far a segment was durable, as the file said; 0: it said
 * nothing of it */
uint64_t
store_ends_of(const struct store *st, uint32_t segno);

/* store_ends_drop - nothing more is to be said of that segment */
void
store_ends_drop(struct store *st, uint32_t segno);

/* store_ends_look - write the file, if it is time; call it once a second */
void
store_ends_look(struct store *st);

/* store_ends_write - write the file, if there is mail
 *
 * Needs    everything loaded. A failure is logged, once.
 */
void
store_ends_write(struct store *st);

#endif
