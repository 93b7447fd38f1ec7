#include "queue/intake_tables.h"

#include "cdb/pools.h"
#include "lib/limits.h"
#include "queue/aliases.h"

static int
prepare(struct intake *in, struct incoming *message, struct verdict *v)
{
	switch (
	    aliases_expand(in->config, in->store->key, &in->loops, message)) {
	case ALIASES_DONE: return 0;
	case ALIASES_MANY:
		verdict_say(v, 'Z',
			    "aliases make too many recipients of these "
			    "(#4.5.3)");
		break;
	case ALIASES_LOOP:
		verdict_say(v, 'D',
			    "this message is looping: aliases have made its "
			    "copies before (#5.4.6)");
		break;
	case ALIASES_AGAIN:
		verdict_say(v, 'K',
			    "this message is looping, and its sender is told "
			    "already");
		break;
	}
	return -1;
}

static void
look_at_rcpt(struct intake *in, struct claims *c, struct slice rcpt)
{
	claims_rcpt(c, in->config, rcpt);
}

static void
look_for_alias(struct intake *in, struct incoming *message, struct slice rcpt)
{
	aliases_look(in->config, message, rcpt);
}

static const char *
doubt(struct intake *in, const struct claims *c, struct slice client,
      struct slice pin)
{
	return claims_fault(c, in->config, client, pin, &in->relayed);
}

/* 0 stands for no limit but ours. */
static uint64_t
text_max(const struct config *c)
{
	uint64_t n;

	if (!config_number(c, "databytes", &n) || n == 0 || n > LIMIT_TEXT)
		n = LIMIT_TEXT;
	return n;
}

void
intake_tables(struct intake *in, const struct config *c)
{
	struct slice name;
	unsigned i;

	in->config = c;
	in->relayed = (struct claims_relayed){0};
	in->prepare = prepare;
	in->rcpt = look_at_rcpt;
	in->look = look_for_alias;
	in->doubt = doubt;
	in->text_max = text_max(c);
	in->tags.n = 0;
	for (i = 0; pools_header(c, i, &name); i++)
		tags_add(&in->tags, name);
}
