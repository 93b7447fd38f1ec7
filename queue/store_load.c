#include "queue/store_damage.h"
#include "queue/store_ends.h"
#include "queue/store_index.h"
#include "queue/store_keys.h"

#include "lib/die.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/netstring.h"
#include "lib/owner.h"

#include <errno.h>
#include <stdlib.h>

enum { RECORDS_A_ROUND = 4096 };

/* messages in memory */

uint64_t
store_footprint(const struct message *m)
{
	return RECORD_EXTRA + ENTRY_M_HEAD + (uint64_t)m->env_len +
	       (m->is_big ? 0 : m->text_len);
}

void
store_place(struct message *m, struct segment *s, uint64_t offset,
	    uint32_t env_len)
{
	if (m->segment) {
		m->segment->n_live--;
		m->segment->live_bytes -= store_footprint(m);
	}
	m->segment = s;
	m->offset = (uint32_t)offset;
	m->env_len = env_len;
	if (s) {
		s->n_live++;
		s->live_bytes += store_footprint(m);
	}
}

struct message *
store_enter(struct store *st, struct segment *s, uint64_t offset,
	    const struct entry_m *entry)
{
	struct message *m = message_new();

	m->id = entry->id;
	m->birth_us = entry->birth_us;
	m->text_len = (uint32_t)entry->text_len;
	m->n_rcpts = m->n_live = (uint16_t)entry->n_rcpts;
	m->is_big = entry->is_big;
	store_place(m, s, offset, entry->env_len);
	if (m->n_rcpts > MESSAGE_INLINE_BITS) {
		m->done.words = calloc(((size_t)m->n_rcpts + 63) / 64, 8);
		if (!m->done.words)
			die_nomem();
	}
	idmap_put(&st->messages, m->id, m);
	return m;
}

void
store_leave(struct store *st, struct message *m)
{
	store_place(m, NULL, 0, 0);
	store_unspoil(st, m);
	if (st->left)
		st->left(st, m);
	idmap_drop(&st->messages, m->id);
	if (m->n_rcpts > MESSAGE_INLINE_BITS)
		free(m->done.words);
	message_free(m);
}

bool
store_mark(struct message *m, uint32_t index)
{
	if (index < m->n_rcpts && !message_is_done(m, index)) {
		*message_word(m, index) |= (uint64_t)1 << (index % 64);
		m->n_live--;
	}
	return m->n_live == 0;
}

/* loading what they hold */

void
store_load_m(struct store *st, struct segment *s, uint64_t offset,
	     const struct entry_m *entry)
{
	struct message *m = idmap_get(&st->messages, entry->id);

	if (!m)
		store_enter(st, s, offset, entry);
	else if (m->n_rcpts == entry->n_rcpts) /* it was moved here */
		store_place(m, s, offset, entry->env_len);
}

void
store_load_s(struct store *st, uint64_t id, uint32_t rcpt)
{
	struct message *m = idmap_get(&st->messages, id);

	if (!m)
		store_salvage_s(st, id, rcpt);
	else if (store_mark(m, rcpt))
		store_leave(st, m);
}

void
store_load_p(struct store *st, uint64_t id, bool is_paused)
{
	struct message *m = idmap_get(&st->messages, id);

	if (m)
		m->is_paused = is_paused;
}

static void
load_list(struct store *st, uint64_t id, struct slice list)
{
	uint64_t rcpt;

	while (entry_next_index(&list, &rcpt))
		store_load_s(st, id, (uint32_t)rcpt);
}

static void
load_message(struct store *st, struct segment *s, struct slice payload,
	     uint64_t offset)
{
	struct slice attrs, value;
	struct entry_m entry;
	uint64_t id;

	if (entry_m_parse(payload, &entry) != 0)
		return;
	store_load_m(st, s, offset, &entry);
	attrs = entry_attrs(slice_of(payload.at + ENTRY_M_HEAD, entry.env_len),
			    entry.n_rcpts);
	if (entry_attr(attrs, "settles", &value) &&
	    entry_settles(&value, &id) == 0)
		load_list(st, id, value);
	if (entry_attr(attrs, "done", &value))
		load_list(st, entry.id, value);
	if (entry_attr(attrs, "paused", &value))
		store_load_p(st, entry.id, true);
}

static void
load_record(struct store *st, struct segment *s, const struct record *r,
	    struct slice payload, uint64_t offset)
{
	struct entry_s entry;
	struct entry_p pause;

	store_keys_record(st, r, payload);
	if (r->type == 'M')
		load_message(st, s, payload, offset);
	if (r->type == 'S' && entry_s_parse(payload, &entry) == 0)
		store_load_s(st, entry.id, entry.index);
	if (r->type == 'P' && entry_p_parse(payload, &pause) == 0)
		store_load_p(st, pause.id, pause.is_paused);
}

/* All of it is synced before the queue is loaded, up to where a batch may have
 * been torn: of that nothing more is known. */
static void
note_synced(struct segment *s, const struct segment_scan *scan)
{
	uint64_t to = scan->n_holes > 0 ? scan->holes[0].from : s->end;

	if (s->synced < to)
		s->synced = to;
}

static void
end_of_segment(struct store *st, struct segment *s)
{
	const struct segment_scan *scan = &st->scan;

	note_synced(s, scan);
	s->n_keys = 0; /* all of them have been taken */
	if (scan->is_damaged) {
		s->is_damaged = true;
		store_alarm_segment(st, s->segno,
				    "bytes that had been synced are bad; the "
				    "rest was salvaged and the segment is "
				    "kept");
		store_salvage_begin(st, s, scan);
	} else if (scan->is_sealed) {
		store_alarm_segment(st, s->segno,
				    "its index is damaged; all of its records "
				    "were read instead");
	} else if (scan->is_torn && !s->is_damaged) {
		char name[SEGMENT_NAME];

		segment_name(name, s->segno);
		log_open("torn");
		log_text("segment", name);
		log_number("offset", (int64_t)scan->holes[0].from);
		log_text("what", "a batch without an end: a crash leaves one, "
				 "and nobody was told K of it; if the file "
				 "was cut or changed by other hands, mail may "
				 "be missing");
		log_close();
	}
	segment_scan_free(&st->scan);
}

/* Files that no message names. Those of this run have an id from our base
 * on. */
static void
remove_unnamed(struct store *st)
{
	struct buf names = {0};
	struct slice rest;
	uint64_t id;

	if (fs_list(st->big_dir, &names) != 0) {
		buf_free(&names);
		return;
	}
	for (rest = buf_slice(&names); rest.len > 0;
	     rest = slice_from(rest, strlen(rest.at) + 1)) {
		if (slice_hex(slice_text(rest.at), &id) == 0 &&
		    id >> 32 < st->id_base && !idmap_get(&st->messages, id))
			store_salvage_big(st, rest.at);
	}
	buf_free(&names);
}

/* What a process wrote that has died may be in memory only: sync it before
 * anything is done because of it. */
static int
sync_loaded(struct store *st)
{
	struct segment *s;

	for (s = st->oldest; s; s = s->next)
		if (fs_datasync(s->fd) != 0)
			return -1;
	return fs_sync(st->seg_dir) == 0 && fs_sync(st->big_dir) == 0 ? 0 : -1;
}

static void
finish(struct store *st)
{
	if (st->is_readonly) {
		store_salvage_end(st);
		st->is_loaded = true;
		return;
	}
	if (sync_loaded(st) != 0) {
		store_fail(st, "syncing what an earlier run wrote");
		return;
	}
	store_salvage_end(st);
	remove_unnamed(st);
	st->is_loaded = true;
	store_ends_write(st);
	log_open("loaded");
	log_number("messages", (int64_t)st->messages.n);
	log_number("segments", st->n_segments);
	log_number("indexed", st->n_indexed);
	log_close();
	st->loaded(st);
}

/* Scan a piece of the segment; true when it is through. */
static bool
scan_some(struct store *st)
{
	struct slice payload;
	struct record r;
	uint64_t offset;
	int i, got = 1;

	for (i = 0; i < RECORDS_A_ROUND && got > 0; i++) {
		got = segment_scan_next(&st->scan, &r, &payload, &offset);
		if (got < 0)
			die_sys("reading a segment of the queue", NULL);
		if (got > 0)
			load_record(st, st->loading, &r, payload, offset);
	}
	if (got == 0)
		end_of_segment(st, st->loading);
	return got == 0;
}

/* Only what was there before this run. */
static struct segment *
old_only(const struct store *st, struct segment *s)
{
	return s && s->segno < st->id_base ? s : NULL;
}

void
store_load_true(struct segment *s)
{
	if (fs_datasync(s->fd) != 0)
		die_sys("syncing what an earlier run wrote", NULL);
	fs_uncache(s->fd, 0, 0);
}

/* A piece of a segment, by its index if it has one; true when it is through.
 * Pieces take two or three milliseconds: new mail comes between them. */
static bool
load_some(struct store *st)
{
	int r;

	if (!st->is_scanning) {
		r = store_index_load(st, st->loading);
		st->n_indexed += r == 1;
		if (r >= 0)
			return r == 1;
		if (!st->is_readonly)
			store_load_true(st->loading);
		segment_scan_init(&st->scan, st->loading);
	}
	st->is_scanning = !scan_some(st);
	return !st->is_scanning;
}

static void
load(struct loop_task *task)
{
	struct store *st = OWNER(task, struct store, load_task);

	if (st->loading && load_some(st)) {
		st->loading->put_before = st->recent.n_put;
		st->loading = old_only(st, st->loading->next);
	}
	if (st->loading) {
		loop_timer_set(st->loop, &st->load_timer, 0);
		return;
	}
	buf_free(&st->walk.index);
	finish(st);
}

static void
load_due(struct loop_timer *timer)
{
	struct store *st = OWNER(timer, struct store, load_timer);

	loop_task_queue(st->loop, &st->load_task);
}

void
store_load_start(struct store *st)
{
	st->load_task.run = load;
	st->load_timer.expired = load_due;
	st->loading = old_only(st, st->oldest);
	loop_task_queue(st->loop, &st->load_task);
}
