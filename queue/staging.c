#include "queue/staging.h"

void
staging_count(struct staging *st, size_t *counted, const struct incoming *in)
{
	size_t now = in ? in->text.cap + in->sender.cap + in->rcpts.cap +
			      in->attrs.cap + hops_room(&in->hops) +
			      STAGING_EACH
			: 0;

	st->used += now - *counted;
	*counted = now;
	if (st->used > st->lately)
		st->lately = st->used;
}

size_t
staging_small(const struct staging *st)
{
	return st->used > STAGING_MAX - STAGING_MAX / 8 ? STAGING_SHORT
							: INCOMING_SMALL;
}

bool
staging_is_spent(const struct staging *st)
{
	return st->used > STAGING_HELD;
}

bool
staging_rest(struct staging *st)
{
	bool over;

	if (st->lately > st->most)
		st->most = st->lately;
	over = st->most >= STAGING_TIDY && st->lately <= st->most / 2;
	if (over)
		st->most = st->lately;
	st->lately = st->used;
	return over;
}
