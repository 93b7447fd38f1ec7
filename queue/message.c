#include "queue/message.h"

#include "lib/die.h"

#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__ /* it is to see what is used after its end */

struct message *
message_new(void)
{
	struct message *m = calloc(1, sizeof *m);

	if (!m)
		die_nomem();
	return m;
}

void
message_free(struct message *m)
{
	free(m);
}

#else

/* A block begins at a multiple of BLOCK, so that a message finds its own. A
 * little less than BLOCK is asked for: malloc's head of the next fits too. */
enum { BLOCK = 65536, USABLE = BLOCK - 64 };

struct block {
	struct block *prev, *next; /* of those with a free place */
	struct message *free;	   /* chained by next */
	size_t n_used, n_fresh;	   /* fresh: never used yet, at the end */
	struct message places[];
};

enum { PLACES = (USABLE - sizeof(struct block)) / sizeof(struct message) };

static struct block *open_blocks;

static void
list(struct block *b)
{
	b->prev = NULL;
	b->next = open_blocks;
	if (open_blocks)
		open_blocks->prev = b;
	open_blocks = b;
}

static void
unlist(struct block *b)
{
	if (b->prev)
		b->prev->next = b->next;
	else
		open_blocks = b->next;
	if (b->next)
		b->next->prev = b->prev;
}

static struct block *
make(void)
{
	void *p;

	if (posix_memalign(&p, BLOCK, USABLE) != 0)
		die_nomem();
	*(struct block *)p = (struct block){.n_fresh = PLACES};
	list(p);
	return p;
}

struct message *
message_new(void)
{
	struct block *b = open_blocks ? open_blocks : make();
	struct message *m = b->free;

	if (m)
		b->free = m->next;
	else
		m = &b->places[PLACES - b->n_fresh--];
	if (++b->n_used == PLACES)
		unlist(b);
	memset(m, 0, sizeof *m);
	return m;
}

void
message_free(struct message *m)
{
	struct block *b =
	    (struct block *)((uintptr_t)m & ~(uintptr_t)(BLOCK - 1));

	if (b->n_used-- == PLACES)
		list(b);
	m->next = b->free;
	b->free = m;
	if (b->n_used == 0) {
		unlist(b);
		free(b);
	}
}

#endif
