#include "queue/store.h"

#include "lib/clock.h"
#include "lib/crc32c.h"
#include "lib/die.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "queue/entry.h"
#include "queue/store_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void
commit_task(struct loop_task *task);
static void
settle_due(struct loop_timer *timer);

/* opening */

static int
directory(int dir, const char *name)
{
	int fd;

	if (fs_mkdir(dir, name, 0700) == 0) {
		if (fs_sync(dir) != 0)
			die_sys("syncing the queue directory", name);
	} else if (errno != EEXIST) {
		die_sys("making a directory of the queue", name);
	}
	fd = fs_open_dir(dir, name);
	if (fd < 0)
		die_sys("opening a directory of the queue", name);
	return fd;
}

static void
lock(struct store *st, const char *path)
{
	st->lock_fd = fs_open(st->dir, "lock", O_RDWR | O_CREAT, 0600);
	if (st->lock_fd < 0)
		die_sys("opening the queue's lock", path);
	if (fs_lock(st->lock_fd) != 0) {
		if (errno == EWOULDBLOCK)
			die_config("another quail-queue works in this queue; "
				   "stop it first",
				   path);
		die_sys("locking the queue", path);
	}
}

static void
append_segment(struct store *st, struct segment *s)
{
	struct segment **end = &st->oldest;

	while (*end)
		end = &(*end)->next;
	*end = s;
	st->n_segments++;
}

static struct segment *
create(struct store *st, uint32_t segno)
{
	char spare[] = "spare0";

	if (st->n_spares == 0)
		return segment_create(st->seg_dir, segno, NULL);
	spare[5] = (char)('0' + --st->n_spares);
	return segment_create(st->seg_dir, segno, spare);
}

/* The first segment of a new queue is numbered by the clock, so that ids do
 * not come again when somebody removes a queue and begins another. */
static uint32_t
first_segno(uint32_t highest)
{
	int64_t now_s = clock_s();

	if (highest)
		return highest + 1;
	return now_s > 0 && now_s < UINT32_MAX ? (uint32_t)now_s : 1;
}

void
store_open(struct store *st, struct loop *loop, const char *path)
{
	uint32_t segno;

	st->loop = loop;
	if (st->segment_size == 0)
		st->segment_size = SEGMENT_SIZE;
	if (st->keep_segments == 0)
		st->keep_segments = STORE_KEEP;
	st->last = &st->first;
	st->commit_task.run = commit_task;
	st->settle_timer.expired = settle_due;
	st->dir = directory(AT_FDCWD, path);
	lock(st, path);
	st->seg_dir = directory(st->dir, "seg");
	st->big_dir = directory(st->dir, "big");
	segno = first_segno(store_load_find(st));
	st->current = create(st, segno);
	if (!st->current)
		die_sys("making a new segment of the queue", path);
	append_segment(st, st->current);
	st->id_base = segno;
	st->batch = 1;
	store_check_disk(st);
	store_load_start(st);
}

void
store_end(struct store *st)
{
	if (!st->failed)
		store_commit(st);
	loop_timer_stop(st->loop, &st->settle_timer);
	loop_task_drop(st->loop, &st->commit_task);
}

void
store_close(struct store *st)
{
	struct segment *s;
	struct message *m;

	store_end(st);
	loop_task_drop(st->loop, &st->load_task);
	segment_scan_free(&st->scan);
	loop_timer_stop(st->loop, &st->load_timer);
	while ((m = idmap_any(&st->messages)))
		store_leave(st, m);
	idmap_free(&st->messages);
	while ((s = st->oldest)) {
		st->oldest = s->next;
		segment_close(s);
	}
	buf_free(&st->news);
	buf_free(&st->outcomes);
	buf_free(&st->late);
	buf_free(&st->gone_big);
	fs_close(st->big_dir);
	fs_close(st->seg_dir);
	fs_close(st->lock_fd);
	fs_close(st->dir);
}

/* committing */

void
store_fail(struct store *st, const char *what)
{
	int e = errno;

	st->failed = true;
	log_open("store-failed");
	log_text("while", what);
	log_errno(e);
	log_text("then", "everything waiting is deferred, the queue restarts");
	log_close();
	loop_stop(st->loop);
}

static void
tell_waiters(struct store *st, char code, const char *text)
{
	struct store_waiter *w = st->first;
	struct verdict v;

	verdict_say(&v, code, text);
	st->first = NULL;
	st->last = &st->first;
	while (w) {
		struct store_waiter *next = w->next;

		if (code == 'K') {
			w->done(w, w->message, &v);
		} else {
			store_leave(st, w->message);
			w->done(w, NULL, &v);
		}
		w = next;
	}
}

/* Write one of the two buffers at the segment's end.
 * 0; -1: not written, and the segment is as before; -2: it is not. */
static int
append(struct store *st, struct buf *records)
{
	struct segment *s = st->current;

	if (records->len == 0)
		return 0;
	if (fs_write_all(s->fd, records->mem + records->off, records->len,
			 (off_t)s->end) != 0) {
		int e = errno, r = fs_truncate(s->fd, (off_t)s->end);

		errno = e;
		return r == 0 ? -1 : -2;
	}
	s->end += records->len;
	buf_clear(records);
	if (records->cap > STORE_BATCH_MAX)
		buf_free(records);
	return 0;
}

/* Files of messages whose last outcome is on disk now. */
static void
remove_gone(struct store *st)
{
	struct slice ids = buf_slice(&st->gone_big);
	char name[BIG_NAME];
	uint64_t id;

	for (; ids.len >= sizeof id; ids = slice_from(ids, sizeof id)) {
		memcpy(&id, ids.at, sizeof id);
		big_name(name, id);
		fs_unlink(st->big_dir, name);
	}
	buf_free(&st->gone_big);
}

/* Messages first: their places in the segment were told when they were
 * added. What of the outcomes finds no room is kept for the next batch. */
static int
write_batch(struct store *st)
{
	int wrote;

	if (st->big_dirty && fs_sync(st->big_dir) != 0) {
		store_fail(st, "syncing the directory of large messages");
		return -1;
	}
	st->big_dirty = false;
	wrote = append(st, &st->news);
	if (wrote != 0) {
		log_open("write-failed");
		log_errno(errno);
		log_close();
		buf_clear(&st->news);
		st->is_full = true;
	}
	if (wrote == -2 || append(st, &st->outcomes) == -2)
		store_fail(st, "cutting a segment after a failed write");
	else if (fs_datasync(st->current->fd) != 0)
		store_fail(st, "syncing the log");
	st->batch++;
	return wrote;
}

int
store_commit(struct store *st)
{
	int wrote = -1;

	if (!st->failed && st->news.len == 0 && st->outcomes.len == 0)
		return 0;
	if (!st->failed)
		wrote = write_batch(st);
	if (st->failed || wrote != 0) {
		buf_clear(&st->news);
		tell_waiters(st, 'Z', "the queue's disk refused it (#4.3.1)");
		return -1;
	}
	if (st->outcomes.len == 0 && st->late.len == 0)
		remove_gone(st);
	tell_waiters(st, 'K', "");
	return 0;
}

static void
settle_due(struct loop_timer *timer)
{
	struct store *st = OWNER(timer, struct store, settle_timer);

	loop_task_queue(st->loop, &st->commit_task);
}

/* A record of size bytes goes into the next batch: make sure that its segment
 * has room, or begin a new one. */
int
store_make_room(struct store *st, size_t size)
{
	struct segment *s;
	uint64_t want = st->current->end + st->news.len + st->outcomes.len +
			size + RECORD_EXTRA;

	if (st->failed) {
		errno = EIO;
		return -1;
	}
	if (st->news.len + st->outcomes.len > STORE_BATCH_MAX)
		store_commit(st);
	if (want <= st->segment_size)
		return 0;
	store_commit(st);
	if (st->failed || st->outcomes.len > 0) {
		errno = EIO;
		return -1;
	}
	s = create(st, st->current->segno + 1);
	if (!s)
		return -1;
	append_segment(st, s);
	st->current = s;
	st->batch = 1;
	return 0;
}

/* adding */

uint64_t
store_lease(struct store *st)
{
	uint64_t first;

	if (st->id_next > UINT32_MAX - STORE_LEASE) {
		/* four thousand million ids in one run: take a new base */
		if (store_make_room(st, st->segment_size) != 0)
			die_sys("beginning a new range of ids", NULL);
		st->id_base = st->current->segno;
		st->id_next = 0;
	}
	first = (uint64_t)st->id_base << 32 | (st->id_next + 1);
	st->id_next += STORE_LEASE;
	return first;
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

int
store_add(struct store *st, struct incoming *in, struct slice settles,
	  struct store_waiter *w)
{
	struct buf envelope = {0};
	struct entry_m entry = {.id = in->id,
				.birth_us = in->birth_us,
				.n_rcpts = in->n_rcpts,
				.text_len = in->text_len,
				.big_crc = in->big_crc,
				.is_big = in->big_fd > 0};
	size_t place;

	netstring_put(&envelope, buf_slice(&in->sender));
	buf_puts(&envelope, buf_slice(&in->rcpts));
	buf_puts(&envelope, buf_slice(&in->attrs));
	put_settles(&envelope, settles);
	entry.env_len = (uint32_t)envelope.len;
	if (store_make_room(st, ENTRY_M_HEAD + envelope.len + in->text.len) !=
		0 ||
	    close_big(st, in) != 0) {
		buf_free(&envelope);
		return -1;
	}
	place = record_begin(&st->news);
	entry_m_put(&st->news, &entry);
	buf_puts(&st->news, buf_slice(&envelope));
	buf_puts(&st->news, buf_slice(&in->text));
	record_end(&st->news, place, 'M', st->current->segno, st->batch,
		   st->current->salt);
	buf_free(&envelope);
	buf_free(&in->text);
	w->message =
	    store_enter(st, st->current, st->current->end + place, &entry);
	w->next = NULL;
	*st->last = w;
	st->last = &w->next;
	loop_task_queue(st->loop, &st->commit_task);
	return 0;
}

/* outcomes */

static bool
forget_if_over(struct store *st, struct message *m)
{
	if (m->n_live > 0)
		return false;
	if (m->is_big)
		buf_put(&st->gone_big, &m->id, sizeof m->id);
	store_leave(st, m);
	return true;
}

static int
put_outcome(struct store *st, struct slice payload)
{
	size_t place;

	if (store_make_room(st, RECORD_EXTRA + payload.len) != 0)
		return -1;
	place = record_begin(&st->outcomes);
	buf_puts(&st->outcomes, payload);
	record_end(&st->outcomes, place, 'S', st->current->segno, st->batch,
		   st->current->salt);
	return 0;
}

/* Outcomes that found no segment to go to when they came. */
static void
put_late(struct store *st)
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

static void
commit_task(struct loop_task *task)
{
	struct store *st = OWNER(task, struct store, commit_task);

	loop_timer_stop(st->loop, &st->settle_timer);
	put_late(st);
	store_commit(st);
	if (st->outcomes.len > 0 || st->late.len > 0) /* no room for them */
		loop_timer_set(st->loop, &st->settle_timer, 1000);
}

bool
store_forget_settled(struct store *st, struct message *m, uint32_t index)
{
	store_mark(m, index);
	return forget_if_over(st, m);
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

/* reading */

int
store_envelope(struct store *st, struct message *m, struct buf *room,
	       struct store_envelope *e)
{
	struct slice rest;
	struct entry_m entry;
	struct slice one;
	uint32_t i;
	size_t n = RECORD_HEAD + ENTRY_M_HEAD + m->env_len;

	(void)st;
	buf_clear(room);
	if (fs_read_all(m->segment->fd, buf_room(room, n), n,
			(off_t)m->offset) != 0)
		return -1;
	buf_added(room, n);
	rest = slice_from(buf_slice(room), RECORD_HEAD);
	errno = EBADMSG;
	if (entry_m_parse_head(rest, &entry) != 0 || entry.id != m->id ||
	    entry.env_len != m->env_len || entry.n_rcpts != m->n_rcpts)
		return -1;
	rest = slice_from(rest, ENTRY_M_HEAD);
	if (netstring_slice(&rest, &e->sender) != 0)
		return -1;
	e->rcpts = rest;
	for (i = 0; i < m->n_rcpts; i++)
		if (netstring_slice(&rest, &one) != 0)
			return -1;
	e->rcpts.len = (size_t)(rest.at - e->rcpts.at);
	e->attrs = rest;
	return 0;
}

int
store_text(struct store *st, struct message *m, uint64_t from, char *to,
	   size_t n)
{
	char name[BIG_NAME];
	int fd, r, e;

	if (!m->is_big)
		return fs_read_all(m->segment->fd, to, n,
				   (off_t)(m->offset + RECORD_HEAD +
					   ENTRY_M_HEAD + m->env_len + from));
	big_name(name, m->id);
	fd = fs_open(st->big_dir, name, O_RDONLY, 0);
	if (fd < 0)
		return -1;
	r = fs_read_all(fd, to, n, (off_t)from);
	e = errno;
	fs_close(fd);
	errno = e;
	return r;
}

void
store_check_disk(struct store *st)
{
	uint64_t bytes, files;
	bool was = st->is_full;

	if (fs_room(st->dir, &bytes, &files) != 0)
		return;
	st->is_full = bytes < 4 * st->segment_size || files < 16;
	if (was == st->is_full)
		return;
	log_open(st->is_full ? "disk-full" : "disk-has-room");
	log_number("free_mb", (int64_t)(bytes >> 20));
	log_number("reserve_mb", (int64_t)(4 * st->segment_size >> 20));
	log_number("free_files", files > INT64_MAX ? -1 : (int64_t)files);
	log_close();
}
