#include "queue/control_tell.h"

#include "lib/owner.h"

size_t
control_tell_holds(const struct holds *h, struct buf *out, struct buf *fields)
{
	size_t i;

	for (i = 0; i < h->n; i++) {
		control_field(fields, "kind", hold_word(h->all[i].kind));
		control_field(fields, "pattern", h->all[i].pattern);
		control_item(out, 'h', fields);
	}
	return h->n;
}

/* A second: what is slower than one counts as one. */
static void
put_rate(struct option_rate rate, struct buf *fields)
{
	uint32_t whole = rate.n > 0 ? rate.n / rate.per_s : 0;

	control_number(fields, "rate", rate.n > 0 && whole == 0 ? 1 : whole);
}

static void
tell_destination(const struct destination *d, struct buf *out,
		 struct buf *fields)
{
	control_field(fields, "hop", slice_of(d->key, d->key_len));
	control_field(fields, "state", slice_text(destination_state(d)));
	control_number(fields, "waiting", d->waiting.n);
	control_number(fields, "running", d->n_running);
	control_number(fields, "limit", d->limit);
	control_number(fields, "most", d->most);
	put_rate(d->rate.said, fields);
	control_number(fields, "troubles", d->n_troubles);
	if (d->source)
		control_field(fields, "source", buf_slice(&d->source->address));
	if (d->closed.slot > 0)
		control_number(fields, "retry_ms",
			       d->closed.due_ms - d->all->loop->now_ms);
	control_item(out, 'd', fields);
}

size_t
control_tell_destinations(const struct destinations *all, struct names_walk *w,
			  struct buf *out, struct buf *fields)
{
	struct names_link *l = names_chain(&all->names, w);
	size_t n = 0;

	for (; l; l = l->chain, n++)
		tell_destination(OWNER(l, struct destination, link), out,
				 fields);
	return n;
}

void
control_tell_count(struct control_stats *stats, const struct message *m)
{
	stats->messages++;
	stats->bytes += m->text_len;
	stats->rcpts += m->n_live;
	if (m->n_running > 0)
		stats->running++;
	else if (m->is_paused || m->is_ruled)
		stats->held++;
	else if (m->n_busy > 0)
		stats->waiting++;
	else if (m->is_held)
		stats->held++;
	else
		stats->deferred++;
	if (stats->oldest_us == 0 || m->birth_us < stats->oldest_us)
		stats->oldest_us = m->birth_us;
}

static void
put_log(const struct store *st, struct buf *fields)
{
	const struct segment *s;
	uint64_t size = 0, live = 0;

	for (s = st->oldest; s; s = s->next) {
		size += s->end;
		live += s->live_bytes;
	}
	control_number(fields, "segments", st->n_segments);
	control_number(fields, "log_bytes", (int64_t)size);
	control_number(fields, "log_live_bytes", (int64_t)live);
	control_number(fields, "disk_full", st->is_full);
}

static void
put_damaged(const struct store *st, struct buf *fields)
{
	struct buf names = {0};
	int64_t n = 0;
	size_t i;

	(void)damaged_list(st->dir, &names);
	for (i = 0; i < names.len; i++)
		n += buf_slice(&names).at[i] == 0;
	control_number(fields, "damaged", n);
	buf_free(&names);
}

void
control_tell_stats(const struct control_source *source,
		   const struct control_stats *stats, struct buf *out,
		   struct buf *fields)
{
	const struct schedule *s = source->schedule;

	control_number(fields, "messages", (int64_t)stats->messages);
	control_number(fields, "rcpts", (int64_t)stats->rcpts);
	control_number(fields, "bytes", (int64_t)stats->bytes);
	control_number(fields, "running", (int64_t)stats->running);
	control_number(fields, "waiting", (int64_t)stats->waiting);
	control_number(fields, "deferred", (int64_t)stats->deferred);
	control_number(fields, "held", (int64_t)stats->held);
	control_number(fields, "oldest_us", stats->oldest_us);
	control_number(fields, "destinations",
		       (int64_t)s->destinations.names.n);
	control_number(fields, "answers", (int64_t)s->answers.n);
	control_number(fields, "holds", (int64_t)s->holds.n);
	put_log(source->store, fields);
	put_damaged(source->store, fields);
	control_item(out, 's', fields);
}
