/* owner.h - from an embedded part to the struct that holds it
 *
 * The loop, connections and clients keep no heap of their own: their
 * parts live inside their user's struct, and callbacks get the part.
 */
#ifndef QUAIL_LIB_OWNER_H
#define QUAIL_LIB_OWNER_H

#include <stddef.h>

#define OWNER(part, type, member)                                              \
	((type *)(void *)((char *)(part)-offsetof(type, member)))

#endif
