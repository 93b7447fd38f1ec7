/* replay_test.c - power is lost everywhere, and nothing acknowledged is lost
 *
 * The ledger's work runs on a disk in memory (tests/simfs.h) that records
 * every call. For each prefix of the trace the disk is rebuilt with every
 * loss, tear and reordering that simfs knows, the store is opened on it,
 * and what it finds is compared with what had been promised by then. The
 * number of disks tried is printed.
 *
 * REPLAY_LOG=1 shows the store's log; STOP_EARLY=1 ends at the first loss (for
 * tests/mutants.t); DISK_LIES=1 takes a disk whose syncs do nothing: that
 * must fail.
 */
#include "lib/fs.h"
#include "tests/ledger.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RANDOM_STATES = 20, ENOUGH_BAD = 20, WORKERS = 2, PIECES = 20 };

/* Shared by the processes that do the work. */
static struct {
	unsigned long n_states, n_indexed, n_bad;
} * shares, *share;

static bool stop_early;

static void
try_disk(struct simfs *crashed, size_t prefix, int keep, uint64_t n)
{
	simfs_use(crashed);
	ledger_open();
	ledger_check(prefix, keep, n);
	share->n_indexed += ledger.store.n_indexed;
	store_close(&ledger.store);
	simfs_free(crashed);
	share->n_states++;
	share->n_bad = ledger.n_bad;
	if (stop_early && shares[0].n_bad + shares[1].n_bad > 0)
		exit(1);
}

static void
try_state(const struct simfs *from, size_t prefix, enum simfs_keep keep,
	  uint64_t n, bool garbage)
{
	try_disk(simfs_crash(from, prefix, keep, n, garbage), prefix, (int)keep,
		 n);
}

/* Power is lost while a recovery runs, or when it has taken another message
 * and given back what is empty. Owns disk. */
static void
try_recovery(struct simfs *disk, size_t prefix, int kind)
{
	size_t i, acked, length = simfs_length(disk);
	/* now and then nobody has come by for an hour */
	bool is_aged = prefix % 5 == 0;
	struct simfs *worked_on = ledger.disk;
	struct ledger_entry *more;

	ledger.is_aged = is_aged;
	simfs_age(disk, is_aged ? 3600 : 0);
	simfs_use(disk);
	ledger.disk = disk;
	ledger_start();
	ledger_repeat(prefix);
	while (!ledger.store.is_loaded && !ledger.store.failed)
		loop_round(&ledger.loop, 0);
	more = ledger_more();
	ledger.disk = worked_on;
	acked = more->acked;
	store_reclaim(&ledger.store);
	store_reclaim(&ledger.store);
	store_close(&ledger.store);
	ok_quiet(acked, "after a crash at %zu no message was taken", prefix);
	if (prefix == 0)
		prefix = 1; /* an entry's 0 is never */
	for (i = length; i <= simfs_length(disk); i++) {
		more->acked = i >= acked ? prefix : 0;
		ledger.again_prefix = i;
		try_disk(simfs_crash(disk, i, SIMFS_NONE, 0, true), prefix,
			 kind, i);
		try_disk(simfs_crash(disk, i, SIMFS_RANDOM, i, true), prefix,
			 kind + 1, i);
	}
	ledger_less();
	ledger.is_aged = false;
	simfs_free(disk);
}

/* ... the recovery from another power loss, or from a kill: then what was
 * not synced is still to be read, and may go later. */
static void
try_twice(const struct simfs *from, size_t prefix)
{
	struct simfs *lost;

	if (prefix % 4 < 2) {
		lost =
		    simfs_crash(from, prefix, SIMFS_RANDOM, prefix, prefix % 2);
		simfs_settle(lost);
		try_recovery(lost, prefix, 100);
	}
	try_recovery(simfs_killed(from, prefix), prefix, 200);
}

/* Every WORKERS-th prefix. */
static void
replay(const struct simfs *from, size_t worker)
{
	size_t prefix, i, n;

	for (prefix = worker * LEDGER_STRIDE;
	     prefix <= simfs_length(from) && ledger.n_bad < ENOUGH_BAD;
	     prefix += WORKERS * LEDGER_STRIDE) {
		try_state(from, prefix, SIMFS_ALL, 0, false);
		try_state(from, prefix, SIMFS_NONE, 0, false);
		n = simfs_pieces(from, prefix);
		/* the older ones have had their turn at earlier prefixes */
		for (i = n > PIECES ? n - PIECES : 0; i < n; i++) {
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

/* 0 when all workers got through. */
static int
replay_all(const struct simfs *from)
{
	pid_t pids[WORKERS];
	int i, status, r = 0;

	fflush(stdout);
	for (i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			share = &shares[i];
			replay(from, (size_t)i);
			exit(0);
		}
	}
	for (i = 0; i < WORKERS; i++)
		if (waitpid(pids[i], &status, 0) != pids[i] || status != 0)
			r = -1;
	return r;
}

static void
report(void)
{
	unsigned long n_states = 0, n_indexed = 0, n_bad = 0;
	int i;

	for (i = 0; i < WORKERS; i++) {
		n_states += shares[i].n_states;
		n_indexed += shares[i].n_indexed;
		n_bad += shares[i].n_bad;
	}
	ok(n_bad == 0, "nothing promised is lost, half there, or comes again");
	ok(n_states > 100000 / LEDGER_STRIDE,
	   "%lu disks were tried over %zu calls", n_states,
	   simfs_length(ledger.disk));
	ok(n_indexed > 10000 / LEDGER_STRIDE,
	   "%lu segments were loaded by their index", n_indexed);
}

/* The work, and power lost everywhere in it. Where syncs end later than they
 * begin, the work goes on meanwhile, as beside a thread. */
static void
work(bool is_late)
{
	uint32_t first_segno;
	int i;

	memset(shares, 0, WORKERS * sizeof *shares);
	loop_init(&ledger.loop);
	ledger.is_late = is_late;
	ledger.disk = simfs_new();
	if (getenv("DISK_LIES"))
		simfs_sync_lies(ledger.disk);
	simfs_use(ledger.disk);
	ledger_open();
	first_segno = ledger.store.current->segno;
	ledger_work();
	ledger_land();
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
	if (stop_early && tap_failed > 0)
		exit(1);
	ok(replay_all(ledger.disk) == 0, "no recovery gives up");
	report();
	ledger_clear();
	simfs_use(NULL);
	simfs_free(ledger.disk);
	loop_free(&ledger.loop);
}

int
main(void)
{
	stop_early = getenv("STOP_EARLY");
	shares = mmap(NULL, WORKERS * sizeof *shares, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shares == MAP_FAILED)
		return 111;
	/* torn batches are logged by the thousand */
	if (!getenv("REPLAY_LOG"))
		dup2(open("/dev/null", O_WRONLY), 2);
	work(true); /* sees more, and sooner */
	work(false);
	return tap_done();
}
