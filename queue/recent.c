#include "queue/recent.h"

#include "lib/clock.h"
#include "lib/die.h"

#include <stdlib.h>
#include <string.h>

enum {
	SMALLEST = 256,
	PLACE_BITS = 17, /* of an index's place: which entry, plus one */
	PLACE_MASK = (1 << PLACE_BITS) - 1
};

struct recent_now
recent_clock(void)
{
	return (struct recent_now){clock_s(), clock_boot_s()};
}

/* a page's index: places of 32 bits, 0 when free; some bits of the key, so
 * that an entry need not be looked at in vain, and the entry's number */

static size_t
n_places(const struct recent_page *p)
{
	return (size_t)p->cap * 2;
}

static size_t
home(const struct recent_page *p, const uint32_t key[3])
{
	return (size_t)((uint64_t)key[0] * n_places(p) >> 32);
}

static bool
is_same(const uint32_t a[3], const uint32_t b[3])
{
	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

/* Where the key is, or the free place where it would go. */
static uint32_t *
seek(const struct recent_page *p, const uint32_t key[3])
{
	uint32_t some = key[1] << PLACE_BITS;
	size_t i = home(p, key);

	while (p->places[i] != 0) {
		uint32_t place = p->places[i];

		if ((place & ~(uint32_t)PLACE_MASK) == some &&
		    is_same(p->entries[(place & PLACE_MASK) - 1].key, key))
			break;
		i = i + 1 == n_places(p) ? 0 : i + 1;
	}
	return &p->places[i];
}

/* A later entry of the same key takes the earlier one's place. */
static void
point(struct recent_page *p, uint32_t i)
{
	const uint32_t *key = p->entries[i].key;

	*seek(p, key) = key[1] << PLACE_BITS | (i + 1);
}

static void
grow(struct recent_page *p)
{
	uint32_t i;

	p->cap = p->cap == 0 ? SMALLEST : p->cap * 2;
	p->entries = reallocarray(p->entries, p->cap, sizeof *p->entries);
	free(p->places);
	p->places = calloc(n_places(p), sizeof *p->places);
	if (!p->entries || !p->places)
		die_nomem();
	for (i = 0; i < p->n; i++)
		point(p, i);
}

/* pages */

static void
forget_oldest(struct recent *r)
{
	struct recent_page *p = &r->pages[0];

	if (r->forgets)
		r->forgets(r, p);
	free(p->entries);
	free(p->places);
	r->n_pages--;
	memmove(p, p + 1, r->n_pages * sizeof *p);
}

void
recent_turn(struct recent *r, const struct recent_now *now)
{
	while (r->n_pages > 0 && now->up_s - r->pages[0].newest_s >= RECENT_S)
		forget_oldest(r);
}

/* The page that the next entry goes to. */
static struct recent_page *
open_page(struct recent *r, const struct recent_now *now)
{
	struct recent_page *last;

	recent_turn(r, now);
	last = r->n_pages > 0 ? &r->pages[r->n_pages - 1] : NULL;
	if (last && last->n < RECENT_PAGE &&
	    now->up_s - last->begun_s < RECENT_PAGE_S)
		return last;
	if (r->n_pages == RECENT_PAGES)
		forget_oldest(r);
	last = &r->pages[r->n_pages++];
	*last = (struct recent_page){.number = ++r->next_number,
				     .first = r->n_put,
				     .begun_s = now->up_s,
				     .newest_s = now->up_s - RECENT_S};
	return last;
}

/* entries */

static void
to_words(uint32_t words[3], const uint8_t key[RECENT_KEY])
{
	memcpy(words, key, RECENT_KEY);
}

static bool
is_recent(int64_t age_s)
{
	return age_s >= 0 && age_s < RECENT_S;
}

bool
recent_is_young(const struct recent_page *p, const struct recent_entry *e,
		const struct recent_now *now)
{
	return e->taken_s != 0 &&
	       (e->session != 0 || is_recent(now->wall_s - e->taken_s)) &&
	       now->up_s - p->begun_s + e->age_s < RECENT_S;
}

/* Which entry has the key in this page, if any. */
static struct recent_entry *
look(const struct recent_page *p, const uint32_t key[3])
{
	uint32_t place = *seek(p, key);

	return place ? &p->entries[(place & PLACE_MASK) - 1] : NULL;
}

/* What is kept of a session where there is little room: never 0. */
static uint16_t
mark(uint32_t session)
{
	return (uint16_t)(session % UINT16_MAX + 1);
}

/* The last one put with this key, and its page. */
static struct recent_entry *
find(const struct recent *r, const uint8_t key[RECENT_KEY],
     const struct recent_page **p)
{
	struct recent_entry *e = NULL;
	uint32_t words[3];
	unsigned i;

	to_words(words, key);
	for (i = r->n_pages; i > 0 && !e; i--) {
		*p = &r->pages[i - 1];
		e = look(*p, words);
	}
	return e;
}

bool
recent_knows(const struct recent *r, const uint8_t key[RECENT_KEY])
{
	const struct recent_page *p;

	return find(r, key, &p) != NULL;
}

bool
recent_find(struct recent *r, const uint8_t key[RECENT_KEY], uint32_t session,
	    const struct recent_now *now, uint64_t *id)
{
	const struct recent_page *p;
	struct recent_entry *e = find(r, key, &p);

	if (!e || !recent_is_young(p, e, now) || e->session == session ||
	    e->again == mark(session))
		return false;
	e->again = mark(session);
	*id = e->id;
	return true;
}

void
recent_put(struct recent *r, const uint8_t key[RECENT_KEY], uint64_t id,
	   int64_t taken_s, uint32_t session, const struct recent_now *now)
{
	struct recent_entry e = {
	    .taken_s = (uint32_t)taken_s, .id = id, .session = session};
	int64_t age_s = session != 0 ? 0 : now->wall_s - taken_s;
	int64_t taken_up_s = now->up_s - age_s;
	const struct recent_entry *same;
	struct recent_page *p;

	if (!is_recent(age_s))
		return;
	p = open_page(r, now);
	if (p->n == p->cap)
		grow(p);
	to_words(e.key, key);
	same = look(p, e.key);
	if (same && same->id == id && same->taken_s != 0)
		return;
	e.age_s = (int16_t)(p->begun_s - taken_up_s);
	p->entries[p->n] = e;
	point(p, p->n++);
	if (taken_up_s > p->newest_s)
		p->newest_s = taken_up_s;
	r->n_put++;
}

void
recent_drop(struct recent *r, const uint8_t key[RECENT_KEY], uint64_t id)
{
	struct recent_entry *e;
	uint32_t words[3];
	unsigned i;

	to_words(words, key);
	for (i = r->n_pages; i > 0; i--) {
		e = look(&r->pages[i - 1], words);
		if (e && e->id == id) {
			e->taken_s = 0;
			return;
		}
	}
}

void
recent_free(struct recent *r)
{
	unsigned i;

	for (i = 0; i < r->n_pages; i++) {
		free(r->pages[i].entries);
		free(r->pages[i].places);
	}
	*r = (struct recent){0};
}
