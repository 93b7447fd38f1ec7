/* option.h - the words KEY=VALUE at the end of a line
 *
 *	far.example   qmtp:hub:209   concurrency=20 rate=100/m lifetime=3d
 *
 * A table says which keys it takes by a list of struct option_kind; the same
 * words stand in the map, and are read again with option_value and its like.
 *
 * Source  doc/quail-tables.5
 * Test    tests/build_test.c, tests/config_test.c
 */
#ifndef QUAIL_CDB_OPTION_H
#define QUAIL_CDB_OPTION_H

#include "lib/slice.h"

enum { OPTION_COUNT_MAX = 100000 };

/* So many in so many seconds; n is 0 when it was not said. */
struct option_rate {
	uint32_t n, per_s;
};

struct option_kind {
	const char *key;
	bool (*good)(struct slice value);
	const char *fault; /* what is wrong with a value that is not good */
};

/* option_is - is the word KEY=VALUE, no next hop? A '=' behind a ':' is not
 * an option's. */
bool
option_is(struct slice word);

/* option_fault - what is wrong with a word
 *
 * Takes    list, up to a key of NULL, whose fault is that of other keys.
 * Returns  NULL when it is right; else a text in which '$' is the word.
 */
const char *
option_fault(const struct option_kind *list, struct slice word);

/* option_value - the value of a key among words
 *
 * Returns  true and *value, a part of words; false: no such word.
 */
bool
option_value(struct slice words, const char *key, struct slice *value);

/* option_number, option_age_s, option_rate - a good value as a number; what
 * is not there, or not good, is 0 */
uint64_t
option_number(struct slice words, const char *key);

int64_t
option_age_s(struct slice words, const char *key);

struct option_rate
option_rate(struct slice words, const char *key);

/* option_good_count, option_good_rate, ... - the checks
 *
 *   count   1 to OPTION_COUNT_MAX
 *   rate    a count, or a count and /s, /m, /h or /d
 *   age     a number and s, m, h or d, not 0
 *   name    1 to 63 letters, digits, '.', '-' and '_'
 *   list    counts between commas
 *   day     a date, 2026-11-21
 */
bool
option_good_count(struct slice value);

bool
option_good_rate(struct slice value);

bool
option_good_age(struct slice value);

bool
option_good_name(struct slice value);

bool
option_good_list(struct slice value);

bool
option_good_day(struct slice value);

/* option_parse_age, option_parse_rate, option_parse_day - good values; a day
 * is counted from 1970-01-01 */
int64_t
option_parse_age_s(struct slice value);

struct option_rate
option_parse_rate(struct slice value);

int64_t
option_parse_day(struct slice value);

#endif
