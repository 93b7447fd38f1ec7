/* crowd_test.c - how many connections has an address, and who is next? */
#include "lib/owner.h"
#include "smtp-gateway/crowd.h"
#include "tests/tap.h"

static struct crowds all;
static char woken[100];

struct waiter {
	struct link link;
	char name;
};

static void
wake(struct link *link)
{
	woken[strlen(woken)] = OWNER(link, struct waiter, link)->name;
}

static struct endpoint
at(const char *host, uint16_t port)
{
	struct endpoint e;

	ok_quiet(endpoint_parse(&e, slice_text(host), port) == 0, "%s", host);
	return e;
}

static bool
has_room(const char *host, uint16_t port)
{
	struct endpoint e = at(host, port);

	return crowd_has_room(&all, &e);
}

static struct crowd *
fill(const char *host)
{
	struct endpoint e = at(host, 25);
	struct crowd *c = NULL;
	size_t i;

	for (i = 0; i < CROWD_MAX; i++) {
		ok_quiet(crowd_has_room(&all, &e), "place %zu", i);
		c = crowd_enter(&all, &e);
	}
	return c;
}

static void
leave(struct crowd *c, size_t n)
{
	while (n-- > 0)
		crowd_leave(c, wake);
}

static void
test_addresses(void)
{
	struct crowd *v4 = fill("192.0.2.1"), *v6 = fill("2001:db8::1");

	ok(!has_room("192.0.2.1", 25), "an address is full");
	ok(has_room("192.0.2.1", 26), "another port is not");
	ok(has_room("192.0.2.2", 25), "nor is the next address");
	ok(!has_room("2001:db8::ffff:2", 25), "of IPv6 all that one owner has");
	ok(has_room("2001:db8:0:1::1", 25), "and no others");
	leave(v4, 1);
	ok(has_room("192.0.2.1", 25), "one leaves");
	leave(v4, CROWD_MAX - 1);
	leave(v6, CROWD_MAX);
	crowd_leave(NULL, wake);
	ok(has_room("2001:db8::1", 25), "all leave");
}

static void
test_turns(void)
{
	struct endpoint e = at("192.0.2.1", 25);
	struct crowd *c = fill("192.0.2.1");
	struct waiter w[5];
	size_t i;

	for (i = 0; i < 5; i++) {
		w[i] = (struct waiter){.name = (char)('a' + i)};
		crowd_wait(&all, &e, &w[i].link);
		crowd_wait(&all, &e, &w[i].link);
	}
	list_drop(&w[1].link);
	leave(c, 1);
	ok(strcmp(woken, "a") == 0, "one leaves: the first is told");
	crowd_enter(&all, &e);
	leave(c, 1);
	ok(strcmp(woken, "ac") == 0, "then the next that still waits");
	leave(c, CROWD_MAX - 1);
	ok(strcmp(woken, "acde") == 0 && !list_has(&w[4].link),
	   "with the last of them all are told");
}

int
main(void)
{
	crowds_init(&all);
	test_addresses();
	test_turns();
	return tap_done();
}
