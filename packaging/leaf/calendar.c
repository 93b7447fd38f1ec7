/* calendar.c - gmtime_r(3) for the static leaf
 *
 * Years begin with March here: the day that a leap year has more is the last.
 * Nobody asks for the day of the year, or for the zone: they are not set.
 *
 * Test  tests/leaflibc_test.c
 */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <time.h>

enum {
	DAY_S = 86400,
	DAYS_BEFORE = 719468, /* of 1970-01-01, since 0000-03-01 */
	DAYS_400 = 146097,    /* in so many years */
	DAYS_100 = 36524,
	DAYS_4 = 1461
};

/* What does not go into equal parts is of the last. */
static int
part(int *days, int size, int last)
{
	int n = *days / size < last ? *days / size : last;

	*days -= n * size;
	return n;
}

struct tm *
gmtime_r(const time_t *at, struct tm *tm)
{
	int64_t day = *at / DAY_S, s = *at % DAY_S, era, year;
	int days, month;

	if (s < 0) {
		s += DAY_S;
		day--;
	}
	tm->tm_sec = (int)(s % 60);
	tm->tm_min = (int)(s / 60 % 60);
	tm->tm_hour = (int)(s / 3600);
	tm->tm_wday = (int)((day % 7 + 11) % 7);
	era = (day + DAYS_BEFORE) / DAYS_400;
	days = (int)((day + DAYS_BEFORE) % DAYS_400);
	if (days < 0) {
		days += DAYS_400;
		era--;
	}
	year = era * 400 - 1900;
	year += 100 * part(&days, DAYS_100, 3);
	year += 4 * part(&days, DAYS_4, 24);
	year += part(&days, 365, 3);
	month = (5 * days + 2) / 153; /* 0: March */
	tm->tm_mday = days - (153 * month + 2) / 5 + 1;
	if (month >= 10)
		year++;
	tm->tm_mon = (month + 2) % 12;
	if (year < INT_MIN || year > INT_MAX) {
		errno = EOVERFLOW;
		return NULL;
	}
	tm->tm_year = (int)year;
	return tm;
}
