#include "queue/control_view.h"

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/netstring.h"
#include "queue/glob.h"

/* items */

void
control_field(struct buf *fields, const char *key, struct slice value)
{
	size_t n = strlen(key);

	netstring_head_put(fields, n + 1 + value.len);
	buf_put(fields, key, n);
	buf_putc(fields, '=');
	buf_puts(fields, value);
	buf_putc(fields, ',');
}

void
control_number(struct buf *fields, const char *key, int64_t value)
{
	struct buf text = {0};

	if (value < 0)
		buf_putc(&text, '-');
	buf_number(&text, value < 0 ? -(uint64_t)value : (uint64_t)value);
	control_field(fields, key, buf_slice(&text));
	buf_free(&text);
}

void
control_item(struct buf *out, char letter, struct buf *fields)
{
	netstring_head_put(out, 1 + fields->len);
	buf_putc(out, letter);
	buf_puts(out, buf_slice(fields));
	buf_putc(out, ',');
	buf_clear(fields);
}

/* routes */

static void
route(struct control_view *v, struct slice rcpt, struct config_route *r)
{
	if (v->source->config)
		config_route_from(v->source->config, v->envelope.sender, rcpt,
				  &v->path, r);
	else
		*r = (struct config_route){.decision = CONFIG_NOROUTE};
}

static bool
each_hop(struct control_view *v, const struct config_route *r,
	 struct slice rcpt, bool (*call)(void *, struct slice), void *arg)
{
	struct slice rest = r->nexthops, hop, local, domain;

	if (r->decision != CONFIG_NEXTHOPS)
		return false;
	address_split(rcpt, &local, &domain);
	while ((hop = slice_word(&rest)).len > 0) {
		buf_clear(&v->key);
		destination_key(&v->key, hop, domain);
		if (call(arg, buf_slice(&v->key)))
			return true;
	}
	return false;
}

bool
control_view_each(struct control_view *v, struct slice rcpt,
		  bool (*call)(void *arg, struct slice key), void *arg)
{
	struct config_route r;

	route(v, rcpt, &r);
	return each_hop(v, &r, rcpt, call, arg);
}

static bool
is_free(void *arg, struct slice key)
{
	return holds_find(arg, HOLD_DEST, key) == NULL;
}

/* Its route says hold, or rules hold all of its next hops; NULL: neither. */
static const char *
rcpt_held_by(struct control_view *v, struct slice rcpt)
{
	struct config_route r;

	route(v, rcpt, &r);
	if (r.decision == CONFIG_HOLD)
		return "route";
	if (r.decision == CONFIG_NEXTHOPS &&
	    !each_hop(v, &r, rcpt, is_free, (void *)v->source->holds))
		return "rule";
	return NULL;
}

/* What holds the message as a whole; NULL: nothing does. */
static const char *
held_by(struct control_view *v)
{
	struct slice rest = v->envelope.rcpts, rcpt;
	const char *holder = NULL;
	uint32_t i;

	if (v->m->is_paused)
		return "operator";
	if (v->is_damaged)
		return NULL;
	if (holds_find(v->source->holds, HOLD_FROM, v->envelope.sender))
		return "rule";
	for (i = 0; netstring_slice(&rest, &rcpt) == 0; i++)
		if (!message_is_done(v->m, i) &&
		    !(holder = rcpt_held_by(v, rcpt)))
			return NULL;
	return holder;
}

static const char *
state(const struct control_view *v, const char *holder)
{
	const struct message *m = v->m;

	if (m->n_running > 0)
		return "running";
	if (v->is_damaged)
		return "damaged";
	if (m->is_doomed)
		return "leaving";
	if (holder)
		return "held";
	if (!v->source->schedule)
		return "queued";
	if (m->n_busy > 0)
		return "waiting";
	return m->attempts == 0 ? "new" : "deferred";
}

/* looking */

void
control_view_open(struct control_view *v, struct message *m)
{
	v->m = m;
	v->is_damaged =
	    store_envelope(v->source->store, m, &v->room, &v->envelope) != 0;
	if (v->is_damaged)
		v->envelope =
		    (struct store_envelope){{"", 0}, {"", 0}, {"", 0}, 0};
}

static bool
key_fits(void *arg, struct slice key)
{
	const struct slice *pattern = arg;

	return glob_match(*pattern, key);
}

static bool
any_rcpt_fits(struct control_view *v, struct slice to, struct slice dest)
{
	struct slice rest = v->envelope.rcpts, rcpt;
	uint32_t i;

	for (i = 0; netstring_slice(&rest, &rcpt) == 0; i++)
		if (!message_is_done(v->m, i) &&
		    (to.len == 0 || glob_match(to, rcpt)) &&
		    (dest.len == 0 ||
		     control_view_each(v, rcpt, key_fits, &dest)))
			return true;
	return false;
}

const struct ages *
control_source_ages(const struct control_source *source)
{
	return source->schedule ? &source->schedule->ages : source->ages;
}

/* By the queue's time, where it is known. */
static int64_t
age_s(const struct control_view *v)
{
	const struct ages *ages = control_source_ages(v->source);

	return ages ? ages_age_s(ages, v->m)
		    : clock_s() - v->m->birth_us / 1000000;
}

bool
control_view_fits(struct control_view *v, const struct control_ask *a)
{
	if (a->older_s > 0 && age_s(v) < a->older_s)
		return false;
	if (a->from.len > 0 &&
	    (v->is_damaged || !glob_match(a->from, v->envelope.sender)))
		return false;
	if ((a->to.len > 0 || a->dest.len > 0) &&
	    !any_rcpt_fits(v, a->to, a->dest))
		return false;
	return !a->is_held || held_by(v);
}

/* saying */

static void
put_id(struct buf *fields, uint64_t id)
{
	char digits[16];

	hex_put(digits, sizeof digits, id);
	control_field(fields, "id", slice_of(digits, sizeof digits));
}

static int64_t
due_s(const struct control_view *v)
{
	const struct schedule *s = v->source->schedule;

	return s ? ages_wall_s(&s->ages, v->m->due_s) : v->m->due_s;
}

void
control_view_message(struct control_view *v, struct buf *out)
{
	const struct message *m = v->m;
	const char *holder = held_by(v);

	put_id(&v->fields, m->id);
	control_number(&v->fields, "birth_us", m->birth_us);
	control_number(&v->fields, "age_s", age_s(v));
	control_number(&v->fields, "size", (int64_t)m->text_len);
	if (!v->is_damaged)
		control_field(&v->fields, "from", v->envelope.sender);
	control_number(&v->fields, "rcpts", m->n_rcpts);
	control_number(&v->fields, "live", m->n_live);
	control_field(&v->fields, "state", slice_text(state(v, holder)));
	if (holder)
		control_field(&v->fields, "held_by", slice_text(holder));
	if (v->source->schedule)
		control_number(&v->fields, "attempts", m->attempts);
	if (m->slot > 0 && m->due_s < INT64_MAX && !holder)
		control_number(&v->fields, "next_s", due_s(v));
	control_item(out, 'm', &v->fields);
}

static void
put_route(struct control_view *v, struct slice rcpt)
{
	static const char *const said[] = {
	    [CONFIG_HOLD] = "hold",	 [CONFIG_DISCARD] = "discard",
	    [CONFIG_NOBODY] = "nobody",	 [CONFIG_NOROUTE] = "none",
	    [CONFIG_BADPART] = "nobody", [CONFIG_REJECT] = "reject",
	};
	struct config_route r;

	route(v, rcpt, &r);
	control_field(&v->fields, "hops",
		      r.decision == CONFIG_NEXTHOPS
			  ? r.nexthops
			  : slice_text(said[r.decision]));
	if (r.source.len > 0)
		control_field(&v->fields, "line", r.source);
}

/* That no agent serves any of its next hops is why it waits. */
static void
put_missing(struct control_view *v, struct slice rcpt)
{
	const struct schedule *s = v->source->schedule;
	struct slice rest, hop, name = {NULL, 0};
	struct config_route r;

	route(v, rcpt, &r);
	rest = r.nexthops;
	if (!s || r.decision != CONFIG_NEXTHOPS)
		return;
	while ((hop = slice_word(&rest)).len > 0) {
		name = slice_of(hop.at, slice_find(hop, ':'));
		if (dispatch_serving(&s->dispatch, name) > 0)
			return;
	}
	control_field(&v->fields, "no_agent", name);
}

static void
put_answer(struct control_view *v, uint32_t index)
{
	const struct schedule *s = v->source->schedule;
	const struct answer *a =
	    s ? answers_get(&s->answers, v->m->id, index) : NULL;

	if (!a)
		return;
	control_field(&v->fields, "answer", slice_of(&a->said->code, 1));
	control_field(&v->fields, "text", said_text(a->said));
	control_field(&v->fields, "by", said_hop(a->said));
	control_number(&v->fields, "at_s", ages_wall_s(&s->ages, a->at_s));
}

void
control_view_rcpt(struct control_view *v, struct buf *out, uint32_t index,
		  struct slice rcpt)
{
	bool is_done = message_is_done(v->m, index);

	control_number(&v->fields, "index", index);
	control_field(&v->fields, "to", rcpt);
	control_number(&v->fields, "done", is_done);
	if (!is_done && v->source->config) {
		put_route(v, rcpt);
		put_missing(v, rcpt);
	}
	put_answer(v, index);
	control_item(out, 'r', &v->fields);
}

void
control_view_free(struct control_view *v)
{
	buf_free(&v->room);
	buf_free(&v->path);
	buf_free(&v->key);
	buf_free(&v->fields);
}
