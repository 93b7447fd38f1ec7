/* control_victim.h - which client of the control socket goes, when there is no
 * room for another one
 *
 * Test  tests/control_test.c
 */
#ifndef QUAIL_QUEUE_CONTROL_VICTIM_H
#define QUAIL_QUEUE_CONTROL_VICTIM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct control_client {
	uid_t uid;
	int64_t moved_ms; /* when it last asked, or had read a slice */
};

/* control_victim - of the user that has the most, the one that has made no
 * progress for the longest
 *
 * Returns  its place; n for none, if n is 0.
 */
size_t
control_victim(const struct control_client *clients, size_t n);

#endif
