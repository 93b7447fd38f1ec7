/* texthash_test.c - the header's definition in long arithmetic, every length
 * and cut, and that no byte is passed over */
#include "lib/texthash.h"
#include "tests/tap.h"

enum { MAX = 1100, LIMBS = 4 };

static uint8_t text[MAX];
static struct texthash_key key;

/* 128 bits in limbs of 32: s += x * y, as on paper */
static void
add(uint32_t s[LIMBS], uint64_t x, uint64_t y)
{
	uint32_t a[2] = {(uint32_t)x, (uint32_t)(x >> 32)};
	uint32_t b[2] = {(uint32_t)y, (uint32_t)(y >> 32)};
	int i, j, k;

	for (i = 0; i < 2; i++)
		for (j = 0; j < 2; j++) {
			uint64_t p = (uint64_t)a[i] * b[j], carry = 0;

			for (k = i + j; k < LIMBS; k++) {
				carry += s[k];
				if (k == i + j)
					carry += (uint32_t)p;
				if (k == i + j + 1)
					carry += p >> 32;
				s[k] = (uint32_t)carry;
				carry >>= 32;
			}
		}
}

static uint64_t
word(size_t n, size_t at)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < 8; i++)
		if (at + i < n)
			v |= (uint64_t)text[at + i] << (8 * i);
	return v;
}

static void
put32(struct siphash *h, uint32_t v)
{
	char bytes[4];
	int i;

	for (i = 0; i < 4; i++)
		bytes[i] = (char)(v >> (8 * i));
	siphash_push(h, slice_of(bytes, 4));
}

static void
define(size_t n, uint8_t result[SIPHASH_SIZE])
{
	struct siphash h;
	size_t at, i, chunk = (size_t)16 * TEXTHASH_PAIRS;

	siphash_init(&h, key.last);
	for (at = 0; at < n; at += chunk) {
		uint32_t sums[2][LIMBS] = {{0}};

		for (i = 0; i < chunk && at + i < n; i += 16) {
			uint64_t x = word(n, at + i), y = word(n, at + i + 8);
			const uint64_t *k = key.k + i / 8;

			add(sums[0], x + k[0], y + k[1]);
			add(sums[1], x + k[2], y + k[3]);
		}
		for (i = 0; i < (size_t)2 * LIMBS; i++)
			put32(&h, sums[i / LIMBS][i % LIMBS]);
	}
	put32(&h, (uint32_t)n);
	put32(&h, 0);
	siphash_end(&h, result);
}

static void
hash(size_t n, size_t cut, uint8_t result[SIPHASH_SIZE])
{
	struct texthash h;
	size_t i;

	texthash_init(&h, &key);
	for (i = 0; i < n; i += cut)
		texthash_push(&h, slice_of((const char *)text + i,
					   n - i < cut ? n - i : cut));
	texthash_end(&h, result);
}

static void
test_definition(void)
{
	uint8_t want[SIPHASH_SIZE], got[SIPHASH_SIZE];
	size_t n, cut, good = 0, all = 0;

	for (n = 0; n <= MAX; n++) {
		define(n, want);
		for (cut = 1; cut <= MAX; cut += 1 + cut / 20 + n / 100) {
			hash(n, cut, got);
			good += memcmp(want, got, sizeof got) == 0;
			all++;
		}
	}
	ok(good == all, "%zu lengths and cuts: %zu", all, good);
}

static void
test_bits(void)
{
	uint8_t first[SIPHASH_SIZE], got[SIPHASH_SIZE];
	size_t i, same = 0;

	hash(MAX, MAX, first);
	for (i = 0; i < (size_t)MAX * 8; i++) {
		text[i / 8] ^= (uint8_t)(1 << i % 8);
		hash(MAX, MAX, got);
		text[i / 8] ^= (uint8_t)(1 << i % 8);
		same += memcmp(first, got, sizeof got) == 0;
	}
	ok(same == 0, "each bit makes a difference");
	memset(text + 1000, 0, 100);
	hash(1000, MAX, first);
	for (i = same = 0; i < 100; i++) {
		hash(1001 + i, MAX, got);
		same += memcmp(first, got, sizeof got) == 0;
	}
	ok(same == 0, "so do zeros at the end");
}

static void
test_keys(void)
{
	uint8_t secret[SIPHASH_KEY] = {1}, first[SIPHASH_SIZE],
		got[SIPHASH_SIZE];
	size_t i, j, same = 0, n = sizeof key.k / sizeof *key.k;

	for (i = 0; i < n; i++)
		for (j = 0; j < i; j++)
			same += key.k[i] == key.k[j];
	ok(same == 0, "the words of the key differ");
	hash(MAX, MAX, first);
	texthash_key(&key, secret);
	hash(MAX, MAX, got);
	ok(memcmp(first, got, sizeof got) != 0, "another key, another hash");
}

int
main(void)
{
	uint8_t secret[SIPHASH_KEY] = {0};
	size_t i;

	for (i = 0; i < MAX; i++) /* sums and products run over */
		text[i] = i % 3 ? 0xff : (uint8_t)(i * 151);
	texthash_key(&key, secret);
	test_definition();
	test_bits();
	test_keys();
	return tap_done();
}
