#include "cdb/config.h"

#include "cdb/keys.h"
#include "cdb/map.h"
#include "cdb/network.h"
#include "lib/die.h"

#include <errno.h>
#include <unistd.h>

/* one record */

static bool
find_line(const struct config *c, struct slice key, unsigned n,
	  struct slice *value, struct slice *source)
{
	struct map_record record;

	if (!map_find(c->map, key, n, &record))
		return false;
	keys_open(record.value, value, source);
	return true;
}

static bool
find(const struct config *c, struct slice key, unsigned n, struct slice *value)
{
	struct slice source;

	return find_line(c, key, n, value, &source);
}

/* the file */

static void
know(struct config *c)
{
	uint64_t bits = 0;

	config_number(c, KEYS_HAS, &bits);
	c->has = (unsigned)bits;
	if (!find(c, SLICE(KEYS_HAS "\0locals"), 0, &c->locals))
		c->locals = SLICE("");
	if (!find(c, SLICE(KEYS_HAS "\0depths"), 0, &c->depths))
		c->depths = SLICE("");
	if (!find(c, SLICE(KEYS_HAS "\0extensions"), 0, &c->extensions))
		c->extensions = SLICE("");
}

static void
identify(struct config *c, const struct stat *st)
{
	c->dev = st->st_dev;
	c->inode = st->st_ino;
	c->mtime_ns =
	    st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec;
}

int
config_open(struct config *c, const char *path, struct buf *why)
{
	struct stat st;
	int r;

	*c = (struct config){.path = path};
	r = map_open(&c->map, path, &st, why);
	identify(c, &st);
	if (r == 0)
		know(c);
	return r;
}

void
config_open_or_die(struct config *c, const char *path)
{
	struct buf why = {0};

	if (config_open(c, path, &why) == 0)
		return;
	if (access(path, R_OK) != 0 && errno != ENOENT)
		die_sys("reading", path);
	buf_putc(&why, 0);
	die_config(why.mem, NULL);
}

int
config_refresh(struct config *c, struct buf *why)
{
	struct config seen = {.path = c->path};
	struct stat st;
	struct map *map;

	if (stat(c->path, &st) != 0)
		st = (struct stat){0};
	identify(&seen, &st);
	if (seen.dev == c->dev && seen.inode == c->inode &&
	    seen.mtime_ns == c->mtime_ns)
		return 0;
	/* A bad one too is looked at once only. */
	if (map_open(&map, c->path, &st, why) != 0) {
		identify(c, &st);
		return -1;
	}
	map_close(c->map);
	c->map = map;
	c->generation++;
	identify(c, &st);
	know(c);
	return 1;
}

void
config_close(struct config *c)
{
	map_close(c->map);
	*c = (struct config){0};
}

bool
config_text(const struct config *c, const char *table, struct slice *value)
{
	char key[64];
	size_t len = strlen(table) + 1;

	if (len > sizeof key)
		return false;
	memcpy(key, table, len);
	return find(c, slice_of(key, len), 0, value);
}

bool
config_number(const struct config *c, const char *table, uint64_t *n)
{
	struct slice value;

	return config_text(c, table, &value) &&
	       slice_number(value, UINT64_MAX, n) == 0;
}

int64_t
config_stopwait_s(const struct config *c)
{
	uint64_t s;

	return config_number(c, KEYS_STOPWAIT, &s) && s <= UINT32_MAX
		   ? (int64_t)s
		   : CONFIG_STOPWAIT_S;
}

struct slice
config_me(const struct config *c)
{
	struct slice me = SLICE("");

	find(c, KEYS_TABLE(KEYS_ME), 0, &me);
	return me;
}

static bool
listen_line(const struct config *c, const char *protocol, unsigned n,
	    struct slice *address, struct slice *options)
{
	const struct slice table = KEYS_TABLE(KEYS_LISTEN);
	size_t len = strlen(protocol);
	struct slice value;
	char key[64];

	if (len > sizeof key - table.len)
		return false;
	memcpy(key, table.at, table.len);
	memcpy(key + table.len, protocol, len);
	if (!find(c, slice_of(key, table.len + len), n, &value))
		return false;
	*address = slice_word(&value);
	*options = slice_trim(value);
	return true;
}

bool
config_listen(const struct config *c, const char *protocol, unsigned n,
	      struct slice *address)
{
	struct slice options;

	return listen_line(c, protocol, n, address, &options);
}

struct slice
config_part(struct slice *rest)
{
	size_t comma = slice_find(*rest, ',');
	struct slice part = slice_of(rest->at, comma);

	*rest = slice_from(*rest, comma < rest->len ? comma + 1 : comma);
	return part;
}

void
config_listen_trust(const struct config *c, const char *protocol, unsigned n,
		    struct server_trust *trust)
{
	struct slice address, rest;
	struct network network;

	*trust = (struct server_trust){0};
	if (!listen_line(c, protocol, n, &address, &rest) ||
	    !slice_starts(rest, SLICE(CONFIG_PROXY)))
		return;
	rest = slice_from(rest, sizeof CONFIG_PROXY - 1);
	while (rest.len > 0 && trust->n < SERVER_TRUSTED_MAX) {
		struct server_network *t = &trust->networks[trust->n];

		if (network_parse(&network, config_part(&rest)) != NETWORK_GOOD)
			continue;
		memcpy(t->address, network.address, sizeof t->address);
		t->bits = network.bits;
		trust->n++;
	}
}

bool
config_qmqpserver(const struct config *c, unsigned n, struct slice *address)
{
	return find(c, KEYS_TABLE(KEYS_QMQPSERVERS), n, address);
}

static uint64_t
leaf_number(const struct config *c, struct slice key)
{
	struct slice value;
	uint64_t n;

	return find(c, key, 0, &value) &&
		       slice_number(value, INT64_MAX, &n) == 0
		   ? n
		   : 0;
}

void
config_leaf(const struct config *c, struct config_leaf *leaf)
{
#define KEY(option) SLICE(KEYS_QMQPSERVERS "\0" option)
	leaf->is_spread = leaf_number(c, KEY("order")) != 0;
	leaf->timeout_s = (int64_t)leaf_number(c, KEY("timeout"));
	leaf->lifetime_s = (int64_t)leaf_number(c, KEY("lifetime"));
	leaf->spool_bytes = leaf_number(c, KEY("spool"));
#undef KEY
}

unsigned
config_needs(const struct config *c)
{
	uint64_t bits = 0;

	config_number(c, KEYS_NEEDS, &bits);
	return (unsigned)bits;
}

struct slice
config_digest(const struct config *c)
{
	return map_digest(c->map);
}
