#include "queue/spread.h"

#include <stdbool.h>

/* The broken part of the golden ratio and of the roots of 2, 3, 5, 7, 11, 13
 * and 17, in 2^64-ths. */
static const uint64_t steps[] = {0x9e3779b97f4a7c15, 0x6a09e667f3bcc908,
				 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
				 0xa54ff53a5f1d36f1, 0x510e527fade682d1,
				 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b};

/* Where the id falls between 0 and all, for this draw. */
static uint64_t
point(uint64_t id, unsigned draw, uint64_t all)
{
	uint64_t x = id * steps[draw % 8];

	if (draw >= 8) { /* so many are drawn by hardly anybody: by chance */
		x = id + draw * 0x9e3779b97f4a7c15;
		x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
		x = (x ^ x >> 27) * 0x94d049bb133111eb;
		x ^= x >> 31;
	}
	return (x >> 32) * all >> 32;
}

unsigned
spread_draw(uint64_t id, unsigned draw, const uint32_t *weights, unsigned n)
{
	uint64_t all = 0, at;
	unsigned i;

	for (i = 0; i < n; i++)
		all += weights[i];
	if (all == 0)
		return n;
	if (all > UINT32_MAX)
		all = UINT32_MAX; /* the last ones get less */
	at = point(id, draw, all);
	for (i = 0; i < n && at >= weights[i]; i++)
		at -= weights[i];
	return i;
}

void
spread_order(uint64_t id, unsigned first, uint32_t *weights, unsigned n,
	     unsigned *order)
{
	unsigned i, k, n_out = 0;
	bool taken[SPREAD_MAX] = {false};

	while ((k = spread_draw(id, first + n_out, weights, n)) < n) {
		weights[k] = 0;
		taken[k] = true;
		order[n_out++] = k;
	}
	for (i = 0; i < n; i++)
		if (!taken[i])
			order[n_out++] = i;
}
