/* heap.h - messages ordered by when they are due
 *
 * Test  tests/destination_test.c
 */
#ifndef QUAIL_QUEUE_HEAP_H
#define QUAIL_QUEUE_HEAP_H

#include "queue/message.h"

struct heap {
	struct message **at; /* a binary heap, the next due first */
	size_t n, max;
};

/* A zeroed struct is an empty heap. m->slot is the place plus one. */

/* heap_put - add, or move, a message that is due then */
void
heap_put(struct heap *h, struct message *m, int64_t due_s);

/* heap_drop - take out; nothing if it is not in */
void
heap_drop(struct heap *h, struct message *m);

/* heap_order - after due_s of several was changed in place */
void
heap_order(struct heap *h);

void
heap_free(struct heap *h);

#endif
