#include "queue/damaged_put.h"

#include "lib/fs.h"
#include "lib/netstring.h"
#include "lib/record.h"
#include "lib/salvage.h"
#include "queue/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

enum {
	PIECE = 64 * 1024,
	ID_NAME = 16,
	PLACE_NAME = 17 /* 8 digits, '-', 8 digits */
};

/* names */

static bool
is_name(const char *name)
{
	struct slice s = slice_text(name);
	uint64_t v;

	if (s.len == ID_NAME)
		return slice_hex(s, &v) == 0;
	return s.len == PLACE_NAME && s.at[8] == '-' &&
	       slice_hex(slice_of(s.at, 8), &v) == 0 &&
	       slice_hex(slice_from(s, 9), &v) == 0;
}

int
damaged_list(int queue_dir, struct buf *names)
{
	int dir = fs_open_dir(queue_dir, DAMAGED_FOLDER), r, e;
	struct buf all = {0};
	struct slice rest;

	if (dir < 0)
		return errno == ENOENT ? 0 : -1;
	r = fs_list(dir, &all);
	e = errno;
	fs_close(dir);
	for (rest = buf_slice(&all); rest.len > 0;
	     rest = slice_from(rest, strlen(rest.at) + 1))
		if (is_name(rest.at))
			buf_put(names, rest.at, strlen(rest.at) + 1);
	buf_free(&all);
	errno = e;
	return r;
}

/* reading one */

/* All of a file up to a limit; what cannot be read is zeros. */
static int
read_file(int fd, struct buf *room)
{
	uint64_t n_bad = 0;
	ssize_t got;

	do {
		got = salvage_read(fd, buf_room(room, PIECE), PIECE,
				   (off_t)room->len, &n_bad);
		if (got < 0)
			return -1;
		buf_added(room, (size_t)got);
	} while (got > 0 && room->len < DAMAGED_RECORD_MAX);
	return 0;
}

/* The head's lines; returns what stands behind them. */
static struct slice
take_lines(struct damaged *d, struct slice rest)
{
	uint64_t n;

	while (rest.len > 0 && rest.at[0] != '\n') {
		size_t end = slice_find(rest, '\n');
		struct slice line = slice_of(rest.at, end);

		if (slice_starts(line, SLICE("what ")))
			d->what = slice_from(line, 5);
		if (slice_starts(line, SLICE("done ")))
			d->done = slice_from(line, 5);
		if (slice_starts(line, SLICE("unreadable ")) &&
		    slice_number(slice_from(line, 11), UINT64_MAX, &n) == 0)
			d->is_short = n > 0;
		rest = slice_from(rest, end < rest.len ? end + 1 : end);
	}
	return slice_from(rest, rest.len > 0);
}

static void
take_envelope(struct damaged *d, struct slice env, uint32_t n_rcpts)
{
	struct slice one;

	d->has_envelope = true;
	if (netstring_slice(&env, &d->sender) != 0)
		return;
	d->rcpts = env;
	while (d->n_rcpts < n_rcpts && netstring_slice(&env, &one) == 0)
		d->n_rcpts++;
	d->rcpts.len = (size_t)(env.at - d->rcpts.at);
	if (d->n_rcpts == n_rcpts)
		d->attrs = env;
}

static void
take_record(struct damaged *d, struct slice record)
{
	struct slice payload = slice_from(
	    record, record.len < RECORD_HEAD ? record.len : RECORD_HEAD);
	struct entry_m entry;
	size_t left;

	d->text_at = (uint64_t)(record.at - buf_slice(&d->room).at);
	d->text_len = record.len;
	if (entry_m_parse_head(payload, &entry) != 0)
		return;
	left = payload.len - ENTRY_M_HEAD;
	if (entry.env_len > left)
		entry.env_len = (uint32_t)left;
	if (d->id == 0)
		d->id = entry.id;
	d->birth_us = entry.birth_us;
	take_envelope(d, slice_of(payload.at + ENTRY_M_HEAD, entry.env_len),
		      entry.n_rcpts);
	left -= entry.env_len;
	d->text_at += RECORD_HEAD + ENTRY_M_HEAD + entry.env_len;
	d->text_want = entry.text_len;
	d->text_len = entry.text_len < left ? entry.text_len : left;
}

static void
open_text(struct damaged *d, int dir, const char *text)
{
	struct stat file;

	d->text_fd = fs_open(dir, text, O_RDONLY, 0);
	if (d->text_fd < 0 || fs_stat(d->text_fd, &file) != 0)
		return;
	d->text_at = 0;
	d->text_len = (uint64_t)file.st_size;
}

static void
begin(struct damaged *d)
{
	*d = (struct damaged){.fd = -1, .text_fd = -1};
	d->what = d->done = d->sender = d->rcpts = d->attrs = SLICE("");
}

static void
take(struct damaged *d, int text_dir, const char *text)
{
	take_record(d, take_lines(d, buf_slice(&d->room)));
	if (text)
		open_text(d, text_dir, text);
	if (d->text_len < d->text_want)
		d->is_short = true;
}

int
damaged_open(struct damaged *d, int queue_dir, const char *name)
{
	char text[DAMAGED_NAME + DAMAGED_SUFFIX];
	int dir;

	begin(d);
	if (!is_name(name)) {
		errno = EINVAL;
		return -1;
	}
	dir = fs_open_dir(queue_dir, DAMAGED_FOLDER);
	if (dir < 0)
		return -1;
	d->fd = fs_open(dir, name, O_RDONLY, 0);
	if (d->fd < 0 || read_file(d->fd, &d->room) != 0) {
		int e = errno;

		fs_close(dir);
		damaged_close(d);
		errno = e;
		return -1;
	}
	if (strlen(name) == ID_NAME)
		slice_hex(slice_text(name), &d->id);
	damaged_with_suffix(text, name, ".text");
	take(d, dir, text);
	fs_close(dir);
	return 0;
}

static int
has(int dir, const char *name)
{
	int fd = fs_open(dir, name, O_RDONLY, 0);

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	fs_close(fd);
	return 1;
}

int
damaged_has(int queue_dir, uint64_t id)
{
	const struct damaged_piece p = {.id = id};
	char name[DAMAGED_NAME];
	int r, dir = fs_open_dir(queue_dir, DAMAGED_FOLDER);

	if (dir < 0)
		return errno == ENOENT ? 0 : -1;
	damaged_name(name, &p);
	r = has(dir, name);
	fs_close(dir);
	return r;
}

int
damaged_text(struct damaged *d, uint64_t from, char *to, size_t n)
{
	int fd = d->text_fd >= 0 ? d->text_fd : d->fd;
	uint64_t at = d->text_at + from, n_bad = 0;

	while (n > 0) {
		ssize_t got = salvage_read(fd, to, n, (off_t)at, &n_bad);

		if (got == 0)
			errno = EIO;
		if (got <= 0)
			return -1;
		to += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

void
damaged_close(struct damaged *d)
{
	if (d->fd >= 0)
		fs_close(d->fd);
	if (d->text_fd >= 0)
		fs_close(d->text_fd);
	buf_free(&d->room);
	*d = (struct damaged){.fd = -1, .text_fd = -1};
}

int
damaged_open_piece(struct damaged *d, const struct damaged_piece *p)
{
	int e;

	begin(d);
	d->fd = memfd_create("damaged", MFD_CLOEXEC);
	if (d->fd < 0 || damaged_write(d->fd, p) != 0 ||
	    read_file(d->fd, &d->room) != 0) {
		e = errno;
		damaged_close(d);
		errno = e;
		return -1;
	}
	d->id = p->id;
	take(d, p->big_dir, p->big_name);
	return 0;
}

int
damaged_remove(int queue_dir, const char *name)
{
	char text[DAMAGED_NAME + DAMAGED_SUFFIX];
	int dir, r, e;

	if (!is_name(name)) {
		errno = EINVAL;
		return -1;
	}
	dir = fs_open_dir(queue_dir, DAMAGED_FOLDER);
	if (dir < 0)
		return -1;
	damaged_with_suffix(text, name, ".text");
	r = fs_unlink(dir, text) != 0 && errno != ENOENT ? -1 : 0;
	if (r == 0)
		r = fs_unlink(dir, name);
	if (r == 0)
		r = fs_sync(dir);
	e = errno;
	fs_close(dir);
	errno = e;
	return r;
}
