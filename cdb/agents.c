/* agents.c - the half of config.h that says who may serve which next hops */
#include "cdb/ask.h"
#include "cdb/config.h"
#include "cdb/keys.h"
#include "cdb/map.h"

/* Longer ones are in no table. */
enum { NAME_MAX_BYTES = 64 };

void
config_agent(const struct config *c, struct slice name, struct config_agent *r)
{
	const struct slice table = KEYS_TABLE(KEYS_AGENTS);
	struct slice value, source;
	struct map_record record;
	uint64_t n;

	*r = (struct config_agent){SLICE(""), 1};
	if (name.len == 0 || name.len > NAME_MAX_BYTES ||
	    !ask_find(c, table, name, &record))
		return;
	keys_open(record.value, &value, &source);
	option_value(value, "user", &r->user);
	n = option_number(value, "processes");
	if (n > 0)
		r->processes = n;
}

bool
config_agent_user(const struct config *c, unsigned n, struct slice *user)
{
	struct map_record record;
	struct slice source;

	if (!map_find(c->map, KEYS_TABLE(KEYS_AGENTS), n, &record))
		return false;
	keys_open(record.value, user, &source);
	return true;
}
