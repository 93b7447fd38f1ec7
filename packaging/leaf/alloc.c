/* alloc.c - malloc(3) for the static leaf: one thread, few and short-lived
 * pieces
 *
 * Sizes are rounded up to a power of two; what is freed goes to the list of
 * its size, and is never given back to the system. What is larger than
 * LARGE is a mapping of its own, which the kernel can make longer without a
 * copy. A tenth of the room of libc's.
 *
 * Before each piece stands its size. A size that cannot be (somebody wrote
 * over it) ends the process.
 *
 * Test  tests/leafparts_test.c, tests/leaf_static.t
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	HEAD = 16,	  /* bytes; keeps pieces aligned for anything */
	SMALLEST = 5,	  /* a piece of 32 bytes, head and all */
	LARGE = 16,	  /* pieces from 64 KiB on are mappings */
	ARENA = 64 * 1024 /* asked of the system at a time */
};

struct piece {
	size_t size; /* head and all: a power of two, or a mapping's */
	struct piece *next;
};

static struct piece *free_list[LARGE];
static char *arena;
static size_t arena_left;

static struct piece *
map(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static unsigned
class_of(size_t size)
{
	unsigned c = SMALLEST;

	while ((size_t)1 << c < size)
		c++;
	return c;
}

static struct piece *
carve(unsigned c)
{
	size_t size = (size_t)1 << c;
	struct piece *p;

	if (arena_left < size) { /* what is left of the old one stays so */
		p = map(ARENA);
		if (!p)
			return NULL;
		arena = (char *)p;
		arena_left = ARENA;
	}
	p = (struct piece *)(void *)arena;
	arena += size;
	arena_left -= size;
	p->size = size;
	return p;
}

static struct piece *
large(size_t size)
{
	struct piece *p;

	size = (size + 4095) & ~(size_t)4095;
	p = map(size);
	if (p)
		p->size = size;
	return p;
}

void *
malloc(size_t n)
{
	struct piece *p;
	unsigned c;

	if (n > PTRDIFF_MAX - 2 * 4096) {
		errno = ENOMEM;
		return NULL;
	}
	n += HEAD;
	if (n >= (size_t)1 << LARGE) {
		p = large(n);
	} else if ((c = class_of(n)) == LARGE) {
		p = large((size_t)1 << LARGE);
	} else if ((p = free_list[c])) {
		free_list[c] = p->next;
	} else {
		p = carve(c);
	}
	return p ? (char *)p + HEAD : NULL;
}

static struct piece *
piece_of(void *at)
{
	struct piece *p = (struct piece *)(void *)((char *)at - HEAD);

	if (p->size < (size_t)1 << LARGE
		? p->size < (size_t)1 << SMALLEST || (p->size & (p->size - 1))
		: p->size & 4095)
		__builtin_trap();
	return p;
}

void
free(void *at)
{
	struct piece *p;
	unsigned c;

	if (!at)
		return;
	p = piece_of(at);
	if (p->size >= (size_t)1 << LARGE) {
		munmap(p, p->size);
		return;
	}
	c = class_of(p->size);
	p->next = free_list[c];
	free_list[c] = p;
}

static void *
longer_mapping(struct piece *p, size_t size)
{
	void *at;

	size = (size + 4095) & ~(size_t)4095;
	at = mremap(p, p->size, size, MREMAP_MAYMOVE);
	if (at == MAP_FAILED)
		return NULL;
	p = at;
	p->size = size;
	return (char *)p + HEAD;
}

void *
realloc(void *at, size_t n)
{
	struct piece *p;
	void *new;

	if (!at)
		return malloc(n);
	p = piece_of(at);
	if (n <= p->size - HEAD)
		return at;
	if (p->size >= (size_t)1 << LARGE && n < PTRDIFF_MAX - 2 * 4096)
		return longer_mapping(p, n + HEAD);
	new = malloc(n);
	if (!new)
		return NULL;
	memcpy(new, at, p->size - HEAD);
	free(at);
	return new;
}

void *
calloc(size_t n, size_t size)
{
	void *at;

	if (__builtin_mul_overflow(n, size, &n)) {
		errno = ENOMEM;
		return NULL;
	}
	at = malloc(n);
	return at ? memset(at, 0, n) : NULL;
}

void *
reallocarray(void *at, size_t n, size_t size)
{
	if (__builtin_mul_overflow(n, size, &n)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(at, n);
}
