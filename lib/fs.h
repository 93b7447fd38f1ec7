/* fs.h - every call that touches a file of ours, behind one small interface
 *
 * What must survive a crash goes through here and nowhere else, so that a
 * test can record the calls, stop before each, fail each, and replay
 * what a disk may legally have kept (but for those of fs_names.c, where
 * nothing rests on their order). Names are relative to a directory
 * descriptor. Calls hide EINTR but nothing else.
 *
 * Test  tests/lib_test.c; the queue's replay tests sit on fs_use
 */
#ifndef QUAIL_LIB_FS_H
#define QUAIL_LIB_FS_H

#include "lib/buf.h"

#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

struct fs_calls {
	int (*open)(int dir, const char *name, int flags, mode_t mode);
	int (*enter)(const char *path);
	int (*close)(int fd);
	ssize_t (*pwrite)(int fd, const void *at, size_t n, off_t where);
	ssize_t (*pread)(int fd, void *at, size_t n, off_t where);
	int (*datasync)(int fd);
	int (*sync)(int fd); /* also for a directory's descriptor */
	int (*syncfs)(int fd);
	void (*uncache)(int fd, uint64_t from, uint64_t n);
	int (*rename)(int from_dir, const char *from, int to_dir,
		      const char *to);
	int (*move)(int from_dir, const char *from, int to_dir, const char *to);
	int (*link)(int from_dir, const char *from, int to_dir, const char *to);
	int (*unlink)(int dir, const char *name);
	int (*mkdir)(int dir, const char *name, mode_t mode);
	int (*truncate)(int fd, off_t size);
	int (*stat)(int fd, struct stat *st);
	int (*list)(int dir, struct buf *names);
	int (*lock)(int fd);
	int (*room)(int dir, uint64_t *bytes, uint64_t *files);
	int (*kind)(int dir, uint64_t *magic);
};

/* fs_kernel - the real ones; fs_use - put others in their place (tests) */
extern const struct fs_calls fs_kernel;

void
fs_use(const struct fs_calls *calls);

/* fs_open - openat(2) of a regular file; -1 with errno
 *
 * Takes    flags: O_CLOEXEC, O_NOFOLLOW and O_NONBLOCK are added. With
 *          O_DIRECTORY or O_PATH it may be something else.
 * Returns  ENXIO for what is no file: a FIFO that another user has put there
 *          would keep us waiting for its writer.
 */
int
fs_open(int dir, const char *name, int flags, mode_t mode);

/* fs_open_here - what is there, in a directory where strangers put things
 *
 * What is mounted on a name is not opened, nor asked anything: a file system
 * of a user's own, by FUSE, may never answer.
 * Takes    flags: of a file that is there, also O_PATH.
 * Returns  -1 with errno, EXDEV for a mount. A kernel before 5.8 knows
 *          no mounts: then it is fs_open.
 */
int
fs_open_here(int dir, const char *name, int flags);

/* fs_open_dir - a directory, for the dir arguments and fs_sync */
int
fs_open_dir(int dir, const char *name);

/* fs_enter - a directory, as a place for others, without a symbolic link
 * anywhere on the way
 *
 * Returns  -1 with errno, ELOOP for such a link, ENOSYS where the kernel (5.6)
 *          or a sandbox has no openat2(2): walk by fs_open.
 */
int
fs_enter(const char *path);

int
fs_close(int fd);

/* fs_guard - a file over the process's limit of sizes is an error, EFBIG, and
 * no signal that ends us; programs that are started inherit it */
void
fs_guard(void);

/* fs_is_full - does this errno say that there is no room for it? */
bool
fs_is_full(int error);

/* fs_write_all - write n bytes at an offset
 *
 * Returns  0; -1 with errno when not all of it could be written (a short
 *          write is followed by another until one says why).
 */
int
fs_write_all(int fd, const void *at, size_t n, off_t where);

/* fs_read_all - read exactly n bytes from an offset
 *
 * Returns  0; -1 with errno, EIO when the file ends before.
 */
int
fs_read_all(int fd, void *at, size_t n, off_t where);

/* fs_read - pread(2); what there is, 0 at the end, -1 with errno */
ssize_t
fs_read(int fd, void *at, size_t n, off_t where);

/* fs_datasync, fs_sync - fdatasync(2), fsync(2). After a failure nothing
 * is known about the file; never call it again on the same descriptor. */
int
fs_datasync(int fd);

int
fs_sync(int fd);

int
fs_syncfs(int fd);

/* fs_sync_above - sync the name of an open directory, in the one above it
 *
 * Returns  0, also where the one above is not ours to read, and so was not
 *          made by us; -1 with errno.
 */
int
fs_sync_above(int dir);

/* fs_uncache - let the next reads come from the disk, as far as possible
 *
 * Needs    the file synced, these bytes at least. After a sync that failed in
 * an earlier process the kernel may still show what it could not write. Takes
 * n: bytes from there; 0: to the file's end.
 */
void
fs_uncache(int fd, uint64_t from, uint64_t n);

int
fs_rename(int from_dir, const char *from, int to_dir, const char *to);

/* fs_move - fs_rename, but never onto a name that is there
 *
 * Returns  0; -1 with errno, EEXIST, and EINVAL or ENOSYS where file system
 *          or kernel cannot do it: use fs_link.
 */
int
fs_move(int from_dir, const char *from, int to_dir, const char *to);

int
fs_link(int from_dir, const char *from, int to_dir, const char *to);

int
fs_unlink(int dir, const char *name);

int
fs_mkdir(int dir, const char *name, mode_t mode);

int
fs_truncate(int fd, off_t size);

int
fs_stat(int fd, struct stat *st);

/* fs_list - append the names in a directory, each with a NUL behind it
 *
 * Without "." and "..", in no order.
 * Returns  0; -1 with errno.
 */
int
fs_list(int dir, struct buf *names);

/* fs_each - tell the names in a directory one by one, in no order
 *
 * Without "." and "..". For directories that strangers may have filled: it
 * holds no more of them than the kernel gives at once.
 * Takes    told: false: no more are wanted.
 * Returns  0; -1 with errno.
 */
int
fs_each(int dir, bool (*told)(void *arg, const char *name), void *arg);

/* fs_swap - two names of one directory, each for what the other was, at once
 *
 * Returns  0; -1 with errno, EINVAL or ENOSYS where file system or kernel
 *          cannot do it.
 */
int
fs_swap(int dir, const char *a, const char *b);

/* fs_chmod, fs_chown - of an open file; its group stays; -1 with errno */
int
fs_chmod(int fd, mode_t mode);

int
fs_chown(int fd, uid_t uid);

/* fs_lock - lock a file for this process alone, without waiting
 *
 * Returns  0; -1 with errno, EWOULDBLOCK when another has it. Closing the
 *          descriptor, and dying, unlock.
 */
int
fs_lock(int fd);

/* fs_room - what is free on the file system for us: bytes and files
 *
 * Returns  0; -1 with errno. A file system without a limit of files says
 *          UINT64_MAX.
 */
int
fs_room(int dir, uint64_t *bytes, uint64_t *files);

/* fs_kind - which file system is it? statfs(2)'s f_type
 *
 * Returns  0; -1 with errno.
 */
int
fs_kind(int dir, uint64_t *magic);

#endif
