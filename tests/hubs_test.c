/* hubs_test - the order in which a leaf asks its hubs */
#include "qmqpc/hubs.h"

#include "tests/tables.h"

#include <stdlib.h>

enum { HOSTS = 2000, HUBS = 5 };

static const char all_hubs[] = "a:1\nb:1\nqmqps:c:1\nd:1\n192.0.2.5:1\n";

static void
build(const char *qmqpservers, struct config *c)
{
	struct buf why = {0};

	no_tables();
	table("me", "leaf.example\n");
	table("qmqpservers", qmqpservers);
	says("the table", BUILD_DONE, "", "");
	if (config_open(c, "config.cdb", &why) != 0)
		exit(111);
	buf_free(&why);
}

/* The hubs of a host as letters, "cabed". */
static void
letters(const struct config *c, unsigned host, char *out)
{
	uint8_t order[HUBS_MAX];
	struct buf name = {0};
	struct slice hub;
	unsigned n, i;

	buf_text(&name, "host-");
	buf_number(&name, host);
	n = hubs_order(c, buf_slice(&name), order);
	for (i = 0; i < n; i++) {
		config_qmqpserver(c, order[i], &hub);
		if (slice_starts(hub, SLICE("qmqps:")))
			hub = slice_from(hub, 6);
		*out++ = hub.at[0] == '1' ? 'e' : hub.at[0];
	}
	*out = 0;
	buf_free(&name);
}

static void
test_listed(void)
{
	struct config c;
	char order[HUBS_MAX + 1];

	build(all_hubs, &c);
	letters(&c, 7, order);
	ok(strcmp(order, "abcde") == 0, "as they are listed: %s", order);
	config_close(&c);
}

/* How often each of them comes first, of HOSTS hosts. */
static void
test_shares(const struct config *c)
{
	unsigned first[HUBS] = {0}, i;
	char order[HUBS_MAX + 1];

	for (i = 0; i < HOSTS; i++) {
		letters(c, i, order);
		ok_quiet(strlen(order) == HUBS, "all of them: %s", order);
		first[order[0] - 'a']++;
	}
	for (i = 0; i < HUBS; i++)
		ok(first[i] > HOSTS / HUBS * 3 / 4 &&
		       first[i] < HOSTS / HUBS * 5 / 4,
		   "%c is the first of %u of %u hosts", (char)('a' + i),
		   first[i], HOSTS);
}

/* Without d all others stay in the order in which they were. */
static void
test_removal(const struct config *c)
{
	struct config less;
	char before[HUBS_MAX + 1], after[HUBS_MAX + 1];
	unsigned i, n_same = 0;

	build("order=spread\n192.0.2.5:1\nqmqps:c:1\nb:1\na:1\n", &less);
	for (i = 0; i < HOSTS; i++) {
		char *d;

		letters(c, i, before);
		letters(&less, i, after);
		d = strchr(before, 'd');
		if (d)
			memmove(d, d + 1, strlen(d));
		n_same += strcmp(before, after) == 0;
	}
	ok(n_same == HOSTS,
	   "a hub less, and lines in another order: %u of %u the same", n_same,
	   HOSTS);
	config_close(&less);
}

static void
test_spread(void)
{
	struct config c;
	char one[HUBS_MAX + 1], two[HUBS_MAX + 1];
	struct buf tables = {0};

	buf_text(&tables, all_hubs);
	buf_text(&tables, "order=spread\n");
	buf_putc(&tables, 0);
	build(tables.mem, &c);
	letters(&c, 7, one);
	letters(&c, 7, two);
	ok(strcmp(one, two) == 0, "the same host, the same order: %s", one);
	test_shares(&c);
	test_removal(&c);
	config_close(&c);
	buf_free(&tables);
}

static void
test_many(void)
{
	uint8_t order[HUBS_MAX];
	bool seen[HUBS_MAX] = {false};
	struct buf tables = {0};
	struct config c;
	unsigned i, n, n_seen = 0;

	buf_text(&tables, "order=spread\n");
	for (i = 0; i < HUBS_MAX + 6; i++) {
		buf_text(&tables, "h");
		buf_number(&tables, i);
		buf_text(&tables, "\n");
	}
	buf_putc(&tables, 0);
	build(tables.mem, &c);
	n = hubs_order(&c, SLICE("x"), order);
	for (i = 0; i < n; i++)
		seen[order[i]] = true;
	for (i = 0; i < HUBS_MAX; i++)
		n_seen += seen[i];
	ok(n == HUBS_MAX && n_seen == HUBS_MAX, "no more than %d", HUBS_MAX);
	config_close(&c);
	buf_free(&tables);
}

int
main(void)
{
	tables_begin();
	test_listed();
	test_spread();
	test_many();
	tables_end();
	return tap_done();
}
