#include "qmqpc/letter.h"

#include "lib/crc32c.h"
#include "lib/fs.h"
#include "lib/record.h"

#include <errno.h>
#include <fcntl.h>

enum { PIECE = 65536 };

/* Its owner may have closed it to us, or it is no file. All else passes: a
 * lease that its owner holds on it, too few descriptors. */
static enum letter_result
unopened(int error)
{
	switch (error) {
	case ENOENT: return LETTER_GONE;
	case EACCES:
	case EPERM:
	case ELOOP:
	case EXDEV:
	case ENXIO: return LETTER_FOREIGN;
	default: return LETTER_TROUBLE;
	}
}

/* Without O_NONBLOCK a FIFO would keep us waiting for its writer, and a lease
 * for its holder; what is mounted there, for ever. */
static enum letter_result
open_file(struct letter *l, const struct spool *s, const char *name,
	  const char **why)
{
	struct stat st;

	l->fd = fs_open_here(s->dir, name, O_RDONLY | O_NONBLOCK);
	*why = "it cannot be opened";
	if (l->fd < 0)
		return unopened(errno);
	if (fs_stat(l->fd, &st) != 0)
		return LETTER_TROUBLE;
	*why = "not a file with one name";
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return LETTER_FOREIGN;
	l->owner = st.st_uid;
	l->size = (uint64_t)st.st_size;
	return LETTER_GOOD;
}

static enum letter_result
read_record(struct letter *l, const char **why)
{
	char head[RECORD_HEAD];
	size_t size;

	*why = "it is no message of the spool";
	if (l->size < RECORD_HEAD)
		return LETTER_BROKEN;
	if (fs_read_all(l->fd, head, sizeof head, 0) != 0)
		return LETTER_TROUBLE;
	size = spool_entry_size(slice_of(head, sizeof head));
	if (size == 0 || size > l->size)
		return LETTER_BROKEN;
	if (fs_read_all(l->fd, buf_room(&l->record, size), size, 0) != 0)
		return LETTER_TROUBLE;
	buf_added(&l->record, size);
	if (spool_entry_parse(buf_slice(&l->record), &l->entry, &l->sender,
			      &l->rcpts) != 0 ||
	    l->size != size + l->entry.text_len)
		return LETTER_BROKEN;
	l->text_at = size;
	return LETTER_GOOD;
}

static enum letter_result
check_text(struct letter *l, const char **why)
{
	char piece[PIECE];
	uint64_t at = 0, n;
	uint32_t crc = 0;

	for (; at < l->entry.text_len; at += n) {
		n = l->entry.text_len - at;
		if (n > sizeof piece)
			n = sizeof piece;
		if (fs_read_all(l->fd, piece, n, (off_t)(l->text_at + at)) != 0)
			return LETTER_TROUBLE;
		crc = crc32c(crc, slice_of(piece, n));
	}
	*why = "its text is not what was put there";
	return crc == l->entry.text_crc ? LETTER_GOOD : LETTER_BROKEN;
}

enum letter_result
letter_open(struct letter *l, const struct spool *s, const char *name,
	    const char **why)
{
	enum letter_result r;

	*l = (struct letter){.fd = -1};
	r = open_file(l, s, name, why);
	if (r == LETTER_GOOD)
		r = read_record(l, why);
	if (r == LETTER_GOOD)
		r = check_text(l, why);
	return r;
}

void
letter_close(struct letter *l)
{
	if (l->fd >= 0)
		fs_close(l->fd);
	buf_free(&l->record);
	*l = (struct letter){.fd = -1};
}

int
letter_package(const struct letter *l, struct package *p)
{
	package_borrow(p, l->fd, l->text_at, l->entry.text_len);
	return package_seal(p, l->sender, l->rcpts);
}
