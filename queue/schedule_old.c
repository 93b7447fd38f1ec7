/* schedule_old.c - mail that is too old: who is given up, and what is told */
#include "lib/address.h"
#include "lib/netstring.h"
#include "queue/schedule_parts.h"

bool
schedule_is_old(const struct schedule *s, const struct message *m)
{
	return ages_age_s(&s->ages, m) > m->lifetime_s;
}

/* what was said last */

static void
put_answer(struct buf *out, struct slice hop, struct slice text)
{
	buf_text(out, "; the last answer, from ");
	buf_puts(out, hop);
	buf_text(out, ", was: ");
	buf_puts(out, text);
}

/* What a next hop of the route has said to other mail, while this one waited
 * for it. */
static bool
put_answer_of_hop(struct schedule *s, const struct config_route *r,
		  struct slice rcpt, struct buf *out)
{
	struct slice rest = r->nexthops, hop, local, domain;
	const struct destination *d = NULL;
	struct buf key = {0};

	address_split(rcpt, &local, &domain);
	while (!d && (hop = slice_word(&rest)).len > 0) {
		buf_clear(&key);
		destination_key(&key, hop, domain);
		d = destinations_known(&s->destinations, buf_slice(&key));
		if (d && d->said.len == 0)
			d = NULL;
	}
	if (d)
		put_answer(out, buf_slice(&key), buf_slice(&d->said));
	buf_free(&key);
	return d != NULL;
}

static void
too_old(struct schedule *s, const struct message *m, uint32_t index,
	struct slice rcpt, const struct config_route *r, struct verdict *v)
{
	const struct answer *last = answers_get(&s->answers, m->id, index);
	struct buf text = {0};

	buf_text(&text, "this message has been in the queue too long (#5.4.7)");
	if (last)
		put_answer(&text, said_hop(last->said), said_text(last->said));
	else if (r->decision == CONFIG_NOROUTE)
		buf_text(&text, "; there is no route for this address");
	else if (!put_answer_of_hop(s, r, rcpt, &text))
		buf_text(&text, "; no answer is known");
	verdict_set(v, 'D', buf_slice(&text));
	buf_free(&text);
}

/* giving up */

void
schedule_give_up(struct schedule *s, struct message *m)
{
	struct store_envelope e;
	struct buf room = {0};
	struct config_route r;
	struct slice rcpt;
	struct verdict v;
	uint32_t i;

	if (store_envelope(s->store, m, &room, &e) != 0)
		e.rcpts = SLICE("");
	for (i = 0; i < m->n_rcpts; i++) {
		if (netstring_slice(&e.rcpts, &rcpt) != 0)
			break;
		if (message_is_done(m, i) || failures_have(m, i))
			continue;
		config_route_from(s->config, e.sender, rcpt, &s->path, &r);
		if (r.decision == CONFIG_HOLD ||
		    ages_age_s(&s->ages, m) <= schedule_lifetime_s(&r))
			continue;
		too_old(s, m, i, rcpt, &r, &v);
		failures_add(m, i, &v);
	}
	buf_free(&room);
}
