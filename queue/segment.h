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
	SEGMENT_NAME = 9 /* 8 digits and a NUL */
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
	bool is_damaged;     /* kept as damaged-NUMBER once its mail is gone */
};

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
 * Takes    spare: the name of a file in dir to write over, or NULL for a new
 *          file.
 * Returns  the segment (malloc'd, open); NULL with errno, and *sync_failed
 *          tells if that was a sync, so that nothing more may be relied on.
 *          After a failure there may be a file without any record, which
 *          recovery drops.
 */
struct segment *
segment_create(int dir, uint32_t segno, const char *spare, bool *sync_failed);

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
 * Takes    is_readonly: it will only be read, never be cut or reused.
 * Returns  0 and *r; 1: the file holds no record at all, its creation never
 *          ended and nothing was ever acknowledged in it; -1 with errno for
 *          trouble of ours, EBADMSG when its first record is damaged,
 *          others may be there, and it was not sealed, so that its salt
 *          is lost, EPROTO when it is of another version.
 */
int
segment_open(int dir, uint32_t segno, bool is_readonly, struct segment **r);

/* segment_close - close and free; removes nothing */
void
segment_close(struct segment *s);

/* A scan reads a segment's records in order, in bounded memory. */
struct segment_scan {
	struct segment *segment;
	struct buf window;
	uint64_t at;	     /* offset of the window's first byte */
	uint32_t last_batch; /* of the last valid record */
	bool at_eof;
	bool is_torn;	 /* something invalid was passed or ended it */
	bool is_damaged; /* ... that no crash of ours explains */
};

void
segment_scan_init(struct segment_scan *scan, struct segment *s);

/* segment_scan_next - the next valid record
 *
 * Bytes that are no valid record are passed over up to the next valid one
 * (is_torn). If that one is of a later batch, the bytes between had been
 * synced once: is_damaged.
 *
 * Returns  1 with *r, *payload (borrowed until the next call) and *offset; 0
 *          at the end; -1 with errno.
 */
int
segment_scan_next(struct segment_scan *scan, struct record *r,
		  struct slice *payload, uint64_t *offset);

void
segment_scan_free(struct segment_scan *scan);

#endif
