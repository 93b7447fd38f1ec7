/* fs_here.c - the part of fs.h that looks at what strangers have put there */
#include "lib/buf.h"
#include "lib/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Its file system is not asked: what it has told is enough. By words, as not
 * every libc has the struct; the kernel has the flag since 5.8. */
static bool
is_mount(int fd)
{
	enum { DONT_SYNC = 0x4000, ATTRIBUTES = 1, KNOWN = 7 };
	const uint64_t root = 0x2000;
	uint64_t words[32] = {0};

	return syscall(SYS_statx, fd, "", AT_EMPTY_PATH | DONT_SYNC, 0,
		       words) == 0 &&
	       (words[ATTRIBUTES] & words[KNOWN] & root) != 0;
}

/* The same file, whatever has its name now. */
static int
open_again(int looked, int flags)
{
	struct buf path = {0};
	int fd;

	buf_text(&path, "/proc/self/fd/");
	buf_number(&path, (uint64_t)looked);
	buf_putc(&path, 0);
	fd = openat(AT_FDCWD, buf_slice(&path).at, flags | O_CLOEXEC);
	buf_free(&path);
	return fd;
}

int
fs_open_here(int dir, const char *name, int flags)
{
	int looked = fs_open(dir, name, O_PATH, 0), fd;

	if (looked >= 0 && is_mount(looked)) {
		close(looked);
		errno = EXDEV;
		return -1;
	}
	if (looked < 0 || (flags & O_PATH))
		return looked;
	fd = open_again(looked, flags);
	if (fd < 0 && errno == ENOENT)
		fd = fs_open(dir, name, flags, 0);
	fs_close(looked);
	return fd;
}
