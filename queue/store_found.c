/* store_found.c - what a start would set aside, for those who only read
 */
#include "lib/die.h"
#include "queue/store_damage.h"

#include <errno.h>
#include <stdlib.h>

struct store_found {
	char name[DAMAGED_NAME], big[BIG_NAME];
	struct buf done;
	struct damaged_piece piece;
};

void
store_found_keep(struct store *st, const struct damaged_piece *p)
{
	struct store_found *f;

	st->found = reallocarray(st->found, st->n_found + 1, sizeof *st->found);
	if (!st->found)
		die_nomem();
	f = &st->found[st->n_found++];
	*f = (struct store_found){.piece = *p};
	buf_puts(&f->done, p->done);
	if (p->big_name)
		memcpy(f->big, p->big_name, BIG_NAME);
	damaged_name(f->name, p);
}

void
store_found_list(const struct store *st, struct buf *names)
{
	size_t i;

	for (i = 0; i < st->n_found; i++)
		buf_put(names, st->found[i].name,
			strlen(st->found[i].name) + 1);
}

int
store_found_open(const struct store *st, const char *name, struct damaged *d)
{
	size_t i;

	for (i = 0; i < st->n_found; i++) {
		const struct store_found *f = &st->found[i];
		struct damaged_piece p = f->piece;

		if (strcmp(f->name, name) != 0)
			continue;
		p.done = buf_slice(&f->done);
		p.big_name = p.big_name ? f->big : NULL;
		return damaged_open_piece(d, &p);
	}
	errno = ENOENT;
	return -1;
}

void
store_found_free(struct store *st)
{
	size_t i;

	for (i = 0; i < st->n_found; i++)
		buf_free(&st->found[i].done);
	free(st->found);
	st->found = NULL;
	st->n_found = 0;
}
