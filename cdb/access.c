/* access.c - what config.h says of networks: tables access, serverlimits and
 * mxnetworks */
#include "cdb/config.h"
#include "cdb/keys.h"
#include "cdb/map.h"
#include "cdb/network.h"
#include "cdb/option.h"
#include "lib/address.h"
#include "lib/reach.h"

static bool
find(const struct config *c, struct slice key, struct slice *value,
     struct slice *source)
{
	struct map_record record;

	if (!map_find(c->map, key, 0, &record))
		return false;
	keys_open(record.value, value, source);
	return true;
}

static uint64_t
number(struct slice s)
{
	uint64_t n = 0;

	slice_number(s, UINT64_MAX / 16, &n);
	return n;
}

static void
take_option(struct config_client *r, struct slice word)
{
	size_t eq = slice_find(word, '=');
	struct slice name = slice_of(word.at, eq);
	struct slice value = slice_from(word, eq + 1);
	size_t slash = slice_find(value, '/');

	if (slice_eq(name, SLICE("senders"))) {
		r->senders = value;
	} else if (slice_eq(name, SLICE("size"))) {
		r->size = number(value);
	} else if (slice_eq(name, SLICE("connections"))) {
		r->connections = number(value);
	} else if (slice_eq(name, SLICE("rate")) && slash < value.len) {
		r->rate = (uint32_t)number(slice_of(value.at, slash));
		r->rate_s = (uint32_t)number(slice_from(value, slash + 1));
	}
}

/* RIGHTS [NAME] [OPTION=VALUE ...] */
static bool
take_line(struct config_client *r, struct slice value)
{
	uint64_t bits;
	struct slice word = slice_word(&value);

	if (slice_number(word, UINT32_MAX, &bits) != 0)
		return false;
	r->rights = (unsigned)bits;
	while ((word = slice_word(&value)).len > 0)
		if (option_is(word))
			take_option(r, word);
		else
			r->name = word;
	return true;
}

static bool
by_pin(const struct config *c, const struct tls_pin *pin,
       struct config_client *r)
{
	const struct slice table = KEYS_TABLE(KEYS_ACCESS);
	char key[16 + TLS_PIN_BYTES];
	struct slice value;

	memcpy(key, table.at, table.len);
	memcpy(key + table.len, pin->bytes, TLS_PIN_BYTES);
	r->by_key = find(c, slice_of(key, table.len + TLS_PIN_BYTES), &value,
			 &r->source) &&
		    take_line(r, value);
	return r->by_key;
}

/* The longest network of this table that has the address; called again from
 * *at on, which is 0 first, the next one. */
static bool
find_network(const struct config *c, struct slice table,
	     const struct endpoint *peer, size_t *at, struct slice *value,
	     struct slice *source)
{
	char key[16 + NETWORK_KEY];
	struct slice lengths, where;
	struct network n;
	bool v4;

	if (endpoint_address(peer, n.address) != 0 ||
	    !find(c, table, &lengths, &where))
		return false;
	n.bits = NETWORK_BITS;
	v4 = network_v4(&n);
	memcpy(key, table.at, table.len);
	while (*at < lengths.len) {
		n.bits = (uint8_t)lengths.at[(*at)++];
		if (n.bits > NETWORK_BITS || (v4 && n.bits < NETWORK_V4))
			continue;
		network_cut(&n); /* longest first: each cuts the one before */
		network_key(&n, key + table.len);
		if (find(c, slice_of(key, table.len + NETWORK_KEY), value,
			 source))
			return true;
	}
	return false;
}

static bool
by_address(const struct config *c, const struct endpoint *peer,
	   struct config_client *r)
{
	struct slice value;
	size_t at = 0;

	while (find_network(c, KEYS_TABLE(KEYS_ACCESS), peer, &at, &value,
			    &r->source))
		if (take_line(r, value))
			return true;
	return false;
}

enum config_mx
config_mx_address(const struct config *c, const struct endpoint *e,
		  struct slice *source)
{
	uint8_t address[16];
	struct slice value;
	size_t at = 0;

	*source = SLICE("");
	if (endpoint_address(e, address) != 0)
		return CONFIG_MX_NOWHERE;
	switch (reach_of(address)) {
	case REACH_NOWHERE: return CONFIG_MX_NOWHERE;
	case REACH_PUBLIC: return CONFIG_MX_GOOD;
	case REACH_PRIVATE: break;
	}
	return find_network(c, KEYS_TABLE(KEYS_MXNETWORKS), e, &at, &value,
			    source)
		   ? CONFIG_MX_GOOD
		   : CONFIG_MX_PRIVATE;
}

bool
config_client(const struct config *c, const struct endpoint *peer,
	      const struct tls_pin *pin, struct config_client *r)
{
	*r = (struct config_client){0};
	return (pin && by_pin(c, pin, r)) || by_address(c, peer, r);
}

unsigned
config_access(const struct config *c, const struct endpoint *peer)
{
	struct config_client r;

	return config_client(c, peer, NULL, &r) ? r.rights : 0;
}

bool
config_access_key(const struct config *c, const struct tls_pin *pin,
		  unsigned *rights, struct slice *name)
{
	struct config_client r = {0};

	if (!by_pin(c, pin, &r))
		return false;
	*rights = r.rights;
	*name = r.name;
	return true;
}

static bool
fits(struct slice pattern, struct slice domain)
{
	if (pattern.len == 0 || pattern.at[0] != '.')
		return slice_case_eq(pattern, domain);
	return domain.len > pattern.len &&
	       slice_case_eq(slice_from(domain, domain.len - pattern.len),
			     pattern);
}

bool
config_client_sender(const struct config *c, const struct config_client *r,
		     struct slice sender)
{
	struct slice local, domain, rest = r->senders;

	if (rest.len == 0 || sender.len == 0 || slice_eq(sender, SLICE("#@[]")))
		return true;
	if (!address_split(sender, &local, &domain))
		domain = config_me(c);
	while (rest.len > 0)
		if (fits(config_part(&rest), domain))
			return true;
	return false;
}

static uint64_t
limit(const struct config *c, const char *name, uint64_t otherwise)
{
	const struct slice table = KEYS_TABLE(KEYS_SERVERLIMITS);
	struct slice value, source;
	size_t len = strlen(name);
	char key[64];

	if (len > sizeof key - table.len)
		return otherwise;
	memcpy(key, table.at, table.len);
	memcpy(key + table.len, name, len);
	return find(c, slice_of(key, table.len + len), &value, &source)
		   ? number(value)
		   : otherwise;
}

void
config_limits(const struct config *c, struct limits *r)
{
	const struct limits d = LIMITS_DEFAULT;

	*r = (struct limits){
	    .connections = limit(c, "connections", d.connections),
	    .connections_tls = limit(c, "connections-tls", d.connections_tls),
	    .connections_client =
		limit(c, "connections-client", d.connections_client),
	    .handshakes = limit(c, "handshakes", d.handshakes),
	    .in_flight = limit(c, "in-flight", d.in_flight),
	    .session_s = (int64_t)limit(c, "session", (uint64_t)d.session_s),
	    .idle_s = (int64_t)limit(c, "idle", (uint64_t)d.idle_s),
	    .progress = limit(c, "progress", d.progress)};
}
