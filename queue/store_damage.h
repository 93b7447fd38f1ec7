/* store_damage.h - what the store does about bytes that are not what it wrote
 *
 * It says so once, an alarm in the log, and goes on with all others. A
 * message that is hit is spoiled: it is not delivered any more, and when no
 * attempt is under way it is set aside (queue/damaged.h) and leaves the queue,
 * so that it pins no segment.
 *
 * Test  tests/rot_test.c
 */
#ifndef QUAIL_QUEUE_STORE_DAMAGE_H
#define QUAIL_QUEUE_STORE_DAMAGE_H

#include "queue/damaged.h"
#include "queue/store.h"

/* store_is_spoiled - was any of its bytes found to be damaged? */
bool
store_is_spoiled(const struct store *st, const struct message *m);

/* store_set_aside - let a message that was found damaged leave the queue
 *
 * It is read again first, from the disk: if it was only memory that had gone
 * bad, all is well.
 * Needs    m durable, m->n_busy 0, and m in nobody's list.
 * Returns  true when m is gone and freed; false when it stays: it is well, or
 *          the disk does not take it now, so try again later.
 */
bool
store_set_aside(struct store *st, struct message *m);

/* store_found_list - append the names of what a start would set aside, each
 * with a NUL
 *
 * In a store that is only read; else all of it is in queue/damaged.
 */
void
store_found_list(const struct store *st, struct buf *names);

/* store_found_open - open one of them
 *
 * Returns  0 and *d, for damaged_close; -1 with errno, ENOENT.
 */
int
store_found_open(const struct store *st, const char *name, struct damaged *d);

/* The rest is for the store's own files. */

/* store_found_keep - note one; *p is copied */
void
store_found_keep(struct store *st, const struct damaged_piece *p);

void
store_found_free(struct store *st);

/* store_alarm - say it, without a message or a segment */
void
store_alarm(struct store *st, const char *what);

/* store_alarm_segment - say it of a segment */
void
store_alarm_segment(struct store *st, uint32_t segno, const char *what);

/* store_spoil - note that m is damaged, and say it, the first time
 *
 * Takes    what: never freed.
 * Returns  -1, with errno as it was.
 */
int
store_spoil(struct store *st, struct message *m, const char *what);

/* store_unspoil - forget that */
void
store_unspoil(struct store *st, const struct message *m);

/* store_put_done - append "INDEX,INDEX...", those that have their outcome */
void
store_put_done(struct buf *list, struct message *m);

/* store_salvage_begin - a damaged segment has been scanned: note what seems to
 * be messages in its holes
 *
 * Outcomes that are loaded from now on may be theirs.
 */
void
store_salvage_begin(struct store *st, struct segment *s,
		    const struct segment_scan *scan);

/* store_salvage_s - an outcome of a message that is not known */
void
store_salvage_s(struct store *st, uint64_t id, uint32_t rcpt);

/* store_salvage_end - everything is loaded: set aside what seems to be a
 * message and is not known from elsewhere */
void
store_salvage_end(struct store *st);

/* store_salvage_big - see to a file that no message names
 *
 * Where nothing is damaged its message is over, or was never acknowledged: it
 * is removed. Else a record that cannot be read may have named it: it goes to
 * big/lost.
 */
void
store_salvage_big(struct store *st, const char *name);

#endif
