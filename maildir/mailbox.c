#include "maildir/mailbox.h"

#include "lib/fs.h"

#include <errno.h>
#include <fcntl.h>

enum { NAME_MAX_LEN = 255, JUMP_MAX = 1024 };

/* Enough to walk through, also where we may not list. */
static int
enter(int dir, const char *name)
{
	return fs_open(dir, name, O_PATH | O_DIRECTORY, 0);
}

static void
close_keeping_errno(int fd)
{
	int e = errno;

	fs_close(fd);
	errno = e;
}

static int
sync_dir(int dir)
{
	int fd = fs_open_dir(dir, "."), r;

	if (fd < 0)
		return -1;
	r = fs_sync(fd);
	close_keeping_errno(fd);
	return r;
}

/* Make a directory. One that is there may be of a run that died before its
 * sync, so its name is synced too; unless its parent is not ours to read. */
static int
make_dir(int parent, const char *name)
{
	bool made = fs_mkdir(parent, name, 0700) == 0;

	if (!made && errno != EEXIST)
		return -1;
	if (sync_dir(parent) == 0)
		return 0;
	return !made && (errno == EACCES || errno == EROFS || errno == EINVAL)
		   ? 0
		   : -1;
}

/* The next name of a path. Returns 1, 0 at its end, -1 for one that cannot
 * be. */
static int
next_name(struct slice *path, char name[NAME_MAX_LEN + 1])
{
	size_t n;

	while (path->len > 0 && path->at[0] == '/')
		*path = slice_from(*path, 1);
	if (path->len == 0)
		return 0;
	n = slice_find(*path, '/');
	errno = n > NAME_MAX_LEN ? ENAMETOOLONG : EINVAL;
	if (n > NAME_MAX_LEN || memchr(path->at, 0, n) ||
	    slice_eq(slice_of(path->at, n), SLICE("..")))
		return -1;
	memcpy(name, path->at, n);
	name[n] = 0;
	*path = slice_from(*path, n);
	return 1;
}

/* The directory at path, in one step: as walk, but ENOSYS where that cannot
 * be done. */
static int
jump(struct slice path)
{
	char name[NAME_MAX_LEN + 1], whole[JUMP_MAX];
	struct slice rest = path;
	int dir, more;

	errno = ENOSYS;
	if (path.len == 0 || path.len >= sizeof whole)
		return -1;
	memcpy(whole, path.at, path.len);
	whole[path.len] = 0;
	while ((more = next_name(&rest, name)) > 0)
		;
	if (more < 0)
		return -1;
	dir = fs_enter(whole);
	if (dir < 0 && errno == ELOOP)
		errno = ENOTDIR;
	return dir;
}

/* The directory at path, made if asked for; -1 with errno. */
static int
walk(struct slice path, bool make)
{
	char name[NAME_MAX_LEN + 1];
	int dir, next, more;

	errno = EINVAL;
	if (path.len == 0)
		return -1;
	dir = enter(AT_FDCWD, path.at[0] == '/' ? "/" : ".");
	while (dir >= 0 && (more = next_name(&path, name)) != 0) {
		next = -1;
		if (more > 0 && (!make || make_dir(dir, name) == 0))
			next = enter(dir, name);
		close_keeping_errno(dir);
		dir = next;
	}
	return dir;
}

/* Open what is there; ENOENT if anything is missing. */
static int
look(struct mailbox *m, int dir)
{
	int cur = enter(dir, "cur");

	if (cur < 0)
		return -1;
	fs_close(cur);
	m->tmp_dir = enter(dir, "tmp");
	if (m->tmp_dir < 0)
		return -1;
	m->new_dir = fs_open_dir(dir, "new");
	if (m->new_dir >= 0)
		return 0;
	close_keeping_errno(m->tmp_dir);
	return -1;
}

static int
make(int dir)
{
	if (make_dir(dir, "tmp") != 0 || make_dir(dir, "new") != 0)
		return -1;
	return fs_mkdir(dir, "cur", 0700) == 0 || errno == EEXIST ? 0 : -1;
}

void
mailbox_make_root(struct slice path)
{
	int dir = walk(path, true);

	if (dir >= 0)
		fs_close(dir);
}

int
mailbox_open(struct mailbox *m, struct slice path)
{
	int dir = jump(path), r = -1;

	if (dir < 0 && errno == ENOSYS)
		dir = walk(path, false);
	if (dir >= 0) {
		r = look(m, dir);
		close_keeping_errno(dir);
	}
	if (r == 0 || errno != ENOENT)
		return r;
	dir = walk(path, true);
	if (dir < 0)
		return -1;
	if (make(dir) == 0)
		r = look(m, dir);
	close_keeping_errno(dir);
	return r;
}

void
mailbox_close(struct mailbox *m)
{
	fs_close(m->tmp_dir);
	fs_close(m->new_dir);
}
