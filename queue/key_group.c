#include "queue/key_group.h"

#include "lib/tls_key.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_MODE = 0640 };

static bool
is_right(const struct stat *st, gid_t gid)
{
	return st->st_uid == 0 && st->st_gid == gid &&
	       (st->st_mode & 07777) == KEY_MODE;
}

/* A key of another user's is his own where the directory is not root's. */
static bool
is_ours(int dir, const struct stat *st)
{
	struct stat at;

	return S_ISREG(st->st_mode) &&
	       (st->st_uid == 0 || (fstat(dir, &at) == 0 && at.st_uid == 0));
}

/* One that has a name elsewhere is not ours to give away: root could be led to
 * any file by it. */
static enum key_group
mend(int fd, const struct stat *st, gid_t gid)
{
	if (geteuid() != 0 || st->st_nlink != 1 || fchown(fd, 0, gid) != 0 ||
	    fchmod(fd, KEY_MODE) != 0)
		return KEY_GROUP_WRONG;
	return KEY_GROUP_MENDED;
}

enum key_group
key_group_mend(int dir, const char *name)
{
	const struct group *group = getgrnam(KEY_GROUP);
	enum key_group r = KEY_GROUP_RIGHT;
	struct stat st;
	int fd;

	if (!group)
		return KEY_GROUP_RIGHT;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return KEY_GROUP_RIGHT;
	if (fstat(fd, &st) == 0 && is_ours(dir, &st) &&
	    !is_right(&st, group->gr_gid))
		r = mend(fd, &st, group->gr_gid);
	close(fd);
	return r;
}

void
key_group_check(const char *node)
{
	int dir = open(node, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return;
	switch (key_group_mend(dir, TLS_KEY_FILE)) {
	case KEY_GROUP_RIGHT: break;
	case KEY_GROUP_MENDED:
		fprintf(stderr,
			"quail: %s/" TLS_KEY_FILE ": the group " KEY_GROUP
			" may read it now, and nobody else but root\n",
			node);
		break;
	case KEY_GROUP_WRONG:
		fprintf(stderr,
			"quail: %s/" TLS_KEY_FILE
			": the daemons may not read it, or others may; as "
			"root: chown root:" KEY_GROUP
			" FILE && chmod 640 FILE (one without another name)\n",
			node);
		break;
	}
	close(dir);
}
