#include "queue/attempt.h"

#include "lib/die.h"

#include <stdlib.h>
#include <string.h>

struct slice
attempt_nexthop(const struct attempt *a)
{
	struct slice word = attempt_word(a);

	return slice_of(word.at, slice_find(word, ATTEMPT_FROM));
}

struct slice
attempt_word(const struct attempt *a)
{
	struct slice rest = a->nexthops, word = {"", 0};
	unsigned i;

	for (i = 0; i <= a->hop; i++)
		word = slice_word(&rest);
	return word;
}

unsigned
attempt_hops(const struct attempt *a)
{
	struct slice rest = a->nexthops;
	unsigned n = 0;

	while (n < ATTEMPT_HOPS_MAX && slice_word(&rest).len > 0)
		n++;
	return n;
}

struct attempt *
attempt_new(struct message *m, struct slice nexthops, uint32_t max_rcpts)
{
	size_t list = (size_t)max_rcpts * sizeof(uint32_t);
	struct attempt *a = calloc(1, sizeof *a + list + nexthops.len);
	char *copy;

	if (!a)
		die_nomem();
	copy = (char *)a + sizeof *a + list;
	memcpy(copy, nexthops.at, nexthops.len);
	a->nexthops = slice_of(copy, nexthops.len);
	a->message = m;
	a->tls = "";
	return a;
}
