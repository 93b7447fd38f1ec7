#include "queue/store_recent.h"

#include "lib/bytes.h"
#include "lib/die.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

enum {
	ENTRY = RECENT_KEY + 4 + 8,
	FILE_MAX = RECENT_PAGE * ENTRY + RECORD_EXTRA
};

/* one entry */

static void
put_entry(struct buf *b, const struct recent_entry *e)
{
	uint8_t bytes[ENTRY];

	memcpy(bytes, e->key, RECENT_KEY);
	bytes_store32(bytes + RECENT_KEY, e->taken_s);
	bytes_store64(bytes + RECENT_KEY + 4, e->id);
	buf_put(b, bytes, sizeof bytes);
}

/* Returns when it was taken. */
static int64_t
take_entry(struct store *st, const char *at, const struct recent_now *now)
{
	const uint8_t *bytes = (const uint8_t *)at;
	int64_t taken_s = bytes_load32(bytes + RECENT_KEY);

	recent_put(&st->recent, bytes, bytes_load64(bytes + RECENT_KEY + 4),
		   taken_s, 0, now);
	return taken_s;
}

/* writing a page */

static struct recent_page *
page_of(struct store *st, uint32_t number)
{
	unsigned i;

	for (i = 0; i < st->recent.n_pages; i++)
		if (st->recent.pages[i].number == number)
			return &st->recent.pages[i];
	return NULL;
}

static void
remove_file(struct store *st, uint32_t number)
{
	char name[SEGMENT_NAME];

	segment_name(name, number);
	fs_unlink(st->recent_dir, name);
}

static int
write_new(struct store *st)
{
	struct slice bytes = buf_slice(&st->kept.bytes);
	int fd, r;

	fs_unlink(st->recent_dir, "new");
	fd = fs_open(st->recent_dir, "new", O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return -1;
	r = fs_write_all(fd, bytes.at, bytes.len, 0) == 0 ? fs_sync(fd) : -1;
	fs_close(fd);
	return r;
}

/* By the thread. */
static void
write_page(struct worker *writer)
{
	struct store *st = OWNER(writer, struct store, kept.writer);
	char name[SEGMENT_NAME];

	segment_name(name, st->kept.number);
	st->kept.error = 0;
	if (write_new(st) != 0 ||
	    fs_rename(st->recent_dir, "new", st->recent_dir, name) != 0 ||
	    fs_sync(st->recent_dir) != 0)
		st->kept.error = errno;
}

/* Room is worth more than what a repeat after a restart costs. */
static bool
gives_up(const struct store *st)
{
	int e = st->kept.error;

	return fs_is_full(e) || (e != 0 && st->is_full);
}

static void
log_error(const struct store *st)
{
	log_open("keys-not-kept");
	log_errno(st->kept.error);
	log_text("then", gives_up(st) ? "what clients repeat after a restart "
					"may be taken twice"
				      : "it is tried again");
	log_close();
}

static void
written(struct worker *writer)
{
	struct store *st = OWNER(writer, struct store, kept.writer);
	struct recent_page *p = page_of(st, st->kept.number);

	buf_free(&st->kept.bytes);
	if (st->kept.error)
		log_error(st);
	if (!p) { /* too old by now */
		remove_file(st, st->kept.number);
		return;
	}
	if (st->kept.error == 0 || gives_up(st))
		p->n_saved = st->kept.n;
	st->kept.n_given_up += gives_up(st);
	p->has_file = true; /* or what there is under its name */
	if (st->kept.error == 0)
		loop_timer_set(st->loop, &st->reclaim_timer, 0);
}

static void
start(struct store *st, const struct recent_page *p, uint32_t n)
{
	struct recent_now now = recent_clock();
	struct buf *b = &st->kept.bytes;
	size_t place = record_begin(b);
	uint32_t i;

	for (i = 0; i < n; i++)
		if (recent_is_young(p, &p->entries[i], &now))
			put_entry(b, &p->entries[i]);
	record_end(b, place, 'K', p->number, 1, 0);
	st->kept.number = p->number;
	st->kept.n = n;
	worker_start(&st->kept.writer, false);
	if (st->kept.writer.way == WORKER_INLINE)
		worker_wait(&st->kept.writer);
}

/* So many of the entries are of messages that are durable, or not kept. */
static uint64_t
durable(const struct store *st)
{
	return st->news.len == 0 && !st->flying.first ? st->recent.n_put
						      : st->put_durable;
}

static uint32_t
at_most(uint64_t n, uint32_t max)
{
	return n < max ? (uint32_t)n : max;
}

bool
store_recent_keep(struct store *st, const struct segment *s)
{
	uint64_t until = durable(st);
	unsigned i;

	store_recent_turn(st);
	for (i = 0; i < st->recent.n_pages; i++) {
		struct recent_page *p = &st->recent.pages[i];

		if (p->first >= s->put_before)
			break;
		if (p->n_saved >= at_most(s->put_before - p->first, p->n))
			continue;
		if (!st->kept.writer.is_busy && until >= s->put_before)
			start(st, p, at_most(until - p->first, p->n));
		return false;
	}
	return true;
}

/* forgetting */

static void
forgets(struct recent *r, const struct recent_page *p)
{
	struct store *st = OWNER(r, struct store, recent);

	if (p->has_file)
		remove_file(st, p->number);
}

void
store_recent_turn(struct store *st)
{
	struct recent_now now = recent_clock();
	struct kept_file *f = st->kept.files;

	recent_turn(&st->recent, &now);
	while (st->kept.n_files > 0 && f->until_s <= now.up_s) {
		remove_file(st, f->number);
		st->kept.n_files--;
		memmove(f, f + 1, st->kept.n_files * sizeof *f);
	}
}

/* loading */

static void
log_damaged(uint32_t number)
{
	log_open("damaged");
	log_id("keys", number);
	log_text("what", "what was taken lately cannot be read; what clients "
			 "repeat may be taken twice");
	log_close();
}

static int
by_number(const void *a, const void *b)
{
	const struct kept_file *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static void
list_files(struct store *st)
{
	struct buf names = {0};
	struct slice rest;
	uint32_t number;

	if (fs_list(st->recent_dir, &names) != 0)
		log_damaged(0);
	for (rest = buf_slice(&names); rest.len > 0;
	     rest = slice_from(rest, strlen(rest.at) + 1)) {
		if (segment_number(rest.at, &number) != 0)
			continue;
		st->kept.files =
		    reallocarray(st->kept.files, st->kept.n_files + 1,
				 sizeof *st->kept.files);
		if (!st->kept.files)
			die_nomem();
		st->kept.files[st->kept.n_files++] =
		    (struct kept_file){.number = number};
		if (number > st->recent.next_number)
			st->recent.next_number = number;
	}
	buf_free(&names);
	if (st->kept.n_files > 0)
		qsort(st->kept.files, st->kept.n_files, sizeof *st->kept.files,
		      by_number);
}

/* As of the disk: what a process that died wrote may be in memory only. */
static int
read_file(struct store *st, uint32_t number, struct buf *b)
{
	char name[SEGMENT_NAME];
	struct stat file;
	int fd, r = -1;

	segment_name(name, number);
	fd = fs_open(st->recent_dir, name, O_RDWR, 0);
	if (fd < 0)
		return -1;
	errno = EBADMSG;
	if (fs_stat(fd, &file) == 0 && file.st_size <= FILE_MAX &&
	    fs_datasync(fd) == 0) {
		fs_uncache(fd, 0, 0);
		r = fs_read_all(fd, buf_room(b, (size_t)file.st_size),
				(size_t)file.st_size, 0);
		if (r == 0)
			buf_added(b, (size_t)file.st_size);
	}
	fs_close(fd);
	return r;
}

/* Returns when its last one was taken; -1: it is damaged. */
static int64_t
load_file(struct store *st, uint32_t number, const struct recent_now *now)
{
	int64_t taken_s, newest_s = 0;
	struct buf b = {0};
	struct slice payload;
	struct record r;

	if (read_file(st, number, &b) != 0 ||
	    record_whole(buf_slice(&b), 0, &r, &payload) != b.len ||
	    r.type != 'K' || r.segno != number) {
		buf_free(&b);
		return -1;
	}
	for (; payload.len >= ENTRY; payload = slice_from(payload, ENTRY)) {
		taken_s = take_entry(st, payload.at, now);
		if (taken_s > newest_s)
			newest_s = taken_s;
	}
	buf_free(&b);
	return newest_s;
}

static void
load_each(struct store *st)
{
	struct recent_now now = recent_clock();
	size_t i;

	for (i = 0; i < st->kept.n_files; i++) {
		struct kept_file *f = &st->kept.files[i];
		int64_t newest_s = load_file(st, f->number, &now), left_s;

		left_s = newest_s + RECENT_S - now.wall_s;
		f->until_s = now.up_s + (left_s < 0	     ? 0
					 : left_s > RECENT_S ? RECENT_S
							     : left_s);
		if (newest_s < 0)
			log_damaged(f->number);
	}
}

void
store_recent_load(struct store *st)
{
	unsigned i;

	st->recent.forgets = forgets;
	worker_init(&st->kept.writer, st->loop, st->sync_way, write_page,
		    written);
	/* names that a dead process may not have synced are believed now */
	if (fs_sync(st->recent_dir) != 0)
		die_sys("syncing a directory of the queue", "queue/recent");
	list_files(st);
	load_each(st);
	for (i = 0; i < st->recent.n_pages; i++)
		st->recent.pages[i].n_saved = st->recent.pages[i].n;
	store_recent_turn(st);
}

void
store_recent_close(struct store *st)
{
	worker_close(&st->kept.writer);
	buf_free(&st->kept.bytes);
	free(st->kept.files);
	st->kept.files = NULL;
	recent_free(&st->recent);
}
