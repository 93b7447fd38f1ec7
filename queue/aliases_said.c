#include "queue/aliases_said.h"

static uint64_t
id_at(const struct hops *h, size_t i)
{
	uint64_t id;

	memcpy(&id, h->ids.mem + h->ids.off + i * sizeof id, sizeof id);
	return id;
}

static struct aliases_loop
loop_of(const uint8_t key[SIPHASH_KEY], const struct incoming *in, size_t i)
{
	struct aliases_loop loop;
	struct siphash h;
	uint64_t id = id_at(&in->hops, i);

	siphash_init(&h, key);
	siphash_push(&h, slice_of((const char *)&id, sizeof id));
	siphash_push(&h, buf_slice(&in->sender));
	siphash_end(&h, loop.path);
	memcpy(loop.key, in->key, sizeof loop.key);
	return loop;
}

static size_t
n_ids(const struct hops *h)
{
	return h->ids.len / sizeof(uint64_t);
}

/* Where it was noted; NULL: it was not. */
static const struct aliases_loop *
noted(const struct aliases_said *said, const struct aliases_loop *loop)
{
	size_t i;

	for (i = 0; i < said->n && i < ALIASES_SAID; i++)
		if (memcmp(said->loops[i].path, loop->path,
			   sizeof loop->path) == 0)
			return &said->loops[i];
	return NULL;
}

bool
aliases_is_said(const struct aliases_said *said, const uint8_t key[SIPHASH_KEY],
		const struct incoming *in)
{
	bool is_said = false;
	size_t i;

	for (i = 0; said && in->is_trusted && i < n_ids(&in->hops); i++) {
		struct aliases_loop loop = loop_of(key, in, i);
		const struct aliases_loop *l = noted(said, &loop);

		if (l && memcmp(l->key, loop.key, sizeof loop.key) == 0)
			return false;
		is_said = is_said || l;
	}
	return is_said;
}

void
aliases_say(struct aliases_said *said, const uint8_t key[SIPHASH_KEY],
	    const struct incoming *in)
{
	size_t i;

	for (i = 0; said && in->is_trusted && i < n_ids(&in->hops); i++) {
		struct aliases_loop loop = loop_of(key, in, i);

		if (!noted(said, &loop))
			said->loops[said->n++ % ALIASES_SAID] = loop;
	}
}
