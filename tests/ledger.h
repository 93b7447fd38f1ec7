/* ledger.h - a queue at work on a disk in memory, and what it has promised
 *
 * ledger_work puts messages, outcomes, bounces and reclaims through a store
 * with small segments; the ledger says for each message and recipient when
 * (how long the disk's trace was) it was acknowledged, settled and synced.
 * ledger_check compares what a store has found with what was promised.
 */
#ifndef QUAIL_TESTS_LEDGER_H
#define QUAIL_TESTS_LEDGER_H

#include "queue/store.h"
#include "tests/simfs.h"

enum {
	LEDGER_MAX = 158, /* of the fixed work */
	LEDGER_ALL = 600,
	RCPTS = 2,
	SMALL = 3000
};

/* Every call in turn; under a sanitizer, which looks for other things and is
 * slow, every fortieth. */
#if defined(__SANITIZE_ADDRESS__)
enum { LEDGER_STRIDE = 40 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { LEDGER_STRIDE = 40 };
#else
enum { LEDGER_STRIDE = 1 };
#endif
#else
enum { LEDGER_STRIDE = 1 };
#endif

struct ledger_entry {
	uint64_t id;
	size_t text_len;
	size_t acked;	       /* trace length at K; 0: never */
	size_t settled[RCPTS]; /* ... when the outcome was given, plus one */
	size_t durable[RCPTS]; /* ... when it was synced */
	size_t refused;	       /* ... at Z, for good */
	size_t again;	       /* ... at the K of a repeat after a recovery */
	int settles;	       /* a bounce: of which entry; -1: none */
	bool is_bounce;
	struct buf text; /* what was sent */
	struct incoming in;
	struct store_waiter waiter, repeat;
};

struct ledger {
	struct loop loop;
	struct store store;
	struct simfs *disk; /* that the work runs on */
	struct ledger_entry entries[LEDGER_ALL];
	int n;
	uint64_t next_id;
	size_t again_prefix; /* as much of a recovery's trace has happened */
	bool is_aged;	     /* the keys of repeats may be forgotten */
	bool is_late;	     /* each sync ends in a later round than it began */
	unsigned long n_bad;
};

extern struct ledger ledger;

/* ledger_start - open the store on the disk in use */
void
ledger_start(void);

/* ledger_open - the same, and let it load */
void
ledger_open(void);

/* ledger_repeat - every client sends the same bytes again
 *
 * Where the store knows them it says K, and that is a promise too; what was
 * acknowledged by prefix it must know.
 */
void
ledger_repeat(size_t prefix);

/* ledger_land - let the sync that is under way end */
void
ledger_land(void);

/* ledger_work - the workload; goes on as well as it can when calls fail */
void
ledger_work(void);

/* ledger_check - compare; each difference is one failed check (20 at most)
 *
 * Takes    prefix: as much of the trace as had happened; keep, n: told in
 *          the check's name.
 */
void
ledger_check(size_t prefix, int keep, uint64_t n);

/* ledger_more - give the store another message
 *
 * Returns  its entry, acked or not.
 */
struct ledger_entry *
ledger_more(void);

/* ledger_less - forget that one again */
void
ledger_less(void);

/* ledger_clear - forget all promises */
void
ledger_clear(void);

/* ledger_random - one step of another work: a message, outcomes, a bounce, a
 * repeat, a round, or what is to be done now and then
 *
 * Needs    room: n + 1 < LEDGER_ALL.
 */
void
ledger_random(uint64_t *random);

/* ledger_rebase - what a store has found becomes what it has promised
 *
 * Behind ledger_check, so that it is what had to be found, and perhaps a
 * little more, which has been delivered from now on. The trace in use is
 * another one from now on.
 */
void
ledger_rebase(size_t prefix);

#endif
