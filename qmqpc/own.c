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

void
own_say_taken(const char *name)
{
	int e = errno;

	log_open("place-taken");
	log_text("name", name);
	log_errno(e);
	log_close();
}

/* made is an empty directory of ours: 0 once it has the name, and what had it
 * has the name aside. Where names cannot be swapped somebody may be faster. */
static int
put_in_place(const struct spool *s, const char *name, const char *made,
	     char aside[SPOOL_NAME])
{
	unsigned i;

	for (i = 0; i < OWN_TRIES; i++) {
		if (fs_swap(s->dir, made, name) == 0) {
			memcpy(aside, made, SPOOL_NAME);
			return 0;
		}
		if (errno == EBUSY)
			return -1;
		/* onto an empty one, or none */
		if (fs_rename(s->dir, made, s->dir, name) == 0)
			return 0;
		if (aside_name(aside) != 0 ||
		    (fs_rename(s->dir, name, s->dir, aside) != 0 &&
		     errno == EBUSY))
			return -1;
	}
	return -1;
}

static int
take_back(const struct spool *s, const char *name, mode_t mode)
{
	char made[SPOOL_NAME], aside[SPOOL_NAME] = "";
	struct stat st = {0};
	int e;

	if (aside_name(made) != 0 || fs_mkdir(s->dir, made, mode) != 0)
		return -1;
	if (put_in_place(s, name, made, aside) != 0) {
		e = errno;
		unlinkat(s->dir, made, AT_REMOVEDIR);
		errno = e;
		return -1;
	}
	spool_stat(s->dir, aside, &st);
	log_open("set-aside");
	log_text("name", name);
	log_text("as", aside);
	log_number("uid", st.st_uid);
	log_close();
	return 0;
}

/* Root's is trusted, but of no use to one who cannot write to it. */
static bool
is_usable(const struct spool *s, const struct stat *st)
{
	return own_is(s, st) && (st->st_uid == s->owner || geteuid() == 0);
}

/* -1: it is not ours, or not there; errno says so: EPERM, ENOENT. */
static int
open_ours(const struct spool *s, const char *name)
{
	struct stat st;
	int fd;

	if (spool_stat(s->dir, name, &st) != 0)
		return -1;
	if (!is_usable(s, &st)) {
		errno = EPERM;
		return -1;
	}
	fd = fs_open_here(s->dir, name, O_RDONLY | O_DIRECTORY);
	if (fd >= 0 && (fs_stat(fd, &st) != 0 || !is_usable(s, &st))) {
		fs_close(fd);
		errno = EPERM;
		return -1;
	}
	return fd;
}

/* Root's drain must not lock out that of the owner. */
static void
give_to_owner(const struct spool *s, int fd)
{
	struct stat st;

	if (fs_stat(fd, &st) == 0 && st.st_uid != s->owner &&
	    fs_chown(fd, s->owner) != 0)
		return; /* it serves us as it is */
}

int
own_dir(const struct spool *s, const char *name, mode_t mode)
{
	int fd = open_ours(s, name);

	if (fd < 0 && errno == ENOENT && fs_mkdir(s->dir, name, mode) == 0)
		fd = open_ours(s, name);
	else if (fd < 0 &&
		 (errno == EPERM || errno == EACCES || errno == EEXIST ||
		  errno == ELOOP || errno == ENOTDIR || errno == EXDEV) &&
		 take_back(s, name, mode) == 0)
		fd = open_ours(s, name);
	if (fd >= 0)
		give_to_owner(s, fd);
	return fd;
}
