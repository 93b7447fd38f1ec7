#include "lib/descriptors.h"

#include "lib/buf.h"
#include "lib/die.h"

#include <stdint.h>
#include <sys/resource.h>

void
descriptors_raise(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

size_t
descriptors_max(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	return (size_t)r.rlim_cur;
}

size_t
descriptors_left(size_t most)
{
	size_t max = descriptors_max();
	size_t left = max > DESCRIPTORS_SPARE ? max - DESCRIPTORS_SPARE : 1;

	return left < most ? left : most;
}

void
descriptors_need(size_t n)
{
	struct buf text = {0};
	size_t max;

	descriptors_raise();
	max = descriptors_max();
	if (max >= n)
		return;
	buf_text(&text, "the limit of open files is ");
	buf_number(&text, max);
	buf_text(&text, ", and this program needs ");
	buf_number(&text, n);
	buf_text(&text, "; raise it: ulimit -n, or LimitNOFILE= of its unit");
	buf_putc(&text, 0);
	die_config(buf_slice(&text).at, NULL);
}
