#include "queue/damaged_put.h"

#include "lib/fs.h"
#include "lib/salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum { PIECE = 64 * 1024, ID_NAME = 16, PLACE_NAME = 17 };

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

void
damaged_with_suffix(char to[DAMAGED_NAME + DAMAGED_SUFFIX], const char *name,
		    const char *suffix)
{
	snprintf(to, DAMAGED_NAME + DAMAGED_SUFFIX, "%s%s", name, suffix);
}

/* setting one aside */

/* Its name in the queue's directory is durable before anything counts on
 * what is in it. */
static int
make_folder(int queue_dir)
{
	if (fs_mkdir(queue_dir, DAMAGED_FOLDER, 0700) != 0 && errno != EEXIST)
		return -1;
	if (fs_sync(queue_dir) != 0)
		return -1;
	return fs_open_dir(queue_dir, DAMAGED_FOLDER);
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
int
damaged_write(int fd, const struct damaged_piece *p)
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
	char fresh[DAMAGED_NAME + DAMAGED_SUFFIX];
	int fd, r, e;

	damaged_with_suffix(fresh, name, ".new");
	fs_unlink(dir, fresh);
	fd = fs_open(dir, fresh, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return -1;
	r = damaged_write(fd, p);
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
	char text[DAMAGED_NAME + DAMAGED_SUFFIX];

	if (!p->big_name)
		return 0;
	damaged_with_suffix(text, name, ".text");
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
