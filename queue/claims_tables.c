/* claims_tables.c - the half of claims.h that asks the tables */
#include "cdb/config.h"
#include "queue/claims.h"

/* Of every host, RFC 5321 section 4.5.1: SMTP takes it from anybody. */
static bool
is_postmaster(struct slice rcpt)
{
	return slice_case_eq(rcpt, SLICE("postmaster"));
}

void
claims_rcpt(struct claims *c, const struct config *config, struct slice rcpt)
{
	const char *why;

	if (c->may_relay || c->is_foreign)
		return;
	c->is_foreign = !is_postmaster(rcpt) &&
			config_accepts(config, 0, rcpt, &why) != 'K';
}

/* Unix sockets have no address, and no rights by one. */
static void
peer_of(struct slice client, struct endpoint *peer)
{
	if (endpoint_parse(peer, client, 0) != 0)
		*peer = (struct endpoint){0};
}

static bool
is_last(const struct claims_relayed *last, struct slice client,
	struct slice pin)
{
	return client.len + pin.len > 0 &&
	       slice_eq(slice_of(last->client, last->client_len), client) &&
	       slice_eq(slice_of(last->pin, last->pin_len), pin);
}

static void
remember(struct claims_relayed *last, struct slice client, struct slice pin)
{
	if (client.len > sizeof last->client || pin.len > sizeof last->pin)
		return;
	last->client_len = (uint8_t)client.len;
	last->pin_len = (uint8_t)pin.len;
	memcpy(last->client, client.at, client.len);
	memcpy(last->pin, pin.at, pin.len);
}

static bool
may_relay(const struct config *config, struct slice client, struct slice pin)
{
	struct config_client line;
	struct endpoint peer;
	struct tls_pin key;
	bool has_key = pin.len > 0 && tls_pin_parse(pin, &key) == 0;

	peer_of(client, &peer);
	return config_client(config, &peer, has_key ? &key : NULL, &line) &&
	       (line.rights & CONFIG_RELAY);
}

const char *
claims_fault(const struct claims *c, const struct config *config,
	     struct slice client, struct slice pin, struct claims_relayed *last)
{
	if (!c->may_relay)
		return c->is_foreign ? "a client who may not relay sends to "
				       "others than ours"
				     : NULL;
	if (is_last(last, client, pin))
		return NULL;
	if (!may_relay(config, client, pin))
		return "access does not let this client relay";
	remember(last, client, pin);
	return NULL;
}
