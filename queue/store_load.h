/* store_load.h - the store's inner parts: start, commit, reclaim
 *
 * For the store's own files (store.c, store_load.c, store_reclaim.c).
 */
#ifndef QUAIL_QUEUE_STORE_LOAD_H
#define QUAIL_QUEUE_STORE_LOAD_H

#include "queue/entry.h"
#include "queue/store_commit.h"

/* store_load_find - open the old segments, oldest first, into st->oldest
 *
 * Returns  the highest segment number seen, 0 for none.
 */
uint32_t
store_load_find(struct store *st);

/* store_load_true - before a segment without an index is read
 *
 * It ended with a process that died. What that one wrote last may be in
 * memory only, so it is synced; and if it died of a failed sync, it may be
 * readable from memory, and no sync will ever write it: what is read next
 * is what the disk has.
 */
void
store_load_true(struct segment *s);

/* store_load_start - begin loading in the background */
void
store_load_start(struct store *st);

/* store_load_m, store_load_s - an M at offset in s, an outcome, was found */
void
store_load_m(struct store *st, struct segment *s, uint64_t offset,
	     const struct entry_m *entry);

void
store_load_s(struct store *st, uint64_t id, uint32_t rcpt);

/* store_load_p - a P was found; those of messages that are over are many */
void
store_load_p(struct store *st, uint64_t id, bool is_paused);

/* store_put_m - append an M record to the next batch
 *
 * Needs    room for it (store_make_room).
 * Returns  its place in the batch: current->end plus this is its offset.
 */
size_t
store_put_m(struct store *st, const struct entry_m *entry, struct slice env,
	    struct slice text);

/* store_put_late - outcomes that found no segment try again */
void
store_put_late(struct store *st);

/* store_enter - a message whose record is at offset in s becomes known */
struct message *
store_enter(struct store *st, struct segment *s, uint64_t offset,
	    const struct entry_m *entry);

/* store_leave - forget a message, without a record */
void
store_leave(struct store *st, struct message *m);

/* store_place - its record is there now (s NULL: nowhere) */
void
store_place(struct message *m, struct segment *s, uint64_t offset,
	    uint32_t env_len);

/* store_footprint - bytes of its record */
uint64_t
store_footprint(const struct message *m);

/* store_mark - set a recipient's bit; true when all are set now */
bool
store_mark(struct message *m, uint32_t index);

/* store_reclaim_init - the timer by which store_reclaim goes on */
void
store_reclaim_init(struct store *st);

/* store_make_room - let the next record of size bytes fit
 *
 * Commits and begins a new segment when the current one is full.
 * Returns  0; -1 with errno.
 */
int
store_make_room(struct store *st, size_t size);

#endif
