#include "queue/met.h"

#include "lib/die.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

static size_t
hash(const struct met *m, char kind, struct slice address)
{
	uint8_t result[SIPHASH_SIZE];
	struct siphash h;

	siphash_init(&h, m->key);
	siphash_push(&h, slice_of(&kind, 1));
	siphash_push(&h, address);
	siphash_end(&h, result);
	return (size_t)result[0] << 16 | (size_t)result[1] << 8 | result[2];
}

static bool
is_at(const struct met *m, const struct met_place *p, char kind,
      struct slice address)
{
	const char *at = buf_slice(&m->bytes).at + p->at;

	return at[0] == kind && slice_eq(slice_of(at + 1, p->len - 1), address);
}

/* Where it is, or where it would go. */
static struct met_place *
seek(const struct met *m, char kind, struct slice address)
{
	size_t i = hash(m, kind, address) & (m->n_slots - 1);

	while (m->slots[i].len > 0 && !is_at(m, &m->slots[i], kind, address))
		i = (i + 1) & (m->n_slots - 1);
	return &m->slots[i];
}

static void
grow(struct met *m)
{
	struct met_place *old = m->slots;
	size_t n = m->n_slots, i;

	m->n_slots = n ? 2 * n : FIRST_SLOTS;
	m->slots = calloc(m->n_slots, sizeof *m->slots);
	if (!m->slots)
		die_nomem();
	for (i = 0; i < n; i++)
		if (old[i].len > 0) {
			const char *at = buf_slice(&m->bytes).at + old[i].at;
			struct slice address = slice_of(at + 1, old[i].len - 1);

			*seek(m, *at, address) = old[i];
		}
	free(old);
}

int
met_enter(struct met *m, char kind, struct slice address, uint32_t most)
{
	struct met_place *p;

	if (2 * ((size_t)m->n + 1) > m->n_slots)
		grow(m);
	p = seek(m, kind, address);
	if (p->len > 0)
		return 1;
	if (m->n == most)
		return -1;
	m->n++;
	*p = (struct met_place){(uint32_t)m->bytes.len,
				(uint32_t)address.len + 1};
	buf_putc(&m->bytes, kind);
	buf_puts(&m->bytes, address);
	return 0;
}

void
met_free(struct met *m)
{
	buf_free(&m->bytes);
	free(m->slots);
	*m = (struct met){0};
}
