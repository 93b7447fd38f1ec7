#include "smtp-gateway/share.h"

void
share_init(struct share *s, size_t max)
{
	*s = (struct share){.max = max};
	list_init(&s->waits);
	list_init(&s->bounces);
}

static bool
has_one(const struct share *s, bool is_bounce)
{
	return s->n < s->max && (!is_bounce || s->n_bounces < s->max / 2);
}

bool
share_take(struct share *s, bool is_bounce)
{
	if (!has_one(s, is_bounce))
		return false;
	s->n++;
	s->n_bounces += is_bounce;
	return true;
}

void
share_wait(struct share *s, bool is_bounce, struct link *link)
{
	list_put(is_bounce ? &s->bounces : &s->waits, link);
}

/* As many as there are: one who is told may want none any more. */
void
share_leave(struct share *s, bool is_bounce, void (*wake)(struct link *link))
{
	size_t left, bounces;
	struct link *link;

	s->n--;
	s->n_bounces -= is_bounce;
	bounces = s->max / 2 - s->n_bounces;
	for (left = s->max - s->n; left > 0; left--) {
		link = list_first(&s->waits);
		if (!link && bounces > 0) {
			link = list_first(&s->bounces);
			bounces--;
		}
		if (!link)
			return;
		list_drop(link);
		wake(link);
	}
}
