#include "queue/staging.h"

#include "lib/owner.h"

void
staging_init(struct staging *st)
{
	*st = (struct staging){0};
	list_init(&st->large[false]);
	list_init(&st->large[true]);
}

static size_t
room_of(const struct incoming *in)
{
	return in->text.cap + in->sender.cap + in->rcpts.cap + in->attrs.cap +
	       hops_room(&in->hops) + STAGING_EACH;
}

/* A large one keeps its place as it grows. */
static void
take_place(struct staging *st, struct staging_part *part, bool may_relay)
{
	if (part->bytes <= STAGING_LARGE || part->may_relay != may_relay)
		list_drop(&part->large);
	if (part->bytes > STAGING_LARGE)
		list_put(&st->large[may_relay], &part->large);
	part->may_relay = may_relay;
}

void
staging_count(struct staging *st, struct staging_part *part,
	      const struct incoming *in, bool may_relay)
{
	size_t now = in ? room_of(in) : 0;

	st->used += now - part->bytes;
	st->held[part->may_relay] -= part->bytes;
	st->held[may_relay] += now;
	part->bytes = now;
	take_place(st, part, may_relay);
	if (st->used > st->lately)
		st->lately = st->used;
}

void
staging_keep(struct staging_part *part)
{
	list_drop(&part->large);
}

size_t
staging_small(const struct staging *st)
{
	return st->used > STAGING_MAX - STAGING_MAX / 8 ? STAGING_SHORT
							: INCOMING_SMALL;
}

bool
staging_is_spent(const struct staging *st, bool may_relay)
{
	return st->used > STAGING_GIVEN ||
	       (!may_relay && st->held[false] > STAGING_STRANGERS);
}

struct staging_part *
staging_victim(const struct staging *st, bool may_relay)
{
	struct link *link = list_first(&st->large[false]);

	if (!link && may_relay)
		link = list_first(&st->large[true]);
	return link ? OWNER(link, struct staging_part, large) : NULL;
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
