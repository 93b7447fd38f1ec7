#include "lib/smallfile.h"

#include "lib/fs.h"

#include <errno.h>
#include <fcntl.h>

static int
close_with(int fd, int result)
{
	int e = errno;

	fs_close(fd);
	errno = e;
	return result;
}

static int
read_open(int fd, size_t max, struct buf *text)
{
	struct stat st;
	size_t n;

	if (fs_stat(fd, &st) != 0)
		return -1;
	if ((uint64_t)st.st_size > max) {
		errno = EFBIG;
		return -1;
	}
	n = (size_t)st.st_size;
	if (fs_read_all(fd, buf_room(text, n + 1), n, 0) != 0)
		return -1;
	buf_added(text, n);
	return 0;
}

int
smallfile_read(int dir, const char *name, size_t max, struct buf *text)
{
	int fd = fs_open(dir, name, O_RDONLY, 0);

	return fd < 0 ? -1 : close_with(fd, read_open(fd, max, text));
}

int
smallfile_replace(int dir, const char *name, const char *other,
		  struct slice text)
{
	int fd = fs_open(dir, other, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0)
		return -1;
	if (close_with(fd, fs_write_all(fd, text.at, text.len, 0) == 0
			       ? fs_sync(fd)
			       : -1) != 0)
		return -1;
	return fs_rename(dir, other, dir, name);
}
