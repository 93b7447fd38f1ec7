/* segment_test - one file of the log: what lies behind and between records */
#include "queue/segment_scan.h"

#include "lib/fs.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char place[] = "/tmp/quail-segment-XXXXXX";
static int dir;
static size_t n_writes, fail_write; /* the number of the one that fails */

static ssize_t
counted_pwrite(int fd, const void *at, size_t n, off_t where)
{
	if (++n_writes == fail_write) {
		errno = ENOSPC;
		return -1;
	}
	return fs_kernel.pwrite(fd, at, n, where);
}

static struct segment *
create(uint32_t segno, const char *spare)
{
	bool sync_failed;
	struct segment_plan plan = {
	    .segno = segno, .salt = 0x5a17, .spare = spare};
	struct segment *s = segment_create(dir, &plan, &sync_failed);

	if (!s)
		abort();
	return s;
}

static uint64_t
size_of(const struct segment *s)
{
	struct stat st;

	if (fs_stat(s->fd, &st) != 0)
		abort();
	return (uint64_t)st.st_size;
}

/* A record of a batch, written at the end; segments grow by max at most. */
static void
put(struct segment *s, uint32_t batch, size_t n, uint64_t max)
{
	struct buf b = {0};
	size_t at = record_begin(&b);

	memset(buf_room(&b, n), 'x', n);
	buf_added(&b, n);
	record_end(&b, at, 'S', s->segno, batch, s->salt);
	if (fs_write_all(s->fd, b.mem, b.len, (off_t)s->end) != 0)
		abort();
	s->end += b.len;
	segment_fill_ahead(s, b.len, max);
	buf_free(&b);
}

struct found {
	size_t n;
	bool is_torn, is_damaged;
};

static struct found
scan(uint32_t segno)
{
	struct found found = {0};
	struct segment_scan scan;
	struct segment *s;
	struct slice payload;
	struct record r;
	uint64_t offset;

	struct segment_plan plan = {.segno = segno, .salt = 0x5a17};

	if (segment_open(dir, &plan, false, &s) != 0)
		abort();
	segment_scan_init(&scan, s);
	while (segment_scan_next(&scan, &r, &payload, &offset) > 0)
		found.n += r.type == 'S';
	found.is_torn = scan.is_torn;
	found.is_damaged = scan.is_damaged;
	segment_scan_free(&scan);
	segment_close(s);
	return found;
}

static bool
finds(uint32_t segno, size_t n, bool is_torn, bool is_damaged)
{
	struct found f = scan(segno);

	return f.n == n && f.is_torn == is_torn && f.is_damaged == is_damaged;
}

static void
write_at(const struct segment *s, uint64_t at, char c, size_t n)
{
	char *bytes = malloc(n);

	if (!bytes)
		abort();
	memset(bytes, c, n);
	if (fs_write_all(s->fd, bytes, n, (off_t)at) != 0)
		abort();
	free(bytes);
}

static void
test_ahead(void)
{
	struct segment *s = create(1, NULL);
	uint64_t filled;

	put(s, 1, 100, SEGMENT_SIZE);
	filled = s->filled;
	ok(filled == s->end + SEGMENT_AHEAD && size_of(s) == filled,
	   "behind the first record there are blocks");
	n_writes = 0;
	put(s, 2, 100, SEGMENT_SIZE);
	ok(n_writes == 1 && s->filled == filled, "the next one uses them");
	ok(finds(1, 2, false, false), "and nobody takes them for damage");
	put(s, 3, SEGMENT_AHEAD, SEGMENT_SIZE);
	put(s, 3, 100 * 1024, SEGMENT_SIZE);
	ok(s->filled >= s->end + 800 * 1024 && size_of(s) == s->filled,
	   "more of them behind a larger batch");
	put(s, 3, 900 * 1024, SEGMENT_SIZE);
	ok(s->filled == s->end && size_of(s) == s->end,
	   "no more behind a large batch");
	put(s, 4, 100, s->end + 1000);
	ok(s->filled < s->end + 1000 && size_of(s) == s->filled,
	   "nor behind the segment's size");
	put(s, 5, 900, s->end);
	ok(size_of(s) == s->end, "when it is full, none");
	n_writes = 0;
	fail_write = 2;
	put(s, 6, 100, SEGMENT_SIZE);
	fail_write = 0;
	ok(n_writes == 2 && s->filled == s->end, "a full disk is no trouble");
	ok(finds(1, 8, false, false), "all records are there");
	write_at(s, s->end + 50, 'y', 1);
	ok(finds(1, 8, true, false), "one byte that is no zero: torn");
	segment_close(s);
}

static void
test_between(void)
{
	struct segment *s = create(2, NULL);
	uint64_t first, second;

	first = s->end;
	put(s, 1, 100, SEGMENT_SIZE);
	second = s->end;
	put(s, 2, 100, SEGMENT_SIZE);
	put(s, 2, 100, SEGMENT_SIZE);
	write_at(s, second, 0, 100);
	ok(finds(2, 2, true, false), "zeros inside the last batch: torn");
	put(s, 3, 100, SEGMENT_SIZE);
	write_at(s, second, 0, (size_t)(s->end - second) / 3 * 2);
	ok(finds(2, 2, true, true), "a batch of zeros before another: damaged");
	write_at(s, first, 0, 4);
	ok(finds(2, 1, true, true), "and from the begin");
	segment_close(s);
}

/* The last record of a batch: what stands before synced had been. */
static void
put_mark(struct segment *s, uint32_t batch, uint64_t synced)
{
	struct buf b = {0};
	size_t at = record_begin(&b);

	entry_b_put(&b, synced);
	record_end(&b, at, 'B', s->segno, batch, s->salt);
	if (fs_write_all(s->fd, b.mem, b.len, (off_t)s->end) != 0)
		abort();
	s->end += b.len;
	buf_free(&b);
}

/* A batch of three records and its end; returns where it begins. */
static uint64_t
put_batch(struct segment *s, uint32_t batch)
{
	uint64_t begin = s->end;
	int i;

	for (i = 0; i < 3; i++)
		put(s, batch, 100, 0);
	put_mark(s, batch, begin);
	return begin;
}

/* One record is bad, of each batch in turn, with and without more behind. */
static void
test_batches(void)
{
	enum { SIZE = RECORD_EXTRA + 100, MARK = RECORD_EXTRA + ENTRY_B };
	struct segment *s = create(5, NULL);
	uint64_t first = put_batch(s, 1), second = put_batch(s, 2), end;
	uint64_t i;

	for (i = 0; i < 3; i++) {
		write_at(s, second + i * SIZE + 60, 'y', 1);
		ok(finds(5, 5, true, false),
		   "record %d of the last batch: torn", (int)i);
		write_at(s, second + i * SIZE + 60, 'x', 1);
		write_at(s, first + i * SIZE + 60, 'y', 1);
		ok(finds(5, 5, true, true),
		   "record %d of the one before: damaged", (int)i);
		write_at(s, first + i * SIZE + 60, 'x', 1);
	}
	write_at(s, first + (uint64_t)2 * SIZE, 0, SIZE + MARK);
	ok(finds(5, 5, true, true), "its end of zeros: damaged");
	end = s->end;
	segment_close(s);
	unlinkat(dir, "00000005", 0);

	s = create(5, NULL);
	put_batch(s, 1);
	second = put_batch(s, 2);
	write_at(s, second, 0, SIZE);
	ok(finds(5, 5, true, false), "the last one's begin of zeros: torn");
	put_mark(s, 3, end);
	ok(finds(5, 5, true, true), "with a mark that it was synced: damaged");
	segment_close(s);
}

/* A hole goes from one batch into the next, which is the last. */
static void
test_over_the_end(bool with_mark)
{
	enum { SIZE = RECORD_EXTRA + 100, MARK = RECORD_EXTRA + ENTRY_B };
	struct segment *s = create(5, NULL);
	uint64_t second, third;

	put_batch(s, 1);
	second = put_batch(s, 2);
	third = put_batch(s, 3);
	if (with_mark) { /* of the last one nothing but that is left */
		write_at(s, second + (uint64_t)2 * SIZE, 0,
			 SIZE + MARK + (size_t)3 * SIZE);
		ok(finds(5, 5, true, true), "the mark behind it: damaged");
	} else {
		write_at(s, second + (uint64_t)2 * SIZE, 0, SIZE + MARK);
		write_at(s, third + (uint64_t)3 * SIZE, 0, MARK);
		ok(finds(5, 8, true, true), "no mark behind it: damaged");
	}
	segment_close(s);
	unlinkat(dir, "00000005", 0);
}

/* Without a mark the batch number of what follows decides. */
static void
test_one_of_several(void)
{
	struct segment *s = create(6, NULL);
	uint64_t bad;

	put(s, 1, 100, 0);
	bad = s->end;
	put(s, 1, 100, 0);
	put(s, 1, 100, 0);
	write_at(s, bad + 60, 'y', 1);
	ok(finds(6, 2, true, false), "one of several in the last batch: torn");
	put(s, 2, 100, 0);
	ok(finds(6, 3, true, true), "another batch behind it: damaged");
	segment_close(s);
}

static void
test_spare(void)
{
	struct segment *s = create(3, NULL);

	put(s, 1, 50000, SEGMENT_SIZE);
	put(s, 1, 100, SEGMENT_SIZE);
	segment_close(s);
	if (renameat(dir, "00000003", dir, "spare0") != 0)
		abort();
	s = create(4, "spare0");
	ok(s->filled == size_of(s) && s->filled > SEGMENT_AHEAD,
	   "a spare has its blocks");
	n_writes = 0;
	put(s, 1, 100, SEGMENT_SIZE);
	ok(n_writes == 1, "and needs none ahead");
	ok(finds(4, 1, true, false), "its old records are not found");
	segment_close(s);
}

int
main(void)
{
	static struct fs_calls counted;

	if (!mkdtemp(place) || (dir = open(place, O_RDONLY)) < 0)
		abort();
	counted = fs_kernel;
	counted.pwrite = counted_pwrite;
	fs_use(&counted);
	test_ahead();
	test_between();
	test_over_the_end(true);
	test_over_the_end(false);
	test_batches();
	test_one_of_several();
	test_spare();
	unlinkat(dir, "00000001", 0);
	unlinkat(dir, "00000002", 0);
	unlinkat(dir, "00000004", 0);
	unlinkat(dir, "00000005", 0);
	unlinkat(dir, "00000006", 0);
	close(dir);
	rmdir(place);
	return tap_done();
}
