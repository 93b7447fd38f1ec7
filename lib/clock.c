#include "lib/clock.h"

#include <time.h>

static int64_t fake_us;

static int64_t
read_us(clockid_t which)
{
	struct timespec t;

	if (fake_us)
		return fake_us;
	clock_gettime(which, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
clock_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_us(void)
{
	return read_us(CLOCK_REALTIME);
}

int64_t
clock_s(void)
{
	return clock_us() / 1000000;
}

void
clock_set_for_tests(int64_t us)
{
	fake_us = us;
}
