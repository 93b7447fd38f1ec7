#include "queue/segment.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/fs.h"
#include "queue/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
	WINDOW = 1024 * 1024,
	FIRST_MAX = 256,
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

static uint32_t
random_salt(void)
{
	uint32_t salt;

	if (getrandom(&salt, sizeof salt, 0) != (ssize_t)sizeof salt)
		die_sys("reading random bytes", NULL);
	return salt;
}

/* The head is covered by a CRC from 0: it is what tells the salt. */
static int
write_first(struct segment *s)
{
	struct buf b = {0};
	size_t place = record_begin(&b);
	int r;

	entry_h_put(&b, s->salt, clock_us());
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
segment_create(int dir, uint32_t segno, const char *spare, bool *sync_failed)
{
	char name[SEGMENT_NAME];
	struct segment *s;
	struct stat st;
	int fd, e;

	*sync_failed = false;
	segment_name(name, segno);
	fd = spare ? fs_open(dir, spare, O_RDWR, 0)
		   : fs_open(dir, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return NULL;
	s = new_segment(fd, segno);
	s->salt = random_salt();
	s->filled = spare && fs_stat(fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	if (write_first(s) == 0 &&
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

/* scanning */

void
segment_scan_init(struct segment_scan *scan, struct segment *s)
{
	*scan = (struct segment_scan){.segment = s};
}

void
segment_scan_free(struct segment_scan *scan)
{
	buf_free(&scan->window);
}

/* Have at least n bytes in the window, or all there are. */
static int
fill(struct segment_scan *scan, size_t n)
{
	while (scan->window.len < n && !scan->at_eof) {
		char *to = buf_room(&scan->window, WINDOW);
		ssize_t got = fs_read(scan->segment->fd, to, WINDOW,
				      (off_t)(scan->at + scan->window.len));

		if (got < 0)
			return -1;
		if (got == 0)
			scan->at_eof = true;
		buf_added(&scan->window, (size_t)got);
	}
	return 0;
}

static bool
is_zeros(const char *at, size_t n)
{
	return *at == 0 && memcmp(at, at + 1, n - 1) == 0;
}

static void
skip(struct segment_scan *scan, size_t n)
{
	scan->at += n;
	scan->window.off += n; /* buf_take would free an empty window */
	scan->window.len -= n;
}

/* Is a valid record of this segment at the window's front? Its size, or 0;
 * -1 with errno. */
static ssize_t
whole(struct segment_scan *scan, struct record *r, struct slice *payload)
{
	struct slice s;

	if (fill(scan, RECORD_HEAD) != 0)
		return -1;
	s = buf_slice(&scan->window);
	if (record_head(s, r) != 0 || r->segno != scan->segment->segno)
		return 0;
	if (fill(scan, RECORD_EXTRA + (size_t)r->len) != 0)
		return -1;
	return (ssize_t)record_whole(buf_slice(&scan->window),
				     scan->at == 0 ? 0 : scan->segment->salt, r,
				     payload);
}

/* Zeros at the end were written ahead, and nothing was lost there. */
static void
pass(struct segment_scan *scan, size_t n)
{
	const struct buf *w = &scan->window;

	if (n > 0 && !scan->is_torn)
		scan->is_torn = !is_zeros(w->mem + w->off, n);
	skip(scan, n);
}

/* Drop bytes up to the next place where a record might begin. */
static int
resync(struct segment_scan *scan)
{
	struct slice s;
	const char *p;

	if (fill(scan, RECORD_HEAD) != 0)
		return -1;
	if (scan->window.len > 0)
		pass(scan, 1);
	for (;;) {
		if (fill(scan, RECORD_HEAD) != 0)
			return -1;
		s = buf_slice(&scan->window);
		if (s.len < RECORD_HEAD) {
			pass(scan, s.len);
			return 0;
		}
		p = memmem(s.at, s.len, RECORD_MARK, 4);
		if (p) {
			pass(scan, (size_t)(p - s.at));
			return 0;
		}
		pass(scan, s.len - 3);
	}
}

int
segment_scan_next(struct segment_scan *scan, struct record *r,
		  struct slice *payload, uint64_t *offset)
{
	bool passed = false;

	for (;;) {
		ssize_t size = whole(scan, r, payload);

		if (size < 0)
			return -1;
		if (size == 0 && scan->window.len == 0)
			return 0;
		if (size == 0) {
			passed = true;
			if (resync(scan) != 0)
				return -1;
			continue;
		}
		scan->is_torn = scan->is_torn || passed;
		if (passed && r->batch != scan->last_batch + 1 &&
		    r->batch != scan->last_batch)
			scan->is_damaged = true;
		scan->last_batch = r->batch;
		*offset = scan->at;
		skip(scan, (size_t)size);
		scan->segment->end = scan->at;
		return 1;
	}
}

/* Does any record of this segment's number seem to be in the file? */
static int
seems_used(struct segment *s)
{
	struct segment_scan scan;
	struct record r;
	int used = 0;

	segment_scan_init(&scan, s);
	for (;;) {
		if (resync(&scan) != 0) {
			used = -1;
			break;
		}
		if (scan.window.len < RECORD_HEAD)
			break;
		if (record_head(buf_slice(&scan.window), &r) == 0 &&
		    r.segno == s->segno) {
			used = 1;
			break;
		}
	}
	segment_scan_free(&scan);
	return used;
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

/* What its first record tells: 0 its salt; 1 it holds nothing; -1 errno. */
static int
read_first(struct segment *s)
{
	char first[FIRST_MAX];
	struct slice payload;
	struct record r;
	struct entry_f f;
	uint64_t size;
	ssize_t n = fs_read(s->fd, first, sizeof first, 0);
	int used;

	if (n < 0)
		return -1;
	if (record_whole(slice_of(first, (size_t)n), 0, &r, &payload) &&
	    r.type == 'H' && r.segno == s->segno) {
		errno = EPROTO;
		return entry_h_parse(payload, &s->salt);
	}
	if (segment_seal(s, &f, &size) == 0) {
		s->salt = f.salt;
		s->is_damaged = true;
		return 0;
	}
	used = seems_used(s);
	errno = used > 0 ? EBADMSG : errno;
	return used == 0 ? 1 : -1;
}

int
segment_open(int dir, uint32_t segno, bool is_readonly, struct segment **result)
{
	char name[SEGMENT_NAME];
	struct segment *s;
	int fd, r, e;

	segment_name(name, segno);
	fd = fs_open(dir, name, is_readonly ? O_RDONLY : O_RDWR, 0);
	if (fd < 0)
		return -1;
	s = new_segment(fd, segno);
	r = read_first(s);
	if (r == 0) {
		*result = s;
		return 0;
	}
	e = errno;
	segment_close(s);
	errno = e;
	return r;
}
