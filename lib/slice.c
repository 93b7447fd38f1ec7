#include "lib/slice.h"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool
slice_case_eq(struct slice a, struct slice b)
{
	size_t i;

	if (a.len != b.len)
		return false;
	for (i = 0; i < a.len; i++)
		if (lower(a.at[i]) != lower(b.at[i]))
			return false;
	return true;
}

bool
slice_starts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len &&
	       (prefix.len == 0 || !memcmp(s.at, prefix.at, prefix.len));
}

size_t
slice_find(struct slice s, char c)
{
	const char *p = s.len ? memchr(s.at, c, s.len) : NULL;

	return p ? (size_t)(p - s.at) : s.len;
}

size_t
slice_find_last(struct slice s, char c)
{
	const char *p = s.len ? memrchr(s.at, c, s.len) : NULL;

	return p ? (size_t)(p - s.at) : s.len;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

struct slice
slice_word(struct slice *rest)
{
	struct slice word;
	size_t i = 0, from;

	while (i < rest->len && blank(rest->at[i]))
		i++;
	from = i;
	while (i < rest->len && !blank(rest->at[i]))
		i++;
	word = slice_of(slice_from(*rest, from).at, i - from);
	*rest = slice_from(*rest, i);
	return word;
}

struct slice
slice_trim(struct slice s)
{
	while (s.len > 0 && strchr(" \t\r\n", s.at[0]) && s.at[0])
		s = slice_from(s, 1);
	while (s.len > 0 && s.at[s.len - 1] &&
	       strchr(" \t\r\n", s.at[s.len - 1]))
		s.len--;
	return s;
}

int
slice_number(struct slice s, uint64_t max, uint64_t *r)
{
	uint64_t v = 0;
	size_t i;

	if (s.len == 0)
		return -1;
	for (i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)(s.at[i] - '0');

		if (s.at[i] < '0' || s.at[i] > '9' || v > max / 10)
			return -1;
		v = v * 10;
		if (digit > max - v)
			return -1;
		v += digit;
	}
	*r = v;
	return 0;
}

/* A hex digit's value plus one. */
static const uint8_t digits[256] = {
    ['0'] = 1,	['1'] = 2,  ['2'] = 3,	['3'] = 4,  ['4'] = 5,	['5'] = 6,
    ['6'] = 7,	['7'] = 8,  ['8'] = 9,	['9'] = 10, ['a'] = 11, ['b'] = 12,
    ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16};

int
slice_hex(struct slice s, uint64_t *r)
{
	uint64_t v = 0;
	unsigned good = 1;
	size_t i;

	if (s.len == 0 || s.len > 16)
		return -1;
	for (i = 0; i < s.len; i++) {
		uint8_t digit = digits[(uint8_t)s.at[i]];

		good &= digit > 0;
		v = v << 4 | ((digit - 1u) & 15);
	}
	if (!good)
		return -1;
	*r = v;
	return 0;
}

void
hex_put(char *out, unsigned n, uint64_t v)
{
	for (; n > 1; v >>= 8) {
		out[--n] = "0123456789abcdef"[v & 15];
		out[--n] = "0123456789abcdef"[v >> 4 & 15];
	}
	if (n > 0)
		*out = "0123456789abcdef"[v & 15];
}
