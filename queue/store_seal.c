#include "queue/store_seal.h"

#include "lib/fs.h"
#include "lib/owner.h"
#include "queue/store_commit.h"
#include "queue/store_index.h"

#include <errno.h>

/* E and F. Returns how long E is. */
static size_t
put_records(struct buf *b, const struct store_seal *seal)
{
	const struct segment *s = seal->segment;
	struct entry_f f = {.index_at = s->end, .salt = s->salt};
	size_t e_size, place = record_begin(b);

	f.n_keys = store_index_put(b, buf_slice(&seal->index));
	f.keys_at = s->end + b->len - (uint64_t)f.n_keys * STORE_INDEX_KEY;
	record_end(b, place, 'E', s->segno, seal->batch, s->salt);
	e_size = b->len;
	segment_put_seal(b, &f, s->segno, seal->batch);
	return e_size;
}

/* F tells that E is there, and its keys are believed without reading all of
 * E: so E is on disk before F is written. Returns an errno if the sync failed;
 * another failure is no harm, the segment stays unsealed. */
static int
write_records(const struct segment *s, const struct buf *b, size_t e_size)
{
	const char *at = b->mem + b->off;
	off_t end = (off_t)s->end, f_at = end + (off_t)e_size;

	/* F must be the last thing in a file that was longer once */
	if (fs_truncate(s->fd, end) == 0 &&
	    fs_write_all(s->fd, at, e_size, end) == 0) {
		if (fs_datasync(s->fd) != 0)
			return errno;
		if (fs_write_all(s->fd, at + e_size, b->len - e_size, f_at) ==
		    0)
			return 0;
	}
	fs_truncate(s->fd, end);
	return 0;
}

/* By the thread. */
static void
write_seal(struct worker *worker)
{
	struct store_seal *seal = OWNER(worker, struct store_seal, worker);
	struct buf b = {0};
	size_t e_size = put_records(&b, seal);

	seal->error = write_records(seal->segment, &b, e_size);
	buf_free(&b);
}

static void
sealed(struct worker *worker)
{
	struct store *st = OWNER(worker, struct store, seal.worker);

	buf_free(&st->seal.index);
	st->seal.segment = NULL;
	if (st->seal.error != 0) {
		errno = st->seal.error;
		store_fail(st, "syncing a segment's index");
	}
	if (st->wants_reclaim)
		loop_timer_set(st->loop, &st->reclaim_timer, 0);
}

void
store_seal(struct store *st)
{
	struct store_seal *seal = &st->seal;

	store_seal_wait(st);
	seal->index = st->index;
	st->index = (struct buf){0};
	if (seal->index.len > RECORD_PAYLOAD_MAX || st->failed) {
		buf_free(&seal->index);
		return;
	}
	seal->segment = st->current;
	seal->batch = st->batch;
	worker_start(&seal->worker, false);
	if (seal->worker.way == WORKER_INLINE)
		store_seal_wait(st);
}

void
store_seal_wait(struct store *st)
{
	worker_wait(&st->seal.worker);
}

void
store_seal_close(struct store *st)
{
	store_seal_wait(st);
	worker_close(&st->seal.worker);
}

void
store_seal_init(struct store *st)
{
	worker_init(&st->seal.worker, st->loop, st->sync_way, write_seal,
		    sealed);
}
