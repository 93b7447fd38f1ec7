/* pace_test - how long a client may take */
#include "lib/pace.h"

#include "tests/tap.h"

static const struct limits limits = {
    .session_s = 3600, .idle_s = 300, .progress = 1000};

enum { S = 1000, WINDOW = LIMIT_PROGRESS_S * S };

static void
test_idle(void)
{
	struct pace p;

	pace_start(&p, &limits, 5);
	ok(pace_next_ms(&p, 5) == 300 * S && pace_state(&p, 5) == PACE_FINE,
	   "it begins with the idle time");
	ok(pace_state(&p, 300 * S + 4) == PACE_FINE &&
	       pace_state(&p, 300 * S + 5) == PACE_IDLE,
	   "idle, not a moment before");
	pace_input(&p, 1, false, 299 * S);
	ok(pace_next_ms(&p, 299 * S) == 300 * S &&
	       pace_state(&p, 598 * S) == PACE_FINE &&
	       pace_state(&p, 599 * S) == PACE_IDLE,
	   "a byte is enough between messages");
	ok(pace_next_ms(&p, 700 * S) == 1, "late is not never");
}

static void
test_slow(void)
{
	struct pace p;
	int i;

	pace_start(&p, &limits, 0);
	for (i = 0; i < 10; i++)
		pace_input(&p, 99, true, i * 10 * S);
	ok(pace_state(&p, WINDOW - 1) == PACE_FINE &&
	       pace_state(&p, WINDOW) == PACE_SLOW,
	   "990 bytes in the window are too few");
	ok(pace_next_ms(&p, 90 * S) == WINDOW - 90 * S, "and it is looked at");
	pace_input(&p, 10, true, 100 * S);
	ok(pace_state(&p, WINDOW) == PACE_FINE &&
	       pace_state(&p, 100 * S + WINDOW) != PACE_FINE,
	   "1000 give it a new window");
	pace_input(&p, 5000, true, 200 * S);
	pace_input(&p, 1, true, 210 * S);
	ok(pace_state(&p, 200 * S + WINDOW) == PACE_SLOW,
	   "what came before does not count for it");
	pace_ended(&p);
	pace_input(&p, 1, true, 220 * S);
	ok(pace_state(&p, 200 * S + WINDOW) == PACE_FINE &&
	       pace_state(&p, 220 * S + WINDOW) != PACE_FINE,
	   "a next message has its own");
	pace_input(&p, 1, false, 230 * S);
	ok(pace_next_ms(&p, 230 * S) == 300 * S,
	   "between messages there is none");
}

static void
test_wait(void)
{
	struct pace p;

	pace_start(&p, &limits, 0);
	pace_input(&p, 1, true, 0);
	pace_wait(&p, 250 * S);
	ok(pace_state(&p, 549 * S) == PACE_FINE &&
	       pace_state(&p, 550 * S) != PACE_FINE,
	   "what we keep waiting is not slow");
	pace_ended(&p);
	pace_wait(&p, 260 * S);
	ok(pace_next_ms(&p, 260 * S) == 300 * S, "nor between messages");
}

static void
test_over(void)
{
	struct pace p;
	int64_t t;

	pace_start(&p, &limits, 0);
	for (t = 0; t < 3600; t += 10)
		pace_input(&p, 1000, true, t * S);
	ok(pace_state(&p, 3600 * S - 1) == PACE_FINE &&
	       pace_state(&p, 3600 * S) == PACE_OVER,
	   "an hour in all, however much comes");
	pace_grant(&p, 10 * S);
	ok(pace_state(&p, 3600 * S) == PACE_FINE &&
	       pace_next_ms(&p, 3600 * S) == 10 * S,
	   "and some more");
	ok(pace_text(PACE_SLOW)[0] && !pace_text(PACE_FINE)[0], "in words");
}

int
main(void)
{
	test_idle();
	test_slow();
	test_wait();
	test_over();
	return tap_done();
}
