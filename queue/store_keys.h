/* store_keys.h - what was taken lately, over restarts
 *
 * The keys of queue/recent.h ride in the log: an M carries its own. Before a
 * segment is given back they are kept apart: queue/store_recent.h.
 *
 * Part of the store; not for others.
 * Test  tests/replay_test.c
 */
#ifndef QUAIL_QUEUE_STORE_KEYS_H
#define QUAIL_QUEUE_STORE_KEYS_H

#include "queue/store_load.h"

/* store_keys_open - find, or make, the queue's own hash key
 *
 * Dies     when the file queue/key cannot be read or made.
 */
void
store_keys_open(struct store *st);

/* store_keys_read - find it, without making one; -1 when there is none */
int
store_keys_read(struct store *st);

/* store_salt - the salt of a segment
 *
 * Made from the queue's key, so that who knows only the mail cannot write
 * records, and one whose first record is damaged is not lost with it.
 */
uint32_t
store_salt(const struct store *st, uint32_t segno);

/* store_keys_load - be able to tell what the old segments say was taken
 * lately
 *
 * Before the first message is taken. A sealed segment's keys are looked for
 * in its file until it is loaded; what is not sealed is scanned; what was
 * last written too long ago is passed over.
 */
void
store_keys_load(struct store *st);

/* store_keys_take - remember the keys among an index's lines */
void
store_keys_take(struct store *st, struct slice lines);

/* store_keys_record - remember the keys that a record tells */
void
store_keys_record(struct store *st, const struct record *r,
		  struct slice payload);

#endif
