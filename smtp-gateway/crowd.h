/* crowd.h - how many connections has each address?
 *
 * A thousand domains may lie at one address, and one that is slow must not
 * get all the connections there are: CROWD_MAX is what one has, an address
 * being one of IPv4, or all that begin with the same 64 bits of IPv6, with its
 * port. Who finds it full waits, in turn.
 *
 * Test  tests/crowd_test.c, tests/smtp_hosts.t
 */
#ifndef QUAIL_SMTP_CROWD_H
#define QUAIL_SMTP_CROWD_H

#include "lib/endpoint.h"
#include "lib/list.h"
#include "lib/siphash.h"

enum { CROWD_MAX = 20, CROWD_SLOTS = 512, CROWD_KEY = 18 };

struct crowd {
	struct link of_slot;
	char key[CROWD_KEY];
	size_t n;
	struct list waits; /* the caller's links */
};

struct crowds {
	uint8_t secret[SIPHASH_KEY];
	struct list slots[CROWD_SLOTS];
};

void
crowds_init(struct crowds *all);

/* crowd_has_room - may a connection be opened to this address? */
bool
crowd_has_room(const struct crowds *all, const struct endpoint *at);

/* crowd_enter - one is opened
 *
 * Returns  what crowd_leave wants.
 */
struct crowd *
crowd_enter(struct crowds *all, const struct endpoint *at);

/* crowd_wait - be told by crowd_leave
 *
 * Needs    no room there. Does nothing when link is in a list already; to give
 *          it up, list_drop it.
 */
void
crowd_wait(struct crowds *all, const struct endpoint *at, struct link *link);

/* crowd_leave - it is closed; c may be NULL
 *
 * Takes    wake: told of those whose turn it is, as many as there are places,
 *          or of all when nobody is left there; they are in no list then. It
 *          must not call back.
 */
void
crowd_leave(struct crowd *c, void (*wake)(struct link *link));

/* crowd_is_wanted - does anybody wait for a place there? */
static inline bool
crowd_is_wanted(const struct crowd *c)
{
	return c && !list_empty(&c->waits);
}

/* crowd_of - the one of this address; NULL: nobody is there */
struct crowd *
crowd_of(const struct crowds *all, const struct endpoint *at);

#endif
