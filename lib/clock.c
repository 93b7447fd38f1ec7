#include "lib/clock.h"

#include <time.h>

static int64_t fake_us, jump_us;

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
clock_steady_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t
clock_ms(void)
{
	return clock_steady_us() / 1000;
}

int64_t
clock_boot_s(void)
{
	return read_us(CLOCK_BOOTTIME) / 1000000;
}

int64_t
clock_us(void)
{
	return read_us(CLOCK_REALTIME) + jump_us;
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

void
clock_jump_for_tests(int64_t us)
{
	jump_us += us;
}
