#include "queue/segment.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/fs.h"
#include "lib/salvage.h"
#include "queue/entry.h"
#include "queue/segment_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

enum {
	FIRST_SALT = RECORD_HEAD + 15, /* where its digits stand */
	AHEAD_BATCH = 160 * 1024,
	AHEAD_BATCHES = 8
};

void
segment_name(char name[SEGMENT_NAME], uint32_t segno)
{
	hex_put(name, 8, segno);
	name[8] = 0;
}

int
segment_number(const char *name, uint32_t *segno)
{
	struct slice s = slice_text(name);
	uint64_t v;

	if (s.len != SEGMENT_NAME - 1 || slice_hex(s, &v) != 0 || v == 0)
		return -1;
	*segno = (uint32_t)v;
	return 0;
}

static struct segment *
new_segment(int fd, uint32_t segno)
{
	struct segment *s = calloc(1, sizeof *s);

	if (!s)
		die_nomem();
	s->fd = fd;
	s->segno = segno;
	return s;
}

/* The head is covered by a CRC from 0: it is what tells the salt. */
static int
write_first(struct segment *s, const struct segment_plan *plan)
{
	struct entry_h h = {.salt = s->salt,
			    .created_us = clock_us(),
			    .after = plan->after,
			    .after_end = plan->after_end};
	struct buf b = {0};
	size_t place = record_begin(&b);
	int r;

	entry_h_put(&b, &h);
	record_end(&b, place, 'H', s->segno, 0, 0);
	r = fs_write_all(s->fd, b.mem, b.len, 0);
	s->end = b.len;
	buf_free(&b);
	return r;
}

static int
make_durable(int dir, const char *name, const char *spare, int fd,
	     bool *sync_failed)
{
	*sync_failed = fs_sync(fd) != 0;
	if (*sync_failed)
		return -1;
	if (spare && fs_rename(dir, spare, dir, name) != 0)
		return -1;
	*sync_failed = fs_sync(dir) != 0;
	return *sync_failed ? -1 : 0;
}

struct segment *
segment_create(int dir, const struct segment_plan *plan, bool *sync_failed)
{
	char name[SEGMENT_NAME];
	const char *spare = plan->spare;
	struct segment *s;
	struct stat st;
	int fd, e;

	*sync_failed = false;
	segment_name(name, plan->segno);
	fd = spare ? fs_open(dir, spare, O_RDWR, 0)
		   : fs_open(dir, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return NULL;
	s = new_segment(fd, plan->segno);
	s->salt = plan->salt;
	s->after = plan->after;
	s->filled = spare && fs_stat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	if (write_first(s, plan) == 0 &&
	    make_durable(dir, name, spare, fd, sync_failed) == 0)
		return s;
	e = errno;
	segment_close(s);
	if (!spare)
		fs_unlink(dir, name);
	errno = e;
	return NULL;
}

void
segment_close(struct segment *s)
{
	fs_close(s->fd);
	free(s);
}

void
segment_fill_ahead(struct segment *s, size_t n, uint64_t max)
{
	static char zeros[AHEAD_BATCH * AHEAD_BATCHES]; /* never written to */
	size_t ahead = n * AHEAD_BATCHES < SEGMENT_AHEAD ? SEGMENT_AHEAD
							 : n * AHEAD_BATCHES;
	uint64_t until = s->end + ahead;

	if (s->end <= s->filled)
		return;
	s->filled = s->end;
	if (until > max)
		until = max;
	if (n <= AHEAD_BATCH && until > s->end &&
	    fs_write_all(s->fd, zeros, (size_t)(until - s->end),
			 (off_t)s->end) == 0)
		s->filled = until;
}

/* sealed ones */

void
segment_put_seal(struct buf *b, const struct entry_f *f, uint32_t segno,
		 uint32_t batch)
{
	size_t place = record_begin(b);

	entry_f_put(b, f);
	record_end(b, place, 'F', segno, batch, 0);
}

int
segment_seal(const struct segment *s, struct entry_f *f, uint64_t *size)
{
	char bytes[SEGMENT_SEAL];
	struct slice payload;
	struct record r;
	struct stat file;

	if (fs_stat(s->fd, &file) != 0 || file.st_size < SEGMENT_SEAL)
		return -1;
	*size = (uint64_t)file.st_size;
	if (fs_read_all(s->fd, bytes, sizeof bytes,
			(off_t)(*size - SEGMENT_SEAL)) != 0 ||
	    record_whole(slice_of(bytes, sizeof bytes), 0, &r, &payload) !=
		SEGMENT_SEAL ||
	    r.type != 'F' || r.segno != s->segno ||
	    entry_f_parse(payload, f) != 0 ||
	    f->index_at >= *size - SEGMENT_SEAL || f->keys_at > *size ||
	    f->n_keys > (*size - f->keys_at) / (2 + ENTRY_OLD_KEY_LINE))
		return -1;
	return 0;
}

/* opening */

/* Is any record of it valid with this salt? */
static bool
is_salt(struct segment *s, uint32_t salt)
{
	struct segment_scan scan;
	struct slice payload;
	struct record r;
	uint64_t offset;
	bool found;

	s->salt = salt;
	segment_scan_init(&scan, s);
	found = segment_scan_next(&scan, &r, &payload, &offset) > 0;
	segment_scan_free(&scan);
	s->end = 0;
	return found;
}

/* Its first record is damaged. The salt is in the seal; or else it is what
 * the queue's key makes it, or still to be read there, if any record agrees. */
static bool
find_salt(struct segment *s, struct slice first, uint32_t expected)
{
	struct entry_f f;
	uint64_t size, told;

	if (segment_seal(s, &f, &size) == 0) {
		s->salt = f.salt;
		return true;
	}
	if (is_salt(s, expected))
		return true;
	return first.len >= FIRST_SALT + 8 &&
	       slice_hex(slice_of(first.at + FIRST_SALT, 8), &told) == 0 &&
	       is_salt(s, (uint32_t)told);
}

/* Is the first record all there is? A spare has its old bytes behind it. */
static bool
is_alone(const struct segment *s, uint64_t n)
{
	struct stat file;

	return fs_stat(s->fd, &file) == 0 && (uint64_t)file.st_size == n;
}

static bool
is_short(const struct segment *s)
{
	struct stat file;

	return fs_stat(s->fd, &file) == 0 && file.st_size <= SEGMENT_FIRST;
}

/* 0: its salt is known; 1: it holds nothing; 2: nothing of ours; -1: errno. */
static int
read_first(struct segment *s, uint32_t expected)
{
	char first[SEGMENT_FIRST];
	uint64_t n_bad = 0;
	ssize_t n = salvage_read(s->fd, first, sizeof first, 0, &n_bad);
	struct slice payload;
	struct record r;
	struct entry_h h;
	int used;

	if (n < 0)
		return -1;
	if (record_whole(slice_of(first, (size_t)n), 0, &r, &payload) &&
	    r.type == 'H' && r.segno == s->segno) {
		errno = EPROTO;
		if (entry_h_parse(payload, &h) != 0)
			return -1;
		s->salt = h.salt;
		s->after = h.after;
		s->after_end = h.after_end;
		s->is_empty = is_alone(s, (uint64_t)r.len + RECORD_EXTRA);
		return 0;
	}
	s->is_damaged = true;
	if (find_salt(s, slice_of(first, (size_t)n), expected))
		return 0;
	used = n_bad > 0 ? 1 : segment_scan_seems_used(s);
	errno = used > 0 ? EBADMSG : errno;
	if (used != 0)
		return -1;
	return is_short(s) ? 1 : 2;
}

int
segment_open(int dir, const struct segment_plan *plan, bool is_readonly,
	     struct segment **result)
{
	char name[SEGMENT_NAME];
	struct segment *s;
	int fd, r, e;

	segment_name(name, plan->segno);
	fd = fs_open(dir, plan->file ? plan->file : name,
		     is_readonly ? O_RDONLY : O_RDWR, 0);
	if (fd < 0)
		return -1;
	s = new_segment(fd, plan->segno);
	r = read_first(s, plan->salt);
	if (r == 0) {
		*result = s;
		return 0;
	}
	e = errno;
	segment_close(s);
	errno = e;
	return r;
}

int
segment_says(int dir, const char *file, uint32_t *segno)
{
	char first[SEGMENT_FIRST];
	uint64_t n_bad = 0;
	int fd = fs_open(dir, file, O_RDONLY, 0);
	struct slice payload;
	struct record r;
	ssize_t n;
	size_t used;

	if (fd < 0)
		return -1;
	n = salvage_read(fd, first, sizeof first, 0, &n_bad);
	fs_close(fd);
	used = n > 0 ? record_whole(slice_of(first, (size_t)n), 0, &r, &payload)
		     : 0;
	if (used == 0 || r.type != 'H' || (size_t)n <= used)
		return -1;
	*segno = r.segno;
	return 0;
}
