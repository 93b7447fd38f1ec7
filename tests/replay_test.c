/* replay_test.c - power is lost everywhere, and nothing acknowledged is lost
 *
 * The ledger's work runs on a disk in memory (tests/simfs.h) that records
 * every call. For each prefix of the trace the disk is rebuilt with every
 * loss, tear and reordering that simfs knows, the store is opened on it,
 * and what it finds is compared with what had been promised by then. The
 * number of disks tried is printed. REPLAY_LOG=1 shows the store's log.
 */
#include "lib/fs.h"
#include "tests/ledger.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { RANDOM_STATES = 100, ENOUGH_BAD = 20 };

static unsigned long n_states, n_indexed;

static void
try_disk(struct simfs *crashed, size_t prefix, int keep, uint64_t n)
{
	simfs_use(crashed);
	ledger_open();
	ledger_check(prefix, keep, n);
	n_indexed += ledger.store.n_indexed;
	store_close(&ledger.store);
	simfs_free(crashed);
	n_states++;
}

static void
try_state(const struct simfs *from, size_t prefix, enum simfs_keep keep,
	  uint64_t n, bool garbage)
{
	try_disk(simfs_crash(from, prefix, keep, n, garbage), prefix, (int)keep,
		 n);
}

/* Power is lost again while the recovery from a first loss runs. */
static void
try_twice(const struct simfs *from, size_t prefix)
{
	struct simfs *first =
	    simfs_crash(from, prefix, SIMFS_RANDOM, prefix, prefix % 2);
	size_t i, length;

	simfs_settle(first);
	simfs_use(first);
	length = simfs_length(first);
	ledger_open();
	store_reclaim(&ledger.store);
	store_close(&ledger.store);
	for (i = length; i <= simfs_length(first); i++) {
		try_disk(simfs_crash(first, i, SIMFS_ALL, 0, false), prefix,
			 100, i);
		try_disk(simfs_crash(first, i, SIMFS_NONE, 0, true), prefix,
			 101, i);
		try_disk(simfs_crash(first, i, SIMFS_RANDOM, i, true), prefix,
			 102, i);
	}
	simfs_free(first);
}

static void
replay(const struct simfs *from)
{
	size_t prefix, i, n;

	for (prefix = 0;
	     prefix <= simfs_length(from) && ledger.n_bad < ENOUGH_BAD;
	     prefix++) {
		try_state(from, prefix, SIMFS_ALL, 0, false);
		try_state(from, prefix, SIMFS_NONE, 0, false);
		n = simfs_pieces(from, prefix);
		for (i = 0; i < n; i++) {
			try_state(from, prefix, SIMFS_ONLY, i, i % 2);
			try_state(from, prefix, SIMFS_WITHOUT, i, i % 2);
		}
		n = simfs_last_sectors(from, prefix);
		for (i = 0; i <= n && n > 0; i++) {
			try_state(from, prefix, SIMFS_TEAR, i, false);
			try_state(from, prefix, SIMFS_TEAR_HEAD, i, true);
		}
		for (i = 0; i < RANDOM_STATES; i++)
			try_state(from, prefix, SIMFS_RANDOM, i, i % 2);
		try_twice(from, prefix);
	}
}

int
main(void)
{
	uint32_t first_segno;
	int i;
	const char *log = getenv("REPLAY_LOG");

	if (!log) { /* torn batches are logged by the thousand */
		fflush(stderr);
		dup2(open("/dev/null", O_WRONLY), 2);
	}
	loop_init(&ledger.loop);
	ledger.disk = simfs_new();
	simfs_use(ledger.disk);
	ledger_open();
	first_segno = ledger.store.current->segno;
	ledger_work();
	for (i = 0; i < ledger.n; i++)
		ok_quiet(ledger.entries[i].acked, "entry %d was acknowledged",
			 i);
	ok(ledger.store.current->segno - first_segno >
	       ledger.store.n_segments + 4,
	   "segments are given back: %u are left of %u",
	   ledger.store.n_segments,
	   ledger.store.current->segno - first_segno + 1);
	ok(simfs_moves(ledger.disk) >
	       2 * (ledger.store.current->segno - first_segno) / 3,
	   "and written over again");
	store_close(&ledger.store);
	replay(ledger.disk);
	ok(ledger.n_bad == 0,
	   "nothing promised is lost, half there, or comes again");
	ok(n_states > 100000, "%lu disks were tried over %zu calls", n_states,
	   simfs_length(ledger.disk));
	ok(n_indexed > 10000, "%lu segments were loaded by their index",
	   n_indexed);
	ledger_clear();
	simfs_use(NULL);
	simfs_free(ledger.disk);
	loop_free(&ledger.loop);
	return tap_done();
}
