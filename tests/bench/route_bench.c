/* route_bench.c - how long a decision takes: all of config_route
 *
 * usage: route-bench CONFIG ADDRESSES [SECONDS]
 *
 * ADDRESSES is a file, one a line. They are asked for in an order without
 * pattern, as a hub would, at first each once, then again and again for
 * SECONDS (3). Prints the decisions a second and the time of one.
 */
#include "cdb/config.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct slice *addresses;
static size_t n_addresses;

static void
load(const char *name)
{
	FILE *f = fopen(name, "re");
	char *text = NULL;
	size_t cap = 0, max = 0;
	ssize_t len;

	if (!f)
		err(1, "%s", name);
	while ((len = getline(&text, &cap, f)) > 0) {
		char *copy = malloc((size_t)len);

		if (n_addresses == max) {
			max = max ? max * 2 : 1024;
			addresses = realloc(addresses, max * sizeof *addresses);
		}
		if (!copy || !addresses)
			err(1, "memory");
		memcpy(copy, text, (size_t)len - 1);
		addresses[n_addresses++] = slice_of(copy, (size_t)len - 1);
	}
	free(text);
	fclose(f);
}

/* An order that no cache can guess. */
static void
shuffle(void)
{
	uint64_t x = 88172645463325252;
	size_t i;

	for (i = n_addresses; i > 1; i--) {
		struct slice s = addresses[i - 1];
		size_t j;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		j = (size_t)(x % i);
		addresses[i - 1] = addresses[j];
		addresses[j] = s;
	}
}

/* Side by side in that order: a hub has just read the address it asks for. */
static void
line_up(void)
{
	size_t i, len = 0;
	char *all;

	for (i = 0; i < n_addresses; i++)
		len += addresses[i].len;
	all = malloc(len + 1);
	if (!all)
		err(1, "memory");
	for (i = 0; i < n_addresses; i++) {
		memcpy(all, addresses[i].at, addresses[i].len);
		addresses[i].at = all;
		all += addresses[i].len;
	}
}

static double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	double seconds = argc > 3 ? strtod(argv[3], NULL) : 3, begin, took;
	struct buf why = {0}, room = {0};
	uint64_t n = 0, found = 0;
	struct config_route r;
	struct config c;
	size_t i;

	if (argc < 3)
		errx(100, "usage: route-bench CONFIG ADDRESSES [SECONDS]");
	begin = now_s();
	if (config_open(&c, argv[1], &why) != 0)
		errx(1, "%.*s", (int)why.len, buf_slice(&why).at);
	printf("open_ms=%.1f ", (now_s() - begin) * 1e3);
	load(argv[2]);
	if (n_addresses == 0)
		errx(1, "no addresses");
	shuffle();
	line_up();
	begin = now_s();
	do {
		for (i = 0; i < n_addresses; i++) {
			config_route(&c, addresses[i], &room, &r);
			found += r.decision != CONFIG_NOROUTE;
		}
		n += n_addresses;
		took = now_s() - begin;
	} while (took < seconds);
	printf("decisions=%" PRIu64 " found=%" PRIu64
	       " a_second=%.0f us_each=%.3f\n",
	       n, found, (double)n / took, took / (double)n * 1e6);
	config_close(&c);
	return 0;
}
