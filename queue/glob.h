/* glob.h - patterns of operators: * is any run of bytes, ? is any byte
 *
 * ASCII case does not count. No escapes, no sets: an address that has a '*'
 * in it is matched by '?' too. The pattern "<>" is the empty address.
 *
 * Test  tests/control_test.c
 */
#ifndef QUAIL_QUEUE_GLOB_H
#define QUAIL_QUEUE_GLOB_H

#include "lib/slice.h"

/* glob_match - at most pattern.len * s.len steps */
bool
glob_match(struct slice pattern, struct slice s);

#endif
