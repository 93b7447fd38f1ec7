#include <cdb.h>
#ifndef TINYCDB_VERSION
#error "this is libowfat's cdb.h, not TinyCDB's: set CDBDIR to TinyCDB's place"
#endif

#include "cdb/digest.h"
#include "cdb/map.h"
#include "lib/die.h"
#include "lib/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct slice stamp_key = {"\0quail", 6};

#define STAMP_HEAD "quail-config " MAP_VERSION " "

/* cdb's tables of pointers take 2048 bytes; then comes the first record: two
 * lengths of 4 bytes, key, value. */
enum {
	RECORD_AT = 2048,
	LENGTHS = 8,
	POINTER = 16, /* what a record costs behind the data */
	STAMP_HEAD_LEN = sizeof STAMP_HEAD - 1,
	DIGEST_AT = RECORD_AT + LENGTHS + 6 + STAMP_HEAD_LEN,
	STAMP_LEN = STAMP_HEAD_LEN + DIGEST_HEX + 1,
	PIECE = 64 * 1024
};

struct map {
	struct cdb cdb;
	struct map_work work;
};

/* checking */

static void
because(struct buf *why, const char *path, const char *what)
{
	buf_text(why, path);
	buf_text(why, ": ");
	buf_text(why, what);
}

static void
digest_of(const struct cdb *cdb, char hex[DIGEST_HEX])
{
	const char *at = (const char *)cdb->cdb_mem;
	size_t behind = DIGEST_AT + DIGEST_HEX;
	struct digest d;

	digest_init(&d);
	digest_push(&d, slice_of(at, DIGEST_AT));
	digest_push(&d, slice_of(at + behind, cdb->cdb_fsize - behind));
	digest_end(&d, hex);
}

/* The version stands before a blank, within the file's first record. */
static const char *
version_fault(const char *at)
{
	size_t len = slice_find(slice_of(at, DIGEST_HEX), ' ');
	uint64_t version, ours;

	slice_number(SLICE(MAP_VERSION), UINT32_MAX, &ours);
	if (slice_number(slice_of(at, len), UINT32_MAX, &version) == 0 &&
	    version > ours)
		return "made by a newer version of quail; update it here, or "
		       "run quail "
		       "build DIR and start the daemons that ended";
	return "made by another version of quail; run quail build DIR, then "
	       "start the daemons that ended";
}

/* What is wrong with it? NULL: nothing. */
static const char *
fault(const struct cdb *cdb)
{
	const char *at = (const char *)cdb->cdb_mem;
	char hex[DIGEST_HEX];

	if (cdb->cdb_fsize < DIGEST_AT + DIGEST_HEX ||
	    memcmp(at + RECORD_AT + LENGTHS, stamp_key.at, stamp_key.len) ||
	    memcmp(at + DIGEST_AT - STAMP_HEAD_LEN, "quail-config ", 13))
		return "not a configuration of quail; make one with quail "
		       "build";
	if (memcmp(at + DIGEST_AT - STAMP_HEAD_LEN, STAMP_HEAD, STAMP_HEAD_LEN))
		return version_fault(at + DIGEST_AT - STAMP_HEAD_LEN + 13);
	digest_of(cdb, hex);
	if (memcmp(hex, at + DIGEST_AT, DIGEST_HEX))
		return "damaged: its bytes do not fit its digest; make it "
		       "again "
		       "with quail build";
	return NULL;
}

/* reading */

static int
open_file(const char *path, struct stat *st, struct buf *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	*st = (struct stat){0};
	if (fd < 0) {
		because(why, path, strerror(errno));
		return -1;
	}
	if (fstat(fd, st) != 0) {
		because(why, path, strerror(errno));
	} else if (!S_ISREG(st->st_mode)) {
		because(why, path, "not a regular file");
	} else if ((uint64_t)st->st_size > MAP_SIZE_MAX) {
		because(why, path, "larger than 2 GiB");
	} else {
		return fd;
	}
	close(fd);
	return -1;
}

static struct map *
new_map(void)
{
	struct map *m = calloc(1, sizeof *m);

	if (!m)
		die_nomem();
	return m;
}

int
map_open(struct map **r, const char *path, struct stat *st, struct buf *why)
{
	int fd = open_file(path, st, why);
	const char *what = NULL;
	struct map *m;

	if (fd < 0)
		return -1;
	m = new_map();
	if (cdb_init(&m->cdb, fd) != 0) {
		what = errno == EPROTO ? "not a cdb file; make one with quail "
					 "build"
				       : strerror(errno);
		m->cdb = (struct cdb){0};
	}
	close(fd);
	if (!what)
		what = fault(&m->cdb);
	if (!what) {
		*r = m;
		return 0;
	}
	because(why, path, what);
	map_close(m);
	return -1;
}

void
map_close(struct map *m)
{
	if (!m)
		return;
	if (m->cdb.cdb_mem)
		cdb_free(&m->cdb);
	free(m);
}

bool
map_find(struct map *m, struct slice key, unsigned n, struct map_record *r)
{
	struct cdb_find find;
	const void *k, *v;

	m->work.n++;
	m->work.bytes += key.len;
	if (cdb_findinit(&find, &m->cdb, key.at, (unsigned)key.len) <= 0)
		return false;
	do
		if (cdb_findnext(&find) <= 0)
			return false;
	while (n-- > 0);
	k = cdb_getkey(&m->cdb);
	v = cdb_getdata(&m->cdb);
	if (!k || !v)
		return false;
	r->key = slice_of(k, cdb_keylen(&m->cdb));
	r->value = slice_of(v, cdb_datalen(&m->cdb));
	return true;
}

struct map_work
map_work(const struct map *m)
{
	return m->work;
}

bool
map_each(struct map *m, uint32_t *at, struct map_record *r)
{
	unsigned where = *at;
	const void *k, *v;

	if (where == 0)
		cdb_seqinit(&where, &m->cdb);
	if (cdb_seqnext(&where, &m->cdb) <= 0)
		return false;
	*at = where;
	k = cdb_getkey(&m->cdb);
	v = cdb_getdata(&m->cdb);
	if (!k || !v)
		return false;
	r->key = slice_of(k, cdb_keylen(&m->cdb));
	r->value = slice_of(v, cdb_datalen(&m->cdb));
	return true;
}

struct slice
map_digest(const struct map *m)
{
	return slice_of((const char *)m->cdb.cdb_mem + DIGEST_AT, DIGEST_HEX);
}

/* making */

/* It is made in memory: on a disk that is full there may be the same already.
 */
struct map_writer {
	struct cdb_make make;
	int dir, fd;
	const char *name;
	struct buf tmp; /* "NAME.tmp", with its NUL */
	bool finished;	/* TinyCDB has given its memory back */
};

static void
writer_free(struct map_writer *w)
{
	buf_free(&w->tmp);
	free(w);
}

struct map_writer *
map_make(int dir, const char *name)
{
	struct map_writer *w = calloc(1, sizeof *w);
	char stamp[STAMP_LEN + 1] = STAMP_HEAD;

	if (!w)
		die_nomem();
	w->dir = dir;
	w->name = name;
	buf_text(&w->tmp, name);
	buf_put(&w->tmp, ".tmp", 5);
	fs_unlink(dir, w->tmp.mem); /* of a writer that was killed */
	w->fd = memfd_create(name, MFD_CLOEXEC);
	if (w->fd < 0) {
		writer_free(w);
		return NULL;
	}
	memset(stamp + STAMP_HEAD_LEN, '0', DIGEST_HEX);
	stamp[STAMP_LEN - 1] = '\n';
	if (cdb_make_start(&w->make, w->fd) != 0 ||
	    map_add(w, stamp_key, slice_of(stamp, STAMP_LEN)) != 0) {
		map_abort(w);
		return NULL;
	}
	return w;
}

int
map_add(struct map_writer *w, struct slice key, struct slice value)
{
	uint64_t size = w->make.cdb_dpos +
			(w->make.cdb_rcnt + UINT64_C(1)) * POINTER + LENGTHS;

	if (key.len > MAP_SIZE_MAX || value.len > MAP_SIZE_MAX ||
	    size + key.len + value.len > MAP_SIZE_MAX) {
		errno = EFBIG;
		return -1;
	}
	return cdb_make_add(&w->make, key.at, (unsigned)key.len, value.at,
			    (unsigned)value.len);
}

static int
put_digest(int fd)
{
	char hex[DIGEST_HEX];
	struct cdb cdb;

	if (cdb_init(&cdb, fd) != 0)
		return -1;
	digest_of(&cdb, hex);
	cdb_free(&cdb);
	return fs_write_all(fd, hex, DIGEST_HEX, DIGEST_AT);
}

/* Are two files the same, byte for byte? */
static bool
are_same(int a, int b)
{
	static char of_a[PIECE], of_b[PIECE];
	struct stat st, other;
	off_t at;

	if (fs_stat(a, &st) != 0 || fs_stat(b, &other) != 0 ||
	    st.st_size != other.st_size)
		return false;
	for (at = 0; at < st.st_size; at += PIECE) {
		off_t left = st.st_size - at;
		size_t n = left < PIECE ? (size_t)left : PIECE;

		if (fs_read_all(a, of_a, n, at) != 0 ||
		    fs_read_all(b, of_b, n, at) != 0 || memcmp(of_a, of_b, n))
			return false;
	}
	return true;
}

/* What is in place may be of a build whose last sync failed; and no table is
 * newer than it from now on, or it is somebody else's file.
 *
 * Returns  1 when it is the same, 0 when not; -1 when it cannot be synced. */
static int
is_in_place(const struct map_writer *w)
{
	int fd = fs_open(w->dir, w->name, O_RDONLY, 0), r = 0, e;

	if (fd < 0)
		return 0;
	if (are_same(fd, w->fd)) {
		(void)futimens(fd, NULL);
		(void)fchmod(fd, 0644);
		r = fs_sync(fd) == 0 && fs_sync(w->dir) == 0 ? 1 : -1;
	}
	e = errno;
	fs_close(fd);
	errno = e;
	return r;
}

static int
copy(int from, int to)
{
	static char piece[PIECE];
	struct stat st;
	off_t at;

	if (fs_stat(from, &st) != 0)
		return -1;
	for (at = 0; at < st.st_size; at += PIECE) {
		off_t left = st.st_size - at;
		size_t n = left < PIECE ? (size_t)left : PIECE;

		if (fs_read_all(from, piece, n, at) != 0 ||
		    fs_write_all(to, piece, n, at) != 0)
			return -1;
	}
	return fs_sync(to);
}

static int
write_tmp(const struct map_writer *w)
{
	int fd = fs_open(w->dir, w->tmp.mem, O_WRONLY | O_CREAT | O_EXCL, 0644);
	int r, e;

	if (fd < 0)
		return -1;
	/* for each daemon's user, whatever our umask is */
	r = fchmod(fd, 0644) == 0 ? copy(w->fd, fd) : -1;
	e = errno;
	fs_close(fd);
	errno = e;
	return r;
}

static int
replace(const struct map_writer *w, int (*before)(int dir))
{
	if (write_tmp(w) != 0 || (before && before(w->dir) != 0) ||
	    fs_rename(w->dir, w->tmp.mem, w->dir, w->name) != 0)
		return -1;
	return fs_sync(w->dir);
}

int
map_finish(struct map_writer *w, int (*before)(int dir))
{
	int r = -1;

	w->finished = true;
	if (cdb_make_finish(&w->make) == 0 && put_digest(w->fd) == 0)
		r = is_in_place(w);
	if (r == 0)
		r = replace(w, before);
	map_abort(w);
	return r < 0 ? -1 : 0;
}

void
map_abort(struct map_writer *w)
{
	int e = errno;

	/* TinyCDB frees its lists only while it finishes; what it writes then
	 * goes with the memory. */
	if (!w->finished)
		cdb_make_finish(&w->make);
	close(w->fd);
	fs_unlink(w->dir, w->tmp.mem);
	writer_free(w);
	errno = e;
}
