#include "lib/siphash.h"

#include "lib/bytes.h"
#include "lib/die.h"

#include <sys/random.h>

static inline uint64_t
rotate(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void
mix(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static inline void
word(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	mix(v);
	mix(v);
	v[0] ^= m;
}

void
siphash_random(uint8_t key[SIPHASH_KEY])
{
	if (getrandom(key, SIPHASH_KEY, 0) != SIPHASH_KEY)
		die_sys("getting random bytes", NULL);
}

void
siphash_init(struct siphash *h, const uint8_t key[SIPHASH_KEY])
{
	uint64_t k0 = bytes_load64(key), k1 = bytes_load64(key + 8);

	*h = (struct siphash){
	    .v = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du ^ 0xee,
		  k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u}};
}

/* The state in registers: in memory, each byte read might change it. */
static void
words(struct siphash *h, const uint8_t *p, size_t n)
{
	uint64_t v[4] = {h->v[0], h->v[1], h->v[2], h->v[3]};

	for (; n > 0; n--, p += 8)
		word(v, bytes_load64(p));
	memcpy(h->v, v, sizeof v);
}

void
siphash_push(struct siphash *h, struct slice s)
{
	const uint8_t *p = (const uint8_t *)s.at;
	size_t n = s.len, used = h->length % 8;

	h->length += n;
	while (n > 0 && used > 0) {
		h->tail[used++] = *p++;
		n--;
		if (used == 8) {
			word(h->v, bytes_load64(h->tail));
			used = 0;
		}
	}
	words(h, p, n / 8);
	if (n % 8 > 0)
		memcpy(h->tail, p + (n & ~(size_t)7), n % 8);
}

void
siphash_end(struct siphash *h, uint8_t result[SIPHASH_SIZE])
{
	size_t used = h->length % 8;
	int i;

	memset(h->tail + used, 0, 8 - used);
	h->tail[7] = (uint8_t)h->length;
	word(h->v, bytes_load64(h->tail));
	h->v[2] ^= 0xee;
	for (i = 0; i < 4; i++)
		mix(h->v);
	bytes_store64(result, h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3]);
	h->v[1] ^= 0xdd;
	for (i = 0; i < 4; i++)
		mix(h->v);
	bytes_store64(result + 8, h->v[0] ^ h->v[1] ^ h->v[2] ^ h->v[3]);
}

uint64_t
siphash_of(const uint8_t key[SIPHASH_KEY], struct slice bytes)
{
	uint8_t result[SIPHASH_SIZE];
	struct siphash h;

	siphash_init(&h, key);
	siphash_push(&h, bytes);
	siphash_end(&h, result);
	return bytes_load64(result);
}
