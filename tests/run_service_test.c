/* run_service_test.c - a daemon that cannot be started is started later
 *
 * fork and pipe2 are this file's own; no child is ever made. */
#include "queue/run_service.h"

#include "lib/clock.h"
#include "tests/tap.h"

#include <errno.h>
#include <unistd.h>

static unsigned n_failing, n_forks;
static bool has_pipes = true;

pid_t
fork(void)
{
	n_forks++;
	if (n_failing == 0)
		return 1000000;
	n_failing--;
	errno = EAGAIN;
	return -1;
}

int
pipe2(int ends[2], int flags)
{
	(void)flags;
	errno = EMFILE;
	return has_pipes ? pipe(ends) : -1;
}

static struct loop loop;
static int64_t now_us = 1800000000000000;

static void
pass_ms(int64_t ms)
{
	now_us += ms * 1000;
	clock_set_for_tests(now_us);
	loop_round(&loop, 0);
}

static void
became_ready(struct run_service *s)
{
	(void)s;
}

static void
test_no_process(void)
{
	static const struct run_kind kind = {.name = "x", .program = "x"};
	struct run_service s;

	run_service_init(&s, &loop, &kind, NULL, became_ready);
	n_failing = 2;
	run_service_want(&s, true);
	ok(n_forks == 1 && s.pid == 0, "no process can be made now");
	pass_ms(RUN_PAUSE_MIN_MS);
	ok(n_forks == 2 && s.pid == 0, "nor after a pause");
	has_pipes = false;
	pass_ms(2 * RUN_PAUSE_MIN_MS);
	ok(n_forks == 2 && s.pid == 0, "no descriptor is free either");
	has_pipes = true;
	pass_ms(4 * RUN_PAUSE_MIN_MS);
	ok(n_forks == 3 && s.pid == 1000000, "then it is started");
	pass_ms(1);
	s.pid = 0; /* it was never there */
	n_failing = 1;
	run_service_died(&s, 0);
	pass_ms(RUN_PAUSE_MAX_MS);
	run_service_want(&s, false);
	pass_ms(RUN_PAUSE_MAX_MS);
	ok(n_forks == 4 && loop.n_timers == 0, "not when it is wanted no more");
}

int
main(void)
{
	clock_set_for_tests(now_us);
	loop_init(&loop);
	pass_ms(0);
	test_no_process();
	loop_free(&loop);
	return tap_done();
}
