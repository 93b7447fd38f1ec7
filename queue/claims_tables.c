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

const char *
claims_fault(const struct claims *c, const struct config *config,
	     struct slice client, struct slice pin)
{
	struct config_client line;
	struct endpoint peer;
	struct tls_pin key;
	bool has_key;

	if (!c->may_relay)
		return c->is_foreign ? "a client who may not relay sends to "
				       "others than ours"
				     : NULL;
	peer_of(client, &peer);
	has_key = pin.len > 0 && tls_pin_parse(pin, &key) == 0;
	if (config_client(config, &peer, has_key ? &key : NULL, &line) &&
	    (line.rights & CONFIG_RELAY))
		return NULL;
	return "access does not let this client relay";
}
