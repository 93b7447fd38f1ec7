/* run_service_test.c - a daemon that cannot be started is started later, one
 * that does not end is killed
 *
 * fork, pipe2 and kill are this file's own; no child is ever made. */
#include "queue/run_service.h"

#include "lib/clock.h"
#include "tests/tap.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
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

static int last_signal;

int
kill(pid_t pid, int signal)
{
	if (pid != 1000000)
		abort();
	last_signal = signal;
	return 0;
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

static void
test_no_end(void)
{
	static const struct run_kind kind = {.name = "x", .program = "x"};
	static const struct run_place place = {.stop_ms = 7000};
	struct run_service s;

	run_service_init(&s, &loop, &kind, &place, became_ready);
	n_failing = 0;
	run_service_want(&s, true);
	run_service_want(&s, false);
	ok(last_signal == SIGTERM, "it is told to end");
	pass_ms(6900);
	ok(last_signal == SIGTERM, "and has its time");
	pass_ms(200);
	ok(last_signal == SIGKILL, "then it is killed");
	run_service_died(&s, SIGKILL);
	ok(loop.n_timers == 0, "and that is all");
	run_service_want(&s, true);
	run_service_restart(&s);
	pass_ms(6000);
	run_service_restart(&s);
	ok(last_signal == SIGTERM, "it is told to begin anew");
	pass_ms(1100);
	ok(last_signal == SIGKILL, "not for ever, however often");
	last_signal = 0;
	run_service_died(&s, SIGKILL);
	pass_ms(20000);
	ok(s.pid > 0 && last_signal == 0, "its successor is left alone");
	run_service_want(&s, false);
	run_service_died(&s, 0);
}

int
main(void)
{
	clock_set_for_tests(now_us);
	loop_init(&loop);
	pass_ms(0);
	test_no_process();
	test_no_end();
	loop_free(&loop);
	return tap_done();
}
