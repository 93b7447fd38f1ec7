#include "lib/clients.h"

#include "lib/clock.h"
#include "lib/die.h"

#include <stdlib.h>
#include <sys/random.h>

enum { FIRST_HEADS = 64, NETWORK_BYTES = 8, WIDE_BYTES = 6, V4_HOST = 15 };

struct client {
	struct client *next;
	struct clients_key key;
	size_t n_connections;
	int64_t next_us; /* when its next message comes as it should */
};

static int64_t
now_us(void)
{
	return clock_ms() * 1000;
}

static bool
is_v4(const uint8_t address[16])
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0,    0,
					   0, 0, 0, 0, 0xff, 0xff};

	return memcmp(address, mapped, sizeof mapped) == 0;
}

void
clients_key_address(struct clients_key *key, const struct endpoint *peer)
{
	*key = (struct clients_key){0};
	endpoint_address(peer, key->bytes);
	if (!is_v4(key->bytes))
		memset(key->bytes + NETWORK_BYTES, 0,
		       CLIENTS_KEY - NETWORK_BYTES);
}

void
clients_key_network(struct clients_key *key, const struct endpoint *peer)
{
	clients_key_address(key, peer);
	if (is_v4(key->bytes))
		key->bytes[V4_HOST] = 0;
}

bool
clients_key_wide(struct clients_key *key, const struct endpoint *peer)
{
	clients_key_address(key, peer);
	if (is_v4(key->bytes))
		return false;
	memset(key->bytes + WIDE_BYTES, 0, CLIENTS_KEY - WIDE_BYTES);
	key->bytes[CLIENTS_KEY - 1] = 1;
	return true;
}

void
clients_key_pin(struct clients_key *key, const struct tls_pin *pin)
{
	_Static_assert(sizeof pin->bytes == CLIENTS_KEY, "a pin is a key");
	memcpy(key->bytes, pin->bytes, CLIENTS_KEY);
}

static struct client **
head(struct clients *c, const struct clients_key *key)
{
	uint8_t result[SIPHASH_SIZE];
	struct siphash h;
	uint64_t n;

	siphash_init(&h, c->secret);
	siphash_push(&h, slice_of((const char *)key->bytes, sizeof key->bytes));
	siphash_end(&h, result);
	memcpy(&n, result, sizeof n);
	return &c->heads[n % c->n_heads];
}

static struct client **
find(struct clients *c, const struct clients_key *key)
{
	struct client **at = head(c, key);

	while (*at && memcmp(&(*at)->key, key, sizeof *key) != 0)
		at = &(*at)->next;
	return at;
}

static bool
is_stale(const struct client *client, int64_t us)
{
	return client->n_connections == 0 && client->next_us <= us;
}

static void
drop(struct clients *c, struct client **at)
{
	struct client *client = *at;

	*at = client->next;
	free(client);
	c->n--;
}

/* Lay all of them anew into so many lists, but those of no interest. */
static void
rebuild(struct clients *c, size_t n_heads)
{
	struct clients old = *c;
	int64_t us = now_us();
	size_t i;

	c->n_heads = n_heads;
	c->heads = calloc(n_heads, sizeof(struct client *));
	if (!c->heads)
		die_nomem();
	for (i = 0; i < old.n_heads; i++)
		while (old.heads[i]) {
			struct client *client = old.heads[i], **at;

			if (is_stale(client, us)) {
				drop(c, &old.heads[i]);
				continue;
			}
			old.heads[i] = client->next;
			at = head(c, &client->key);
			client->next = *at;
			*at = client;
		}
	free(old.heads);
}

/* NULL when there are too many. */
static struct client *
get(struct clients *c, const struct clients_key *key)
{
	struct client **at;

	if (c->n_heads == 0) {
		if (getrandom(c->secret, SIPHASH_KEY, 0) != SIPHASH_KEY)
			die_sys("getting random bytes", NULL);
		rebuild(c, FIRST_HEADS);
	}
	at = find(c, key);
	if (*at)
		return *at;
	if (c->n >= 2 * c->n_heads) {
		rebuild(c, c->n_heads);
		if (c->n >= c->n_heads)
			rebuild(c, 2 * c->n_heads);
		at = head(c, key);
		while (*at)
			at = &(*at)->next;
	}
	if (c->n >= CLIENTS_MAX)
		return NULL;
	*at = calloc(1, sizeof **at);
	if (!*at)
		die_nomem();
	(*at)->key = *key;
	c->n++;
	return *at;
}

bool
clients_enter(struct clients *c, const struct clients_key *key, size_t max)
{
	struct client *client = get(c, key);

	if (!client || client->n_connections >= max)
		return false;
	client->n_connections++;
	return true;
}

void
clients_leave(struct clients *c, const struct clients_key *key)
{
	struct client **at = c->n_heads ? find(c, key) : NULL;

	if (!at || !*at || (*at)->n_connections == 0)
		die_bug("a client left that had not come");
	(*at)->n_connections--;
	if (is_stale(*at, now_us()))
		drop(c, at);
}

bool
clients_send(struct clients *c, const struct clients_key *key, uint32_t n,
	     uint32_t period_s)
{
	int64_t period_us = (int64_t)period_s * 1000000, us = now_us();
	int64_t each_us = period_us / n;
	struct client *client = get(c, key);

	if (!client)
		return false;
	if (client->next_us < us)
		client->next_us = us;
	if (client->next_us + each_us > us + period_us)
		return false;
	client->next_us += each_us;
	return true;
}

void
clients_free(struct clients *c)
{
	size_t i;

	for (i = 0; i < c->n_heads; i++)
		while (c->heads[i])
			drop(c, &c->heads[i]);
	free(c->heads);
	*c = (struct clients){0};
}
