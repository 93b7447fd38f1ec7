#include "lib/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Is it what was asked for? What did not exist before, and what is no more than
 * a place, is. */
static bool
is_file(int fd, int flags)
{
	struct stat st;

	if ((flags & (O_DIRECTORY | O_PATH)) ||
	    (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return true;
	return fstat(fd, &st) != 0 || S_ISREG(st.st_mode);
}

static int
real_open(int dir, const char *name, int flags, mode_t mode)
{
	int fd = openat(dir, name, flags | O_NONBLOCK, mode);

	if (fd < 0 || is_file(fd, flags))
		return fd;
	close(fd);
	errno = ENXIO; /* what the kernel says of a socket */
	return -1;
}

static int
real_stat(int fd, struct stat *st)
{
	return fstat(fd, st);
}

/* By its number: not every libc has it, or the flag. */
enum { NOREPLACE = 1 };

enum { OPENAT2 = 437, NO_SYMLINKS = 4 }; /* linux/openat2.h */

static int
real_enter(const char *path)
{
	const struct { /* open_how */
		uint64_t flags, mode, resolve;
	} how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		 .resolve = NO_SYMLINKS};
	int fd = (int)syscall(OPENAT2, AT_FDCWD, path, &how, sizeof how);

	if (fd < 0 && errno == EPERM) /* a sandbox that does not know it */
		errno = ENOSYS;
	return fd;
}

static int
real_move(int from_dir, const char *from, int to_dir, const char *to)
{
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to,
			    NOREPLACE);
}

static int
real_link(int from_dir, const char *from, int to_dir, const char *to)
{
	return linkat(from_dir, from, to_dir, to, 0);
}

static int
real_unlink(int dir, const char *name)
{
	return unlinkat(dir, name, 0);
}

static void
real_uncache(int fd, uint64_t from, uint64_t n)
{
	posix_fadvise(fd, (off_t)from, (off_t)n, POSIX_FADV_DONTNEED);
}

static int
real_list(int dir, struct buf *names)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *entry;
	DIR *d;

	if (fd < 0)
		return -1;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -1;
	}
	while ((errno = 0, entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		buf_put(names, entry->d_name, strlen(entry->d_name) + 1);
	}
	if (errno) {
		int e = errno;

		closedir(d);
		errno = e;
		return -1;
	}
	closedir(d);
	return 0;
}

static int
real_lock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB);
}

static int
real_room(int dir, uint64_t *bytes, uint64_t *files)
{
	struct statvfs fs_stats;

	if (fstatvfs(dir, &fs_stats) != 0)
		return -1;
	*bytes = (uint64_t)fs_stats.f_bavail * fs_stats.f_frsize;
	*files = fs_stats.f_files ? fs_stats.f_favail : UINT64_MAX;
	return 0;
}

static int
real_kind(int dir, uint64_t *magic)
{
	struct statfs fs_stats;

	if (fstatfs(dir, &fs_stats) != 0)
		return -1;
	*magic = (uint32_t)fs_stats.f_type;
	return 0;
}

const struct fs_calls fs_kernel = {
    .open = real_open,
    .enter = real_enter,
    .close = close,
    .pwrite = pwrite,
    .pread = pread,
    .datasync = fdatasync,
    .sync = fsync,
    .syncfs = syncfs,
    .uncache = real_uncache,
    .rename = renameat,
    .move = real_move,
    .link = real_link,
    .unlink = real_unlink,
    .mkdir = mkdirat,
    .truncate = ftruncate,
    .stat = real_stat,
    .list = real_list,
    .lock = real_lock,
    .room = real_room,
    .kind = real_kind,
};

static const struct fs_calls *fs = &fs_kernel;

void
fs_use(const struct fs_calls *calls)
{
	fs = calls;
}

int
fs_open(int dir, const char *name, int flags, mode_t mode)
{
	int fd;

	do
		fd = fs->open(dir, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);
	while (fd < 0 && errno == EINTR);
	return fd;
}

int
fs_open_dir(int dir, const char *name)
{
	return fs_open(dir, name, O_RDONLY | O_DIRECTORY, 0);
}

int
fs_enter(const char *path)
{
	int fd;

	do
		fd = fs->enter(path);
	while (fd < 0 && errno == EINTR);
	return fd;
}

int
fs_close(int fd)
{
	return fs->close(fd);
}

void
fs_guard(void)
{
	signal(SIGXFSZ, SIG_IGN);
}

bool
fs_is_full(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

int
fs_write_all(int fd, const void *at, size_t n, off_t where)
{
	const char *from = at;

	while (n > 0) {
		ssize_t written = fs->pwrite(fd, from, n, where);

		if (written < 0 && errno == EINTR)
			continue;
		if (written == 0)
			errno = ENOSPC;
		if (written <= 0)
			return -1;
		from += written;
		where += written;
		n -= (size_t)written;
	}
	return 0;
}

ssize_t
fs_read(int fd, void *at, size_t n, off_t where)
{
	ssize_t got;

	do
		got = fs->pread(fd, at, n, where);
	while (got < 0 && errno == EINTR);
	return got;
}

int
fs_read_all(int fd, void *at, size_t n, off_t where)
{
	char *to = at;

	while (n > 0) {
		ssize_t got = fs_read(fd, to, n, where);

		if (got == 0)
			errno = EIO;
		if (got <= 0)
			return -1;
		to += got;
		where += got;
		n -= (size_t)got;
	}
	return 0;
}

/* No EINTR loop around the syncs: a sync that failed, for whatever reason,
 * has failed for good. */
int
fs_datasync(int fd)
{
	return fs->datasync(fd);
}

int
fs_sync(int fd)
{
	return fs->sync(fd);
}

int
fs_syncfs(int fd)
{
	return fs->syncfs(fd);
}

int
fs_sync_above(int dir)
{
	int above = fs_open_dir(dir, ".."), r, e;

	if (above < 0)
		return errno == EACCES || errno == EPERM ? 0 : -1;
	r = fs_sync(above);
	e = errno;
	fs_close(above);
	errno = e;
	return r == 0 || e == EROFS || e == EINVAL ? 0 : -1;
}

void
fs_uncache(int fd, uint64_t from, uint64_t n)
{
	fs->uncache(fd, from, n);
}

int
fs_rename(int from_dir, const char *from, int to_dir, const char *to)
{
	return fs->rename(from_dir, from, to_dir, to);
}

int
fs_move(int from_dir, const char *from, int to_dir, const char *to)
{
	return fs->move(from_dir, from, to_dir, to);
}

int
fs_link(int from_dir, const char *from, int to_dir, const char *to)
{
	return fs->link(from_dir, from, to_dir, to);
}

int
fs_unlink(int dir, const char *name)
{
	return fs->unlink(dir, name);
}

int
fs_mkdir(int dir, const char *name, mode_t mode)
{
	return fs->mkdir(dir, name, mode);
}

int
fs_truncate(int fd, off_t size)
{
	int r;

	do
		r = fs->truncate(fd, size);
	while (r != 0 && errno == EINTR);
	return r;
}

int
fs_stat(int fd, struct stat *st)
{
	return fs->stat(fd, st);
}

int
fs_list(int dir, struct buf *names)
{
	return fs->list(dir, names);
}

int
fs_lock(int fd)
{
	return fs->lock(fd);
}

int
fs_room(int dir, uint64_t *bytes, uint64_t *files)
{
	return fs->room(dir, bytes, files);
}

int
fs_kind(int dir, uint64_t *magic)
{
	return fs->kind(dir, magic);
}
