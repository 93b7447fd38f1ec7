#include "queue/damaged.h"

#include "lib/fs.h"
#include "lib/netstring.h"
#include "lib/record.h"
#include "lib/salvage.h"
#include "queue/entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

static const char folder[] = "damaged";

enum {
	PIECE = 64 * 1024,
	SUFFIX = 8,
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

void
damaged_name(char name[DAMAGED_NAME], const struct damaged_piece *p)
{
	if (p->id) {
		hex_put(name, ID_NAME, p->id);
		name[ID_NAME] = 0;
		return;
	}
	hex_put(name, 8, p->segno);
	name[8] = '-';
	hex_put(name + 9, 8, p->offset);
	name[PLACE_NAME] = 0;
}

static void
with_suffix(char to[DAMAGED_NAME + SUFFIX], const char *name,
	    const char *suffix)
{
	snprintf(to, DAMAGED_NAME + SUFFIX, "%s%s", name, suffix);
}

int
damaged_list(int queue_dir, struct buf *names)
{
	int dir = fs_open_dir(queue_dir, folder), r, e;
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
	char text[DAMAGED_NAME + SUFFIX];
	int dir;

	begin(d);
	if (!is_name(name)) {
		errno = EINVAL;
		return -1;
	}
	dir = fs_open_dir(queue_dir, folder);
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
	with_suffix(text, name, ".text");
	take(d, dir, text);
	fs_close(dir);
	return 0;
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
damaged_remove(int queue_dir, const char *name)
{
	char text[DAMAGED_NAME + SUFFIX];
	int dir, r, e;

	if (!is_name(name)) {
		errno = EINVAL;
		return -1;
	}
	dir = fs_open_dir(queue_dir, folder);
	if (dir < 0)
		return -1;
	with_suffix(text, name, ".text");
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

/* setting one aside */

/* Its name in the queue's directory is durable before anything counts on
 * what is in it. */
static int
make_folder(int queue_dir)
{
	if (fs_mkdir(queue_dir, folder, 0700) != 0 && errno != EEXIST)
		return -1;
	if (fs_sync(queue_dir) != 0)
		return -1;
	return fs_open_dir(queue_dir, folder);
}

static bool
is_same(int a_dir, const char *a, int b_dir, const char *b)
{
	int x = fs_open(a_dir, a, O_RDONLY, 0),
	    y = fs_open(b_dir, b, O_RDONLY, 0);
	struct stat one, other;
	bool same = x >= 0 && y >= 0 && fs_stat(x, &one) == 0 &&
		    fs_stat(y, &other) == 0 && one.st_dev == other.st_dev &&
		    one.st_ino == other.st_ino;

	if (x >= 0)
		fs_close(x);
	if (y >= 0)
		fs_close(y);
	return same;
}

/* The second name, or the move where there are no links. */
static int
name_again(int from_dir, const char *from, int to_dir, const char *to)
{
	if (fs_link(from_dir, from, to_dir, to) == 0)
		return 0;
	if (errno == EEXIST) { /* by one that was stopped here? */
		bool same = is_same(from_dir, from, to_dir, to);

		errno = EEXIST;
		return same ? 0 : -1;
	}
	if (errno != EPERM && errno != EOPNOTSUPP && errno != EMLINK)
		return -1;
	return fs_rename(from_dir, from, to_dir, to);
}

int
damaged_move(int from_dir, const char *from, int to_dir, const char *to,
	     bool keep)
{
	if (name_again(from_dir, from, to_dir, to) != 0 || fs_sync(to_dir) != 0)
		return -1;
	if (keep)
		return 0;
	if (fs_unlink(from_dir, from) != 0 && errno != ENOENT)
		return -1;
	return fs_sync(from_dir);
}

/* The piece, from `at` on in the new file. */
static int
copy(int to, uint64_t at, const struct damaged_piece *p, uint64_t *n_bad)
{
	char *bytes;
	struct buf room = {0};
	uint64_t done = 0;
	int r = 0;

	bytes = buf_room(&room, PIECE);
	while (r == 0 && done < p->size) {
		size_t n =
		    p->size - done < PIECE ? (size_t)(p->size - done) : PIECE;
		ssize_t got = salvage_read(p->fd, bytes, n,
					   (off_t)(p->offset + done), n_bad);

		if (got == 0)
			break; /* the file ends here now */
		r = got < 0 ? -1
			    : fs_write_all(to, bytes, (size_t)got,
					   (off_t)(at + done));
		done += got > 0 ? (uint64_t)got : 0;
	}
	buf_free(&room);
	return r;
}

enum { BAD_DIGITS = 10 };

static void
put_head(struct buf *head, const struct damaged_piece *p)
{
	buf_text(head, "what ");
	buf_text(head, p->what);
	buf_text(head, "\nsegment ");
	buf_hex(head, 8, p->segno);
	buf_text(head, "\noffset ");
	buf_hex(head, 8, p->offset);
	if (p->done.len > 0) {
		buf_text(head, "\ndone ");
		buf_puts(head, p->done);
	}
	buf_text(head, "\nunreadable ");
}

/* The last line's number is known when all has been copied. */
static int
write_piece(int fd, const struct damaged_piece *p)
{
	char number[BAD_DIGITS + 3];
	struct buf head = {0};
	uint64_t n_bad = 0;
	int r;

	put_head(&head, p);
	r = copy(fd, head.len + BAD_DIGITS + 2, p, &n_bad);
	snprintf(number, sizeof number, "%010llu\n\n",
		 (unsigned long long)n_bad % 10000000000u);
	buf_text(&head, number);
	if (r == 0)
		r = fs_write_all(fd, buf_slice(&head).at, head.len, 0);
	buf_free(&head);
	return r;
}

static int
put_file(int dir, const struct damaged_piece *p, const char *name)
{
	char fresh[DAMAGED_NAME + SUFFIX];
	int fd, r, e;

	with_suffix(fresh, name, ".new");
	fs_unlink(dir, fresh);
	fd = fs_open(dir, fresh, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return -1;
	r = write_piece(fd, p);
	if (r == 0)
		r = fs_sync(fd);
	if (r == 0)
		r = fs_rename(dir, fresh, dir, name);
	e = errno;
	fs_close(fd);
	if (r != 0)
		fs_unlink(dir, fresh);
	errno = e;
	return r == 0 ? fs_sync(dir) : -1;
}

/* A text that is not there any more is what may be wrong with it. */
static int
put_text(int dir, const struct damaged_piece *p, const char *name)
{
	char text[DAMAGED_NAME + SUFFIX];

	if (!p->big_name)
		return 0;
	with_suffix(text, name, ".text");
	return damaged_move(p->big_dir, p->big_name, dir, text, true) == 0 ||
		       errno == ENOENT
		   ? 0
		   : -1;
}

int
damaged_put(int queue_dir, const struct damaged_piece *p,
	    char name[DAMAGED_NAME])
{
	int dir = make_folder(queue_dir), r, e;

	if (dir < 0)
		return -1;
	damaged_name(name, p);
	r = put_text(dir, p, name);
	if (r == 0)
		r = put_file(dir, p, name);
	e = errno;
	fs_close(dir);
	errno = e;
	return r;
}

int
damaged_open_piece(struct damaged *d, const struct damaged_piece *p)
{
	int e;

	begin(d);
	d->fd = memfd_create("damaged", MFD_CLOEXEC);
	if (d->fd < 0 || write_piece(d->fd, p) != 0 ||
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
