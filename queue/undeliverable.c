#include "queue/undeliverable.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/log.h"
#include "lib/owner.h"

#include <errno.h>
#include <stdlib.h>

struct report {
	struct store_waiter waiter;
	struct schedule *schedule;
	struct message *message;
	struct incoming in;
};

static uint32_t
index_at(const struct failures *f, uint32_t i)
{
	uint32_t index;

	memcpy(&index, f->indices.mem + f->indices.off + i * sizeof index,
	       sizeof index);
	return index;
}

/* Take the failures off the message and settle each; true when the message
 * is gone. is_written: their record exists already. */
static bool
settle_all(struct schedule *s, struct message *m, bool is_written)
{
	struct failures *f = m->failures;
	bool is_gone = false;
	uint32_t i;

	m->failures = NULL;
	for (i = 0; i < f->n && !is_gone; i++)
		is_gone = is_written ? store_forget_settled(s->store, m,
							    index_at(f, i))
				     : store_settle(s->store, m, index_at(f, i),
						    'D', SLICE("not bounced"));
	buf_free(&f->indices);
	buf_free(&f->texts);
	free(f);
	return is_gone;
}

static void
stored(struct store_waiter *w, struct message *bounce, const struct verdict *v)
{
	struct report *r = OWNER(w, struct report, waiter);
	struct schedule *s = r->schedule;
	struct message *m = r->message;

	(void)v;
	incoming_free(&r->in, s->store->big_dir);
	free(r);
	m->n_busy = 0;
	if (!bounce) {
		failures_free(m);
		schedule_again(s, m);
		return;
	}
	if (!settle_all(s, m, true))
		schedule_again(s, m);
	schedule_new(s, bounce);
}

static void
put_settles(struct buf *out, const struct message *m)
{
	uint32_t i;

	buf_hex(out, 16, m->id);
	for (i = 0; i < m->failures->n; i++) {
		buf_putc(out, i ? ',' : ':');
		buf_number(out, index_at(m->failures, i));
	}
}

static uint64_t
next_id(struct schedule *s)
{
	if (s->n_bounce_ids == 0) {
		s->bounce_id = store_lease(s->store);
		s->n_bounce_ids = STORE_LEASE;
	}
	s->n_bounce_ids--;
	return s->bounce_id++;
}

static int
read_copy(struct schedule *s, struct message *m, struct buf *copy)
{
	size_t n = m->text_len < BOUNCE_COPY_MAX ? (size_t)m->text_len
						 : BOUNCE_COPY_MAX;

	if (n > 0 && store_text(s->store, m, 0, buf_room(copy, n), n) != 0)
		return -1;
	buf_added(copy, n);
	return 0;
}

static void
drop(struct schedule *s, struct message *m)
{
	log_open("double-bounce-dropped");
	log_id("id", m->id);
	log_number("failures", m->failures->n);
	log_close();
	if (!settle_all(s, m, false))
		schedule_again(s, m);
}

static void
log_bounce(const struct message *m, const struct report *r, struct slice to)
{
	log_open("bounce");
	log_id("id", m->id);
	log_id("bounce", r->in.id);
	log_bytes("to", to);
	log_number("failures", m->failures->n);
	log_close();
}

/* Build the report and give it to the store; -1 when that fails now. */
static int
report(struct schedule *s, struct message *m, const struct store_envelope *e,
       struct slice to, struct slice from)
{
	struct report *r = calloc(1, sizeof *r);
	struct buf copy = {0}, text = {0}, settles = {0};
	int result;

	if (!r)
		die_nomem();
	r->schedule = s;
	r->message = m;
	r->waiter.done = stored;
	r->in.id = next_id(s);
	r->in.birth_us = clock_us();
	buf_puts(&r->in.sender, from);
	incoming_rcpt(&r->in, to);
	result = read_copy(s, m, &copy);
	if (result == 0) {
		bounce_text(&text, m, e, config_me(s->config), to,
			    buf_slice(&copy), r->in.id, clock_s());
		result = incoming_text(&r->in, s->store->big_dir,
				       INCOMING_SMALL, buf_slice(&text));
	}
	if (result == 0) {
		put_settles(&settles, m);
		log_bounce(m, r, to);
		result = store_add(s->store, &r->in, buf_slice(&settles),
				   &r->waiter);
	}
	buf_free(&copy);
	buf_free(&text);
	buf_free(&settles);
	if (result != 0) {
		incoming_free(&r->in, s->store->big_dir);
		free(r);
	}
	return result;
}

void
undeliverable(struct schedule *s, struct message *m)
{
	struct store_envelope e;
	struct buf room = {0}, to = {0};
	struct slice from;

	if (store_envelope(s->store, m, &room, &e) != 0) {
		failures_free(m);
		schedule_again(s, m);
	} else if (!bounce_address(e.sender, config_me(s->config), &to,
				   &from)) {
		drop(s, m);
	} else {
		m->n_busy = 1;
		if (report(s, m, &e, buf_slice(&to), from) != 0) {
			m->n_busy = 0;
			failures_free(m);
			schedule_again(s, m);
		}
	}
	buf_free(&room);
	buf_free(&to);
}
