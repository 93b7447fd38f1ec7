#include "queue/envelopes.h"

#include "lib/die.h"
#include "lib/netstring.h"
#include "lib/owner.h"

#include <stdlib.h>

void
envelopes_init(struct envelopes *all)
{
	*all = (struct envelopes){0};
	list_init(&all->by_use);
}

static void
drop(struct envelopes *all, struct envelope *v)
{
	list_drop(&v->link);
	all->n--;
	all->bytes -= v->size;
	buf_free(&v->room);
	free(v);
}

void
envelopes_free(struct envelopes *all)
{
	struct link *link;

	while ((link = list_first(&all->by_use)))
		drop(all, OWNER(link, struct envelope, link));
}

static struct envelope *
find(const struct envelopes *all, uint64_t id)
{
	struct link *link = list_first(&all->by_use);
	struct envelope *v;

	for (; link; link = list_next(&all->by_use, link)) {
		v = OWNER(link, struct envelope, link);
		if (v->id == id)
			return v;
	}
	return NULL;
}

static void
number(struct envelope *v)
{
	struct slice rest = v->e.rcpts, one;

	for (v->n = 0; rest.len > 0; v->n++) {
		v->at[v->n] = (uint32_t)(rest.at - v->e.rcpts.at);
		if (netstring_slice(&rest, &one) != 0)
			break;
	}
}

/* The ones before the last that there is no room for. */
static void
make_room(struct envelopes *all)
{
	struct link *link, *next = list_first(&all->by_use);
	size_t n = 0, bytes = 0;

	while ((link = next)) {
		struct envelope *v = OWNER(link, struct envelope, link);

		next = list_next(&all->by_use, link);
		n++;
		bytes += v->size;
		if (n > 1 && (n > ENVELOPES_MAX || bytes > ENVELOPES_BYTES)) {
			n--;
			bytes -= v->size;
			drop(all, v);
		}
	}
}

static struct envelope *
read_it(struct envelopes *all, struct store *st, struct message *m)
{
	struct envelope *v =
	    calloc(1, sizeof *v + m->n_rcpts * sizeof v->at[0]);

	if (!v)
		die_nomem();
	if (store_envelope(st, m, &v->room, &v->e) != 0) {
		buf_free(&v->room);
		free(v);
		return NULL;
	}
	v->id = m->id;
	number(v);
	v->size = sizeof *v + v->n * sizeof v->at[0] + v->room.cap;
	all->n++;
	all->bytes += v->size;
	all->n_read += v->room.len;
	return v;
}

const struct envelope *
envelopes_get(struct envelopes *all, struct store *st, struct message *m)
{
	struct envelope *v = find(all, m->id);
	bool is_known = v != NULL;

	if (is_known)
		list_drop(&v->link);
	else
		v = read_it(all, st, m);
	if (!v)
		return NULL;
	list_put_front(&all->by_use, &v->link);
	if (!is_known)
		make_room(all);
	return v;
}

struct slice
envelope_rcpt(const struct envelope *v, uint32_t index)
{
	struct slice rest, one;

	if (index >= v->n)
		return SLICE("");
	rest = slice_from(v->e.rcpts, v->at[index]);
	return netstring_slice(&rest, &one) == 0 ? one : SLICE("");
}

void
envelopes_drop(struct envelopes *all, uint64_t id)
{
	struct envelope *v = all->n > 0 ? find(all, id) : NULL;

	if (v)
		drop(all, v);
}
