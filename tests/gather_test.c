/* gather_test - when the log rests between two batches, and for how long */
#include "queue/gather.h"

#include "tests/tap.h"

/* After a batch of n that took so long, so much later. */
static int64_t
rest(int64_t took_us, size_t n, int64_t later_us)
{
	struct gather g = {0};

	gather_batch(&g, 1000000, 1000000 + took_us, n);
	return gather_rest_us(&g, 1000000 + took_us + later_us, 7);
}

/* More comes in each rest, until nothing does. */
static void
test_again(void)
{
	struct gather g = {0};
	int64_t now_us = 6400;

	gather_batch(&g, 0, now_us, 2);
	ok(gather_rest_us(&g, now_us, 1) == 400, "first for a sixteenth");
	ok(gather_rest_us(&g, now_us + 400, 3) == 400, "more has come: again");
	ok(gather_rest_us(&g, now_us + 800, 3) == 0, "no more: go on");
	gather_batch(&g, 0, now_us, 2);
	ok(gather_rest_us(&g, now_us, 3) == 400 &&
	       gather_rest_us(&g, now_us + 400, 4) == 400 &&
	       gather_rest_us(&g, now_us + 800, 5) == 400 &&
	       gather_rest_us(&g, now_us + 1200, 6) == 400 &&
	       gather_rest_us(&g, now_us + 1600, 7) == 0,
	   "a quarter in all, whatever comes");
}

int
main(void)
{
	struct gather g = {0};

	ok(gather_rest_us(&g, 5000, 1) == 0, "before the first batch: no rest");
	ok(rest(6400, 2, 0) == 400, "a sixteenth");
	ok(rest(6400, 2, 1200) == 400, "also a little later");
	ok(rest(6400, 2, 1201) == 0, "not when a quarter is over then");
	ok(rest(6400, 1, 0) == 0, "one message alone is never kept waiting");
	ok(rest(1500, 50, 0) == 0, "on a fast disk it would be too short");
	ok(rest(900000, 50, 0) == GATHER_MAX_US, "a millisecond at the most");
	ok(rest(900000, 50, 4 * GATHER_MAX_US) == 0, "four in all");
	ok(rest(6400, 2, -900000000) == 0, "a clock that was set back");
	ok(rest(-900000000, 2, 0) == 0 && rest(6400, 2, 900000000) == 0,
	   "and forth");
	test_again();
	return tap_done();
}
