#include "maildir/syncs.h"

#include "lib/fs.h"

#include <errno.h>
#include <stdio.h>
#include <sys/utsname.h>

/* statfs(2) */
static const uint64_t ext4 = 0xef53, xfs = 0x58465342, btrfs = 0x9123683e;

bool
syncs_tells(const char *release)
{
	int major, minor;

	return sscanf(release, "%d.%d", &major, &minor) == 2 &&
	       (major > 5 || (major == 5 && minor >= 17));
}

bool
syncs_can(int dir)
{
	static int tells = -1;
	struct utsname kernel;
	uint64_t kind;

	if (tells < 0)
		tells = uname(&kernel) == 0 && syncs_tells(kernel.release);
	return tells && fs_kind(dir, &kind) == 0 &&
	       (kind == ext4 || kind == xfs || kind == btrfs);
}

static bool
is_of(const struct syncs_item *f, dev_t dev)
{
	return !f->is_done && !f->is_alone && f->dev == dev;
}

static void
sync_device(struct syncs_item *items, size_t n, int older, dev_t dev)
{
	int error = fs_syncfs(older) == 0 ? 0 : errno;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!is_of(&items[i], dev))
			continue;
		items[i].error = error;
		items[i].is_done = true;
	}
}

static int
sync_one(const struct syncs_item *f)
{
	return f->is_dir ? fs_sync(f->fd) : fs_datasync(f->fd);
}

void
syncs_all(struct syncs_item *items, size_t n)
{
	size_t i, k, same;

	for (i = 0; i < n; i++) {
		same = 0;
		for (k = i; k < n && is_of(&items[i], items[i].dev); k++)
			same += is_of(&items[k], items[i].dev);
		if (same > SYNCS_EACH_MAX)
			sync_device(items, n, items[i].older, items[i].dev);
	}
	for (i = 0; i < n; i++)
		if (!items[i].is_done && sync_one(&items[i]) != 0)
			items[i].error = errno;
}
