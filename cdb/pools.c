#include "cdb/pools.h"

#include "cdb/ask.h"
#include "cdb/keys.h"
#include "lib/address.h"

enum { KEY_MAX = ASK_MAX + 64 };

/* A key of the table, put together in room; empty when it is too long. */
static struct slice
key_of(char room[KEY_MAX], const char *kind, struct slice a, struct slice b)
{
	const struct slice table = KEYS_TABLE(KEYS_POOLS);
	size_t kind_len = strlen(kind), len = table.len + kind_len, i;

	if (len + a.len + b.len + 2 > KEY_MAX)
		return SLICE("");
	memcpy(room, table.at, table.len);
	memcpy(room + table.len, kind, kind_len);
	memcpy(room + len, a.at, a.len);
	len += a.len;
	if (b.at) {
		room[len++] = ' ';
		memcpy(room + len, b.at, b.len);
		len += b.len;
	}
	for (i = table.len; i < len; i++)
		if (room[i] >= 'A' && room[i] <= 'Z')
			room[i] = (char)(room[i] + 32);
	return slice_of(room, len);
}

static bool
find(const struct config *c, struct slice key, unsigned n, struct slice *value,
     struct slice *source)
{
	struct map_record r;

	if (key.len == 0 || !map_find(c->map, key, n, &r))
		return false;
	keys_open(r.value, value, source);
	return true;
}

static const struct slice none = {NULL, 0};

bool
pools_find(const struct config *c, struct slice pool, enum pools_over *over)
{
	struct slice words, source, value;
	char room[KEY_MAX];

	if (!find(c, key_of(room, "pool ", pool, none), 0, &words, &source))
		return false;
	*over = option_value(words, "over", &value) &&
			slice_eq(value, SLICE("others"))
		    ? POOLS_OTHERS
		    : POOLS_WAIT;
	return true;
}

bool
pools_member(const struct config *c, struct slice pool, unsigned n,
	     struct pools_member *m)
{
	struct slice words, day;
	char room[KEY_MAX];

	*m = (struct pools_member){0};
	if (!find(c, key_of(room, "member ", pool, none), n, &words,
		  &m->source))
		return false;
	m->address = slice_word(&words);
	m->helo = slice_word(&words);
	if (endpoint_parse(&m->from, m->address, 0) != 0)
		return false;
	m->weight = (uint32_t)option_number(words, "weight");
	if (m->weight == 0)
		m->weight = 1;
	m->concurrency = (uint32_t)option_number(words, "concurrency");
	m->rate = option_rate(words, "rate");
	if (!option_value(words, "warmup", &m->curve))
		m->curve = SLICE("");
	if (option_value(words, "start", &day))
		m->start_day = option_parse_day(day);
	return true;
}

bool
pools_of_sender(const struct config *c, struct slice sender, struct slice *pool,
		struct slice *source)
{
	struct slice local, domain;
	struct ask_suffixes s;
	char room[KEY_MAX];

	if (sender.len == 0)
		sender = SLICE("<>");
	if (find(c, key_of(room, "sender ", sender, none), 0, pool, source))
		return true;
	if (!address_split(sender, &local, &domain) ||
	    !address_sane_domain(domain))
		return false;
	if (find(c, key_of(room, "sender ", domain, none), 0, pool, source))
		return true;
	ask_suffixes(&s, c, KEYS_DEPTHS_POOL_SENDERS, domain);
	while (ask_next_suffix(&s, &domain))
		if (find(c, key_of(room, "sender ", domain, none), 0, pool,
			 source))
			return true;
	return false;
}

bool
pools_header(const struct config *c, unsigned n, struct slice *name)
{
	struct slice source;

	return find(c, SLICE(KEYS_POOLS "\0headers"), n, name, &source);
}

bool
pools_of_header(const struct config *c, struct slice name, struct slice value,
		struct slice *pool, struct slice *source)
{
	char room[KEY_MAX];

	return find(c, key_of(room, "header ", name, value), 0, pool, source);
}

struct slice
pools_group(const struct config *c, struct slice domain)
{
	struct slice group, source, suffix;
	struct ask_suffixes s;
	char room[KEY_MAX];

	if (!address_sane_domain(domain))
		return domain;
	if (find(c, key_of(room, "group ", domain, none), 0, &group, &source))
		return group;
	ask_suffixes(&s, c, KEYS_DEPTHS_POOL_GROUPS, domain);
	while (ask_next_suffix(&s, &suffix))
		if (find(c, key_of(room, "group ", suffix, none), 0, &group,
			 &source))
			return group;
	return domain;
}

uint64_t
pools_warmup(const struct config *c, struct slice curve, struct slice group,
	     int64_t days)
{
	struct slice words, source, word;
	char room[KEY_MAX];
	uint64_t n;

	if (!find(c, key_of(room, "curve ", curve, group), 0, &words,
		  &source) &&
	    !find(c, key_of(room, "curve ", curve, SLICE("*")), 0, &words,
		  &source))
		return UINT64_MAX;
	if (days < 0)
		return 0;
	do
		word = slice_word(&words);
	while (days-- > 0 && word.len > 0);
	return word.len > 0 && slice_number(word, UINT32_MAX, &n) == 0
		   ? n
		   : UINT64_MAX;
}
