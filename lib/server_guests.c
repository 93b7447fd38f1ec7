/* server_guests.c - who has a place until somebody else needs it */
#include "lib/owner.h"
#include "lib/server_parts.h"

void
server_guest_heard(struct server *s, struct server_guest *g)
{
	list_drop(&g->idle);
	g->heard_ms = s->loop->now_ms;
	list_put(g->tls ? &s->guests_tls : &s->guests, &g->idle);
}

void
server_guest_drop(struct server_guest *g)
{
	list_drop(&g->idle);
}

static struct server_guest *
first(const struct list *list)
{
	struct link *link = list_first(list);

	return link ? OWNER(link, struct server_guest, idle) : NULL;
}

static struct server_guest *
longest(const struct server *s, bool tls)
{
	struct server_guest *a = first(&s->guests_tls);
	struct server_guest *b = tls ? NULL : first(&s->guests);

	return !a || (b && b->heard_ms < a->heard_ms) ? b : a;
}

bool
server_make_room(struct server *s, bool tls, bool has_right)
{
	struct server_guest *g = longest(s, tls);

	if (!g || (!has_right &&
		   s->loop->now_ms - g->heard_ms < SERVER_GUEST_IDLE_MS))
		return false;
	server_tell_refused(s, g->peer,
			    "idle, and another client needs its place");
	server_guest_drop(g);
	g->leave(g);
	return true;
}
