#include "smtp-gateway/crowd.h"

#include "lib/die.h"
#include "lib/owner.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { NETWORK_V6 = 8 }; /* bytes of an address that one owner has */

void
crowds_init(struct crowds *all)
{
	size_t i;

	if (getrandom(all->secret, sizeof all->secret, 0) != sizeof all->secret)
		die_sys("getrandom", "");
	for (i = 0; i < CROWD_SLOTS; i++)
		list_init(&all->slots[i]);
}

static void
make_key(const struct endpoint *at, char key[CROWD_KEY])
{
	uint8_t address[16];
	uint16_t port = endpoint_port(at);

	endpoint_address(at, address);
	if (at->a.any.sa_family == AF_INET6)
		memset(address + NETWORK_V6, 0, sizeof address - NETWORK_V6);
	memcpy(key, address, sizeof address);
	memcpy(key + sizeof address, &port, sizeof port);
}

static size_t
slot_of(const struct crowds *all, const char key[CROWD_KEY])
{
	uint8_t hash[SIPHASH_SIZE];
	struct siphash h;

	siphash_init(&h, all->secret);
	siphash_push(&h, slice_of(key, CROWD_KEY));
	siphash_end(&h, hash);
	return ((size_t)hash[0] << 8 | hash[1]) % CROWD_SLOTS;
}

static struct crowd *
find(const struct list *slot, const char key[CROWD_KEY])
{
	struct link *link;

	for (link = list_first(slot); link; link = list_next(slot, link)) {
		struct crowd *c = OWNER(link, struct crowd, of_slot);

		if (memcmp(c->key, key, CROWD_KEY) == 0)
			return c;
	}
	return NULL;
}

struct crowd *
crowd_of(const struct crowds *all, const struct endpoint *at)
{
	char key[CROWD_KEY];

	make_key(at, key);
	return find(&all->slots[slot_of(all, key)], key);
}

bool
crowd_has_room(const struct crowds *all, const struct endpoint *at)
{
	const struct crowd *c = crowd_of(all, at);

	return !c || c->n < CROWD_MAX;
}

struct crowd *
crowd_enter(struct crowds *all, const struct endpoint *at)
{
	struct crowd *c = crowd_of(all, at);

	if (!c) {
		c = calloc(1, sizeof *c);
		if (!c)
			die_nomem();
		make_key(at, c->key);
		list_init(&c->waits);
		list_put(&all->slots[slot_of(all, c->key)], &c->of_slot);
	}
	c->n++;
	return c;
}

void
crowd_wait(struct crowds *all, const struct endpoint *at, struct link *link)
{
	list_put(&crowd_of(all, at)->waits, link);
}

/* With the last of them the crowd goes, so nobody may wait there. */
void
crowd_leave(struct crowd *c, void (*wake)(struct link *link))
{
	struct link *link;
	size_t n = 0;

	if (!c)
		return;
	c->n--;
	while ((n < CROWD_MAX - c->n || c->n == 0) &&
	       (link = list_first(&c->waits))) {
		list_drop(link);
		wake(link);
		n++;
	}
	if (c->n > 0)
		return;
	list_drop(&c->of_slot);
	free(c);
}
