#include "qmqpc/own.h"

#include "lib/fs.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

bool
own_is(const struct spool *s, const struct stat *st)
{
	return S_ISDIR(st->st_mode) &&
	       (st->st_uid == s->owner || st->st_uid == 0);
}

/* A name that nobody can have taken before us. */
static int
aside_name(char name[SPOOL_NAME])
{
	uint64_t id;

	if (getrandom(&id, sizeof id, 0) != sizeof id)
		return -1;
	spool_name(name, "aside.", id);
	return 0;
}

static void
say_aside(const char *name, const char *aside, const struct stat *st)
{
	log_open("set-aside");
	log_text("name", name);
	log_text("as", aside);
	log_number("uid", st->st_uid);
	log_close();
}

/* Where names cannot be swapped there is a moment between the two. */
static int
push_aside(const struct spool *s, const char *name, const char *made,
	   const struct stat *st)
{
	char aside[SPOOL_NAME];

	if (aside_name(aside) != 0 ||
	    fs_rename(s->dir, name, s->dir, aside) != 0)
		return -1;
	say_aside(name, aside, st);
	return fs_rename(s->dir, made, s->dir, name);
}

/* made is an empty directory of ours: 0 once it has the name. */
static int
put_in_place(const struct spool *s, const char *name, const char *made)
{
	struct stat st;
	unsigned i;

	for (i = 0; i < OWN_TRIES; i++) {
		if (spool_stat(s, name, &st) == 0 &&
		    fs_swap(s->dir, made, name) == 0) {
			say_aside(name, made, &st);
			return 0;
		}
		if (errno == EBUSY)
			return -1;
		/* an empty one, or none */
		if (fs_rename(s->dir, made, s->dir, name) == 0)
			return 0;
		if (spool_stat(s, name, &st) == 0 &&
		    push_aside(s, name, made, &st) == 0)
			return 0;
	}
	return -1;
}

static int
take_back(const struct spool *s, const char *name, mode_t mode)
{
	char made[SPOOL_NAME];
	int e;

	if (aside_name(made) != 0 || fs_mkdir(s->dir, made, mode) != 0)
		return -1;
	if (put_in_place(s, name, made) == 0)
		return 0;
	e = errno;
	unlinkat(s->dir, made, AT_REMOVEDIR);
	errno = e;
	return -1;
}

/* -1: it is not ours, or not there; errno says so: EPERM, ENOENT. */
static int
open_ours(const struct spool *s, const char *name)
{
	struct stat st;
	int fd;

	if (spool_stat(s, name, &st) != 0)
		return -1;
	if (!own_is(s, &st)) {
		errno = EPERM;
		return -1;
	}
	fd = fs_open_dir(s->dir, name);
	if (fd >= 0 && (fs_stat(fd, &st) != 0 || !own_is(s, &st))) {
		fs_close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

/* Root's drain must not lock out that of the owner. */
static void
set_right(const struct spool *s, int fd, mode_t mode)
{
	struct stat st;

	if (fs_stat(fd, &st) != 0)
		return;
	if (st.st_uid != s->owner && fchown(fd, s->owner, (gid_t)-1) != 0)
		return; /* it serves us as it is */
	if ((st.st_mode & 0777) != mode && fchmod(fd, mode) != 0)
		return;
}

int
own_dir(const struct spool *s, const char *name, mode_t mode)
{
	int fd = open_ours(s, name);

	if (fd < 0 && errno == ENOENT && fs_mkdir(s->dir, name, mode) == 0)
		fd = open_ours(s, name);
	else if (fd < 0 &&
		 (errno == EPERM || errno == EACCES || errno == EEXIST ||
		  errno == ELOOP || errno == ENOTDIR) &&
		 take_back(s, name, mode) == 0)
		fd = open_ours(s, name);
	if (fd >= 0)
		set_right(s, fd, mode);
	return fd;
}
