/* store.h - the queue's memory: what it answered for, durable, in one log
 *
 * The scheduler and the door see messages, outcomes and commits, never
 * files: another store can take this one's place.
 *
 * Every round's messages and outcomes are written in one piece and synced
 * once (group commit); only then are the waiters told. A failed sync fails
 * all of them, and the process must end: store.failed.
 *
 * Guarantee: a waiter that was told K finds its message after any crash,
 * with its bytes, until each recipient has an outcome.
 *
 * Source  doc/queue.md: format, states, what is true after a stop at each
 *         step
 * Test    tests/replay_test.c, tests/fault_test.c
 */
#ifndef QUAIL_QUEUE_STORE_H
#define QUAIL_QUEUE_STORE_H

#include "lib/idmap.h"
#include "lib/loop.h"
#include "lib/verdict.h"
#include "lib/worker.h"
#include "queue/gather.h"
#include "queue/incoming.h"
#include "queue/message.h"
#include "queue/recent.h"
#include "queue/segment_scan.h"

enum {
	STORE_SETTLE_MS = 100, /* outcomes wait this long for a batch */
	STORE_KEEP = 16,       /* segments; mail is not moved to have fewer */
	STORE_SPARES = 2,      /* reclaimed segments kept for reuse */
	STORE_ENDS = 64,       /* runs whose last segment's end is kept */
	STORE_CACHED = 32 * 1024 * 1024, /* the log's last: its pages stay */
	STORE_LEASE = 65536, /* ids a door connection gets at a time */
	INDEX_LINES_A_ROUND = 2000,
	STORE_AHEAD = 8192, /* so much text is read with its envelope */
	STORE_BATCH_MAX = 8 * 1024 * 1024, /* commit early past this */
	/* a message's record; half of what a record may have, so that it can
	 * be moved with all that has become of it */
	STORE_RECORD_MAX = RECORD_PAYLOAD_MAX / 2,
	STORE_REREAD_MAX = 4 * 1024 * 1024, /* of text, in one go */
	STORE_SHORT = 131072 /* a batch up to this is synced at once */
};

/* No segment has this number or a higher one: a stray file's name must not
 * make the numbers wrap. */
#define STORE_SEGNO_MAX 0xf0000000u

struct store;

/* One who waits for a commit: embedded in its owner's struct. */
struct store_waiter {
	struct store_waiter *next;
	struct message *message; /* the store's, as are: */
	bool has_key;
	uint8_t key[RECENT_KEY];
	/* m: the message, now queued; NULL when v is a Z */
	void (*done)(struct store_waiter *w, struct message *m,
		     const struct verdict *v);
};

struct store_waiters {
	struct store_waiter *first, **last;
};

/* Keys of packages, on their way to a file: store_recent.h. */
struct kept_file {
	uint32_t number;
	int64_t until_s; /* by the clock that does not jump */
};

struct store_kept {
	struct worker writer;
	struct buf bytes;	 /* a page, as it is written: ... */
	uint32_t number, n;	 /* ... its first n entries */
	int error;		 /* an errno, if it went wrong */
	unsigned n_given_up;	 /* times that there was no room for it */
	struct kept_file *files; /* of earlier runs */
	size_t n_files;
};

/* A full segment, while it is sealed: store_seal.h. */
struct store_seal {
	struct worker worker;
	struct segment *segment; /* NULL: none */
	struct buf index;
	uint32_t batch;
	int error; /* an errno: the sync failed */
};

/* How far the last segment of each run is durable: store_ends.h. */
struct store_end_of {
	uint32_t segno;
	uint64_t at;
};

struct store_ends {
	struct store_end_of list[STORE_ENDS];
	size_t n;
	int64_t written_ms;
	bool is_stuck; /* it could not be written */
};

/* A segment's index, while it is loaded piece by piece. */
struct index_walk {
	struct buf index;
	struct slice lines, rest;
	const char *type; /* of the lines that are looked for; NULL: none */
};

struct store {
	struct loop *loop;
	int dir, seg_dir, big_dir, recent_dir, lock_fd;
	struct segment *oldest, *current;
	struct segment none; /* the current one while none can be made */
	unsigned n_segments;
	uint32_t batch;	  /* number of the next batch */
	uint32_t id_base; /* upper half of the ids of this run */
	uint32_t id_next;
	unsigned spares;     /* bit n: there is a file spareN in seg_dir */
	struct buf news;     /* M records that wait for the commit */
	struct buf written;  /* the last news, as it stands in the log ... */
	uint64_t written_at; /* ... there, in this segment: mail that is tried
			      * at once need not be read */
	uint32_t written_segno;
	struct buf
	    ahead; /* what was read last: an envelope, and the text ... */
	uint64_t ahead_at; /* ... behind it, if it is short; it stands there */
	uint32_t ahead_segno;
	uint32_t rested_batch;
	struct buf outcomes; /* S records */
	struct buf late;     /* their payloads, when no segment had room */
	struct buf index;    /* of the current segment: store_index.h */
	struct buf news_index, outcomes_index; /* ... of the next batch */
	struct store_waiters waiting;	       /* for the next batch */
	struct idmap messages;
	struct loop_task commit_task;
	struct loop_timer settle_timer;
	struct worker syncer;	     /* of a batch that is written: ... */
	struct store_waiters flying; /* ... they wait for it; ... */
	int64_t begun_us;
	int wrote, sync_error;	/* ... 0, if all went well */
	bool is_due;		/* the next waits for its end */
	uint64_t durable;	/* the current segment, up to here */
	uint64_t marked;	/* ... with a record there that says so */
	struct segment *cached; /* the oldest with pages in memory */
	struct gather gather;
	bool big_dirty;		/* big_dir has names that are not synced */
	bool failed;		/* nothing more may be written: end, restart */
	bool is_full;		/* the disk is short: no new mail */
	struct buf gone_big;	/* ids (8 bytes each) of big files to remove */
	struct buf refused_big; /* ... of messages that were never taken */
	struct loop_task load_task;
	struct loop_timer load_timer;
	struct segment *loading; /* NULL: everything is loaded */
	struct segment_scan scan;
	struct index_walk walk;
	bool is_scanning;
	unsigned n_indexed; /* segments that were loaded by their index */
	bool is_loaded;
	unsigned n_alarms;     /* damage was found so many times */
	unsigned n_raw;	       /* pieces of it that say nothing */
	struct idmap spoiled;  /* messages with damaged bytes */
	struct idmap suspects; /* what seems to be messages, while loading */
	bool is_readonly;      /* queue/offline.c: nothing may be written */
	struct store_found *found; /* what would be set aside then */
	size_t n_found;
	struct recent recent; /* packages that were taken lately, ... */
	uint64_t put_written, put_durable; /* ... so many of them for sure */
	struct store_kept kept;
	struct store_seal seal;
	struct store_ends ends;
	struct store_waiters known; /* repeats of what is durable already */
	struct loop_task known_task;
	struct loop_timer reclaim_timer; /* there is more to give back */
	bool wants_reclaim;		 /* ... when the sync has ended */
	uint64_t moved_until;		 /* in the oldest segment */
	uint8_t key[16];		 /* of their hash, this queue's own */
	/* set by the user before store_open: */
	uint64_t segment_size;		  /* 0: SEGMENT_SIZE; small in tests */
	unsigned keep_segments;		  /* 0: STORE_KEEP */
	uint64_t keep_cached;		  /* 0: STORE_CACHED */
	bool gathers;			  /* rest between batches: gather.h */
	enum worker_way sync_way;	  /* of large batches */
	void (*loaded)(struct store *st); /* all old messages are known */
	/* m is about to be freed; may be NULL */
	void (*left)(struct store *st, struct message *m);
	/* m is damaged, which no attempt has found: try it; may be NULL */
	void (*spoils)(struct store *st, struct message *m);
	void *owner;
};

/* store_open - take the directory and be ready to accept at once
 *
 * Makes what is missing, locks out a second writer, opens a fresh segment;
 * what older segments hold is loaded in the background, then st->loaded is
 * called.
 *
 * Needs    *st zeroed but for loaded, owner and the sizes.
 * Dies     with one clear line when the directory cannot be used.
 */
void
store_open(struct store *st, struct loop *loop, const char *path);

/* store_threads - from now on threads may wait for the disk
 *
 * Between store_open and this it waits itself: a sandbox holds for those
 * threads only that are made within it.
 */
void
store_threads(struct store *st);

/* store_end - commit what waits; nothing more is taken */
void
store_end(struct store *st);

/* store_close - store_end, then give everything back */
void
store_close(struct store *st);

/* store_lease - STORE_LEASE fresh ids, the first is returned */
uint64_t
store_lease(struct store *st);

/* store_add - put a message into the next batch
 *
 * Takes    *in, complete; settles: outcomes that this message reports (a
 *          bounce), "ID:INDEX,INDEX..." or empty, which become true with it.
 * Returns  0: w->done comes after the commit, in->text and the file are taken
 *          over; -1 with errno: nothing was taken (ENOSPC, EIO ...).
 */
int
store_add(struct store *st, struct incoming *in, struct slice settles,
	  struct store_waiter *w);

/* store_is_durable - is its record synced?
 *
 * A message that is not yet is only its waiter's, who may still be told Z.
 */
bool
store_is_durable(const struct store *st, const struct message *m);

/* store_taken - is it a repeat of what was taken lately?
 *
 * Takes    in: has_key, key and session (queue/recent.h).
 * Returns  true, and *of the message that stands for it, 0 if only its key
 *          is known any more: call store_wait at once.
 *
 * None stands for it that was set aside as damaged, removed, or returned, for
 * all of its recipients or one. One that is on disk in the queue is read
 * first, so that it is not told K for bytes that are gone; of a text over
 * STORE_REREAD_MAX only the file's size.
 */
bool
store_taken(struct store *st, const struct incoming *in, uint64_t *of);

/* store_wait - be told what becomes of that message
 *
 * For a repeat: w->done comes with m NULL, and K when that message is
 * durable, or Z with it when its batch fails; never sooner.
 */
void
store_wait(struct store *st, uint64_t of, struct store_waiter *w);

/* store_settle - record a recipient's final outcome, K or D
 *
 * True in memory at once, on disk with the next batch: losing it costs a
 * duplicate, never a loss. When it was the last one the message is gone and
 * freed, unless attempts still know it (m->n_busy): then store_forget_over
 * frees it.
 * With D nothing that its client repeats is told K for it from here on.
 * Needs    m is durable: its waiter was told K.
 * Returns  true when the message is gone.
 */
bool
store_settle(struct store *st, struct message *m, uint32_t index, char code,
	     struct slice text);

/* store_forget_settled - the same with D, in memory only: its record is
 * written already, with the bounce */
bool
store_forget_settled(struct store *st, struct message *m, uint32_t index);

/* store_forget_over - free a message that is over and no longer busy
 *
 * Returns  true when the message is gone.
 */
bool
store_forget_over(struct store *st, struct message *m);

struct store_envelope {
	struct slice sender;
	struct slice rcpts; /* netstrings, n_rcpts of them */
	struct slice attrs; /* netstrings */
	uint32_t text_crc;  /* what the text's checksum must be */
};

/* store_envelope - read a message's envelope
 *
 * What is read from the disk is compared with its checksum.
 *
 * Returns  0 and *e, borrowed from *room; -1 with errno, and if that says
 *          that the bytes are gone or are not what was written (EBADMSG) the
 *          message is spoiled: store_damage.h.
 */
int
store_envelope(struct store *st, struct message *m, struct buf *room,
	       struct store_envelope *e);

/* store_text - read n bytes of the text from an offset, as they are there
 *
 * For looking at it: nothing is compared with a checksum.
 * Returns  0; -1 with errno.
 */
int
store_text(struct store *st, struct message *m, uint64_t from, char *to,
	   size_t n);

/* Reads a text once, from its begin to its end; zeroed but for want. */
struct store_reader {
	uint64_t at;
	uint32_t crc, want; /* want: store_envelope's text_crc */
};

/* store_text_next - the next n bytes of the text
 *
 * Whoever passes them on keeps the last piece until it has been read: only
 * then it is known whether all of them are what was written.
 *
 * Returns  0; -1 with errno as store_envelope: nothing of this piece may be
 *          passed on, and the message is spoiled if its bytes are damaged.
 */
int
store_text_next(struct store *st, struct message *m, struct store_reader *r,
		char *to, size_t n);

/* store_check - read all of a message, and compare it with its checksums
 *
 * Takes    from_disk: not out of memory, as far as that can be.
 * Returns  0; -1 with errno.
 */
int
store_check(struct store *st, struct message *m, bool from_disk);

/* store_check_some - the same, but of a text over STORE_REREAD_MAX look only
 * whether all of it is there */
int
store_check_some(struct store *st, struct message *m);

/* store_reclaim - give the oldest segments back when they hold nothing that
 * lives, or too little; call it now and then (once a second)
 *
 * Does a piece of it, whatever there is to do, and goes on by itself in later
 * rounds.
 */
void
store_reclaim(struct store *st);

/* store_rest - when nothing was committed since the last call: give back
 * memory
 *
 * Returns  true when there was some.
 */
bool
store_rest(struct store *st);

/* store_look - call it once a second
 *
 * A directory that was removed under us keeps nothing: then the store fails.
 * Does     store_check_disk too, and what store_ends.h says.
 */
void
store_look(struct store *st);

/* store_check_disk - look how much room there is
 *
 * Sets is_full when less than a reserve of four segments is left: no new
 * mail then, so that deliveries, outcomes and bounces can go on. */
void
store_check_disk(struct store *st);

#endif
