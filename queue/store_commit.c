#include "queue/store_commit.h"

#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/owner.h"
#include "queue/store_load.h"

#include <errno.h>
#include <unistd.h>

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

/* those who wait */

static void
empty(struct store_waiters *list)
{
	list->first = NULL;
	list->last = &list->first;
}

void
store_queue(struct store_waiters *list, struct store_waiter *w)
{
	w->next = NULL;
	*list->last = w;
	list->last = &w->next;
}

/* Those of one list go over to another, which is empty. */
static void
move(struct store_waiters *from, struct store_waiters *to)
{
	if (!from->first)
		return;
	*to = *from;
	empty(from);
}

/* Returns how many. */
static size_t
tell(struct store_waiters *list, char code, const char *text)
{
	struct store_waiter *w;
	struct verdict v;
	size_t n = 0;

	verdict_say(&v, code, text);
	while ((w = list->first)) {
		list->first = w->next;
		if (!w->next)
			empty(list);
		w->done(w, code == 'K' ? w->message : NULL, &v);
		n++;
	}
	return n;
}

/* Its file goes once the disk has forgotten the record that named it. */
static void
refuse(struct store *st, struct message *m)
{
	if (m->is_big)
		buf_put(&st->refused_big, &m->id, sizeof m->id);
	store_leave(st, m);
}

/* Their messages have never been here. Before anybody is told of it, so that
 * nobody can be told that his is a repeat of one of them. */
static void
undo(struct store *st, const struct store_waiters *list)
{
	struct store_waiter *w;

	for (w = list->first; w; w = w->next) {
		if (!w->message)
			continue;
		if (w->has_key)
			recent_drop(&st->recent, w->key, w->message->id);
		refuse(st, w->message);
		w->message = NULL;
	}
}

void
store_tell_known(struct store *st)
{
	tell(&st->known, 'K', "");
}

static void
tell_known(struct loop_task *task)
{
	store_tell_known(OWNER(task, struct store, known_task));
}

void
store_wait(struct store *st, uint64_t of, struct store_waiter *w)
{
	const struct message *m = of ? idmap_get(&st->messages, of) : NULL;

	w->message = NULL;
	w->has_key = false;
	if (!m || store_is_durable(st, m)) {
		store_queue(&st->known, w);
		loop_task_queue(st->loop, &st->known_task);
	} else if (m->offset < st->current->end) {
		store_queue(&st->flying, w);
	} else {
		store_queue(&st->waiting, w);
	}
}

/* writing */

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

		s->filled = s->end;
		errno = e;
		return r == 0 ? -1 : -2;
	}
	s->end += records->len;
	segment_fill_ahead(s, records->len, st->segment_size);
	return 0;
}

static void
reuse(struct buf *records)
{
	buf_clear(records);
	if (records->cap > STORE_BATCH_MAX)
		buf_free(records);
}

/* News that was written: in memory until the next is. */
static void
keep_written(struct store *st, uint64_t at)
{
	struct buf written = st->news;

	if (written.len == 0)
		return;
	st->news = st->written;
	st->written = written;
	st->written_at = at;
	st->written_segno = st->current->segno;
	reuse(&st->news);
}

static void
remove_big(struct store *st, struct buf *which)
{
	struct slice ids = buf_slice(which);
	char name[BIG_NAME];
	uint64_t id;

	for (; ids.len >= sizeof id; ids = slice_from(ids, sizeof id)) {
		memcpy(&id, ids.at, sizeof id);
		big_name(name, id);
		fs_unlink(st->big_dir, name);
	}
	buf_free(which);
}

/* Files of messages whose last outcome is on disk now. */
static void
remove_gone(struct store *st)
{
	remove_big(st, &st->gone_big);
}

/* The last record of a batch, or one alone. */
static void
put_mark(struct store *st, struct buf *records)
{
	size_t place = record_begin(records);

	entry_b_put(records, st->durable);
	record_end(records, place, 'B', st->current->segno, st->batch,
		   st->current->salt);
}

static void
take_outcomes(struct store *st)
{
	reuse(&st->outcomes);
	buf_puts(&st->index, buf_slice(&st->outcomes_index));
	buf_clear(&st->outcomes_index);
}

/* Messages first: their places in the segment were told when they were
 * added. */
static int
write_all(struct store *st)
{
	uint64_t at = st->current->end;
	int r;

	buf_puts(&st->news, buf_slice(&st->outcomes));
	put_mark(st, &st->news);
	r = append(st, &st->news);
	if (r == 0) {
		buf_puts(&st->index, buf_slice(&st->news_index));
		keep_written(st, at);
		take_outcomes(st);
	} else {
		log_open("write-failed");
		log_errno(errno);
		log_close();
		buf_clear(&st->news);
		st->is_full = true;
	}
	buf_clear(&st->news_index);
	return r;
}

/* What finds no room is kept for the next batch. */
static int
write_outcomes(struct store *st)
{
	size_t n = st->outcomes.len;
	int r;

	if (n == 0)
		return 0;
	put_mark(st, &st->outcomes);
	r = append(st, &st->outcomes);
	if (r == 0)
		take_outcomes(st);
	else
		buf_cut(&st->outcomes, n);
	return r;
}

static int
write_batch(struct store *st)
{
	uint64_t end = st->current->end;
	int wrote = 0, wrote_outcomes;

	if (st->big_dirty && fs_sync(st->big_dir) != 0) {
		store_fail(st, "syncing the directory of large messages");
		return -1;
	}
	st->big_dirty = false;
	if (st->news.len > 0)
		wrote = write_all(st);
	wrote_outcomes = wrote == -2 ? -2 : write_outcomes(st);
	if (wrote_outcomes == -2)
		store_fail(st, "cutting a segment after a failed write");
	/* a number without records would look like a batch that is gone */
	st->batch += st->current->end > end;
	return wrote;
}

/* From gathering to written. What was not is undone at once; its waiters are
 * told when the sync, of outcomes perhaps, has ended. */
static void
begin(struct store *st)
{
	st->begun_us = clock_steady_us();
	st->sync_error = 0;
	st->put_written = st->recent.n_put;
	st->wrote = st->failed ? -1 : write_batch(st);
	if (st->failed)
		buf_clear(&st->news);
	move(&st->waiting, &st->flying);
	if (st->failed || st->wrote != 0)
		undo(st, &st->flying);
}

/* By the thread, or without it. */
static void
sync_log(struct worker *syncer)
{
	struct store *st = OWNER(syncer, struct store, syncer);

	if (!st->failed && fs_datasync(st->current->fd) != 0)
		st->sync_error = errno;
}

/* What waits for longer than the next so many bytes take waits for long, if
 * delivery keeps up at all: the memory is better used for what is to come. */
static void
uncache_old(struct store *st)
{
	uint64_t n = 0, some = st->keep_cached / 8;
	struct segment *s;

	for (s = st->cached; s; s = s->next)
		n += s->end - s->uncached;
	while (n > st->keep_cached + some) {
		uint64_t here;

		s = st->cached;
		here = s->end - s->uncached;
		if (here > n - st->keep_cached)
			here = n - st->keep_cached;
		fs_uncache(s->fd, s->uncached, here);
		s->uncached += here;
		n -= here;
		if (s->uncached == s->end && s->next)
			st->cached = s->next;
		else if (s == st->current)
			break;
	}
}

/* From written to durable. */
static int
end(struct store *st)
{
	struct store_waiters told = {NULL, NULL};
	int64_t ended_us;

	if (st->sync_error) {
		errno = st->sync_error;
		store_fail(st, "syncing the log");
	}
	st->put_durable = st->put_written;
	move(&st->flying, &told); /* who is told may commit */
	if (st->failed || st->wrote != 0) {
		undo(st, &told);
		tell(&told, 'Z', "the queue's disk refused it (#4.3.1)");
		if (!st->failed) /* that it was cut off was synced */
			remove_big(st, &st->refused_big);
		return -1;
	}
	st->durable = st->current->end;
	if (st->outcomes.len == 0 && st->late.len == 0)
		remove_gone(st);
	uncache_old(st);
	ended_us = clock_steady_us();
	gather_batch(&st->gather, st->begun_us, ended_us, tell(&told, 'K', ""));
	return 0;
}

static bool
has_work(const struct store *st)
{
	return st->failed || st->news.len > 0 || st->outcomes.len > 0;
}

void
store_commit_mark(struct store *st)
{
	struct buf mark = {0};

	if (has_work(st) || st->syncer.is_busy || st->late.len > 0 ||
	    st->batch == 1 || st->marked == st->current->end)
		return;
	put_mark(st, &mark);
	if (append(st, &mark) == -2)
		store_fail(st, "cutting a segment after a failed write");
	st->marked = st->current->end;
	buf_free(&mark);
}

int
store_commit(struct store *st)
{
	worker_wait(&st->syncer);
	if (!has_work(st))
		return 0;
	begin(st);
	sync_log(&st->syncer);
	return end(st);
}

void
store_synced(struct store *st)
{
	worker_wait(&st->syncer);
}

bool
store_is_durable(const struct store *st, const struct message *m)
{
	return m->segment != st->current || m->offset < st->durable;
}

/* tasks */

static void
synced(struct worker *syncer)
{
	struct store *st = OWNER(syncer, struct store, syncer);

	end(st);
	if (st->is_due || st->waiting.first)
		loop_task_queue(st->loop, &st->commit_task);
	if (st->wants_reclaim)
		loop_timer_set(st->loop, &st->reclaim_timer, 0);
}

static void
settle_due(struct loop_timer *timer)
{
	struct store *st = OWNER(timer, struct store, settle_timer);

	loop_task_queue(st->loop, &st->commit_task);
}

/* Those who were told send more: look what has come before the next sync. */
static bool
rests(struct store *st)
{
	int64_t us = 0;

	if (st->gathers)
		us = gather_rest_us(&st->gather, clock_steady_us(),
				    st->news.len);
	if (us == 0)
		return false;
	usleep((useconds_t)us);
	loop_timer_set(st->loop, &st->settle_timer, 0);
	return true;
}

/* To hand it over would take longer than it gains. */
static bool
is_short(const struct store *st)
{
	return st->failed || !has_work(st) || st->syncer.way == WORKER_INLINE ||
	       (st->syncer.way == WORKER_THREAD && st->news.len <= STORE_SHORT);
}

static void
commit_task(struct loop_task *task)
{
	struct store *st = OWNER(task, struct store, commit_task);

	st->is_due = st->syncer.is_busy;
	if (st->is_due || rests(st))
		return;
	loop_timer_stop(st->loop, &st->settle_timer);
	store_put_late(st);
	if (is_short(st)) {
		store_commit(st);
	} else {
		begin(st);
		worker_start(&st->syncer, false);
	}
	if (st->outcomes.len > 0 || st->late.len > 0) /* no room for them */
		loop_timer_set(st->loop, &st->settle_timer, 1000);
}

void
store_commit_init(struct store *st)
{
	empty(&st->waiting);
	empty(&st->flying);
	empty(&st->known);
	st->commit_task.run = commit_task;
	st->known_task.run = tell_known;
	st->settle_timer.expired = settle_due;
	worker_init(&st->syncer, st->loop, st->sync_way, sync_log, synced);
}
