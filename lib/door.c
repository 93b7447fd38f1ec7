#include "lib/door.h"

#include "lib/endpoint.h"
#include "lib/frame.h"
#include "lib/owner.h"

#include <errno.h>

static void
connect_now(struct door *d);

static void
answer(struct door *d, struct door_message *m, const struct verdict *v)
{
	idmap_drop(&d->messages, m->id);
	m->door = NULL;
	m->answered(m, v);
}

/* Nobody was told K, so everything is Z. An answer may begin, abort or close
 * anything: look anew after each. */
static void
defer_all(struct door *d)
{
	struct door_message *m;
	struct verdict v;

	verdict_say(&v, 'Z', "the queue went away, try again (#4.3.0)");
	while ((m = idmap_any(&d->messages)))
		answer(d, m, &v);
}

static void
lose(struct door *d)
{
	conn_close(&d->conn);
	d->is_open = false;
	d->n_ids = d->n_spare = 0;
	d->was_full = true;
	loop_timer_set(d->loop, &d->retry, DOOR_RETRY_MS);
	defer_all(d);
}

static void
take_lease(struct door *d, const struct frame *f)
{
	uint64_t n;

	if (slice_number(f->rest, UINT32_MAX, &n) != 0 || f->id == 0 ||
	    f->id > UINT64_MAX - n)
		return;
	if (d->n_ids == 0) {
		d->next_id = f->id;
		d->n_ids = n;
	} else {
		d->spare_id = f->id;
		d->n_spare = n;
	}
}

static void
take_verdict(struct door *d, const struct frame *f)
{
	struct door_message *m = idmap_get(&d->messages, f->id);
	struct verdict v;

	if (!m) /* aborted meanwhile */
		return;
	verdict_parse(&v, f->rest);
	answer(d, m, &v);
}

static void
tell_room(struct door *d)
{
	if (!d->was_full || door_full(d) || d->n_ids + d->n_spare == 0)
		return;
	d->was_full = false;
	if (d->room)
		d->room(d);
}

/* An answer may end in door_close, so look again after each frame. */
static void
take_frames(struct door *d)
{
	struct frame f;

	while (d->is_open) {
		struct slice in = buf_slice(&d->conn.in);
		size_t before = in.len;
		enum frame_result r = frame_next(&in, &f);

		if (r == FRAME_MORE)
			break;
		if (r == FRAME_BAD) {
			lose(d);
			break;
		}
		if (f.type == 'L')
			take_lease(d, &f);
		else if (f.type == 'V')
			take_verdict(d, &f);
		if (d->is_open)
			buf_take(&d->conn.in, before - in.len);
	}
	if (d->is_open)
		tell_room(d);
}

static void
on_conn(struct conn *c, enum conn_event event)
{
	struct door *d = OWNER(c, struct door, conn);

	switch (event) {
	case CONN_INPUT: take_frames(d); break;
	case CONN_DRAINED: tell_room(d); break;
	case CONN_EOF:
	case CONN_BROKEN: lose(d); break;
	case CONN_OPEN:
	case CONN_TIMEOUT: break;
	}
}

static void
retry(struct loop_timer *timer)
{
	connect_now(OWNER(timer, struct door, retry));
}

static void
connect_now(struct door *d)
{
	int fd = unix_connect(d->path);

	if (fd < 0) {
		loop_timer_set(d->loop, &d->retry, DOOR_RETRY_MS);
		return;
	}
	conn_open_take(&d->conn, d->loop, fd, on_conn);
	d->is_open = true;
}

void
door_init(struct door *d, struct loop *loop, const char *path,
	  void (*room)(struct door *))
{
	*d = (struct door){.loop = loop, .path = path, .room = room};
	d->retry.expired = retry;
	d->was_full = true; /* room is told when the first ids come */
	connect_now(d);
}

void
door_close(struct door *d)
{
	if (d->is_open)
		lose(d);
	loop_timer_stop(d->loop, &d->retry);
	defer_all(d); /* when called from an answer that lose gave */
	idmap_free(&d->messages);
}

void
door_budget(const struct door *d, struct budget *b)
{
	b->behind = &d->conn.out.len;
	b->behind_max = DOOR_OUT_MAX;
}

bool
door_full(const struct door *d)
{
	return d->is_open && d->conn.out.len > DOOR_OUT_MAX;
}

static bool
next_id(struct door *d, uint64_t *id)
{
	if (d->n_ids == 0 && d->n_spare > 0) {
		d->next_id = d->spare_id;
		d->n_ids = d->n_spare;
		d->n_spare = 0;
	}
	if (!d->is_open || d->n_ids == 0)
		return false;
	*id = d->next_id++;
	d->n_ids--;
	return true;
}

int
door_begin(struct door *d, struct door_message *m,
	   void (*answered)(struct door_message *, const struct verdict *))
{
	/* an id that is in use has been leased twice: nobody may lose his */
	if (!next_id(d, &m->id) || idmap_get(&d->messages, m->id)) {
		d->was_full = true;
		return -1;
	}
	m->door = d;
	m->answered = answered;
	idmap_put(&d->messages, m->id, m);
	frame_put(&d->conn.out, 'O', m->id, SLICE(""));
	conn_flush_later(&d->conn);
	return 0;
}

static void
say(struct door_message *m, char type, struct slice rest)
{
	struct door *d = m->door;

	if (!d || !d->is_open)
		return;
	frame_put(&d->conn.out, type, m->id, rest);
	conn_flush_later(&d->conn);
	if (door_full(d)) {
		d->was_full = true;
		d->conn.tell_drained = true;
	}
}

void
door_text(struct door_message *m, struct slice text)
{
	while (text.len > 0 && m->door) {
		size_t n =
		    text.len < FRAME_REST_MAX ? text.len : FRAME_REST_MAX;

		say(m, 'T', slice_of(text.at, n));
		text = slice_from(text, n);
	}
}

void
door_attr(struct door_message *m, const char *key, struct slice value)
{
	struct buf attr = {0};

	buf_text(&attr, key);
	buf_putc(&attr, '=');
	buf_puts(&attr, value);
	say(m, 'P', buf_slice(&attr));
	buf_free(&attr);
}

static void
number_attr(struct door_message *m, const char *key, uint64_t n)
{
	struct buf number = {0};

	buf_number(&number, n);
	door_attr(m, key, buf_slice(&number));
	buf_free(&number);
}

void
door_origin(struct door_message *m, size_t trace, uint64_t session)
{
	number_attr(m, "trace", trace);
	number_attr(m, "session", session);
}

void
door_pin(struct door_message *m, const struct tls_pin *pin)
{
	struct buf text = {0};

	tls_pin_put(&text, pin);
	door_attr(m, "pin", buf_slice(&text));
	buf_free(&text);
}

uint64_t
door_kept(const struct door_message *m, const struct verdict *v)
{
	uint64_t id;

	return v->code == 'K' && v->len == 16 &&
		       slice_hex(verdict_text(v), &id) == 0 && id != 0
		   ? id
		   : m->id;
}

void
door_sender(struct door_message *m, struct slice sender)
{
	say(m, 'S', sender);
}

void
door_rcpt(struct door_message *m, struct slice rcpt)
{
	say(m, 'R', rcpt);
}

void
door_commit(struct door_message *m)
{
	say(m, 'C', SLICE(""));
}

void
door_abort(struct door_message *m)
{
	if (!m->door)
		return;
	say(m, 'A', SLICE(""));
	idmap_drop(&m->door->messages, m->id);
	m->door = NULL;
}
