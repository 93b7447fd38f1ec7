/* leaflibc_test.c - the static leaf's inet_pton, gmtime_r and strings
 * (packaging/leaf/), compiled here under other names: each beside libc's own
 */
#include "lib/slice.h"
#include "tests/tap.h"

#include <arpa/inet.h>
#include <time.h>

int
leaf_inet_pton(int family, const char *text, void *to);
struct tm *
leaf_gmtime_r(const time_t *at, struct tm *tm);
char *
leaf_strchrnul(const char *s, int c);
size_t
leaf_strcspn(const char *s, const char *set);
size_t
leaf_strlen(const char *s);

#define inet_pton leaf_inet_pton
#include "packaging/leaf/address.c"
#undef inet_pton
#define gmtime_r leaf_gmtime_r
#include "packaging/leaf/calendar.c"
#undef gmtime_r
#undef strlen
#undef strcspn
#undef strchrnul
#define strchrnul leaf_strchrnul
#define strcspn	  leaf_strcspn
#define strlen	  leaf_strlen
#include "packaging/leaf/strings.c"
#undef strchrnul
#undef strcspn
#undef strlen

static uint32_t
next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static bool
same_address(int family, const char *text)
{
	uint8_t one[16] = {0}, other[16] = {0};
	int r = inet_pton(family, text, one);

	return leaf_inet_pton(family, text, other) == r &&
	       (r == 0 || memcmp(one, other, sizeof one) == 0);
}

static const char *const addresses[] = {
    "",
    "0.0.0.0",
    "255.255.255.255",
    "1.2.3",
    "1.2.3.4.",
    "1.2.3.4.5",
    "1.2.3.256",
    "1.2.3.04",
    "1.2.3.00",
    "1..3.4",
    ".1.2.3",
    "1.2.3.4 ",
    "+1.2.3.4",
    "1.2.3.4294967297",
    "::",
    ":",
    ":::",
    "::1",
    "1::",
    "1:",
    ":1",
    "::1:",
    ":1::",
    "1::2::3",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7:8:",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "::1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7:8::",
    "1:2:3:4::5:6:7:8",
    "1:2:3::5:6:7:8",
    "FfFf:aBcD::09",
    "12345::",
    "g::",
    "::\x11",
    "::%lo",
    "::1.2.3.4",
    "::ffff:1.2.3.4",
    "::1.2.3",
    "::1.2.3.4.5",
    "::1.2.3.4:5",
    "::1.2.3.256",
    "::1234.1.1.1",
    "1.2.3.4::",
    "1:2:3:4:5:6:1.2.3.4",
    "1:2:3:4:5:6:7:1.2.3.4",
    "1:2:3:4:5:1.2.3.4",
    "1:2:3:4:5::1.2.3.4",
    "::2:3:4:5:6:7:1.2.3.4",
    "::.1.2.3",
};

/* One more or less, of what an address is made of. */
static void
change(char *text, size_t max, uint32_t *seed)
{
	static const char of[] = ":::...0123456789aFg ";
	size_t len = strlen(text), at = len ? next(seed) % len : 0;

	switch (next(seed) % 3) {
	case 0: memmove(text + at, text + at + 1, len - at + (len == 0)); break;
	case 1:
		if (len + 2 < max)
			memmove(text + at + 1, text + at, len - at + 1);
		/* fall through */
	default:
		if (text[at])
			text[at] = of[next(seed) % (sizeof of - 1)];
	}
}

static void
test_addresses(void)
{
	size_t i, n = sizeof addresses / sizeof *addresses;
	uint32_t seed = 7;
	char text[64];

	for (i = 0; i < n; i++)
		if (!same_address(AF_INET, addresses[i]) ||
		    !same_address(AF_INET6, addresses[i]))
			break;
	ok(i == n, "inet_pton: as libc's; %s", i < n ? addresses[i] : "all");
	for (i = 0; i < 400000; i++) {
		if (i % 4 == 0)
			snprintf(text, sizeof text, "%s",
				 addresses[next(&seed) % n]);
		change(text, sizeof text, &seed);
		if (!same_address(AF_INET, text) ||
		    !same_address(AF_INET6, text))
			break;
	}
	ok(i == 400000,
	   "inet_pton: as libc's, 400000 times near an address; "
	   "\"%s\"",
	   text);
}

static bool
same_date(int64_t s)
{
	time_t at = (time_t)s;
	struct tm one = {0}, other = {0};
	bool is = gmtime_r(&at, &one), is_ours = leaf_gmtime_r(&at, &other);

	return is == is_ours &&
	       (!is ||
		(one.tm_sec == other.tm_sec && one.tm_min == other.tm_min &&
		 one.tm_hour == other.tm_hour && one.tm_mday == other.tm_mday &&
		 one.tm_mon == other.tm_mon && one.tm_year == other.tm_year &&
		 one.tm_wday == other.tm_wday));
}

static void
test_dates(void)
{
	static const int64_t some[] = {0,
				       -1,
				       86399,
				       86400,
				       -86400,
				       -86401,
				       INT64_MAX,
				       INT64_MIN,
				       67768036191676799,
				       67768036191676800,
				       -67768040609740800,
				       -67768040609740801};
	size_t i, n = sizeof some / sizeof *some;
	int64_t day, bad = 0;
	uint32_t seed = 3;

	for (i = 0; i < n; i++)
		bad += !same_date(some[i]);
	ok(bad == 0, "gmtime_r: as libc's at its edges");
	for (day = -800000; day < 800000; day++)
		bad += !same_date(day * 86400 + next(&seed) % 86400);
	ok(bad == 0, "gmtime_r: as libc's on each day of 4,000 years");
}

static void
test_strings(void)
{
	static const char *const texts[] = {"",	       "a",    "\xff",
					    "abc\xff", "ccba", "hello, world"};
	static const char *const sets[] = {"", "c", "\xff", "lo", "\r\n"};
	size_t i, k, bad = 0;

	for (i = 0; i < sizeof texts / sizeof *texts; i++) {
		bad += leaf_strlen(texts[i]) != strlen(texts[i]);
		for (k = 0; k < sizeof sets / sizeof *sets; k++)
			bad += leaf_strcspn(texts[i], sets[k]) !=
			       strcspn(texts[i], sets[k]);
		for (k = 0; k < 256; k++)
			bad += leaf_strchrnul(texts[i], (int)k) !=
			       strchrnul(texts[i], (int)k);
	}
	ok(bad == 0, "strings: as libc's");
}

int
main(void)
{
	test_addresses();
	test_dates();
	test_strings();
	return tap_done();
}
