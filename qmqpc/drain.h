/* drain.h - the leaf's only sender of what waits in the spool
 *
 *   a message   what the hub says       what becomes of it
 *   waits       K                       removed
 *               Z, or nothing           waits, and others come first
 *               D, or Z for too long    its bounce is handed to a hub:
 *                                         K   removed
 *                                         Z   waits; all begins again
 *                                         D   failed/
 *   has no sender: it is a bounce; then D, or Z for too long: failed/
 *   is none, but a file                 failed/, up to FAILED_EACH of an owner
 *
 * Too long is the lifetime, of time that drains have seen pass (tried.h), and
 * DRAIN_TRIES tries.
 *
 *   is no file, or has other names      not touched
 *
 * A name is removed only behind the hub's K. Before one drain ends another
 * does not begin: the directory is locked.
 *
 * No owner of mail holds up another: they have turns (waiting.h), and the
 * drain looks for new mail every DRAIN_SLICE_MS also while it sends, but never
 * for more than an eleventh of its time.
 *
 * Test  tests/leaf.t, tests/leaf_crowd.t
 */
#ifndef QUAIL_QMQPC_DRAIN_H
#define QUAIL_QMQPC_DRAIN_H

#include "qmqpc/failed.h"
#include "qmqpc/hubs.h"
#include "qmqpc/place.h"
#include "qmqpc/spool.h"
#include "qmqpc/tried.h"
#include "qmqpc/waiting.h"

enum {
	DRAIN_TRY_MS = 120000,	 /* for one message at all hubs, ... */
	DRAIN_BYTES_PER_MS = 16, /* ... and more for a large one */
	DRAIN_LIFETIME_S = 7 * 86400,
	DRAIN_TRIES = 3,	/* at least, before a message is too old */
	DRAIN_Z_MIN_MS = 10000, /* pauses after a hub's Z */
	DRAIN_Z_MAX_MS = 3600000,
	DRAIN_LOOK_MS = 10000, /* a scan at least so often */
	DRAIN_SLICE_MS = 1000, /* a scan also while there is work */
	DRAIN_GAP_MS = 50,     /* from one scan to the next, at least ... */
	DRAIN_GAP_TIMES = 10,  /* ... and so many times of what it took */
	DRAIN_GAP_MAX_MS = 60000,
	DRAIN_STUCK_MS = 60000, /* until a name is removed that would not go */
	DRAIN_UNSYNCED_MAX = 32
};

struct drain {
	struct place place;
	struct spool spool;
	struct failed failed;
	struct waiting waiting;
	struct tried tried;
	struct hubs hubs;
	struct backoff rest[HUBS_MAX];
	int64_t lifetime_s, try_ms;
	uint64_t n_turns;
	unsigned n_unsynced; /* names removed since the last sync */
	unsigned n_failed;   /* moved to failed/ */
	unsigned n_tried;    /* in the last slice */
	bool is_once;	     /* each message is tried once */
	bool is_cut;	     /* the last slice has left some for the next */
	int64_t scan_ms;     /* when the last scan ended, ... */
	int64_t gap_ms;	     /* ... and what there must be to the next */
	volatile const int *stopping;
};

/* drain_open - take a spool over: lock it, make what is missing in it
 *
 * Takes    dir: see place_open; *d all zero.
 * Returns  0; else a code of sysexits with one line in *why: 75 also when
 *          another drain is at work, 77 when the spool is somebody else's.
 */
int
drain_open(struct drain *d, const char *dir, struct buf *why);

/* drain_limits - take what the tables and the environment say, at the begin
 * and when there is a new configuration */
void
drain_limits(struct drain *d);

/* drain_slice - scan, and try the messages that are due, each once
 *
 * The key and roots are read anew in each, so a new key is taken up.
 * Ends early when all hubs rest, when *d->stopping is set, and, then d->is_cut
 * is set too, when it is time to look for new ones.
 * Returns  0; -1 with errno when the spool itself makes trouble.
 */
int
drain_slice(struct drain *d);

/* drain_pause_ms - for how long there is nothing to do, new mail or not */
int64_t
drain_pause_ms(const struct drain *d);

/* drain_breaks_ms - for how long hubs rest that only broke off; 0: one is
 * ready, or all that rest are in worse trouble */
int64_t
drain_breaks_ms(const struct drain *d);

/* drain_gap_ms - for how long there must be no scan, whatever has come */
int64_t
drain_gap_ms(const struct drain *d);

void
drain_close(struct drain *d);

#endif
