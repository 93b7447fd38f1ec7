/* address.c - inet_pton(3) for the static leaf: AF_INET, else AF_INET6
 *
 * Test  tests/leaflibc_test.c
 */
#include "lib/slice.h"

#include <arpa/inet.h>

static bool
take_v4(const char *s, uint8_t *to)
{
	int i, n, value;

	for (i = 0; i < 4; i++) {
		value = n = 0;
		for (; *s >= '0' && *s <= '9' && value < 256; s++, n++)
			value = 10 * value + *s - '0';
		if (n == 0 || value > 255 || (n > 1 && s[-n] == '0') ||
		    *s++ != (i < 3 ? '.' : 0))
			return false;
		to[i] = (uint8_t)value;
	}
	return true;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Groups of 16 bits, perhaps "::" between two, perhaps v4 for the last two. */
static bool
take_v6(const char *s, uint8_t *to)
{
	enum { NONE = 17 };
	uint8_t bytes[16];
	size_t n = 0, gap = NONE;
	int digits, value;

	if (*s == ':' && *++s != ':')
		return false;
	for (;;) {
		if (*s == ':') {
			if (gap != NONE)
				return false;
			gap = n;
			if (!*++s)
				break;
		}
		value = 0;
		for (digits = 0; digits < 4 && hex(s[digits]) >= 0; digits++)
			value = value << 4 | hex(s[digits]);
		if (s[digits] == '.' && n <= 12 && take_v4(s, bytes + n)) {
			n += 4;
			break;
		}
		if (digits == 0 || n == sizeof bytes)
			return false;
		bytes[n++] = (uint8_t)(value >> 8);
		bytes[n++] = (uint8_t)value;
		s += digits;
		if (!*s)
			break;
		if (*s++ != ':')
			return false;
	}
	if ((gap != NONE) == (n == sizeof bytes))
		return false;
	memset(to, 0, sizeof bytes);
	memcpy(to, bytes, gap < n ? gap : n);
	if (gap < n)
		memcpy(to + sizeof bytes - (n - gap), bytes + gap, n - gap);
	return true;
}

int
inet_pton(int family, const char *text, void *to)
{
	if (family == AF_INET)
		return take_v4(text, to);
	return take_v6(text, to);
}
