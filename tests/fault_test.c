/* fault_test.c - every call to the disk fails, once each, in each way
 *
 * The ledger's work runs with the n-th call failing, for n = 1, 2, 3 ...
 * until the work gets through without meeting it. Whatever happened, the
 * store is opened again on the same disk, as the supervisor would: what had
 * been acknowledged must be there, and the next message must be taken. A
 * store that gives up (exit 111) is fine, a K that is not kept is not.
 */
#include "lib/fs.h"
#include "tests/ledger.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	int error;
	const char *name;
} faults[] = {{ENOSPC, "ENOSPC"}, {EIO, "EIO"},	      {EDQUOT, "EDQUOT"},
	      {EINTR, "EINTR"},	  {EMFILE, "EMFILE"}, {0, "a short write"}};

enum { GOT_THROUGH = 0, KEPT = 3, BROKEN = 4, GAVE_UP = 111, STRIDE = 1 };

/* In a child, since the store may end its process. */
static int
one_case(uint64_t n, int error)
{
	loop_init(&ledger.loop);
	ledger.disk = simfs_new();
	simfs_use(ledger.disk);
	simfs_fail(ledger.disk, n, error);
	ledger_open();
	ledger_work();
	if (!simfs_failed(ledger.disk))
		return GOT_THROUGH;
	store_close(&ledger.store);
	ledger.loop.stopping = false;
	ledger_open();
	ledger_check(simfs_length(ledger.disk), error, n);
	if (ledger.n_bad > 0 || !ledger_more()->acked)
		return BROKEN;
	return KEPT;
}

static int
in_child(uint64_t n, int error)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (!getenv("REPLAY_LOG")) {
			dup2(open("/dev/null", O_WRONLY), 2);
			dup2(2, 1);
		}
		int r = one_case(n, error);

		fflush(stdout);
		_exit(r);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000;
}

int
main(void)
{
	size_t i;

	for (i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		unsigned long kept = 0, gave_up = 0;
		uint64_t n;
		int r;

		for (n = 1;; n += STRIDE) {
			r = in_child(n, faults[i].error);
			if (r == GOT_THROUGH)
				break;
			kept += r == KEPT;
			gave_up += r == GAVE_UP;
			if (!ok_quiet(r == KEPT || r == GAVE_UP,
				      "%s at call %llu: outcome %d",
				      faults[i].name, (unsigned long long)n, r))
				break;
		}
		ok(n > 500, "%s at each of %llu calls: kept %lu, gave up %lu",
		   faults[i].name, (unsigned long long)n - 1, kept, gave_up);
	}
	return tap_done();
}
