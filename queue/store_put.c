#include "queue/store_index.h"

#include "lib/clock.h"
#include "lib/crc32c.h"
#include "lib/fs.h"
#include "lib/netstring.h"

#include <errno.h>

/* adding */

static void
put_key(struct buf *b, const struct incoming *in)
{
	struct buf attr = {0};
	size_t i;

	if (!in->has_key)
		return;
	buf_text(&attr, "key=");
	for (i = 0; i < ENTRY_KEY; i++)
		buf_hex(&attr, 2, in->key[i]);
	netstring_put(b, buf_slice(&attr));
	buf_free(&attr);
}

static void
put_settles(struct buf *b, struct slice settles)
{
	struct buf attr = {0};

	if (settles.len == 0)
		return;
	buf_text(&attr, "settles=");
	buf_puts(&attr, settles);
	netstring_put(b, buf_slice(&attr));
	buf_free(&attr);
}

/* The file must be on disk before a record names it; its name follows with
 * the batch. */
static int
close_big(struct store *st, struct incoming *in)
{
	if (in->big_fd <= 0)
		return 0;
	if (fs_sync(in->big_fd) != 0)
		return -1;
	fs_close(in->big_fd);
	in->big_fd = 0;
	st->big_dirty = true;
	return 0;
}

size_t
store_put_m(struct store *st, const struct entry_m *entry, struct slice env,
	    struct slice text)
{
	size_t place = record_begin(&st->news);

	entry_m_put(&st->news, entry);
	buf_puts(&st->news, env);
	buf_puts(&st->news, text);
	record_end_summed(&st->news, place, 'M', st->current->segno, st->batch,
			  st->current->salt,
			  entry->is_big ? 0 : entry->text_crc, text.len);
	store_index_m(&st->news_index, st->current->end + place, entry, env);
	return place;
}

static void
remember(struct store *st, const struct incoming *in, struct store_waiter *w)
{
	struct recent_now now = recent_clock();

	memcpy(w->key, in->key, sizeof w->key);
	recent_put(&st->recent, in->key, in->id, in->birth_us / 1000000,
		   in->session, &now);
}

int
store_add(struct store *st, struct incoming *in, struct slice settles,
	  struct store_waiter *w)
{
	struct buf envelope = {0};
	struct entry_m entry = {
	    .id = in->id,
	    .birth_us = in->birth_us,
	    .n_rcpts = in->n_rcpts,
	    .text_len = in->text_len,
	    .text_crc =
		in->big_fd > 0 ? in->big_crc : crc32c(0, buf_slice(&in->text)),
	    .is_big = in->big_fd > 0};
	size_t place;

	netstring_put(&envelope, buf_slice(&in->sender));
	buf_puts(&envelope, buf_slice(&in->rcpts));
	buf_puts(&envelope, buf_slice(&in->attrs));
	put_settles(&envelope, settles);
	put_key(&envelope, in);
	entry.env_len = (uint32_t)envelope.len;
	if (envelope.len + in->text.len > STORE_RECORD_MAX - ENTRY_M_HEAD) {
		buf_free(&envelope);
		errno = EMSGSIZE;
		return -1;
	}
	if (store_make_room(st, ENTRY_M_HEAD + envelope.len + in->text.len) !=
		0 ||
	    close_big(st, in) != 0) {
		buf_free(&envelope);
		return -1;
	}
	place =
	    store_put_m(st, &entry, buf_slice(&envelope), buf_slice(&in->text));
	buf_free(&envelope);
	buf_free(&in->text);
	w->message =
	    store_enter(st, st->current, st->current->end + place, &entry);
	w->has_key = in->has_key;
	if (in->has_key)
		remember(st, in, w);
	store_queue(&st->waiting, w);
	loop_task_queue(st->loop, &st->commit_task);
	return 0;
}

/* outcomes */

bool
store_forget_over(struct store *st, struct message *m)
{
	if (m->n_live > 0 || m->n_busy > 0)
		return false;
	if (m->is_big)
		buf_put(&st->gone_big, &m->id, sizeof m->id);
	store_leave(st, m);
	return true;
}

static int
put_outcome(struct store *st, struct slice payload)
{
	struct entry_s entry;
	size_t place;

	if (store_make_room(st, RECORD_EXTRA + payload.len) != 0)
		return -1;
	place = record_begin(&st->outcomes);
	buf_puts(&st->outcomes, payload);
	record_end(&st->outcomes, place, 'S', st->current->segno, st->batch,
		   st->current->salt);
	if (entry_s_parse(payload, &entry) == 0)
		store_index_s(&st->outcomes_index, entry.id, entry.index);
	return 0;
}

/* Outcomes that found no segment to go to when they came. */
void
store_put_late(struct store *st)
{
	struct slice rest = buf_slice(&st->late), payload;
	size_t all = rest.len;

	for (;;) {
		struct slice next = rest;

		if (netstring_slice(&next, &payload) != 0 ||
		    put_outcome(st, payload) != 0)
			break;
		rest = next;
	}
	if (rest.len < all)
		buf_take(&st->late, all - rest.len);
}

bool
store_forget_settled(struct store *st, struct message *m, uint32_t index)
{
	store_mark(m, index);
	return store_forget_over(st, m);
}

bool
store_settle(struct store *st, struct message *m, uint32_t index, char code,
	     struct slice text)
{
	struct entry_s entry = {m->id, index, code, text};
	struct buf payload = {0};

	entry_s_put(&payload, &entry);
	if (st->late.len > 0 || put_outcome(st, buf_slice(&payload)) != 0)
		netstring_put(&st->late, buf_slice(&payload));
	buf_free(&payload);
	if (st->settle_timer.slot == 0)
		loop_timer_set(st->loop, &st->settle_timer, STORE_SETTLE_MS);
	return store_forget_settled(st, m, index);
}
