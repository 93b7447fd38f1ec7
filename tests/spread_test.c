/* spread_test.c - shares by weight, within 2 % over 20,000 messages */
#include "queue/spread.h"
#include "tests/tap.h"

#include <string.h>

enum { N = 20000 };

static const uint32_t known[][4] = {
    {1, 1, 0, 0}, {3, 1, 0, 0}, {1, 1, 1, 1}, {5, 3, 2, 1}, {100000, 1, 1, 7}};

/* Shares of those that are not dead, which are drawn past. */
static bool
is_even(const uint32_t *weights, uint64_t from, uint64_t step, unsigned dead)
{
	unsigned counts[4] = {0}, order[4], i, k;
	uint32_t w[4];
	double all = 0;
	bool good = true;

	for (i = 0; i < 4; i++)
		all += dead >> i & 1 ? 0 : weights[i];
	for (i = 0; i < N; i++) {
		memcpy(w, weights, sizeof w);
		spread_order(from + i * step, 0, w, 4, order);
		for (k = 0; dead >> order[k] & 1; k++)
			;
		counts[order[k]]++;
	}
	for (i = 0; i < 4; i++) {
		double want = dead >> i & 1 ? 0 : N * weights[i] / all;
		double off =
		    counts[i] > want ? counts[i] - want : want - counts[i];

		/* of its share; of one of a handful, a message or two */
		if (off > want * 0.02 + 3) {
			good = false;
			printf("# weight %u: %u, not %.0f (step %u, dead %x)\n",
			       weights[i], counts[i], want, (unsigned)step,
			       dead);
		}
	}
	return good;
}

int
main(void)
{
	static const uint64_t steps[] = {1, 2, 3, 5, 7, 10, 64};
	size_t i, k;
	bool all = true, rest = true;
	uint32_t none[2] = {0, 0};
	unsigned order[2];

	for (i = 0; i < sizeof known / sizeof *known; i++) {
		for (k = 0; k < sizeof steps / sizeof *steps; k++) {
			all &=
			    is_even(known[i], 0x6930000100000000, steps[k], 0);
			all &=
			    is_even(known[i], 0x1234567800012345, steps[k], 0);
		}
		rest &= is_even(known[i], 0x6930000100000000, 1, 1);
	}
	ok(all, "by weight, also of every n-th message");
	ok(rest, "a dead one's share goes to the others as they weigh");
	spread_order(7, 0, none, 2, order);
	ok(order[0] == 0 && order[1] == 1, "without weights: as they stand");
	ok(spread_draw(7, 0, known[3], 4) == spread_draw(7, 0, known[3], 4),
	   "the same each time");
	return tap_done();
}
