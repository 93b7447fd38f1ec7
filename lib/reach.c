#include "lib/reach.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct range {
	uint8_t first[16];
	uint8_t bits;
	enum reach reach;
};

/* The first that fits decides. */
static const struct range ranges4[] = {
    {{0}, 8, REACH_NOWHERE},	      {{127}, 8, REACH_NOWHERE},
    {{169, 254}, 16, REACH_NOWHERE},  {{224}, 3, REACH_NOWHERE},
    {{10}, 8, REACH_PRIVATE},	      {{172, 16}, 12, REACH_PRIVATE},
    {{192, 168}, 16, REACH_PRIVATE},  {{100, 64}, 10, REACH_PRIVATE},
    {{192, 0, 0}, 24, REACH_PRIVATE}, {{198, 18}, 15, REACH_PRIVATE},
};

static const struct range ranges6[] = {
    {{0}, 96, REACH_NOWHERE}, /* ::, ::1, and what IPv4 was once written as */
    {{1}, 64, REACH_NOWHERE}, /* discarded (RFC 6666) */
    {{0xfe, 0x80}, 10, REACH_NOWHERE},
    {{0xff}, 8, REACH_NOWHERE},
    {{0xfc}, 7, REACH_PRIVATE},
    {{0xfe, 0xc0}, 10, REACH_PRIVATE},
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48, REACH_PRIVATE},
};

/* Where in an address of IPv6 is one of IPv4? */
static const struct {
	struct range range;
	size_t at;
} with_v4[] = {
    {{{[10] = 0xff, [11] = 0xff}, 96, REACH_PUBLIC}, 12},
    {{{0, 0x64, 0xff, 0x9b}, 96, REACH_PUBLIC}, 12},
    {{{0x20, 0x02}, 16, REACH_PUBLIC}, 2},
};

static bool
is_in(const uint8_t *address, const struct range *r)
{
	size_t whole = r->bits / 8;
	uint8_t mask = (uint8_t) ~(0xff >> r->bits % 8);

	return memcmp(address, r->first, whole) == 0 &&
	       (mask == 0 || ((address[whole] ^ r->first[whole]) & mask) == 0);
}

static enum reach
look(const uint8_t *address, const struct range *ranges, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (is_in(address, &ranges[i]))
			return ranges[i].reach;
	return REACH_PUBLIC;
}

enum reach
reach_of(const uint8_t address[16])
{
	size_t i;

	for (i = 0; i < sizeof with_v4 / sizeof *with_v4; i++)
		if (is_in(address, &with_v4[i].range))
			return look(address + with_v4[i].at, ranges4,
				    sizeof ranges4 / sizeof *ranges4);
	return look(address, ranges6, sizeof ranges6 / sizeof *ranges6);
}
