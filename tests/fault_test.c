/* fault_test.c - every call to the disk fails, once each, in each way
 *
 * The ledger's work runs with the n-th call failing, for n = 1, 2, 3 ...
 * until the work gets through without meeting it. Whatever happened, the
 * store is opened again on the same disk, as the supervisor would: what had
 * been acknowledged must be there, and the next message must be taken. A
 * store that gives up (exit 111) is fine, a K that is not kept is not. Power
 * is lost behind the failed run, and again behind the restart: a failed sync
 * leaves what can be read but will never be written.
 *
 * REPLAY_LOG=1 shows the store's log.
 */
#include "lib/fs.h"
#include "tests/ledger.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	int error;
	const char *name;
} faults[] = {{ENOSPC, "ENOSPC"}, {EIO, "EIO"},	      {EDQUOT, "EDQUOT"},
	      {EINTR, "EINTR"},	  {EMFILE, "EMFILE"}, {0, "short"},
	      {-ENOSPC, "full"}};

enum {
	GOT_THROUGH = 0,
	KEPT = 3,
	LOST = 4,
	STUCK = 5,	/* it went on, but takes no mail any more */
	LOST_LATER = 6, /* at a power loss some time after the restart */
	GAVE_UP = 111
};

static void
lose_power(size_t prefix, uint64_t kind, int error, uint64_t n)
{
	struct simfs *crashed =
	    simfs_crash(ledger.disk, prefix, kind ? SIMFS_RANDOM : SIMFS_NONE,
			kind, kind % 2);

	simfs_use(crashed);
	ledger_open();
	ledger_check(prefix, error, n);
	store_close(&ledger.store);
	simfs_free(crashed);
	simfs_use(ledger.disk);
}

/* Power is lost at the end, or soon after the call that failed: is everything
 * there that was promised? */
static bool
survives_power_loss(size_t soon, int error, uint64_t n)
{
	size_t i, length = simfs_length(ledger.disk);

	for (i = soon; i < length && i < soon + 6; i++)
		if (error == EIO || error < 0)
			lose_power(i, i, error, n);
	for (i = 0; i < 3; i++)
		lose_power(length, i, error, n);
	return ledger.n_bad == 0;
}

static bool
serves_again(int error, uint64_t n)
{
	ledger.loop.stopping = false;
	ledger_open();
	ledger_check(simfs_length(ledger.disk), error, n);
	return ledger.n_bad == 0 && ledger_more()->acked;
}

/* In a child, since the store may end its process. */
static int
one_case(uint64_t n, int error)
{
	int i;

	loop_init(&ledger.loop);
	ledger.disk = simfs_new();
	simfs_use(ledger.disk);
	simfs_fail(ledger.disk, n, error);
	ledger_open();
	ledger_work();
	if (!simfs_failed(ledger.disk))
		return GOT_THROUGH;
	simfs_fail(ledger.disk, UINT64_MAX / 2, EIO); /* that was it */
	if (!ledger.store.failed && !ledger_more()->acked)
		return STUCK;
	/* keys that found no room are the only thing that may be gone */
	ledger.is_aged = ledger.store.kept.n_given_up > 0 &&
			 (error == ENOSPC || error == EDQUOT || error < 0);
	store_close(&ledger.store);
	if (!survives_power_loss(simfs_failed_at(ledger.disk), error, n) ||
	    !serves_again(error, n))
		return LOST;
	for (i = 0; i < 3; i++)
		store_reclaim(&ledger.store);
	store_close(&ledger.store);
	return survives_power_loss(simfs_length(ledger.disk), error, n)
		   ? KEPT
		   : LOST_LATER;
}

static pid_t
begin_child(uint64_t n, int error)
{
	pid_t pid;
	int r;

	fflush(stdout);
	pid = fork();
	if (pid != 0)
		return pid;
	if (!getenv("REPLAY_LOG")) {
		dup2(open("/dev/null", O_WRONLY), 2);
		dup2(2, 1);
	}
	r = one_case(n, error);
	fflush(stdout);
	_exit(r);
}

static int
end_child(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

/* Two cases are under way at a time. */
static void
try_fault(int error, const char *name)
{
	unsigned long kept = 0, gave_up = 0;
	pid_t pid, next = begin_child(1, error);
	uint64_t n;
	int r;

	for (n = 1;; n += LEDGER_STRIDE) {
		pid = next;
		next = begin_child(n + LEDGER_STRIDE, error);
		r = end_child(pid);
		kept += r == KEPT;
		gave_up += r == GAVE_UP;
		if (r == GOT_THROUGH ||
		    !ok_quiet(r == KEPT || r == GAVE_UP,
			      "%s at call %llu: outcome %d", name,
			      (unsigned long long)n, r))
			break;
	}
	end_child(next);
	ok(n > 500, "%s at each of %llu calls%s: kept %lu, gave up %lu", name,
	   (unsigned long long)n - 1,
	   ledger.is_late ? ", syncs beside the work" : "", kept, gave_up);
}

/* usage: fault_test [FAULT], one of them only */
int
main(int argc, char **argv)
{
	size_t i;
	int late;

	for (i = 0; i < sizeof faults / sizeof faults[0]; i++)
		if (argc < 2 || strcmp(argv[1], faults[i].name) == 0)
			for (late = 0; late < 2; late++) {
				ledger.is_late = late;
				try_fault(faults[i].error, faults[i].name);
			}
	return tap_done();
}
