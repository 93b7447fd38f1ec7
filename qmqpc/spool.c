#include "qmqpc/spool.h"

#include "lib/crc32c.h"
#include "lib/fs.h"
#include "qmqpc/marks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void
spool_path(struct buf *path, const char *dir)
{
	const char *other = secure_getenv("QUAIL_SPOOL");

	if (other && *other) {
		buf_text(path, other);
	} else {
		buf_text(path, dir);
		buf_text(path, "/spool");
	}
	buf_text(path, "/.");
	buf_putc(path, 0);
}

/* O_PATH, as all may enter but few may read. The group of a setgid directory
 * is the drain's, and reads what is dropped there. */
int
spool_open(struct spool *s, const char *path)
{
	struct stat st;
	int e;

	*s = (struct spool){.sync_dir = -1, .bytes_max = SPOOL_BYTES_MAX};
	s->dir = fs_open(AT_FDCWD, path, O_PATH | O_DIRECTORY, 0);
	if (s->dir < 0)
		return -1;
	if (fs_stat(s->dir, &st) != 0)
		goto out;
	s->owner = st.st_uid;
	s->file_mode = st.st_mode & S_ISGID ? 0640 : 0600;
	s->sync_dir = fs_open_dir(s->dir, ".");
	if (s->sync_dir >= 0 || errno == EACCES)
		return 0;
out:
	e = errno;
	spool_close(s);
	errno = e;
	return -1;
}

void
spool_limit(struct spool *s, const struct config *config)
{
	struct config_leaf leaf;

	config_leaf(config, &leaf);
	if (leaf.spool_bytes > 0)
		s->bytes_max = leaf.spool_bytes;
}

static void
make_it(const char *path)
{
	struct buf bare = {0};
	mode_t mask;

	buf_put(&bare, path, strlen(path) - 2);
	buf_putc(&bare, 0);
	mask = umask(0);
	if (fs_mkdir(AT_FDCWD, buf_slice(&bare).at, 01733) == 0)
		chmod(buf_slice(&bare).at, SPOOL_MODE);
	umask(mask);
	buf_free(&bare);
}

int
spool_open_or_make(struct spool *s, const char *path)
{
	int e;

	if (spool_open(s, path) != 0) {
		if (errno != ENOENT)
			return -1;
		make_it(path);
		if (spool_open(s, path) != 0)
			return -1;
	}
	/* also one that is there: it may be of a run that died before this */
	if (fs_sync_above(s->dir) == 0)
		return 0;
	e = errno;
	spool_close(s);
	errno = e;
	return -1;
}

void
spool_close(struct spool *s)
{
	if (s->sync_dir >= 0)
		fs_close(s->sync_dir);
	if (s->dir >= 0)
		fs_close(s->dir);
	s->dir = s->sync_dir = -1;
	shares_free(&s->seen);
	s->has_seen = false;
}

void
spool_name(char name[SPOOL_NAME], const char *prefix, uint64_t id)
{
	size_t n = strlen(prefix);

	memcpy(name, prefix, n);
	hex_put(name + n, 16, id);
	name[n + 16] = 0;
}

bool
spool_id(const char *name, const char *prefix, uint64_t *id)
{
	struct slice all = slice_text(name), start = slice_text(prefix);

	return slice_starts(all, start) && all.len == start.len + 16 &&
	       slice_hex(slice_from(all, start.len), id) == 0;
}

/* room */

int
spool_stat(int dir, const char *name, struct stat *st)
{
	int fd = fs_open_here(dir, name, O_PATH), r;

	if (fd < 0)
		return -1;
	r = fs_stat(fd, st);
	fs_close(fd);
	return r;
}

struct look {
	struct spool *spool;
	unsigned left;
};

static bool
see_name(void *arg, const char *name)
{
	struct look *look = arg;
	struct stat st;
	uint64_t id;

	if (spool_id(name, "m.", &id) &&
	    spool_stat(look->spool->dir, name, &st) == 0 && shares_counts(&st))
		shares_of(&look->spool->seen, st.st_uid)->waits +=
		    shares_weight(&st);
	return --look->left > 0;
}

/* The rest is the drain's to count. */
static void
see(struct spool *s)
{
	struct look look = {s, SPOOL_LOOK};

	s->has_seen = true;
	if (s->sync_dir >= 0)
		fs_each(s->sync_dir, see_name, &look);
}

static bool
has_share_left(struct spool *s, uint64_t size)
{
	struct share *mine;

	if (!s->has_seen)
		see(s);
	mine = shares_of(&s->seen, geteuid());
	if (shares_full(mine, size, shares_used(&s->seen, s->bytes_max),
			s->bytes_max))
		return false;
	mine->waits += size;
	return true;
}

int
spool_room(struct spool *s, uint64_t size)
{
	uint64_t bytes, files;

	if (marks_is_full(s, geteuid()) || !has_share_left(s, size)) {
		errno = EDQUOT;
		return -1;
	}
	if (fs_room(s->dir, &bytes, &files) == 0 &&
	    (bytes < size + SPOOL_SPARE || files < 16)) {
		errno = ENOSPC;
		return -1;
	}
	return 0;
}

/* putting */

static int
write_text(int fd, struct package *p, uint64_t where, uint32_t *crc)
{
	uint64_t done = 0;
	struct slice piece;

	*crc = 0;
	while (done < p->text_len) {
		if (package_piece(p, p->head_len + done, &piece) != 0)
			return -1;
		if (piece.len > p->text_len - done)
			piece.len = (size_t)(p->text_len - done);
		*crc = crc32c(*crc, piece);
		if (fs_write_all(fd, piece.at, piece.len,
				 (off_t)(where + done)) != 0)
			return -1;
		done += piece.len;
	}
	return 0;
}

/* The record stands before the text, and holds the text's CRC. */
static int
write_file(int fd, struct package *p, struct spool_entry *e,
	   struct slice sender, struct slice rcpts)
{
	struct buf record = {0};
	int r;

	e->text_len = p->text_len;
	e->text_crc = 0;
	spool_entry_put(&record, e, sender, rcpts);
	r = write_text(fd, p, record.len, &e->text_crc);
	if (r == 0) {
		buf_clear(&record);
		spool_entry_put(&record, e, sender, rcpts);
		r = fs_write_all(fd, buf_slice(&record).at, record.len, 0);
	}
	buf_free(&record);
	return r;
}

/* syncfs does not tell of all failures before Linux 5.17, nor of any where one
 * file system lies on another; the file's own sync, whose new name goes into
 * the same journal, does. */
static int
sync_names(const struct spool *s, int fd)
{
	if (s->sync_dir >= 0)
		return fs_sync(s->sync_dir);
	return fs_syncfs(fd) == 0 && fs_sync(fd) == 0 ? 0 : -1;
}

int
spool_put(const struct spool *s, struct package *p, struct spool_entry *e,
	  struct slice sender, struct slice rcpts)
{
	char tmp[SPOOL_NAME], name[SPOOL_NAME];
	const char *made = tmp;
	int fd, r, error;

	spool_name(tmp, "tmp.", e->id);
	spool_name(name, "m.", e->id);
	fd = fs_open(s->dir, tmp, O_RDWR | O_CREAT | O_EXCL, s->file_mode);
	if (fd < 0)
		return -1;
	r = write_file(fd, p, e, sender, rcpts);
	if (r == 0)
		r = fs_sync(fd);
	if (r == 0 && (r = fs_rename(s->dir, tmp, s->dir, name)) == 0) {
		made = name;
		r = sync_names(s, fd);
	}
	error = errno;
	if (r != 0) /* so that the caller's next try is the only one */
		fs_unlink(s->dir, made);
	fs_close(fd);
	errno = error;
	return r;
}
