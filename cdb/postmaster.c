/* postmaster.c - is the postmaster that every host has somebody here? */
#include "cdb/config.h"

/* Out into the world by the line for all: mail for a name of ours that is no
 * domain of ours would come back, or bounce. */
static bool
goes_out(const struct config_route *r)
{
	return r->decision == CONFIG_NEXTHOPS && slice_eq(r->key, SLICE("*")) &&
	       slice_starts(r->nexthops, SLICE("smtp:mx"));
}

char
config_postmaster(const struct config *c, struct slice rcpt, const char **why_r)
{
	char code = config_accepts(c, CONFIG_RELAY, rcpt, why_r);
	struct slice targets, source;
	struct buf room = {0};
	struct config_route r;

	if (code != 'K' || config_alias(c, rcpt, &targets, &source))
		return code;
	config_route(c, rcpt, &room, &r);
	if (goes_out(&r)) {
		*why_r = "nobody is postmaster of this host (#5.1.1)";
		code = 'D';
	}
	buf_free(&room);
	return code;
}
