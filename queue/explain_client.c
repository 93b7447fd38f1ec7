/* explain_client.c - the part of explain_facts.h about who sends */
#include "cdb/keys.h"
#include "cdb/map.h"
#include "queue/explain_facts.h"

/* The pin of the key that access has this name for. */
static bool
pin_of(const struct explain *e, struct tls_pin *pin)
{
	const struct slice table = KEYS_TABLE(KEYS_ACCESS);
	struct config_client r;
	struct map_record record;
	uint32_t at = 0;

	while (map_each(e->config->map, &at, &record)) {
		struct slice key = record.key;

		if (!slice_starts(key, table) ||
		    key.len != table.len + sizeof pin->bytes)
			continue;
		memcpy(pin->bytes, key.at + table.len, sizeof pin->bytes);
		if (config_client(e->config, &(struct endpoint){0}, pin, &r) &&
		    slice_case_eq(r.name, e->client))
			return true;
	}
	return false;
}

void
explain_client(struct explain *e)
{
	struct endpoint peer = {0};
	struct config_client r;
	struct tls_pin pin;
	bool by_address;

	e->rights = 0;
	if (!e->has_client)
		return;
	by_address = endpoint_parse(&peer, e->client, 1) == 0;
	if (!by_address && !pin_of(e, &pin)) {
		explain_fact(e, "client",
			     SLICE("is unknown: no line of access has this "
				   "name"),
			     SLICE(""), SLICE(""));
		return;
	}
	config_client(e->config, &peer, by_address ? NULL : &pin, &r);
	e->rights = r.rights;
	buf_clear(&e->scratch);
	buf_puts(&e->scratch, e->client);
	buf_text(&e->scratch,
		 e->rights & CONFIG_RELAY ? ": may relay" : ": may not relay");
	if (e->rights & CONFIG_REPEATS)
		buf_text(&e->scratch, ", may repeat");
	if (e->has_sender && !config_client_sender(e->config, &r, e->sender))
		buf_text(&e->scratch, ", may not send as this sender");
	if (r.size > 0) {
		buf_text(&e->scratch, ", up to ");
		buf_number(&e->scratch, r.size);
		buf_text(&e->scratch, " bytes");
	}
	if (r.rate > 0) {
		buf_text(&e->scratch, ", ");
		buf_number(&e->scratch, r.rate);
		buf_text(&e->scratch, " messages in ");
		buf_number(&e->scratch, r.rate_s);
		buf_text(&e->scratch, " s");
	}
	explain_fact(e, "client", buf_slice(&e->scratch), r.source, SLICE(""));
}
