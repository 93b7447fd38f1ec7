#include "lib/crc32c.h"

#include "lib/bytes.h"

enum { POLYNOMIAL_SIZE = 256 };

static uint32_t table[8][POLYNOMIAL_SIZE];
static bool table_made;

static void
make_table(void)
{
	uint32_t i, j, crc;

	for (i = 0; i < POLYNOMIAL_SIZE; i++) {
		crc = i;
		for (j = 0; j < 8; j++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
		table[0][i] = crc;
	}
	for (i = 0; i < POLYNOMIAL_SIZE; i++)
		for (j = 1; j < 8; j++)
			table[j][i] = table[j - 1][i] >> 8 ^
				      table[0][table[j - 1][i] & 255];
	table_made = true;
}

uint32_t
crc32c_portable(uint32_t crc, struct slice s)
{
	if (!table_made)
		make_table();
	crc = ~crc;
	for (; s.len >= 8; s = slice_from(s, 8)) {
		uint64_t v = bytes_load64((const uint8_t *)s.at) ^ crc;

		crc = table[7][v & 255] ^ table[6][v >> 8 & 255] ^
		      table[5][v >> 16 & 255] ^ table[4][v >> 24 & 255] ^
		      table[3][v >> 32 & 255] ^ table[2][v >> 40 & 255] ^
		      table[1][v >> 48 & 255] ^ table[0][v >> 56];
	}
	for (; s.len > 0; s = slice_from(s, 1))
		crc = crc >> 8 ^ table[0][(crc ^ (uint8_t)s.at[0]) & 255];
	return ~crc;
}

/* What 2^k zero bytes make of a state, by its eight half bytes. */
enum { POWERS = 64, HALVES = 8, HALF = 16 };
static uint32_t zeros[POWERS][HALVES][HALF];
static bool zeros_made;

static uint32_t
through(uint32_t by[HALVES][HALF], uint32_t crc)
{
	uint32_t r = 0;
	int i;

	for (i = 0; i < HALVES; i++, crc >>= 4)
		r ^= by[i][crc & (HALF - 1)];
	return r;
}

/* What k's zeros make of a state of one bit. */
static uint32_t
of_bit(int k, int bit)
{
	uint32_t c = (uint32_t)1 << bit;

	return k == 0 ? c >> 8 ^ table[0][c & 255]
		      : through(zeros[k - 1], through(zeros[k - 1], c));
}

static void
make_powers(void)
{
	int k, bit, i;

	if (!table_made)
		make_table();
	for (k = 0; k < POWERS; k++)
		for (bit = 0; bit < 32; bit++)
			for (i = 0; i < HALF; i++)
				if (i >> bit % 4 & 1)
					zeros[k][bit / 4][i] ^= of_bit(k, bit);
	zeros_made = true;
}

uint32_t
crc32c_join(uint32_t first, uint32_t second, uint64_t len)
{
	int k;

	if (!zeros_made)
		make_powers();
	for (k = 0; len; k++, len >>= 1)
		if (len & 1)
			first = through(zeros[k], first);
	return first ^ second;
}

#if defined(__x86_64__)

#define BY_INSTRUCTION __attribute__((target("sse4.2"))) static

BY_INSTRUCTION uint64_t
step(uint64_t c, const char *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return __builtin_ia32_crc32di(c, v);
}

#ifndef __OPTIMIZE_SIZE__

/* The instruction takes three steps of the clock, and a new one can begin at
 * each: three streams, one behind the other in memory, take as long as one. */
enum { STREAM = 336 }; /* bytes of each: four rounds take a message of 4 KB */

/* What STREAM zero bytes make of a state; the table's is that of its byte. */
static uint32_t behind_zeros[4][256];

BY_INSTRUCTION void
make_zeros(void)
{
	uint32_t i, bit, k;

	for (bit = 0; bit < 32; bit++) {
		uint64_t c = (uint64_t)1 << bit;

		for (k = 0; k < STREAM / 8; k++)
			c = __builtin_ia32_crc32di(c, 0);
		for (i = 0; i < 256; i++)
			if (i >> bit % 8 & 1)
				behind_zeros[bit / 8][i] ^= (uint32_t)c;
	}
}

static uint32_t
zeros_behind(uint64_t c)
{
	return behind_zeros[0][c & 255] ^ behind_zeros[1][c >> 8 & 255] ^
	       behind_zeros[2][c >> 16 & 255] ^ behind_zeros[3][c >> 24 & 255];
}

/* As much as whole rounds of the streams take. */
BY_INSTRUCTION uint64_t
by_streams(uint64_t c, struct slice *s)
{
	for (; s->len >= (size_t)3 * STREAM; *s = slice_from(*s, 3 * STREAM)) {
		uint64_t second = 0, third = 0;
		size_t i;

		for (i = 0; i < STREAM; i += 8) {
			c = step(c, s->at + i);
			second = step(second, s->at + STREAM + i);
			third = step(third, s->at + 2 * STREAM + i);
		}
		c = zeros_behind(zeros_behind(c) ^ second) ^ third;
	}
	return c;
}

#else /* a leaf has no message a second */

static void
make_zeros(void)
{
}

static uint64_t
by_streams(uint64_t c, struct slice *s)
{
	(void)s;
	return c;
}

#endif

BY_INSTRUCTION uint32_t
by_instruction(uint32_t crc, struct slice s)
{
	uint64_t c = by_streams(~crc, &s);

	for (; s.len >= 8; s = slice_from(s, 8))
		c = step(c, s.at);
	for (; s.len > 0; s = slice_from(s, 1))
		c = __builtin_ia32_crc32qi((uint32_t)c, (uint8_t)s.at[0]);
	return ~(uint32_t)c;
}

static bool
has_instruction(void)
{
	enum { SSE4_2 = 1 << 20 };
	unsigned a = 1, b, c = 0, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c & SSE4_2;
}

uint32_t
crc32c(uint32_t crc, struct slice s)
{
	static int has = -1;

	if (has < 0) {
		has = has_instruction();
		if (has)
			make_zeros();
	}
	return has ? by_instruction(crc, s) : crc32c_portable(crc, s);
}

#else

uint32_t
crc32c(uint32_t crc, struct slice s)
{
	return crc32c_portable(crc, s);
}

#endif
