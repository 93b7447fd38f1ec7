#include "cdb/digest.h"

/* Any two odd numbers without a pattern do. */
static const uint64_t start[2] = {0x6a1f3c95d2b7e840, 0xb5c09e172d64f3a8};
static const uint64_t factor[2] = {0x9d3f5b1e7c82a64d, 0xc7a2e8f41b6d9035};

static uint64_t
stir(uint64_t lane, uint64_t word, uint64_t times)
{
	lane = (lane ^ word) * times;
	return lane ^ lane >> 31;
}

static void
word_push(struct digest *d, uint64_t word)
{
	d->lanes[0] = stir(d->lanes[0], word, factor[0]);
	d->lanes[1] = stir(d->lanes[1], word, factor[1]);
}

void
digest_init(struct digest *d)
{
	d->lanes[0] = start[0];
	d->lanes[1] = start[1];
}

/* A file goes from host to host, so the words are little-endian on all. */
static uint64_t
little(const char *at, size_t n)
{
	uint64_t word = 0;

	memcpy(&word, at, n);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

void
digest_push(struct digest *d, struct slice bytes)
{
	uint64_t len = bytes.len;

	while (bytes.len >= 8) {
		word_push(d, little(bytes.at, 8));
		bytes = slice_from(bytes, 8);
	}
	if (bytes.len > 0)
		word_push(d, little(bytes.at, bytes.len));
	word_push(d, len);
}

void
digest_end(const struct digest *d, char hex[DIGEST_HEX])
{
	struct digest last = *d;

	word_push(&last, 0);
	hex_put(hex, 16, last.lanes[0]);
	hex_put(hex + 16, 16, last.lanes[1]);
}

uint64_t
digest_hash(struct slice bytes)
{
	struct digest d;

	digest_init(&d);
	digest_push(&d, bytes);
	return d.lanes[0];
}
