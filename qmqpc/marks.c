#include "qmqpc/marks.h"

#include "lib/fs.h"
#include "lib/log.h"
#include "qmqpc/own.h"

#include <errno.h>
#include <fcntl.h>

enum { MARK_NAME = 24 };

/* The drain's directory, for looking names up; -1 when there is none. */
static int
look(const struct spool *s)
{
	struct stat st;
	int fd = fs_open_here(s->dir, SPOOL_FULL, O_PATH);

	if (fd >= 0 && (fs_stat(fd, &st) != 0 || !own_is(s, &st))) {
		fs_close(fd);
		return -1;
	}
	return fd;
}

static void
mark_name(struct buf *name, uid_t uid)
{
	buf_clear(name);
	buf_number(name, uid);
	buf_putc(name, 0);
}

bool
marks_is_full(const struct spool *s, uid_t uid)
{
	int dir = look(s), fd;
	struct buf name = {0};

	if (dir < 0)
		return false;
	mark_name(&name, uid);
	fd = fs_open(dir, name.mem, O_PATH, 0);
	if (fd >= 0)
		fs_close(fd);
	fs_close(dir);
	buf_free(&name);
	return fd >= 0;
}

static bool
recall_one(void *arg, const char *name)
{
	uint64_t uid;

	if (slice_number(slice_text(name), UINT32_MAX, &uid) == 0)
		shares_of(arg, (uid_t)uid)->is_full = true;
	return true;
}

void
marks_recall(const struct spool *s, struct shares *shares)
{
	int dir = look(s);

	if (dir < 0)
		return;
	fs_each(dir, recall_one, shares);
	fs_close(dir);
}

/* True once it is as it should be. */
static bool
put_mark(int dir, const struct share *one, bool full)
{
	struct buf name = {0};
	int fd = -1;
	bool done;

	mark_name(&name, one->uid);
	if (full) {
		fd = fs_open(dir, name.mem, O_WRONLY | O_CREAT, 0600);
		done = fd >= 0;
	} else {
		done = fs_unlink(dir, name.mem) == 0 || errno == ENOENT;
	}
	if (fd >= 0)
		fs_close(fd);
	buf_free(&name);
	return done;
}

static void
say(const char *event, const struct share *one)
{
	log_open(event);
	log_number("uid", one->uid);
	log_number("bytes", (int64_t)(one->waits + one->failed));
	log_close();
}

/* Who is marked is taken for larger than he is. */
static bool
wants_mark(const struct share *one, uint64_t used, uint64_t max)
{
	uint64_t more = one->is_full ? (one->waits + one->failed) / 3 : 0;

	return shares_full(one, more, used, max);
}

int
marks_open(const struct spool *s)
{
	int dir = own_dir(s, SPOOL_FULL, 0711);

	if (dir < 0)
		return -1;
	fs_close(dir);
	return 0;
}

void
marks_set(const struct spool *s, struct shares *shares)
{
	uint64_t used = shares_used(shares, s->bytes_max);
	int dir = -1;
	size_t i;

	for (i = 0; i < shares->n; i++) {
		struct share *one = &shares->list[i];
		bool full = wants_mark(one, used, s->bytes_max);

		if (full == one->is_full)
			continue;
		if (dir < 0 && (dir = own_dir(s, SPOOL_FULL, 0711)) < 0)
			return;
		if (put_mark(dir, one, full)) {
			one->is_full = full;
			say(full ? "full" : "room", one);
		}
	}
	if (dir >= 0)
		fs_close(dir);
}
