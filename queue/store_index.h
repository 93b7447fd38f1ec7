/* store_index.h - the index at the end of a sealed segment
 *
 * A sealed segment ends with a record E, which says of each message record
 * and outcome in the segment what a start needs to know, and a record F of
 * fixed size, which says where E is. A start reads F and E instead of all
 * the mail, and may look a key up in E before it has read it: so E is
 * synced before F is written. A segment whose F is missing, or whose E is
 * damaged, is scanned as if it had never been sealed.
 *
 *   E  lines "M OFFSET HEAD", HEAD being the head line of the M record at
 *      OFFSET (hex, 8 digits), and "S ID INDEX": recipient INDEX of message
 *      ID has its outcome, by an S record or inside a bounce; "P ID 1|0" as
 *      in a P record. Last, in order: "R KEY TIME ID", a package was taken
 *      as this message (queue/recent.h). Older versions wrote "K KEY TIME"
 *   F  where E and its R lines are, and the salt again: entry.h
 *
 * Part of the store; not for others.
 * Test  tests/replay_test.c
 */
#ifndef QUAIL_QUEUE_STORE_INDEX_H
#define QUAIL_QUEUE_STORE_INDEX_H

#include "queue/store_load.h"

/* store_index_m - append the lines of an M record at offset
 *
 * Takes    env: its envelope, whose settles= and done= become S lines.
 */
void
store_index_m(struct buf *index, uint64_t offset, const struct entry_m *entry,
	      struct slice env);

void
store_index_s(struct buf *index, uint64_t id, uint64_t rcpt);

/* store_index_p - append a P line; is_paused decides between 1 and 0 */
void
store_index_p(struct buf *index, uint64_t id, bool is_paused);

/* store_index_read - read a segment's index
 *
 * Returns  0: *lines are E's, borrowed from *b, and *at is where E is; -1:
 *          the segment has none.
 */
int
store_index_read(const struct segment *s, struct buf *b, struct slice *lines,
		 uint64_t *at);

/* store_index_keys - take the next line of a key off *lines; false when there
 * is no more */
bool
store_index_keys(struct slice *lines, struct entry_key *k);

/* store_index_ask - let a sealed segment be asked for keys in its file
 *
 * Returns  0; -1: it has no index.
 */
int
store_index_ask(struct segment *s);

/* store_index_has - look for a key among a segment's own, in the file
 *
 * Needs    store_index_ask.
 * Returns  true and *k, the last package that was taken with this key.
 */
bool
store_index_has(const struct segment *s, const uint8_t key[ENTRY_KEY],
		struct entry_key *k);

enum { STORE_INDEX_KEY = 2 + ENTRY_KEY_LINE /* bytes of an R line */ };

/* store_index_put - append E's payload: the R lines last, in order
 *
 * Returns  how many of those there are.
 */
uint32_t
store_index_put(struct buf *b, struct slice lines);

/* store_index_load - load a piece of a segment by its index
 *
 * Returns  1: its messages and outcomes are known now; 0: there is more,
 *          call again, for the same segment; -1: it has no index and must be
 *          scanned.
 */
int
store_index_load(struct store *st, struct segment *s);

#endif
