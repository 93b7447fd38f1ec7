/* list.h - a list whose links are parts of what it holds
 *
 * A ring with a head: a thing is in at most one list for each link that it
 * embeds (owner.h finds the way back), and leaves it without a search. A
 * zeroed link is in no list; a head must be list_init'ed.
 *
 *	struct list waiting;                     list_init(&waiting);
 *	list_put(&waiting, &session->link);
 *	while ((link = list_first(&waiting))) { list_drop(link); ... }
 *
 * Test  tests/qmtp_test.c
 */
#ifndef QUAIL_LIB_LIST_H
#define QUAIL_LIB_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
	struct link *prev, *next; /* NULL: in no list */
};

struct list {
	struct link ring;
};

static inline void
list_init(struct list *list)
{
	list->ring.prev = list->ring.next = &list->ring;
}

static inline bool
list_has(const struct link *link)
{
	return link->next != NULL;
}

/* list_put - add at the end; nothing if the link is in a list already */
static inline void
list_put(struct list *list, struct link *link)
{
	if (list_has(link))
		return;
	link->prev = list->ring.prev;
	link->next = &list->ring;
	link->prev->next = link;
	list->ring.prev = link;
}

/* list_put_front - add at the front; nothing if the link is in a list already
 */
static inline void
list_put_front(struct list *list, struct link *link)
{
	if (list_has(link))
		return;
	link->prev = &list->ring;
	link->next = list->ring.next;
	link->next->prev = link;
	list->ring.next = link;
}

/* list_drop - take it out of its list; nothing if it is in none */
static inline void
list_drop(struct link *link)
{
	if (!list_has(link))
		return;
	link->prev->next = link->next;
	link->next->prev = link->prev;
	link->prev = link->next = NULL;
}

/* list_first - the first link, or NULL */
static inline struct link *
list_first(const struct list *list)
{
	return list->ring.next == &list->ring ? NULL : list->ring.next;
}

/* list_next - the one behind it, or NULL */
static inline struct link *
list_next(const struct list *list, const struct link *link)
{
	return link->next == &list->ring ? NULL : link->next;
}

static inline bool
list_empty(const struct list *list)
{
	return list_first(list) == NULL;
}

#endif
