/* left_test.c - who left is known for ten minutes, and there is a bound */
#include "queue/left.h"
#include "tests/tap.h"

static void
test_time(void)
{
	struct left l = {0};
	bool good = true;
	int64_t s;

	ok(!left_may_have(&l, 7, 50), "nobody at first");
	left_put(&l, 7, 100);
	left_put(&l, 8, 100 + LEFT_S - 1);
	ok(left_may_have(&l, 7, 100) && left_may_have(&l, 7, 99 + LEFT_S),
	   "one is known from then on, for ten minutes");
	ok(!left_may_have(&l, 9, 100), "no other");
	for (s = 0; s < LEFT_S; s++)
		good = good && left_may_have(&l, 8, 99 + LEFT_S + s);
	ok(good, "whenever a generation ends");
	ok(!left_may_have(&l, 7, 100 + 3 * LEFT_S) &&
	       !left_may_have(&l, 8, 100 + 3 * LEFT_S) &&
	       l.ages[0].ids.cap + l.ages[1].ids.cap == 0,
	   "all are forgotten, with their memory");
	left_put(&l, 7, 10000);
	ok(!left_may_have(&l, 7, 20000), "after a long rest too");
	left_free(&l);
}

static void
test_bound(void)
{
	struct left l = {0};
	uint64_t id;

	for (id = 1; id <= LEFT_MAX; id++)
		left_put(&l, id, 1000);
	ok(!left_may_have(&l, id, 1000), "as many as there is room for");
	left_put(&l, id, 1000);
	ok(left_may_have(&l, id, 1000) && left_may_have(&l, id + 1, 1000),
	   "one more: it may be any");
	ok(l.ages[0].ids.n == LEFT_MAX, "and takes no room");
	ok(!left_may_have(&l, 1, 1000 + 2 * LEFT_S), "until that is over");
	left_free(&l);
}

int
main(void)
{
	test_time();
	test_bound();
	return tap_done();
}
