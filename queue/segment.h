/* segment.h - one file of the log
 *
 * A segment is created, filled by appending whole batches, and read; it is
 * never changed behind its end. Its name is its number, 8 hex digits. A
 * spare is an old segment under another name, to be written over: a sync
 * over blocks that were written before needs no journal commit. For the same
 * reason zeros may lie behind the end of one (segment_fill_ahead).
 *
 * Source  doc/queue.md
 * Test    tests/segment_test.c, tests/replay_test.c, tests/fault_test.c
 */
#ifndef QUAIL_QUEUE_SEGMENT_H
#define QUAIL_QUEUE_SEGMENT_H

#include "lib/record.h"
#include "queue/entry.h"

enum {
	SEGMENT_SEAL = RECORD_EXTRA + ENTRY_F, /* the last record */
	SEGMENT_SIZE = 64 * 1024 * 1024,
	SEGMENT_AHEAD = 256 * 1024,
	SEGMENT_NAME = 9,   /* 8 digits and a NUL */
	SEGMENT_FIRST = 256 /* no first record is longer */
};

struct segment {
	struct segment *next; /* the next younger one */
	int fd;
	uint32_t segno;
	uint32_t salt;
	uint64_t end;	     /* of what was written (current) or found valid */
	uint64_t filled;     /* the file has blocks so far (current) */
	uint64_t uncached;   /* its pages so far were given up */
	uint64_t n_live;     /* messages whose record is here */
	uint64_t live_bytes; /* of their records */
	uint64_t keys_at;    /* where to look for what was taken lately, ... */
	uint32_t n_keys;     /* ... as long as it has not been loaded, ... */
	uint8_t key_line;    /* ... in lines of so many bytes */
	uint64_t put_before; /* its keys are among the first so many entries
			      * of queue/recent.h */
	uint32_t after;	     /* begun behind this one, in the same run, ... */
	uint32_t after_end;  /* ... whose records end there, all synced */
	uint64_t synced;     /* so much is known to have been synced */
	bool is_empty;	     /* its first record is all there is (old ones) */
	bool is_damaged;     /* kept as damaged-NUMBER once its mail is gone */
};

/* What is said of a segment before its file is seen. */
struct segment_plan {
	uint32_t segno, salt;
	const char *spare;	   /* a file in dir to write over, or NULL */
	const char *file;	   /* an old one has this name; NULL: its own */
	uint32_t after, after_end; /* the one before, all durable up to there;
				    * 0: a run's first */
};

/* segment_put_seal - append a segment's last record */
void
segment_put_seal(struct buf *b, const struct entry_f *f, uint32_t segno,
		 uint32_t batch);

/* segment_seal - read the last record of a sealed segment
 *
 * Returns  0 with *f and the file's *size; -1: the segment was not sealed.
 */
int
segment_seal(const struct segment *s, struct entry_f *f, uint64_t *size);

void
segment_name(char name[SEGMENT_NAME], uint32_t segno);

/* segment_number - the number in a name; -1 when it is none */
int
segment_number(const char *name, uint32_t *segno);

/* segment_create - make a new segment, durable with its name
 *
 * Returns  the segment (malloc'd, open); NULL with errno, and *sync_failed
 *          tells if that was a sync, so that nothing more may be relied on.
 *          After a failure there may be a file without any record, which
 *          recovery drops.
 */
struct segment *
segment_create(int dir, const struct segment_plan *plan, bool *sync_failed);

/* segment_fill_ahead - n bytes have just been written up to s->end
 *
 * If they took new blocks and were no more than 160 KiB, eight times as many,
 * SEGMENT_AHEAD at least, get blocks now, so that the next batches need no
 * journal commit: one that is alone then takes a third of the time. What is
 * written is zeros, in the sync that comes anyway; that it fails is no
 * trouble.
 *
 * Takes    max: how long the file may become.
 */
void
segment_fill_ahead(struct segment *s, size_t n, uint64_t max);

/* segment_open - open an old one and find its salt
 *
 * Takes    plan: the salt that a segment of this number has if this queue's
 *          key made it; is_readonly: it will only be read, never be cut or
 *          reused.
 * Returns  0 and *r, whose is_damaged says that its first record cannot be
 *          read; 1: the file holds no record at all and is no longer than a
 *          first one, its creation never ended and nothing was ever
 *          acknowledged in it; 2: it is longer, which no crash of ours leaves,
 *          and nothing in it is of this number; -1 with errno for trouble
 *          of ours, EBADMSG when its first record is damaged, others may be
 *          there, and there is no salt with which one of them is valid,
 *          EPROTO when it is of another version.
 */
int
segment_open(int dir, const struct segment_plan *plan, bool is_readonly,
	     struct segment **r);

/* segment_says - which number a file's first record has
 *
 * Returns  0 and *segno; -1: the file cannot be read, has no valid first
 *          record, or nothing behind it.
 */
int
segment_says(int dir, const char *file, uint32_t *segno);

/* segment_close - close and free; removes nothing */
void
segment_close(struct segment *s);

#endif
