/* clients_test - connections and rates of clients */
#include "lib/clients.h"

#include "lib/clock.h"
#include "tests/tap.h"

#include <stdlib.h>

static struct clients clients;

static struct clients_key
at(const char *host)
{
	struct clients_key key;
	struct endpoint e;

	if (endpoint_parse(&e, slice_text(host), 1) != 0)
		abort();
	clients_key_address(&key, &e);
	return key;
}

static bool
enter(const char *host, size_t max)
{
	struct clients_key key = at(host);

	return clients_enter(&clients, &key, max);
}

static void
leave(const char *host)
{
	struct clients_key key = at(host);

	clients_leave(&clients, &key);
}

static void
test_connections(void)
{
	ok(enter("192.0.2.1", 2) && enter("192.0.2.1", 2) &&
	       !enter("192.0.2.1", 2),
	   "two, and no third");
	ok(enter("192.0.2.2", 2) && !enter("192.0.2.2", 1),
	   "another address counts by itself");
	ok(enter("::ffff:192.0.2.2", 2) && !enter("192.0.2.2", 2),
	   "in whatever form it comes");
	ok(enter("2001:db8::1", 2) && enter("2001:db8::ffff:2", 2) &&
	       !enter("2001:db8::3", 2) && enter("2001:db8:0:1::3", 2),
	   "IPv6 by its first 64 bits");
	leave("192.0.2.1");
	ok(enter("192.0.2.1", 2) && !enter("192.0.2.1", 2),
	   "one leaves, one comes");
	ok(clients.n == 4, "four clients: %zu", clients.n);
	leave("192.0.2.1"), leave("192.0.2.1");
	leave("192.0.2.2"), leave("192.0.2.2");
	leave("2001:db8::3"), leave("2001:db8::4");
	leave("2001:db8:0:1::");
	ok(clients.n == 0, "none is kept: %zu", clients.n);
}

static void
test_rate(void)
{
	struct clients_key one = at("192.0.2.1"), two;
	struct tls_pin pin = {{1}};
	int64_t us = INT64_C(1000000000000);
	unsigned i, n = 0;

	clients_key_pin(&two, &pin);
	clock_set_for_tests(us);
	for (i = 0; i < 100; i++)
		n += clients_send(&clients, &one, 10, 60);
	ok(n == 10, "ten at once: %u", n);
	ok(clients_send(&clients, &two, 10, 60), "another has its own");
	clock_set_for_tests(us + 5999 * 1000);
	ok(!clients_send(&clients, &one, 10, 60), "not before a tenth of it");
	clock_set_for_tests(us + 6000 * 1000);
	ok(clients_send(&clients, &one, 10, 60) &&
	       !clients_send(&clients, &one, 10, 60),
	   "then one");
	ok(enter("192.0.2.1", 9), "while it is connected");
	leave("192.0.2.1");
	ok(!clients_send(&clients, &one, 10, 60), "leaving does not help");
	clock_set_for_tests(us + 66000 * 1000);
	for (n = 0; clients_send(&clients, &one, 10, 60);)
		n++;
	ok(n == 10, "a period later ten again: %u", n);
	clock_set_for_tests(0);
	clients_free(&clients);
}

static void
test_networks(void)
{
	static const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {{"192.0.2.1", "192.0.2.254", true},
		     {"192.0.2.1", "192.0.3.1", false},
		     {"2001:db8::1", "2001:db8::ffff:0:1", true},
		     {"2001:db8::1", "2001:db8:0:1::1", false},
		     {"192.0.2.1", "::ffff:192.0.2.9", true}};
	struct clients_key keys[2];
	struct endpoint e;
	size_t i;

	for (i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		endpoint_parse(&e, slice_text(pairs[i].a), 1);
		clients_key_network(&keys[0], &e);
		endpoint_parse(&e, slice_text(pairs[i].b), 2);
		clients_key_network(&keys[1], &e);
		ok((memcmp(&keys[0], &keys[1], sizeof keys[0]) == 0) ==
		       pairs[i].same,
		   "%s and %s: networks", pairs[i].a, pairs[i].b);
	}
}

static void
test_many(void)
{
	struct endpoint e;
	struct clients_key key;
	char host[32];
	unsigned i;
	bool fine = true;

	clock_set_for_tests(INT64_C(1000000000000));
	for (i = 0; i < 20000; i++) {
		snprintf(host, sizeof host, "10.%u.%u.1", i >> 8, i & 255);
		endpoint_parse(&e, slice_text(host), 1);
		clients_key_address(&key, &e);
		fine = fine && clients_enter(&clients, &key, 1) &&
		       !clients_enter(&clients, &key, 1);
		if (i % 2)
			clients_leave(&clients, &key);
		else
			clients_send(&clients, &key, 1, 10);
	}
	ok(fine && clients.n == 10000, "many: %zu", clients.n);
	for (i = 0; i < 20000; i += 2) {
		snprintf(host, sizeof host, "10.%u.%u.1", i >> 8, i & 255);
		endpoint_parse(&e, slice_text(host), 1);
		clients_key_address(&key, &e);
		clients_leave(&clients, &key);
	}
	ok(clients.n == 10000, "whose rate has not recovered stay");
	clock_set_for_tests(INT64_C(1000000000000) + 11 * 1000000);
	for (i = 0; i < 30000; i++) {
		snprintf(host, sizeof host, "11.%u.%u.1", i >> 8, i & 255);
		endpoint_parse(&e, slice_text(host), 1);
		clients_key_address(&key, &e);
		clients_enter(&clients, &key, 1);
	}
	ok(clients.n < 35000, "then they make room: %zu", clients.n);
	clock_set_for_tests(0);
	clients_free(&clients);
	ok(clients.n == 0 && !clients.heads, "freed");
}

int
main(void)
{
	test_connections();
	test_rate();
	test_networks();
	test_many();
	return tap_done();
}
