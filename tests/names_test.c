/* names_test - what strangers name costs no more than what anybody names */
#include "lib/names.h"

#include "lib/buf.h"
#include "lib/crc32c.h"
#include "lib/owner.h"
#include "tests/tap.h"

#include <stdlib.h>

enum { MANY = 20000, OLD_BUCKETS = 4096, SHORT = 2000 };

struct thing {
	struct names_link link;
	unsigned n, seen;
};

static struct thing things[MANY];
static struct names table;

static struct slice
name_of(unsigned n, char room[24])
{
	return slice_of(room, (size_t)snprintf(room, 24, "d%u.test", n));
}

static struct thing *
find(unsigned n)
{
	char room[24];
	struct names_link *l;

	l = names_find(&table, names_hash(&table, name_of(n, room)));
	while (l && OWNER(l, struct thing, link)->n != n)
		l = names_more(l);
	return l ? OWNER(l, struct thing, link) : NULL;
}

static void
put(unsigned n)
{
	char room[24];

	things[n].n = n;
	names_put(&table, &things[n].link,
		  names_hash(&table, name_of(n, room)));
}

static void
test_all(void)
{
	struct names_walk w = {0};
	struct names_link *l;
	unsigned i, n = 0;
	bool good = true;

	ok(!find(1) && !names_next(&table, &w), "nothing in an empty table");
	for (i = 0; i < MANY; i++) {
		put(i);
		good &= find(i) == &things[i] && find(i / 2) == &things[i / 2];
	}
	ok(good && table.n == MANY, "each is found while the table grows");
	for (i = 0; i < MANY; i += 2)
		names_drop(&table, &things[i].link);
	for (i = 0; i < MANY; i++)
		good &= find(i) == (i % 2 ? &things[i] : NULL);
	ok(good && table.n == MANY / 2, "and dropped ones are not");
	w = (struct names_walk){0};
	while ((l = names_next(&table, &w))) {
		n++;
		names_drop(&table, l);
	}
	ok(n == MANY / 2 && table.n == 0, "a walk may drop each");
	names_free(&table);
}

static void
test_same_name(void)
{
	struct thing two[2] = {{.n = 1}, {.n = 2}};
	uint64_t hash = names_hash(&table, SLICE("a"));
	struct names_link *l;

	names_put(&table, &two[0].link, hash);
	names_put(&table, &two[1].link, hash);
	l = names_find(&table, hash);
	ok(l && names_more(l) && !names_more(names_more(l)),
	   "two of one name are both found");
	ok(names_hash_two(&table, SLICE("ab"), SLICE("c")) !=
	       names_hash_two(&table, SLICE("a"), SLICE("bc")),
	   "two parts are not their bytes alone");
	names_free(&table);
}

/* Half is there at the start; the rest comes between two chains. */
static void
test_slow_walk(void)
{
	struct names_walk w = {0};
	struct names_link *l;
	unsigned i, put_n = SHORT / 2;
	bool once = true;

	for (i = 0; i < put_n; i++)
		put(i);
	while (!w.is_over) {
		for (l = names_chain(&table, &w); l; l = l->chain)
			OWNER(l, struct thing, link)->seen++;
		for (i = 0; i < 16 && put_n < SHORT; i++)
			put(put_n++);
	}
	for (i = 0; i < SHORT; i++)
		once &= things[i].seen == 1 ||
			(i >= SHORT / 2 && things[i].seen == 0);
	ok(once && put_n == SHORT,
	   "a walk in pieces meets each once while the table grows");
	names_free(&table);
}

/* No put costs more than it moves at once: what grows is bounded. */
static void
test_growth(void)
{
	bool good = true;
	unsigned i;

	for (i = 0; i < MANY; i++) {
		size_t moved = table.older ? table.moved : 0;

		put(i);
		if (table.older && table.moved > moved)
			good &= table.moved - moved <= 4;
	}
	ok(good, "it grows by a few buckets at a time");
	names_free(&table);
}

/* Names that an unkeyed CRC of before would have put into one bucket. */
static void
test_collisions(void)
{
	uint32_t want = crc32c(0, SLICE("smtp:mx/victim.test")) % OLD_BUCKETS;
	struct thing *all = calloc(SHORT, sizeof *all);
	unsigned n = 0, i;
	uint64_t before;

	for (i = 0; all && n < SHORT; i++) {
		char room[48];
		struct slice key = slice_of(
		    room, (size_t)snprintf(room, sizeof room,
					   "smtp:mx/d%u.evil.test", i));

		if (crc32c(0, key) % OLD_BUCKETS != want)
			continue;
		all[n].n = i;
		names_put(&table, &all[n++].link, names_hash(&table, key));
	}
	before = table.n_probes;
	for (i = 0; i < n; i++)
		names_find(&table, all[i].link.hash);
	ok(n == SHORT && table.n_probes - before < 3 * SHORT,
	   "%u names of one old bucket: %u probes to find each", n,
	   (unsigned)(table.n_probes - before));
	names_free(&table);
	free(all);
}

static void
test_keys(void)
{
	struct names other = {0};

	ok(names_hash(&table, SLICE("a")) != names_hash(&other, SLICE("a")),
	   "each table has a key of its own");
	names_free(&table);
}

int
main(void)
{
	test_all();
	test_same_name();
	test_slow_walk();
	test_growth();
	test_collisions();
	test_keys();
	return tap_done();
}
