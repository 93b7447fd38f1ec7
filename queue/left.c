#include "queue/left.h"

static void
turn(struct left *l, int64_t now_s)
{
	int i;

	if (now_s - l->begun_s < LEFT_S)
		return;
	for (i = now_s - l->begun_s < 2 * LEFT_S ? 1 : 2; i > 0; i--) {
		idmap_free(&l->ages[1].ids);
		l->ages[1] = l->ages[0];
		l->ages[0] = (struct left_age){0};
	}
	l->begun_s = now_s;
}

void
left_put(struct left *l, uint64_t id, int64_t now_s)
{
	struct left_age *age = &l->ages[0];

	turn(l, now_s);
	if (age->ids.n < LEFT_MAX)
		idmap_put(&age->ids, id, l);
	else
		age->is_full = true;
}

static bool
may_have(const struct left_age *age, uint64_t id)
{
	return age->is_full || idmap_get(&age->ids, id);
}

bool
left_may_have(struct left *l, uint64_t id, int64_t now_s)
{
	turn(l, now_s);
	return may_have(&l->ages[0], id) || may_have(&l->ages[1], id);
}

void
left_free(struct left *l)
{
	idmap_free(&l->ages[0].ids);
	idmap_free(&l->ages[1].ids);
	*l = (struct left){0};
}
