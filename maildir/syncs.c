#include "maildir/syncs.h"

#include "lib/fs.h"

#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>

/* Does syncfs tell of failed writes? */
static bool
syncfs_tells(void)
{
	static int known = -1;
	struct utsname name;
	int major, minor;

	if (known < 0)
		known = uname(&name) == 0 &&
			sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
			(major > 5 || (major == 5 && minor >= 8));
	return known;
}

static void
find_device(struct syncs_file *f)
{
	struct stat st;

	f->error = fs_stat(f->fd, &st) == 0 ? 0 : errno;
	f->is_done = f->error != 0;
	f->dev = f->error ? 0 : st.st_dev;
}

static bool
is_of(const struct syncs_file *f, dev_t dev)
{
	return !f->is_done && !f->is_old && f->dev == dev;
}

static void
sync_device(struct syncs_file *files, size_t n, int fd, dev_t dev)
{
	int error = fs_syncfs(fd) == 0 ? 0 : errno;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!is_of(&files[i], dev))
			continue;
		files[i].error = error;
		files[i].is_done = true;
	}
}

void
syncs_all(struct syncs_file *files, size_t n)
{
	size_t i, k, same;

	for (i = 0; i < n; i++)
		find_device(&files[i]);
	for (i = 0; i < n && syncfs_tells(); i++) {
		same = 0;
		for (k = i; k < n && is_of(&files[i], files[i].dev); k++)
			same += is_of(&files[k], files[i].dev);
		if (same > SYNCS_EACH_MAX)
			sync_device(files, n, files[i].fd, files[i].dev);
	}
	for (i = 0; i < n; i++)
		if (!files[i].is_done && fs_datasync(files[i].fd) != 0)
			files[i].error = errno;
}
