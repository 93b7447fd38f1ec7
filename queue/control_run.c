#include "queue/control_run.h"

#include "lib/clock.h"
#include "lib/netstring.h"
#include "queue/control_tell.h"

#include <errno.h>

enum { TEXT_PIECE = 32 * 1024 };

/* the end */

static void
end(struct control_run *r, struct buf *out, char code, const char *text)
{
	struct buf *fields = &r->view.fields;

	buf_clear(fields);
	if (code == 'K') {
		control_number(fields, "n", (int64_t)r->n_told);
		control_number(fields, "missing", (int64_t)r->n_missing);
		if (!r->source->store->is_loaded)
			control_number(fields, "loading", 1);
		if (r->act.asks_rule)
			control_number(fields, "rule", r->act.has_rule);
	} else {
		buf_text(fields, text);
	}
	control_item(out, code, fields);
	r->phase = CONTROL_OVER;
}

static void
end_errno(struct control_run *r, struct buf *out)
{
	end(r, out, 'Z', strerror(errno));
}

static void
end_walk(struct control_run *r, struct buf *out)
{
	if (r->ask.verb == CONTROL_STATS)
		control_tell_stats(r->source, &r->stats, out, &r->view.fields);
	if (control_ask_changes(&r->ask) && control_act_end(&r->act) != 0)
		end(r, out, 'Z',
		    "done, but it could not be written to the disk: it "
		    "will be forgotten when the queue is restarted");
	else
		end(r, out, 'K', "");
}

/* one message */

static struct message *
known(struct control_run *r, uint64_t id)
{
	struct message *m = idmap_get(&r->source->store->messages, id);

	return m && m->n_live > 0 && store_is_durable(r->source->store, m)
		   ? m
		   : NULL;
}

/* What the log says of itself is nobody else's. */
static bool
is_ours(struct slice attr)
{
	return slice_starts(attr, SLICE("done=")) ||
	       slice_starts(attr, SLICE("key=")) ||
	       slice_starts(attr, SLICE("paused=")) ||
	       slice_starts(attr, SLICE("settles="));
}

static void
tell_message(struct control_run *r, struct buf *out)
{
	struct slice attrs = r->view.envelope.attrs, attr;

	control_view_message(&r->view, out);
	if (r->ask.verb == CONTROL_LIST)
		return;
	while (netstring_slice(&attrs, &attr) == 0) {
		if (is_ours(attr))
			continue;
		buf_puts(&r->view.fields, attr);
		control_item(out, 'a', &r->view.fields);
	}
}

/* It fits: tell it, count it, or do something to it. */
static void
take_message(struct control_run *r, struct message *m, struct buf *out)
{
	int did;

	r->id = m->id;
	r->rcpt = 0;
	r->rcpts_at = 0;
	r->text = (struct store_reader){.want = r->view.envelope.text_crc};
	switch (r->ask.verb) {
	case CONTROL_LIST:
	case CONTROL_SHOW:
	case CONTROL_EXPORT:
		tell_message(r, out);
		r->n_told++;
		r->phase = CONTROL_RCPTS;
		return;
	case CONTROL_CAT:
		r->n_told++;
		r->phase = CONTROL_TEXT;
		return;
	case CONTROL_STATS: control_tell_count(&r->stats, m); return;
	case CONTROL_COUNT: r->n_told++; return;
	default: break;
	}
	did = control_act_one(&r->act, &r->view);
	if (did < 0)
		end_errno(r, out);
	else
		r->n_told += (unsigned)did;
}

/* A message that nobody asks anything of its envelope is not read. */
static bool
needs_envelope(const struct control_ask *a)
{
	return a->verb != CONTROL_STATS &&
	       !(a->verb == CONTROL_COUNT && a->is_all);
}

static void
look_at(struct control_run *r, struct message *m, struct buf *out)
{
	if (needs_envelope(&r->ask)) {
		control_view_open(&r->view, m);
		if (!control_view_fits(&r->view, &r->ask))
			return;
	}
	take_message(r, m, out);
}

/* those that were set aside */

/* Not there. */
static void
missing(struct control_run *r, struct buf *out)
{
	control_item(out, 'x', &r->view.fields);
	r->n_missing++;
}

static void
next_aside(struct control_run *r)
{
	control_aside_close(&r->aside);
	/* of several ids the next, else the next name */
	r->phase = control_ask_by_id(&r->ask) && r->n_asked < r->ask.n_ids
		       ? CONTROL_WALKING
		       : CONTROL_ASIDE;
}

static void
take_aside(struct control_run *r, struct buf *out)
{
	enum control_verb verb = r->ask.verb;

	if (verb == CONTROL_REMOVE &&
	    control_aside_remove(&r->aside, r->source->store) != 0) {
		end_errno(r, out);
		return;
	}
	r->n_told++;
	if (verb == CONTROL_LIST || verb == CONTROL_SHOW ||
	    verb == CONTROL_EXPORT)
		control_aside_tell(&r->aside, &r->ask, out, &r->view.fields);
	if (verb == CONTROL_CAT || verb == CONTROL_EXPORT)
		r->phase = CONTROL_ASIDE_TEXT;
	else
		next_aside(r);
}

/* Held, tried or returned it cannot be: it is in the queue no more. */
static bool
is_refused(const struct control_ask *a)
{
	return control_ask_changes(a) && a->verb != CONTROL_REMOVE &&
	       control_ask_by_id(a);
}

static void
refuse_aside(struct control_run *r, struct buf *out)
{
	buf_text(&r->view.fields, r->aside.name);
	control_item(out, 'y', &r->view.fields);
	r->n_missing++;
	next_aside(r);
}

static void
walk_aside(struct control_run *r, struct buf *out)
{
	const char *name;
	bool refused = is_refused(&r->ask) && r->ask.n_places > 0;

	if (!(control_aside_meant(&r->ask) || refused) ||
	    !control_aside_next(&r->aside, r->source->store, &r->ask, &name)) {
		end_walk(r, out);
	} else if (*name) {
		buf_text(&r->view.fields, name);
		missing(r, out);
	} else if (refused) {
		refuse_aside(r, out);
	} else {
		take_aside(r, out);
	}
}

static void
tell_aside_text(struct control_run *r, struct buf *out)
{
	if (control_aside_text(&r->aside, out, &r->view.fields))
		return;
	if (r->ask.verb == CONTROL_EXPORT) {
		buf_text(&r->view.fields, r->aside.one.is_short ? "D" : "C");
		control_item(out, 'e', &r->view.fields);
	}
	next_aside(r);
}

/* An id that is not in the queue: was it set aside? */
static void
unknown(struct control_run *r, uint64_t id, struct buf *out)
{
	if (control_aside_meant(&r->ask) &&
	    control_aside_find(&r->aside, r->source->store, id)) {
		take_aside(r, out);
		return;
	}
	if (is_refused(&r->ask) &&
	    control_aside_find(&r->aside, r->source->store, id)) {
		refuse_aside(r, out);
		return;
	}
	buf_hex(&r->view.fields, 16, id);
	missing(r, out);
}

static void
walk(struct control_run *r, struct buf *out)
{
	bool by_id = control_ask_by_id(&r->ask);
	struct message *m;
	uint64_t id;

	if (by_id)
		id = r->n_asked < r->ask.n_ids
			 ? control_ask_id(&r->ask, r->n_asked++)
			 : 0;
	else
		id = control_walk_next(&r->walk, &r->source->store->messages);
	if (id == 0) {
		r->phase = CONTROL_ASIDE;
		return;
	}
	m = known(r, id);
	if (m)
		look_at(r, m, out);
	else if (by_id)
		unknown(r, id, out);
}

/* its recipients */

static void
end_message(struct control_run *r, struct buf *out, const char *how)
{
	if (r->ask.verb == CONTROL_EXPORT) {
		buf_text(&r->view.fields, how);
		control_item(out, 'e', &r->view.fields);
	}
	r->phase = CONTROL_WALKING;
}

/* The envelope was read when the message was found; whether it is still
 * there, and where it is, may have changed since. */
static void
tell_rcpt(struct control_run *r, struct buf *out)
{
	struct slice rest =
	    slice_from(r->view.envelope.rcpts, (size_t)r->rcpts_at);
	size_t before = rest.len;
	struct slice rcpt;

	r->view.m = known(r, r->id);
	if (!r->view.m) {
		end_message(r, out, "Z");
		return;
	}
	if (netstring_slice(&rest, &rcpt) == 0) {
		if (r->ask.verb != CONTROL_LIST ||
		    !message_is_done(r->view.m, r->rcpt))
			control_view_rcpt(&r->view, out, r->rcpt, rcpt);
		r->rcpts_at += before - rest.len;
		r->rcpt++;
		return;
	}
	if (r->ask.verb == CONTROL_EXPORT)
		r->phase = CONTROL_TEXT;
	else
		end_message(r, out, "K");
}

/* its text */

/* It cannot be read, or is_all of it has been told and is not what was
 * written. An export goes on with the next one. */
static void
text_is_bad(struct control_run *r, struct buf *out, bool is_all)
{
	if (r->ask.verb == CONTROL_EXPORT)
		end_message(r, out, is_all ? "C" : "D");
	else if (is_all)
		end(r, out, 'D',
		    "this text is not what was written: its checksum is "
		    "wrong");
	else
		end_errno(r, out);
}

static void
tell_piece(struct control_run *r, struct message *m, struct buf *out)
{
	uint64_t left = m->text_len - r->text.at;
	size_t n = left < TEXT_PIECE ? (size_t)left : TEXT_PIECE;
	bool is_good = store_text_next(r->source->store, m, &r->text,
				       buf_room(&r->view.fields, n), n) == 0;
	/* the last piece, too, of one that is not what it was */
	bool is_all = r->text.at == m->text_len;
	int e = errno;

	if (is_good || is_all) {
		buf_added(&r->view.fields, n);
		control_item(out, 't', &r->view.fields);
	}
	errno = e;
	if (!is_good)
		text_is_bad(r, out, is_all);
}

static void
tell_text(struct control_run *r, struct buf *out)
{
	struct message *m = known(r, r->id);

	if (!m) {
		if (r->ask.verb == CONTROL_CAT)
			end(r, out, 'Z', "the message has just left the queue");
		else
			end_message(r, out, "Z");
		return;
	}
	if (r->text.at == m->text_len)
		end_message(r, out, r->view.is_damaged ? "C" : "K");
	else
		tell_piece(r, m, out);
}

/* all of it */

static void
tell_table(struct control_run *r, struct buf *out)
{
	if (r->ask.verb == CONTROL_HOLDS) {
		r->n_told =
		    control_tell_holds(r->source->holds, out, &r->view.fields);
		end(r, out, 'K', "");
		return;
	}
	r->n_told += control_tell_destinations(
	    &r->source->schedule->destinations, &r->hops, out, &r->view.fields);
	if (r->hops.is_over)
		end(r, out, 'K', "");
}

static void
step(struct control_run *r, struct buf *out)
{
	if (r->ask.verb == CONTROL_HOLDS || r->ask.verb == CONTROL_DESTINATIONS)
		tell_table(r, out);
	else if (r->phase == CONTROL_WALKING)
		walk(r, out);
	else if (r->phase == CONTROL_RCPTS)
		tell_rcpt(r, out);
	else if (r->phase == CONTROL_ASIDE)
		walk_aside(r, out);
	else if (r->phase == CONTROL_ASIDE_TEXT)
		tell_aside_text(r, out);
	else
		tell_text(r, out);
}

/* What is loaded later may contradict what is changed now. */
static void
begin_change(struct control_run *r, struct buf *out)
{
	if (!r->source->store->is_loaded)
		end(r, out, 'Z', "the queue is still being loaded; try again");
	else if (control_act_begin(&r->act) == 0)
		return;
	else if (errno == EINVAL)
		end(r, out, 'D', "this pattern cannot be a rule");
	else
		end_errno(r, out);
}

void
control_run_start(struct control_run *r, struct slice payload, struct buf *out)
{
	const char *why = control_ask_parse(&r->ask, payload);

	r->view.source = r->source;
	r->act.schedule = r->source->schedule;
	r->act.ask = &r->ask;
	r->aside.ages = control_source_ages(r->source);
	if (why)
		end(r, out, 'D', why);
	else if (control_ask_changes(&r->ask))
		begin_change(r, out);
}

bool
control_run_slice(struct control_run *r, struct buf *out)
{
	size_t full = out->len + CONTROL_RUN_OUT;
	int64_t until_ms = clock_ms() + CONTROL_RUN_MS;
	unsigned n;

	for (n = 1; r->phase != CONTROL_OVER && out->len < full; n++) {
		step(r, out);
		if (n % 16 == 0 && clock_ms() >= until_ms)
			break;
	}
	return r->phase == CONTROL_OVER;
}

void
control_run_free(struct control_run *r)
{
	control_ask_free(&r->ask);
	control_walk_free(&r->walk);
	control_view_free(&r->view);
	control_aside_free(&r->aside);
	idmap_free(&r->act.retried);
	*r = (struct control_run){.source = r->source};
}
