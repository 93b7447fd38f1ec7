/* segment_scan.h - a segment's records in order, in bounded memory, and what
 * is wrong between them
 *
 * Bytes that are no valid record are passed over up to the next valid one: a
 * hole. Power lost in the middle of a batch leaves holes, but only in a
 * segment's last batch, since each batch is synced before the next is
 * written. So a hole is damage when
 *
 *   - a record of a later batch than the hole's is there. Each batch ends
 *     with a record B, so a hole that begins behind one is not of that batch,
 *     and one before the end of a batch is;
 *   - or something says that all up to a place behind it was synced: a B, the
 *     seal, or the next segment of the same run (s->synced);
 *   - or a sector of it cannot be read.
 *
 * Any other is torn: the batch had not ended, so nobody was told K.
 *
 * Source  doc/queue.md
 * Test    tests/segment_test.c, tests/rot_test.c, tests/replay_test.c
 */
#ifndef QUAIL_QUEUE_SEGMENT_SCAN_H
#define QUAIL_QUEUE_SEGMENT_SCAN_H

#include "queue/segment.h"

enum { SEGMENT_HOLES = 64 };

struct segment_hole {
	uint64_t from, to;
};

struct segment_scan {
	struct segment *segment;
	struct buf window;
	uint64_t size;	     /* of the file, as far as is known */
	uint64_t at;	     /* offset of the window's first byte */
	uint64_t stop;	     /* where a sealed one's index begins, or the end */
	uint32_t last_batch; /* the highest of a valid record so far */
	uint32_t suspect; /* a hole may be of this one, unfinished; 0: none */
	uint64_t n_bad;	  /* bytes that cannot be read */
	uint64_t seal_at; /* behind a valid index: where the seal should be */
	struct buf seal;  /* ... and what it should be */
	bool at_eof;
	bool is_sealed;
	bool is_ended;	 /* the last record was its batch's last */
	bool has_marks;	 /* batches have such a record (all since B) */
	bool lacks_end;	 /* a hole has the end of a batch before another in it,
			  * if they have one */
	bool is_torn;	 /* something invalid was passed or ended it */
	bool is_damaged; /* ... that no crash of ours explains */
	bool in_hole;
	/* the first of them; one that is open is the last of them */
	struct segment_hole holes[SEGMENT_HOLES];
	unsigned n_holes;
};

void
segment_scan_init(struct segment_scan *scan, struct segment *s);

/* segment_scan_next - the next valid record
 *
 * What is_torn and is_damaged say is final at the end.
 *
 * Returns  1 with *r, *payload (borrowed until the next call) and *offset; 0
 *          at the end; -1 with errno, never because a disk is damaged.
 */
int
segment_scan_next(struct segment_scan *scan, struct record *r,
		  struct slice *payload, uint64_t *offset);

void
segment_scan_free(struct segment_scan *scan);

/* segment_scan_seems_used - does any record of this segment's number seem to
 * be in the file, valid or not?
 *
 * Returns  1, 0; -1 with errno.
 */
int
segment_scan_seems_used(struct segment *s);

#endif
