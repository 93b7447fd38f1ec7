#include "cdb/tables.h"

#include "lib/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int
read_file(int fd, struct buf *text)
{
	struct stat st;

	if (fs_stat(fd, &st) != 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return -1;
	}
	if (st.st_size > TABLES_SIZE_MAX) {
		errno = EFBIG;
		return -1;
	}
	if (st.st_size == 0)
		return 0;
	if (fs_read_all(fd, buf_room(text, (size_t)st.st_size),
			(size_t)st.st_size, 0) != 0)
		return -1;
	buf_added(text, (size_t)st.st_size);
	return 0;
}

int
tables_read(struct table *t, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r, e;

	*t = (struct table){.name = name};
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	t->exists = true;
	r = read_file(fd, &t->text);
	e = errno;
	close(fd);
	errno = e;
	return r;
}

static struct slice
without_comment(struct slice line)
{
	size_t i;

	for (i = 0; i < line.len; i++)
		if (line.at[i] == '#' &&
		    (i == 0 || line.at[i - 1] == ' ' || line.at[i - 1] == '\t'))
			return slice_of(line.at, i);
	return line;
}

bool
tables_next(const struct table *t, struct table_line *line)
{
	struct slice text = buf_slice(&t->text);

	while (line->next < text.len) {
		struct slice rest = slice_from(text, line->next);
		size_t len = slice_find(rest, '\n');

		line->next += len < rest.len ? len + 1 : len;
		line->number++;
		line->words =
		    slice_trim(without_comment(slice_of(rest.at, len)));
		if (line->words.len > 0)
			return true;
	}
	return false;
}

void
tables_free(struct table *t)
{
	buf_free(&t->text);
}
