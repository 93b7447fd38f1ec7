/* recent_test.c - remembered for ten minutes at least, twenty at most */
#include "queue/recent.h"
#include "tests/tap.h"

#include <string.h>

enum { MANY = 20000 };

static void
key_of(unsigned n, uint8_t key[RECENT_KEY])
{
	/* few different homes, so that searches meet */
	memset(key, 0, RECENT_KEY);
	key[0] = (uint8_t)(n % 7);
	memcpy(key + 4, &n, sizeof n);
}

static bool
has(const struct recent *r, unsigned n)
{
	uint8_t key[RECENT_KEY];

	key_of(n, key);
	return recent_has(r, key);
}

static void
put(struct recent *r, unsigned n, int64_t now_s)
{
	uint8_t key[RECENT_KEY];

	key_of(n, key);
	recent_put(r, key, now_s, now_s);
}

static void
test_ages(void)
{
	struct recent r = {0};
	uint8_t key[RECENT_KEY];

	put(&r, 1, 1000);
	put(&r, 2, 1000 + RECENT_S - 1);
	put(&r, 3, 1000 + RECENT_S);
	ok(has(&r, 1) && has(&r, 2) && has(&r, 3), "all within ten minutes");
	put(&r, 4, 1000 + 2 * RECENT_S);
	ok(!has(&r, 1), "the oldest is forgotten after twenty");
	ok(has(&r, 3) && has(&r, 4), "the younger are not");
	put(&r, 5, 1000 + 10 * RECENT_S);
	ok(!has(&r, 3) && !has(&r, 4) && has(&r, 5), "after a long silence");
	key_of(6, key);
	recent_put(&r, key, 1000, 1000 + 10 * RECENT_S);
	ok(!has(&r, 6), "what was taken too long ago is not remembered");
	recent_free(&r);
}

static void
test_drop(void)
{
	struct recent r = {0};
	uint8_t key[RECENT_KEY];
	unsigned n;
	bool good = true;

	for (n = 1; n <= MANY / 10; n++)
		put(&r, n, 1000);
	for (n = 1; n <= MANY / 10; n += 2) {
		key_of(n, key);
		recent_drop(&r, key);
	}
	for (n = 1; n <= MANY / 10; n++)
		good = good && has(&r, n) == (n % 2 == 0);
	ok(good, "every second one dropped, every other still found");
	recent_free(&r);
}

static void
test_all_zero(void)
{
	struct recent r = {0};
	uint8_t key[RECENT_KEY] = {0};

	ok(!recent_has(&r, key), "a key of zeros is not there at first");
	recent_put(&r, key, 1000, 1000);
	ok(recent_has(&r, key), "and is found when it is");
	recent_free(&r);
}

int
main(void)
{
	test_ages();
	test_drop();
	test_all_zero();
	return tap_done();
}
