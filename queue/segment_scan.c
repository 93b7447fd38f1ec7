#include "queue/segment_scan.h"

#include "lib/fs.h"
#include "lib/salvage.h"

#include <sys/stat.h>

enum {
	WINDOW = 1024 * 1024,
	LITTLE = 4096,		      /* beyond what a file seems to have */
	KEY_LINE = 2 + ENTRY_KEY_LINE /* of an index */
};

void
segment_scan_init(struct segment_scan *scan, struct segment *s)
{
	struct entry_f f;
	struct stat file;
	uint64_t size;

	*scan = (struct segment_scan){.segment = s, .stop = UINT64_MAX};
	if (fs_stat(s->fd, &file) == 0)
		scan->size = (uint64_t)file.st_size;
	if (segment_seal(s, &f, &size) != 0)
		return;
	scan->is_sealed = true;
	scan->stop = f.index_at;
	if (s->synced < f.index_at)
		s->synced = f.index_at;
}

void
segment_scan_free(struct segment_scan *scan)
{
	buf_free(&scan->window);
	buf_free(&scan->seal);
}

/* the window */

/* A small file needs no large window. */
static size_t
window_at(const struct segment_scan *scan, uint64_t where)
{
	uint64_t left = scan->size > where ? scan->size - where : 0;

	return left < WINDOW - LITTLE ? (size_t)left + LITTLE : WINDOW;
}

/* Have at least n bytes in the window, or all there are. */
static int
fill(struct segment_scan *scan, size_t n)
{
	while (scan->window.len < n && !scan->at_eof) {
		uint64_t where = scan->at + scan->window.len;
		size_t room = window_at(scan, where);
		char *to = buf_room(&scan->window, room);
		size_t most = scan->stop - where < room
				  ? (size_t)(scan->stop - where)
				  : room;
		ssize_t got = salvage_read(scan->segment->fd, to, most,
					   (off_t)where, &scan->n_bad);

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

/* holes */

static struct segment_hole *
open_hole(struct segment_scan *scan)
{
	return &scan->holes[scan->n_holes - 1];
}

static void
begin_hole(struct segment_scan *scan)
{
	if (scan->in_hole)
		return;
	scan->in_hole = true;
	if (scan->n_holes < SEGMENT_HOLES) /* else the last one grows */
		scan->holes[scan->n_holes++].from = scan->at;
	open_hole(scan)->to = scan->at;
}

/* Zeros at the end were written ahead, and nothing was lost there. */
static void
pass(struct segment_scan *scan, size_t n)
{
	const struct buf *w = &scan->window;

	if (n > 0 && !is_zeros(w->mem + w->off, n)) {
		scan->is_torn = true;
		open_hole(scan)->to = scan->at + n;
	}
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

/* A hole ends before this record. Can it all be of the last batch? */
static void
end_hole(struct segment_scan *scan, const struct record *r)
{
	bool is_later = r->batch > scan->last_batch;

	scan->in_hole = false;
	scan->is_torn = true;
	open_hole(scan)->to = scan->at;
	if (open_hole(scan)->from < scan->segment->synced || r->type == 'E' ||
	    (is_later && r->batch != scan->last_batch + 1))
		scan->is_damaged = true;
	else if (is_later && !scan->is_ended && r->type != 'B')
		scan->lacks_end = true;
	scan->suspect = is_later ? r->batch : scan->last_batch;
}

/* What it says was synced when it was written has no holes. */
static void
take_mark(struct segment_scan *scan, struct slice payload)
{
	uint64_t synced;

	scan->has_marks = true;
	if (entry_b_parse(payload, &synced) == 0 && scan->n_holes > 0 &&
	    scan->holes[0].from < synced)
		scan->is_damaged = true;
}

/* What should follow an index, whose keys are its last lines. */
static void
expect_seal(struct segment_scan *scan, const struct record *r,
	    struct slice index)
{
	struct entry_f f = {.index_at = scan->at, .salt = scan->segment->salt};
	size_t n = index.len;

	while (n >= KEY_LINE && index.at[n - KEY_LINE] == 'R') {
		n -= KEY_LINE;
		f.n_keys++;
	}
	f.keys_at = scan->at + RECORD_HEAD + n;
	buf_clear(&scan->seal);
	segment_put_seal(&scan->seal, &f, r->segno, r->batch);
	scan->seal_at = scan->at + RECORD_EXTRA + index.len;
}

static void
take(struct segment_scan *scan, const struct record *r, struct slice payload)
{
	if (scan->suspect > 0 && r->batch > scan->suspect)
		scan->is_damaged = true;
	if (scan->in_hole)
		end_hole(scan, r);
	if (r->batch > scan->last_batch)
		scan->last_batch = r->batch;
	scan->is_ended = r->type == 'B' || r->type == 'H';
	if (r->type == 'B')
		take_mark(scan, payload);
	if (r->type == 'E')
		expect_seal(scan, r, payload);
}

/* the end */

/* An index has no seal behind it: was it never all written, or is one bit of
 * it wrong? Of the sectors that power loss leaves out more than that is. */
static bool
is_seal_damaged(const struct segment_scan *scan)
{
	char bytes[SEGMENT_SEAL];
	unsigned n = 0;
	size_t i;

	if (scan->seal.len != sizeof bytes ||
	    fs_read_all(scan->segment->fd, bytes, sizeof bytes,
			(off_t)scan->seal_at) != 0)
		return false;
	for (i = 0; i < sizeof bytes; i++)
		n += (unsigned)__builtin_popcount(
		    (unsigned char)(bytes[i] ^ buf_slice(&scan->seal).at[i]));
	return n == 1;
}

static void
finish(struct segment_scan *scan)
{
	const struct segment *s = scan->segment;

	if (s->end < s->synced || scan->n_bad > 0 ||
	    (scan->lacks_end && scan->has_marks) || is_seal_damaged(scan))
		scan->is_damaged = true;
	if (scan->in_hole && open_hole(scan)->from == open_hole(scan)->to)
		scan->n_holes--; /* nothing but zeros */
	scan->in_hole = false;
}

int
segment_scan_next(struct segment_scan *scan, struct record *r,
		  struct slice *payload, uint64_t *offset)
{
	for (;;) {
		ssize_t size = whole(scan, r, payload);

		if (size < 0)
			return -1;
		if (size == 0 && scan->window.len == 0) {
			finish(scan);
			return 0;
		}
		if (size == 0) {
			begin_hole(scan);
			if (resync(scan) != 0)
				return -1;
			continue;
		}
		take(scan, r, *payload);
		*offset = scan->at;
		skip(scan, (size_t)size);
		scan->segment->end = scan->at;
		return 1;
	}
}

int
segment_scan_seems_used(struct segment *s)
{
	struct segment_scan scan;
	struct record r;
	int used = 0;

	segment_scan_init(&scan, s);
	begin_hole(&scan);
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
