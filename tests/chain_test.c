/* chain_test.c - one disk, many lives: power is lost, processes are killed,
 * calls fail, again and again, and each next life builds on what is there
 *
 * replay_test and fault_test break one life in every place, and look once or
 * twice what is left. Here a random work goes on from whatever a loss has left
 * to the next one: in a life perhaps one call to the disk fails; then power is
 * lost behind a random call, or the process is killed, and what it had not
 * synced may go later. Every promise of every life holds at the end of each.
 *
 * usage: chain_test [FIRST-SEED [COUNT]]. REPLAY_LOG=1 shows the store's log;
 * LONG=1 tries twenty times as many.
 */
#include "lib/fs.h"
#include "tests/ledger.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIVES = 5, STEPS = 80, LOOKS = 6 };

static const int faults[] = {ENOSPC, EIO, EDQUOT, EINTR, EMFILE, 0, -ENOSPC};

static uint64_t seed, state;

static uint64_t
below(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

/* Open the store on a disk as it may be, and compare. Takes disk. */
static void
look(struct simfs *disk, size_t prefix, int life)
{
	struct simfs *worked_on = ledger.disk;

	simfs_use(disk);
	ledger.disk = disk;
	ledger.again_prefix = prefix;
	ledger_open();
	ledger_check(prefix, (int)seed, (uint64_t)life);
	store_close(&ledger.store);
	ledger.disk = worked_on;
	simfs_free(disk);
}

static void
work(void)
{
	size_t i, n = 20 + (size_t)below(STEPS);

	if (below(3) == 0)
		simfs_fail(ledger.disk, 1 + below(n * 3),
			   faults[below(sizeof faults / sizeof *faults)]);
	for (i = 0; i < n && !ledger.store.failed; i++)
		if (ledger.n + 1 < LEDGER_ALL)
			ledger_random(&state);
	simfs_fail(ledger.disk, UINT64_MAX / 2, EIO);
	ledger.loop.stopping = false;
}

/* Its life ends; the next one goes on from what is left. */
static void
next_life(size_t begin, int life)
{
	size_t length = simfs_length(ledger.disk), prefix;
	struct simfs *left;
	int i;

	for (i = 0; i < LOOKS; i++) {
		prefix = begin + (size_t)below(length - begin + 1);
		look(simfs_crash(ledger.disk, prefix, SIMFS_RANDOM, below(1000),
				 below(2)),
		     prefix, life);
	}
	prefix = begin + (size_t)below(length - begin + 1);
	if (below(3) == 0) {
		left = simfs_killed(ledger.disk, prefix);
	} else {
		left = simfs_crash(ledger.disk, prefix, SIMFS_RANDOM,
				   below(1000), below(2));
		simfs_settle(left);
	}
	simfs_free(ledger.disk);
	ledger.disk = left;
	simfs_use(left);
	ledger.again_prefix = prefix;
	ledger_open();
	ledger_check(prefix, (int)seed, (uint64_t)life);
	ledger_rebase(prefix);
}

/* In a child, since a store may end its process. */
static int
chain(void)
{
	size_t begin;
	int life;

	state = seed * 0x9e3779b97f4a7c15u + 1;
	loop_init(&ledger.loop);
	ledger.is_late = below(2);
	ledger.disk = simfs_new();
	simfs_use(ledger.disk);
	ledger_open();
	ledger_rebase(0);
	for (life = 0; life < LIVES && ledger.n_bad == 0; life++) {
		begin = simfs_length(ledger.disk);
		work();
		/* said in the log; from then on copies are possible */
		ledger.is_aged |= ledger.store.kept.n_given_up > 0;
		store_close(&ledger.store);
		next_life(begin, life);
	}
	store_close(&ledger.store);
	return ledger.n_bad > 0;
}

/* 0: all well, 1: not, 2: it ended its process. */
static int
in_child(void)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		status = chain();
		fflush(stdout);
		_exit(status);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status) == 111 ? 2 : WEXITSTATUS(status) != 0;
}

int
main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t n = argc > 2	      ? strtoull(argv[2], NULL, 10)
		     : getenv("LONG") ? 10000
				      : 1000 / LEDGER_STRIDE;
	unsigned long counts[3] = {0};
	int how;

	if (!getenv("REPLAY_LOG"))
		dup2(open("/dev/null", O_WRONLY), 2);
	for (seed = first; seed < first + n; seed++) {
		how = in_child();
		counts[how]++;
		if (how == 1)
			ok(false, "seed %llu", (unsigned long long)seed);
	}
	ok(counts[1] == 0,
	   "%llu disks of %d lives each: nothing promised is "
	   "lost; %lu ended by themselves",
	   (unsigned long long)n, LIVES, counts[2]);
	return tap_done();
}
