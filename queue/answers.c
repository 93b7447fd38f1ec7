#include "queue/answers.h"

#include "lib/die.h"
#include "lib/owner.h"

#include <stdlib.h>

/* A message's answers, by recipient. */
struct list {
	uint32_t n, max;
	struct answer at[];
};

/* what is shared */

static struct said *
find(struct answers *all, uint64_t hash, char code, struct slice hop,
     struct slice text)
{
	struct names_link *l = names_find(&all->said, hash);

	for (; l; l = names_more(l)) {
		struct said *s = OWNER(l, struct said, link);

		if (s->code == code && slice_eq(said_hop(s), hop) &&
		    slice_eq(said_text(s), text))
			return s;
	}
	return NULL;
}

static struct said *
hold(struct answers *all, char code, struct slice hop, struct slice text)
{
	uint64_t hash = names_hash_two(&all->said, hop, text);
	struct said *s = find(all, hash, code, hop, text);

	if (!s) {
		s = malloc(sizeof *s + hop.len + text.len);
		if (!s)
			die_nomem();
		*s = (struct said){.code = code,
				   .hop_len = (uint8_t)hop.len,
				   .text_len = (uint8_t)text.len};
		memcpy(s->bytes, hop.at, hop.len);
		memcpy(s->bytes + hop.len, text.at, text.len);
		names_put(&all->said, &s->link, hash);
	}
	s->n_users++;
	return s;
}

static void
let_go(struct answers *all, struct said *s)
{
	if (--s->n_users > 0)
		return;
	names_drop(&all->said, &s->link);
	free(s);
}

/* lists */

/* The place of a recipient, or where it would be. */
static uint32_t
seek(const struct list *list, uint32_t rcpt)
{
	uint32_t low = 0, high = list->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (list->at[middle].rcpt < rcpt)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct list *
with_room(struct answers *all, uint64_t id)
{
	struct list *list = idmap_get(&all->messages, id);
	uint32_t max = list ? list->max : 0;

	if (list && list->n < max)
		return list;
	max = max ? max * 2 : 1;
	list = realloc(list, sizeof *list + max * sizeof list->at[0]);
	if (!list)
		die_nomem();
	if (max == 1)
		list->n = 0;
	list->max = max;
	idmap_put(&all->messages, id, list);
	return list;
}

static struct slice
cut(struct slice s, size_t max)
{
	return slice_of(s.at, s.len < max ? s.len : max);
}

void
answers_put(struct answers *all, uint64_t id, struct answer a, char code,
	    struct slice hop, struct slice text)
{
	struct list *list = idmap_get(&all->messages, id);
	uint32_t i = list ? seek(list, a.rcpt) : 0;

	a.said = hold(all, code, cut(hop, ANSWERS_HOP_MAX),
		      cut(text, ANSWERS_TEXT_MAX));
	if (list && i < list->n && list->at[i].rcpt == a.rcpt) {
		let_go(all, list->at[i].said);
		list->at[i] = a;
		return;
	}
	list = with_room(all, id);
	memmove(list->at + i + 1, list->at + i,
		(list->n - i) * sizeof list->at[0]);
	list->at[i] = a;
	list->n++;
	all->n++;
}

const struct answer *
answers_get(const struct answers *all, uint64_t id, uint32_t rcpt)
{
	const struct list *list = idmap_get(&all->messages, id);
	uint32_t i;

	if (!list)
		return NULL;
	i = seek(list, rcpt);
	return i < list->n && list->at[i].rcpt == rcpt ? &list->at[i] : NULL;
}

static void
free_list(struct answers *all, struct list *list)
{
	uint32_t i;

	for (i = 0; i < list->n; i++)
		let_go(all, list->at[i].said);
	all->n -= list->n;
	free(list);
}

void
answers_drop(struct answers *all, uint64_t id)
{
	struct list *list = idmap_get(&all->messages, id);

	if (!list)
		return;
	free_list(all, list);
	idmap_drop(&all->messages, id);
	if (all->messages.n == 0)
		idmap_free(&all->messages);
}

void
answers_free(struct answers *all)
{
	size_t i;

	for (i = 0; i < all->messages.cap; i++)
		if (all->messages.slots[i].value)
			free_list(all, all->messages.slots[i].value);
	idmap_free(&all->messages);
	names_free(&all->said);
}
