/* grammar_client.c - what may stand in access and serverlimits */
#include "cdb/grammar.h"
#include "cdb/option.h"

enum { COUNT_MAX = 1000000, AGE_MAX_S = 86400 };

#define SIZE_MOST (UINT64_C(1) << 40)

static bool
counted(struct slice s, uint64_t *n)
{
	return slice_number(s, COUNT_MAX, n) == 0 && *n > 0;
}

/* Which of the letters is its last byte? Their number if none is. */
static size_t
unit(struct slice s, const char *letters)
{
	const char *at =
	    s.len > 1 ? strchr(letters, s.at[s.len - 1] | 0x20) : NULL;

	return at ? (size_t)(at - letters) : strlen(letters);
}

bool
grammar_size(struct slice s, uint64_t *n)
{
	size_t u = unit(s, "kmg");

	if (u < 3)
		s.len--;
	if (slice_number(s, SIZE_MOST, n) != 0)
		return false;
	if (u < 3)
		*n <<= 10 * (u + 1);
	return *n <= SIZE_MOST;
}

static bool
domains(struct slice s)
{
	for (;;) {
		size_t comma = slice_find(s, ',');
		struct slice one = slice_of(s.at, comma);

		if (!grammar_domain(one) && !grammar_suffix(one))
			return false;
		if (comma == s.len)
			return true;
		s = slice_from(s, comma + 1);
	}
}

static bool
good_size(struct slice s)
{
	uint64_t n;

	return grammar_size(s, &n) && n > 0;
}

const char *
grammar_access_fault(struct slice option)
{
	static const struct option_kind list[] = {
	    {"senders", domains,
	     "$ wants domains with commas between them, such as "
	     "senders=example.org,.example.org"},
	    {"size", good_size, "$ wants a size, such as size=10M"},
	    {"rate", option_good_rate,
	     "$ wants messages in a second, minute, hour or day, such as "
	     "rate=100/m"},
	    {"connections", option_good_count,
	     "$ wants a number from 1 to 100000, such as connections=50"},
	    {NULL, NULL,
	     "$ is not an option of access; write senders=DOMAIN,..., "
	     "size=SIZE, rate=N/m or connections=N"}};

	return option_fault(list, option);
}

static const char *
limit_count(struct slice value, uint64_t *n)
{
	return counted(value, n) ? NULL : "$ is not a number from 1 to 1000000";
}

static const char *
limit_memory(struct slice value, uint64_t *n)
{
	return grammar_size(value, n) && *n >= 1 << 20
		   ? NULL
		   : "$ is not a size of at least 1M; write one such as 64M";
}

static const char *
limit_size(struct slice value, uint64_t *n)
{
	return grammar_size(value, n)
		   ? NULL
		   : "$ is not a size; write one such as 16K";
}

static const char *
limit_age(struct slice value, uint64_t *n)
{
	int64_t age_s = option_good_age(value) ? option_parse_age_s(value) : 0;

	*n = (uint64_t)age_s;
	return age_s > 0 && age_s <= AGE_MAX_S
		   ? NULL
		   : "$ is not a time of at most a day; write one such as 5m";
}

static const struct limit {
	const char *name;
	const char *(*fault)(struct slice, uint64_t *);
} limits[] = {{"connections", limit_count},
	      {"connections-tls", limit_count},
	      {"connections-client", limit_count},
	      {"handshakes", limit_count},
	      {"in-flight", limit_memory},
	      {"session", limit_age},
	      {"idle", limit_age},
	      {"progress", limit_size}};

static const struct limit *
limit_of(struct slice name)
{
	size_t i;

	for (i = 0; i < sizeof limits / sizeof *limits; i++)
		if (slice_eq(name, slice_text(limits[i].name)))
			return &limits[i];
	return NULL;
}

const char *
grammar_limit_name_fault(struct slice name)
{
	return limit_of(name)
		   ? NULL
		   : "$ is not a limit; write connections, connections-tls, "
		     "connections-client, handshakes, in-flight, session, "
		     "idle or progress";
}

const char *
grammar_limit_fault(struct slice name, struct slice value, uint64_t *n)
{
	return limit_of(name)->fault(value, n);
}
