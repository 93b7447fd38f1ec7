#include "lib/texthash.h"

#include "lib/bytes.h"

/* *s += x * y, modulo 2^128 */
static inline void
add_product(struct texthash_sum *s, uint64_t x, uint64_t y)
{
#ifdef __SIZEOF_INT128__
	unsigned __int128 product = (unsigned __int128)x * y;
	uint64_t low = (uint64_t)product, high = (uint64_t)(product >> 64);
#else
	uint64_t x0 = x & UINT32_MAX, x1 = x >> 32;
	uint64_t y0 = y & UINT32_MAX, y1 = y >> 32;
	uint64_t a = x0 * y0, b = x1 * y0 + (a >> 32);
	uint64_t c = x0 * y1 + (b & UINT32_MAX);
	uint64_t low = c << 32 | (a & UINT32_MAX);
	uint64_t high = x1 * y1 + (b >> 32) + (c >> 32);
#endif

	s->low += low;
	s->high += high + (s->low < low);
}

void
texthash_key(struct texthash_key *k, const uint8_t key[SIPHASH_KEY])
{
	uint8_t made[SIPHASH_SIZE];
	struct siphash h;
	uint8_t i;

	for (i = 0; i <= TEXTHASH_PAIRS + 1; i++) {
		siphash_init(&h, key);
		siphash_push(&h, slice_of((const char *)&i, 1));
		siphash_end(&h, made);
		if (i <= TEXTHASH_PAIRS) {
			k->k[2 * i] = bytes_load64(made);
			k->k[2 * i + 1] = bytes_load64(made + 8);
		} else {
			memcpy(k->last, made, sizeof k->last);
		}
	}
}

void
texthash_init(struct texthash *h, const struct texthash_key *k)
{
	h->key = k;
	memset(h->sums, 0, sizeof h->sums);
	h->pairs = 0;
	h->length = 0;
	siphash_init(&h->all, k->last);
}

static void
end_chunk(struct texthash *h)
{
	uint8_t sums[32];

	bytes_store64(sums, h->sums[0].low);
	bytes_store64(sums + 8, h->sums[0].high);
	bytes_store64(sums + 16, h->sums[1].low);
	bytes_store64(sums + 24, h->sums[1].high);
	siphash_push(&h->all, slice_of((const char *)sums, sizeof sums));
	memset(h->sums, 0, sizeof h->sums);
	h->pairs = 0;
}

/* n pairs, no more than the chunk has room for; sums in registers. */
static void
take_pairs(struct texthash *h, const uint8_t *p, unsigned n)
{
	const uint64_t *k = h->key->k + (size_t)2 * h->pairs;
	struct texthash_sum a = h->sums[0], b = h->sums[1];

	h->pairs += n;
	for (; n > 0; n--, p += 16, k += 2) {
		uint64_t x = bytes_load64(p), y = bytes_load64(p + 8);

		add_product(&a, x + k[0], y + k[1]);
		add_product(&b, x + k[2], y + k[3]);
	}
	h->sums[0] = a;
	h->sums[1] = b;
	if (h->pairs == TEXTHASH_PAIRS)
		end_chunk(h);
}

void
texthash_push(struct texthash *h, struct slice s)
{
	const uint8_t *p = (const uint8_t *)s.at;
	size_t n = s.len, used = h->length % 16, missing = 16 - used;

	h->length += n;
	if (used > 0) {
		if (missing > n)
			missing = n;
		memcpy(h->tail + used, p, missing);
		if (used + missing < 16)
			return;
		take_pairs(h, h->tail, 1);
		p += missing;
		n -= missing;
	}
	while (n >= 16) {
		unsigned pairs = TEXTHASH_PAIRS - h->pairs;

		if (pairs > n / 16)
			pairs = (unsigned)(n / 16);
		take_pairs(h, p, pairs);
		p += (size_t)16 * pairs;
		n -= (size_t)16 * pairs;
	}
	if (n > 0)
		memcpy(h->tail, p, n);
}

void
texthash_end(struct texthash *h, uint8_t result[SIPHASH_SIZE])
{
	size_t used = h->length % 16;
	uint8_t length[8];

	if (used > 0) {
		memset(h->tail + used, 0, 16 - used);
		take_pairs(h, h->tail, 1);
	}
	if (h->pairs > 0)
		end_chunk(h);
	bytes_store64(length, h->length);
	siphash_push(&h->all, slice_of((const char *)length, sizeof length));
	siphash_end(&h->all, result);
}
