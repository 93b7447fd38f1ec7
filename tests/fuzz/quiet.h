/* quiet.h - a log that nobody reads, for harnesses of what logs much
 *
 * Included once in a program: it stands for all of lib/log.h that is called.
 */
#ifndef QUAIL_TESTS_FUZZ_QUIET_H
#define QUAIL_TESTS_FUZZ_QUIET_H

#include "lib/log.h"

void
log_open(const char *event)
{
	(void)event;
}

void
log_text(const char *key, const char *value)
{
	(void)key, (void)value;
}

void
log_bytes(const char *key, struct slice value)
{
	(void)key, (void)value;
}

void
log_number(const char *key, int64_t value)
{
	(void)key, (void)value;
}

void
log_id(const char *key, uint64_t id)
{
	(void)key, (void)id;
}

void
log_errno(int e)
{
	(void)e;
}

void
log_close(void)
{
}

void
log_flush(void)
{
}

void
log_finish(void)
{
}

bool
log_waits(void)
{
	return false;
}

#endif
