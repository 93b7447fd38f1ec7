/* dest_pace_test.c - how many connections does a host get that takes nothing?
 */
#include "smtp-gateway/dest.h"
#include "tests/tap.h"

static struct loop loop;
static struct out out = {.loop = &loop};

/* How many in a minute, when each ends so at once? */
static unsigned
minute(struct dest *d, enum dest_end first, enum dest_end second)
{
	int64_t end = loop.now_ms + 60000;
	unsigned n = 0;

	while (loop.now_ms < end) {
		dest_opens(d);
		dest_ended(d, n++ % 2 ? second : first);
		loop.now_ms += dest_may_open_ms(d);
	}
	return n;
}

static void
test(const char *what, enum dest_end first, enum dest_end second, unsigned most)
{
	struct dest d = {.out = &out};
	unsigned n = minute(&d, first, second), then;

	then = minute(&d, first, second);
	ok(n <= most && then <= 12,
	   "%s: %u connections in the first minute, %u in the next", what, n,
	   then);
	ok(dest_may_open_ms(&d) <= 5000, "no mail waits longer than 5 s");
	dest_taken(&d);
	ok(dest_may_open_ms(&d) == 0, "a mail is taken: all is well");
	dest_ended(&d, second);
	ok(dest_may_open_ms(&d) == 100, "and the pauses begin anew");
}

static void
test_apart(void)
{
	struct dest d = {.out = &out};
	int i;

	for (i = 0; i < 5; i++)
		dest_ended(&d, DEST_UNREACHED);
	ok(dest_may_open_ms(&d) == 5000, "it was full for a while");
	loop.now_ms += 5000;
	dest_ended(&d, DEST_BAD);
	ok(dest_may_open_ms(&d) == 100, "and drops one: that is the first");
	dest_ended(&d, DEST_GOOD);
	ok(dest_may_open_ms(&d) == 100, "a good end changes nothing");
}

int
main(void)
{
	loop.now_ms = 1000000;
	test("never reached", DEST_UNREACHED, DEST_UNREACHED, 16);
	test("drops all", DEST_BAD, DEST_BAD, 16);
	test("in turn", DEST_UNREACHED, DEST_BAD, 20);
	test_apart();
	return tap_done();
}
