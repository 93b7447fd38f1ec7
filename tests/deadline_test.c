/* deadline_test.c - how long may a peer that we send to take? */
#include "lib/deadline.h"
#include "tests/tap.h"

static int64_t now_ms;

/* How long does one last that does this each second? */
static int64_t
lasts_s(struct deadline *d, uint64_t bytes, bool ours)
{
	int64_t begun_ms = now_ms;
	uint64_t arrived = 0;

	while (deadline_look(d, now_ms, arrived, ours) == DEADLINE_FINE &&
	       now_ms < begun_ms + 10000000) {
		now_ms += 1000;
		arrived += bytes;
	}
	return (now_ms - begun_ms) / 1000;
}

static struct deadline
begun(uint64_t size)
{
	struct deadline d;

	deadline_start(&d, now_ms, size);
	deadline_wait(&d, now_ms, 180000);
	return d;
}

static void
test_next(void)
{
	struct deadline d = begun(0);

	ok(deadline_next_ms(&d, now_ms) == 180000, "look when it is due");
	ok(deadline_next_ms(&d, now_ms + 200000) == 1, "or now");
	deadline_wait(&d, now_ms, 5000000);
	ok(deadline_next_ms(&d, now_ms) == 3600000, "or when all is over");
	deadline_wait(&d, now_ms + 1000, 300000);
	ok(deadline_next_ms(&d, now_ms + 1000) == 300000, "a reply is whole");
}

int
main(void)
{
	struct deadline d;
	int64_t s;

	now_ms = 5000000;
	d = begun(0);
	s = lasts_s(&d, 0, false);
	ok(s == 180, "nothing moves: %lld s", (long long)s);
	d = begun(0);
	s = lasts_s(&d, 1, false);
	ok(s == 180, "a byte a second: %lld s", (long long)s);
	d = begun(0);
	s = lasts_s(&d, 90, false);
	ok(s == 180, "a little less than a block: %lld s", (long long)s);
	d = begun(0);
	s = lasts_s(&d, 92, false);
	ok(s == 3600, "blocks, until all is over: %lld s", (long long)s);
	d = begun(8192 * 1000);
	s = lasts_s(&d, 9000, false);
	ok(s == 4600, "which a large one is later: %lld s", (long long)s);
	d = begun(0);
	s = lasts_s(&d, 0, true);
	ok(s == 3600, "the same when it is we who wait: %lld s", (long long)s);
	d = begun(0);
	lasts_s(&d, 92, false);
	ok(deadline_look(&d, now_ms, 0, false) == DEADLINE_OVER, "then OVER");
	test_next();
	return tap_done();
}
