/* recent_test.c - a repeat is one for ten minutes, whatever the clock is set
 * to, and by another connection; what is remembered is bounded */
#include "queue/recent.h"
#include "tests/tap.h"

#include <string.h>

enum { MANY = 20000, HERE = 1, THERE = 2, ELSEWHERE = 3 };

static struct recent_now now;

static void
at(int64_t s)
{
	now = (struct recent_now){1000000 + s, 500 + s};
}

static void
key_of(unsigned n, uint8_t key[RECENT_KEY])
{
	/* few different homes, so that searches meet */
	memset(key, 0, RECENT_KEY);
	key[3] = (uint8_t)(n % 7);
	memcpy(key + 4, &n, sizeof n);
}

/* The id of the message that it repeats, 0 for none. */
static uint64_t
repeated(struct recent *r, unsigned n, uint32_t session)
{
	uint8_t key[RECENT_KEY];
	uint64_t id = 0;

	key_of(n, key);
	return recent_find(r, key, session, &now, &id) ? id : 0;
}

static void
put(struct recent *r, unsigned n, uint64_t id, uint32_t session)
{
	uint8_t key[RECENT_KEY];

	key_of(n, key);
	recent_put(r, key, id, now.wall_s, session, &now);
}

static void
drop(struct recent *r, unsigned n, uint64_t id)
{
	uint8_t key[RECENT_KEY];

	key_of(n, key);
	recent_drop(r, key, id);
}

static void
test_age(void)
{
	struct recent r = {0};

	at(0);
	put(&r, 1, 11, HERE);
	at(RECENT_S - 1);
	ok(repeated(&r, 1, THERE) == 11, "a repeat within ten minutes");
	at(RECENT_S);
	ok(!repeated(&r, 1, ELSEWHERE), "none after them, though nothing came "
					"meanwhile");
	at(10 * RECENT_S);
	ok(!repeated(&r, 1, ELSEWHERE), "nor ever after");
	put(&r, 1, 12, ELSEWHERE);
	at(10 * RECENT_S + 1);
	ok(repeated(&r, 1, THERE) == 12, "but of the later one");
	recent_free(&r);
}

static void
test_clocks(void)
{
	static const int steps[] = {-1,	    -3,	 -15,	-RECENT_S - 100,
				    -86400, 700, 86400, RECENT_S};
	struct recent r = {0};
	uint8_t key[RECENT_KEY];
	uint32_t i;

	at(0);
	put(&r, 1, 11, HERE);
	for (i = 0; i < sizeof steps / sizeof *steps; i++) {
		at(0);
		now.wall_s += steps[i];
		ok(repeated(&r, 1, ELSEWHERE + 1 + i) == 11,
		   "known when the clock is set by %d s", steps[i]);
	}
	at(RECENT_S);
	now.wall_s -= RECENT_S - 5;
	ok(!repeated(&r, 1, THERE), "the clock that went back does not keep "
				    "it");
	at(0);
	ok(repeated(&r, 1, THERE) == 11, "each of which was the clock's doing");
	key_of(2, key);
	recent_put(&r, key, 12, now.wall_s - RECENT_S, 0, &now);
	recent_put(&r, key, 12, now.wall_s + 1, 0, &now);
	ok(!recent_knows(&r, key), "too old, or from the future: not loaded");
	recent_put(&r, key, 12, now.wall_s - RECENT_S + 10, 0, &now);
	at(9);
	ok(repeated(&r, 2, HERE) == 12, "what was loaded counts from its own "
					"time");
	now.wall_s -= RECENT_S;
	ok(!repeated(&r, 2, THERE), "none of an earlier run's that seems to "
				    "come from the future");
	at(9);
	now.wall_s += RECENT_S;
	ok(!repeated(&r, 2, THERE), "nor when the clock has gone forward");
	at(10);
	now.wall_s -= 100;
	ok(!repeated(&r, 2, THERE), "by the clock that does not jump, too");
	recent_free(&r);
}

static void
test_connections(void)
{
	struct recent r = {0};

	at(0);
	put(&r, 1, 11, HERE);
	ok(!repeated(&r, 1, HERE), "the same connection: none");
	ok(repeated(&r, 1, THERE) == 11, "another one: a repeat");
	ok(!repeated(&r, 1, THERE), "and there it has been answered now");
	ok(!repeated(&r, 1, HERE), "here still");
	ok(repeated(&r, 1, ELSEWHERE) == 11, "a third one: a repeat");
	put(&r, 1, 12, HERE);
	ok(repeated(&r, 1, THERE) == 12, "the last one stands for it");
	recent_free(&r);
}

static void
test_drop(void)
{
	struct recent r = {0};
	unsigned n;
	bool good = true;

	at(0);
	for (n = 1; n <= MANY / 10; n++)
		put(&r, n, n, HERE);
	for (n = 1; n <= MANY / 10; n += 2)
		drop(&r, n, n);
	for (n = 1; n <= MANY / 10; n++)
		good = good && repeated(&r, n, THERE) == (n % 2 ? 0 : n);
	ok(good, "every second one dropped, every other still found");
	drop(&r, 2, 77);
	ok(repeated(&r, 2, ELSEWHERE) == 2, "only the message that it is of");
	put(&r, 1, 5, HERE);
	ok(repeated(&r, 1, THERE) == 5, "one that was dropped comes again");
	recent_free(&r);
}

static unsigned n_forgotten;

static void
forgets(struct recent *r, const struct recent_page *p)
{
	(void)r;
	n_forgotten += p->n;
}

/* Pages go when their last entry is too old, whether anything comes or not. */
static void
test_pages(void)
{
	struct recent r = {.forgets = forgets};
	unsigned s;
	bool good = true;

	for (s = 0; s < 3 * RECENT_S; s++) {
		at(s);
		put(&r, s, s + 1, HERE);
		good = good && r.n_pages <= RECENT_S / RECENT_PAGE_S + 1;
	}
	ok(good, "no more pages than ten minutes have");
	at(s);
	for (good = true; s > 0; s--)
		good =
		    good && (repeated(&r, s - 1, THERE) == s) ==
				(3 * RECENT_S - (s - 1) < (unsigned)RECENT_S);
	ok(good, "each is found for ten minutes, across pages");
	at(3 * RECENT_S + RECENT_S);
	recent_turn(&r, &now);
	ok(r.n_pages == 0 && n_forgotten == 3 * RECENT_S,
	   "a look at the clock forgets them all");
	recent_free(&r);
}

static void
test_bound(void)
{
	struct recent r = {0};
	unsigned n;

	at(0);
	for (n = 1; n <= RECENT_MAX + 1; n++) {
		uint8_t key[RECENT_KEY] = {0};
		uint32_t spread = n * 2654435761u;

		memcpy(key, &spread, sizeof spread);
		memcpy(key + 4, &n, sizeof n);
		recent_put(&r, key, n, now.wall_s, HERE, &now);
	}
	ok(r.n_pages == RECENT_PAGES && r.pages[0].number == 2 &&
	       r.n_put == RECENT_MAX + 1,
	   "more than %d: the oldest page is forgotten", RECENT_MAX);
	recent_free(&r);
}

static void
test_all_zero(void)
{
	struct recent r = {0};
	uint8_t key[RECENT_KEY] = {0};
	uint64_t id;

	at(0);
	ok(!recent_knows(&r, key), "a key of zeros is not there at first");
	recent_put(&r, key, 0, now.wall_s, HERE, &now);
	ok(recent_find(&r, key, THERE, &now, &id) && id == 0,
	   "and is found when it is, of a message without an id too");
	recent_free(&r);
}

int
main(void)
{
	test_age();
	test_clocks();
	test_connections();
	test_drop();
	test_pages();
	test_bound();
	test_all_zero();
	return tap_done();
}
