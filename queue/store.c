#include "queue/store.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "queue/store_ends.h"
#include "queue/store_keys.h"
#include "queue/store_recent.h"
#include "queue/store_seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

/* opening */

static int
sync_parent(int dir)
{
	int fd, r;

	if (dir != AT_FDCWD)
		return fs_sync(dir);
	fd = fs_open_dir(dir, ".");
	if (fd < 0)
		return -1;
	r = fs_sync(fd);
	fs_close(fd);
	return r;
}

/* One that is there may be of a run that died before its sync, so its name
 * is synced in any case. */
static int
directory(int dir, const char *name)
{
	int fd;

	if (fs_mkdir(dir, name, 0700) != 0 && errno != EEXIST)
		die_sys("making a directory of the queue", name);
	if (sync_parent(dir) != 0)
		die_sys("syncing the directory above", name);
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
			die_sys("locking the queue; another quail-queue works "
				"in it",
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

/* A spare that cannot be used is left alone from here on. */
static struct segment *
create(struct store *st, uint32_t segno, bool *sync_failed)
{
	char spare[] = "spare0";
	struct segment_plan plan = {.segno = segno,
				    .salt = store_salt(st, segno)};
	struct segment *s = NULL;
	int i;

	*sync_failed = false;
	if (st->current && st->current != &st->none) {
		plan.after = st->current->segno;
		plan.after_end = (uint32_t)st->durable;
	}
	for (i = 0; !s && !*sync_failed && st->spares >> i; i++) {
		if (!(st->spares >> i & 1))
			continue;
		spare[5] = (char)('0' + i);
		plan.spare = spare;
		st->spares &= ~(1u << i);
		s = segment_create(st->seg_dir, &plan, sync_failed);
	}
	plan.spare = NULL;
	return s || *sync_failed
		   ? s
		   : segment_create(st->seg_dir, &plan, sync_failed);
}

/* No room for a segment, or no other way to make one now: mail that is there
 * is delivered, what that gives free makes a segment, and until then none is
 * taken. What becomes of recipients waits in memory. */
static void
do_without(struct store *st, uint32_t segno)
{
	log_open("no-segment");
	log_errno(errno);
	log_text("then", "no new mail is taken until the disk lets us write; "
			 "deliveries go on");
	log_close();
	st->is_full = true;
	st->none =
	    (struct segment){.fd = -1, .segno = segno, .end = st->segment_size};
	st->current = &st->none;
}

/* Begin behind the highest number there is. */
static void
begin(struct store *st, const char *path, uint32_t segno)
{
	bool sync_failed;
	struct segment *s = create(st, segno, &sync_failed);

	if (!s && sync_failed)
		die_sys("syncing a new segment of the queue", path);
	if (!s) {
		do_without(st, segno);
		return;
	}
	st->current = s;
	st->durable = s->end;
	append_segment(st, s);
	st->cached = s;
}

static uint32_t
random_number(void)
{
	uint32_t random;

	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		die_sys("reading random bytes", NULL);
	return random;
}

/* A new queue begins at a random number: ids then are hardly ever those of
 * another host, or of a queue that somebody has removed. */
static uint32_t
first_segno(uint32_t highest)
{
	if (highest >= STORE_SEGNO_MAX)
		die_config("no numbers are left for segments behind the "
			   "highest one there; no queue gets that far, so move "
			   "that file away",
			   "queue/seg");
	if (highest)
		return highest + 1;
	return random_number() % 0x70000000u + 0x01000000u;
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
	if (st->keep_cached == 0)
		st->keep_cached = STORE_CACHED;
	store_commit_init(st);
	store_seal_init(st);
	st->dir = directory(AT_FDCWD, path);
	lock(st, path);
	st->seg_dir = directory(st->dir, "seg");
	st->big_dir = directory(st->dir, "big");
	st->recent_dir = directory(st->dir, "recent");
	store_keys_open(st);
	store_recent_load(st);
	segno = first_segno(store_load_find(st));
	store_keys_load(st);
	begin(st, path, segno);
	st->id_base = segno;
	/* a queue that was restored from a copy comes to numbers again that
	 * had been used behind it; its ids are others, as good as certainly */
	st->id_next = random_number() % (UINT32_MAX / 2);
	st->batch = 1;
	store_check_disk(st);
	store_reclaim_init(st);
	store_load_start(st);
}

void
store_threads(struct store *st)
{
	st->syncer.way = WORKER_THREAD;
	st->seal.worker.way = WORKER_THREAD;
	st->kept.writer.way = WORKER_THREAD;
}

void
store_end(struct store *st)
{
	store_put_late(st);
	if (!st->failed && store_commit(st) == 0 && st->outcomes.len == 0 &&
	    st->late.len == 0 && st->current != &st->none)
		store_seal(st);
	store_seal_close(st);
	store_synced(st);
	if (st->is_loaded)
		store_ends_write(st);
	store_tell_known(st);
	worker_close(&st->syncer);
	loop_timer_stop(st->loop, &st->settle_timer);
	loop_timer_stop(st->loop, &st->reclaim_timer);
	loop_task_drop(st->loop, &st->commit_task);
	loop_task_drop(st->loop, &st->known_task);
}

void
store_close(struct store *st)
{
	struct segment *s;
	struct message *m;

	store_end(st);
	loop_task_drop(st->loop, &st->load_task);
	segment_scan_free(&st->scan);
	buf_free(&st->walk.index);
	loop_timer_stop(st->loop, &st->load_timer);
	while ((m = idmap_any(&st->messages)))
		store_leave(st, m);
	idmap_free(&st->messages);
	idmap_free(&st->spoiled);
	while ((s = st->oldest)) {
		st->oldest = s->next;
		segment_close(s);
	}
	st->current = NULL;
	buf_free(&st->news);
	buf_free(&st->written);
	buf_free(&st->ahead);
	buf_free(&st->outcomes);
	buf_free(&st->late);
	store_recent_close(st);
	buf_free(&st->index);
	buf_free(&st->news_index);
	buf_free(&st->outcomes_index);
	buf_free(&st->gone_big);
	buf_free(&st->refused_big);
	fs_close(st->recent_dir);
	fs_close(st->big_dir);
	fs_close(st->seg_dir);
	fs_close(st->lock_fd);
	fs_close(st->dir);
}

/* room */

bool
store_rest(struct store *st)
{
	bool rests = st->rested_batch == st->batch && st->news.len == 0;
	bool has = st->written.cap > 0 || st->news.cap > 0 || st->ahead.cap > 0;

	st->rested_batch = st->batch;
	if (rests)
		store_commit_mark(st);
	if (!rests || !has)
		return false;
	buf_free(&st->written);
	buf_free(&st->ahead);
	buf_free(&st->news);
	return true;
}

/* A record of size bytes goes into the next batch: make sure that its segment
 * has room, or begin a new one. */
int
store_make_room(struct store *st, size_t size)
{
	struct segment *s;
	bool sync_failed;
	uint64_t want = st->current->end + st->news.len + st->outcomes.len +
			size + RECORD_EXTRA + STORE_MARK;

	if (st->failed) {
		errno = EIO;
		return -1;
	}
	if (st->news.len + st->outcomes.len > STORE_BATCH_MAX)
		store_commit(st);
	if (want <= st->segment_size)
		return 0;
	do /* what those who are told add has the old segment's number in it */
		store_commit(st);
	while (st->news.len > 0 && !st->failed);
	if (st->outcomes.len > 0) /* also what became of them at once */
		store_commit(st);
	if (st->failed || st->outcomes.len > 0) {
		errno = EIO;
		return -1;
	}
	s = create(st, st->current->segno + 1, &sync_failed);
	if (!s && sync_failed)
		store_fail(st, "syncing a new segment");
	if (!s)
		return -1;
	if (st->current != &st->none)
		store_seal(st);
	st->current->put_before = st->recent.n_put;
	append_segment(st, s);
	if (!st->cached)
		st->cached = s;
	st->current = s;
	st->durable = s->end;
	st->batch = 1;
	return 0;
}

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

static bool
has_name(int fd)
{
	struct stat file;

	return fs_stat(fd, &file) != 0 || file.st_nlink > 0;
}

/* What is written to a file without a name is durable and lost. */
static void
check_names(struct store *st)
{
	if (st->failed)
		return;
	if (has_name(st->dir) && has_name(st->seg_dir) &&
	    has_name(st->big_dir) &&
	    (st->current == &st->none || has_name(st->current->fd)))
		return;
	errno = ENOENT;
	store_fail(st, "the queue's directory, or its current segment, was "
		       "removed; what was in it is lost");
}

void
store_look(struct store *st)
{
	check_names(st);
	store_check_disk(st);
	store_ends_look(st);
}
