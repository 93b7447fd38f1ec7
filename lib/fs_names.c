/* fs_names.c - the part of fs.h for directories that strangers write to */
#include "lib/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EXCHANGE = 2 }; /* linux/fs.h; not every libc has it */

static bool
is_dot(const char *name)
{
	return name[0] == '.' &&
	       (name[1] == 0 || (name[1] == '.' && name[2] == 0));
}

static DIR *
open_it(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d && fd >= 0)
		close(fd);
	return d;
}

int
fs_each(int dir, bool (*told)(void *arg, const char *name), void *arg)
{
	DIR *d = open_it(dir);
	struct dirent *entry;
	int e;

	if (!d)
		return -1;
	while ((errno = 0, entry = readdir(d)))
		if (!is_dot(entry->d_name) && !told(arg, entry->d_name))
			break;
	e = entry ? 0 : errno;
	closedir(d);
	errno = e;
	return e == 0 ? 0 : -1;
}

int
fs_swap(int dir, const char *a, const char *b)
{
	return (int)syscall(SYS_renameat2, dir, a, dir, b, EXCHANGE);
}

/* By number: musl's have a way through /proc for what we do not open. */
int
fs_chmod(int fd, mode_t mode)
{
	return (int)syscall(SYS_fchmod, fd, mode);
}

int
fs_chown(int fd, uid_t uid)
{
	return (int)syscall(SYS_fchown, fd, uid, (gid_t)-1);
}
