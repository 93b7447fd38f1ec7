#include "qmqpc/rcpts.h"

#include "lib/die.h"
#include "lib/limits.h"
#include "lib/netstring.h"

#include <stdlib.h>

enum { FIRST_SIZE = 64 };

static struct slice
at_offset(const struct rcpts *r, uint32_t offset)
{
	struct slice rest = slice_from(buf_slice(&r->wire), offset), s;

	if (netstring_slice(&rest, &s) != 0)
		die_bug("rcpts: offset");
	return s;
}

/* Where the address is, or where it would go. */
static uint32_t *
slot(const struct rcpts *r, struct slice address)
{
	size_t i = siphash_of(r->key, address) & (r->table_size - 1);

	while (r->table[i] && !slice_eq(at_offset(r, r->table[i] - 1), address))
		i = (i + 1) & (r->table_size - 1);
	return &r->table[i];
}

static void
grow(struct rcpts *r)
{
	uint32_t *old = r->table;
	size_t old_size = r->table_size, i;

	if (!old)
		siphash_random(r->key);
	r->table_size = old_size ? old_size * 2 : FIRST_SIZE;
	r->table = calloc(r->table_size, sizeof *r->table);
	if (!r->table)
		die_nomem();
	for (i = 0; i < old_size; i++)
		if (old[i])
			*slot(r, at_offset(r, old[i] - 1)) = old[i];
	free(old);
}

void
rcpts_add(struct rcpts *r, struct slice address)
{
	uint32_t *place;

	if (2 * (r->n + 1) > r->table_size)
		grow(r);
	place = slot(r, address);
	if (*place)
		return;
	if (r->n == LIMIT_RCPTS) {
		r->is_full = true;
		return;
	}
	*place = (uint32_t)r->wire.len + 1;
	netstring_put(&r->wire, address);
	r->n++;
}

void
rcpts_free(struct rcpts *r)
{
	buf_free(&r->wire);
	free(r->table);
	*r = (struct rcpts){0};
}
