/* explain_state.c - the part of explain_facts.h that asks the running queue */
#include "lib/field.h"
#include "lib/home.h"
#include "lib/netstring.h"
#include "queue/command.h"
#include "queue/destination.h"
#include "queue/explain_facts.h"
#include "queue/queue_cmd_talk.h"

#include <unistd.h>

/* The value of a field of a destination's item. */
static struct slice
field(struct slice body, const char *key)
{
	struct slice word, value;

	while (netstring_slice(&body, &word) == 0) {
		size_t eq = slice_find(word, '=');

		value = slice_from(word, eq < word.len ? eq + 1 : eq);
		if (slice_eq(slice_of(word.at, eq), slice_text(key)))
			return value;
	}
	return SLICE("");
}

static void
tell(struct explain *e, struct slice body)
{
	static const char *const keys[] = {"running", "waiting", "limit",
					   "most",    "rate",	 "retry_ms"};
	size_t i;

	buf_clear(&e->scratch);
	buf_puts(&e->scratch, field(body, "state"));
	for (i = 0; i < sizeof keys / sizeof *keys; i++) {
		struct slice value = field(body, keys[i]);

		if (value.len == 0)
			continue;
		buf_putc(&e->scratch, ' ');
		buf_text(&e->scratch, keys[i]);
		buf_putc(&e->scratch, '=');
		buf_puts(&e->scratch, value);
	}
	explain_fact(e, "  state", buf_slice(&e->scratch), SLICE(""),
		     SLICE(""));
}

void
explain_state(struct explain *e, struct slice nexthop, struct slice domain)
{
	struct buf key = {0}, request = {0};
	struct talk t;
	struct slice body;
	char letter;

	/* Only of a queue that runs: silently, since it need not. */
	if (access(HOME_CONTROL, W_OK) != 0)
		return;
	destination_key(&key, nexthop, domain);
	netstring_put(&request, SLICE("destinations"));
	if (talk_open(&t, true) == COMMAND_DONE && t.fd >= 0 &&
	    talk_ask(&t, buf_slice(&request)) == COMMAND_DONE)
		while ((letter = talk_next(&t, &body)) == 'd')
			if (slice_eq(field(body, "hop"), buf_slice(&key)))
				tell(e, body);
	talk_close(&t);
	buf_free(&key);
	buf_free(&request);
}
