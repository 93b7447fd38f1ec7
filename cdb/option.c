#include "cdb/option.h"

#include "cdb/grammar.h"

bool
option_is(struct slice word)
{
	size_t eq = slice_find(word, '=');

	return eq < word.len && slice_find(word, ':') > eq;
}

const char *
option_fault(const struct option_kind *list, struct slice word)
{
	size_t eq = slice_find(word, '=');

	for (; list->key; list++)
		if (eq < word.len &&
		    slice_eq(slice_of(word.at, eq), slice_text(list->key)))
			return list->good(slice_from(word, eq + 1))
				   ? NULL
				   : list->fault;
	return list->fault;
}

bool
option_value(struct slice words, const char *key, struct slice *value)
{
	size_t len = strlen(key);
	struct slice word;

	while ((word = slice_word(&words)).len > 0)
		if (word.len > len && word.at[len] == '=' &&
		    memcmp(word.at, key, len) == 0) {
			*value = slice_from(word, len + 1);
			return true;
		}
	return false;
}

/* values */

static uint32_t
unit_s(char c)
{
	switch (c) {
	case 's': return 1;
	case 'm': return 60;
	case 'h': return 3600;
	case 'd': return 86400;
	default: return 0;
	}
}

bool
option_good_count(struct slice value)
{
	uint64_t n;

	return slice_number(value, OPTION_COUNT_MAX, &n) == 0 && n > 0;
}

int64_t
option_parse_age_s(struct slice value)
{
	uint64_t n;
	uint32_t unit = value.len ? unit_s(value.at[value.len - 1]) : 0;

	if (!unit ||
	    slice_number(slice_of(value.at, value.len - 1), 1000000, &n) != 0)
		return 0;
	return (int64_t)(n * unit);
}

bool
option_good_age(struct slice value)
{
	return option_parse_age_s(value) > 0;
}

struct option_rate
option_parse_rate(struct slice value)
{
	struct option_rate rate = {0, 1};
	size_t slash = slice_find(value, '/');
	uint64_t n;

	if (slash < value.len)
		rate.per_s =
		    value.len == slash + 2 ? unit_s(value.at[slash + 1]) : 0;
	if (rate.per_s &&
	    slice_number(slice_of(value.at, slash), OPTION_COUNT_MAX, &n) == 0)
		rate.n = (uint32_t)n;
	return rate;
}

bool
option_good_rate(struct slice value)
{
	return option_parse_rate(value).n > 0;
}

bool
option_good_name(struct slice value)
{
	return !grammar_client_name_fault(value);
}

bool
option_good_list(struct slice value)
{
	for (;;) {
		size_t comma = slice_find(value, ',');

		if (!option_good_count(slice_of(value.at, comma)))
			return false;
		if (comma == value.len)
			return true;
		value = slice_from(value, comma + 1);
	}
}

/* Days of years before this one, by the Gregorian rule. */
static int64_t
days_before(int64_t year)
{
	year--;
	return year * 365 + year / 4 - year / 100 + year / 400;
}

static bool
leap(uint64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int64_t
option_parse_day(struct slice value)
{
	static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
				       31, 31, 30, 31, 30, 31};
	uint64_t year, month, day, i;
	int64_t n;

	if (value.len != 10 || value.at[4] != '-' || value.at[7] != '-' ||
	    slice_number(slice_of(value.at, 4), 9999, &year) != 0 ||
	    slice_number(slice_of(value.at + 5, 2), 12, &month) != 0 ||
	    slice_number(slice_of(value.at + 8, 2), 31, &day) != 0 ||
	    year < 1970 || month == 0 || day == 0 ||
	    day > days[month - 1] + (uint64_t)(month == 2 && leap(year)))
		return -1;
	n = days_before((int64_t)year) - days_before(1970) + (int64_t)day - 1;
	for (i = 1; i < month; i++)
		n += days[i - 1] + (i == 2 && leap(year));
	return n;
}

bool
option_good_day(struct slice value)
{
	return option_parse_day(value) >= 0;
}

/* among words */

uint64_t
option_number(struct slice words, const char *key)
{
	struct slice value;
	uint64_t n;

	if (!option_value(words, key, &value) ||
	    slice_number(value, UINT64_MAX, &n) != 0)
		return 0;
	return n;
}

int64_t
option_age_s(struct slice words, const char *key)
{
	struct slice value;

	return option_value(words, key, &value) ? option_parse_age_s(value) : 0;
}

struct option_rate
option_rate(struct slice words, const char *key)
{
	struct slice value;

	return option_value(words, key, &value) ? option_parse_rate(value)
						: (struct option_rate){0, 1};
}
