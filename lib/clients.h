/* clients.h - who is connected how often, and how much each has sent of late
 *
 * A client is known by the key that it has proved to have, else by its
 * address: all of an IPv4 address, the first 64 bits of an IPv6 address,
 * since its owner has all the others too. What is cheap to ask for and dear to
 * give is counted for its network.
 *
 * A rate is N messages in a period: a client that has sent nothing for a
 * period may send N at once, and then one each period / N (the generic cell
 * rate algorithm: one number a client, and no clock runs).
 *
 * Memory: 64 bytes for each client that is connected, or whose rate has not
 * recovered; CLIENTS_MAX at the most.
 *
 * Source  ITU-T I.371, Annex A (the virtual scheduling algorithm)
 * Test    tests/clients_test.c
 */
#ifndef QUAIL_LIB_CLIENTS_H
#define QUAIL_LIB_CLIENTS_H

#include "lib/endpoint.h"
#include "lib/siphash.h"
#include "lib/tls_pin.h"

enum { CLIENTS_KEY = 32, CLIENTS_MAX = 1 << 18 };

struct clients_key {
	uint8_t bytes[CLIENTS_KEY];
};

struct clients {
	struct client **heads;
	size_t n_heads, n;
	uint8_t secret[SIPHASH_KEY];
};

/* A zeroed struct is empty. */

void
clients_free(struct clients *c);

void
clients_key_address(struct clients_key *key, const struct endpoint *peer);

/* clients_key_network - of all that are near it: the first 24 bits of an IPv4
 * address, 64 of an IPv6 address */
void
clients_key_network(struct clients_key *key, const struct endpoint *peer);

/* clients_key_wide - of all who may be one customer of a provider: the first 48
 * bits of an IPv6 address, and none of its other keys; false: IPv4 has none */
bool
clients_key_wide(struct clients_key *key, const struct endpoint *peer);

void
clients_key_pin(struct clients_key *key, const struct tls_pin *pin);

/* clients_enter - one more connection of this client
 *
 * Returns  true: it counts until clients_leave; false: it has max already,
 *          or there are CLIENTS_MAX clients, and nothing has changed.
 */
bool
clients_enter(struct clients *c, const struct clients_key *key, size_t max);

void
clients_leave(struct clients *c, const struct clients_key *key);

/* clients_send - may it send a message now? If so, it counts
 *
 * Takes    n > 0 messages in period_s seconds.
 */
bool
clients_send(struct clients *c, const struct clients_key *key, uint32_t n,
	     uint32_t period_s);

#endif
