#include "queue/undeliverable.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/log.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "queue/aliases.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

enum { CHECKED_MAX = 4 * 1024 * 1024 /* bytes of text read at once */ };

struct report {
	struct store_waiter waiter;
	struct schedule *schedule;
	struct message *message;
	struct incoming in;
	bool is_held; /* by the routes: until an operator releases it */
};

/* Take the failures off the message and settle each; true when the message
 * is gone. is_written: their record exists already. */
static bool
settle_all(struct schedule *s, struct message *m, bool is_written)
{
	struct failures *f = failures_take(m);
	bool is_gone = false;
	uint32_t i;

	for (i = 0; i < f->n && !is_gone; i++) {
		uint32_t index = failures_index(f, i);

		is_gone = is_written ? store_forget_settled(s->store, m, index)
				     : store_settle(s->store, m, index, 'D',
						    SLICE("not bounced"));
	}
	failures_release(f);
	return is_gone;
}

static void
stored(struct store_waiter *w, struct message *bounce, const struct verdict *v)
{
	struct report *r = OWNER(w, struct report, waiter);
	struct schedule *s = r->schedule;
	struct message *m = r->message;

	(void)v;
	if (bounce)
		bounce->is_paused = r->is_held;
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
		buf_number(out, failures_index(m->failures, i));
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

static const char not_compared[] =
    "Comments: this copy was not compared with the checksum of the message\n";

/* Is the text what was written? All of it has to be read for that, so of a
 * very large one it is not asked, and the copy says so. */
static bool
is_true(struct schedule *s, struct message *m, struct buf *copy)
{
	if (m->text_len > CHECKED_MAX) {
		buf_text(copy, not_compared);
		return true;
	}
	return store_check(s->store, m, false) == 0;
}

/* What cannot be read any more must not keep its sender from being told. */
static void
read_copy(struct schedule *s, struct message *m, struct buf *copy)
{
	size_t n = m->text_len < BOUNCE_COPY_MAX ? (size_t)m->text_len
						 : BOUNCE_COPY_MAX;

	if (n == 0)
		return;
	if (is_true(s, m, copy) &&
	    store_text(s->store, m, 0, buf_room(copy, n), n) == 0) {
		buf_added(copy, n);
		return;
	}
	log_open("unreadable");
	log_id("id", m->id);
	log_errno(errno);
	log_close();
	buf_clear(copy);
	buf_text(copy, "Comments: the text of this message cannot be read, or "
		       "is not what was written\n");
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
	if (r->is_held)
		log_text("held_by", "route");
	log_close();
}

/* Do the routes of all that failed say that bounces are held? */
static bool
is_held(struct schedule *s, const struct message *m,
	const struct store_envelope *e)
{
	struct slice rest = e->rcpts, rcpt;
	struct config_route r;
	uint32_t i;

	for (i = 0; i < m->n_rcpts && netstring_slice(&rest, &rcpt) == 0; i++) {
		if (!failures_have(m, i))
			continue;
		config_route_from(s->config, e->sender, rcpt, &s->path, &r);
		if (!r.hold_bounces)
			return false;
	}
	return true;
}

/* No secret hangs on it; the original message must not foretell it. */
static uint64_t
random_bits(void)
{
	uint64_t bits;

	if (getrandom(&bits, sizeof bits, 0) != sizeof bits)
		die_sys("getting random bytes", "");
	return bits;
}

/* Make the text of the bounce; -1 when it cannot be kept. */
static int
put_text(struct report *r, const struct store_envelope *e,
	 const struct bounce_names *names, struct slice to)
{
	struct schedule *s = r->schedule;
	struct bounce b = {.message = r->message,
			   .envelope = e,
			   .names = names,
			   .to = to,
			   .id = r->in.id,
			   .random = random_bits(),
			   .now_s = clock_s()};
	struct buf copy = {0}, text = {0};
	int result;

	read_copy(s, r->message, &copy);
	b.copy = buf_slice(&copy);
	bounce_text(&text, &b);
	result = incoming_text(&r->in, s->store->big_dir, INCOMING_SMALL,
			       buf_slice(&text));
	buf_free(&copy);
	buf_free(&text);
	return result;
}

/* Where aliases send it; when they make too many of it, nowhere else. */
static void
put_rcpt(struct report *r, struct slice to)
{
	incoming_rcpt(&r->in, to);
	aliases_expand(r->schedule->config, r->schedule->store->key, NULL,
		       &r->in);
}

/* Build the report and give it to the store; -1 when that fails now. */
static int
report(struct schedule *s, struct message *m, const struct store_envelope *e,
       const struct bounce_names *names, struct slice to, struct slice from)
{
	struct report *r = calloc(1, sizeof *r);
	struct buf settles = {0};
	int result;

	if (!r)
		die_nomem();
	r->schedule = s;
	r->message = m;
	r->waiter.done = stored;
	r->in.id = next_id(s);
	r->in.birth_us = clock_us();
	r->is_held = is_held(s, m, e);
	buf_puts(&r->in.sender, from);
	put_rcpt(r, to);
	if (r->is_held)
		incoming_attr(&r->in, SLICE("paused=1"));
	result = put_text(r, e, names, to);
	if (result == 0) {
		put_settles(&settles, m);
		log_bounce(m, r, to);
		result = store_add(s->store, &r->in, buf_slice(&settles),
				   &r->waiter);
	}
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
	struct bounce_names names;
	struct store_envelope e;
	struct buf room = {0}, to = {0};
	struct slice from;

	bounce_names(s->config, &names);
	if (store_envelope(s->store, m, &room, &e) != 0) {
		failures_free(m);
		schedule_again(s, m);
	} else if (!bounce_address(e.sender, &names, &to, &from)) {
		drop(s, m);
	} else {
		m->n_busy = 1;
		if (report(s, m, &e, &names, buf_slice(&to), from) != 0) {
			m->n_busy = 0;
			failures_free(m);
			schedule_again(s, m);
		}
	}
	buf_free(&room);
	buf_free(&to);
}
