#include "cdb/tables.h"

#include "lib/die.h"
#include "lib/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int
read_text(int fd, struct buf *text)
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

static struct table *
new_table(struct tables *t, const char *kind, struct slice folder,
	  const char *file)
{
	size_t len = strlen(file);
	struct table *new;

	if (t->n == t->max) {
		t->max = t->max ? t->max * 2 : 32;
		t->files = realloc(t->files, t->max * sizeof *t->files);
		if (!t->files)
			die_nomem();
	}
	new = &t->files[t->n++];
	*new = (struct table){kind, malloc(folder.len + len + 1), {0}};
	if (!new->name)
		die_nomem();
	memcpy(new->name, folder.at, folder.len);
	memcpy(new->name + folder.len, file, len + 1);
	return new;
}

/* Returns  -1 with errno; 0 also when there is no such file. */
static int
load_file(struct tables *t, int dir, const char *kind, struct slice folder,
	  const char *file, struct buf *which)
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r, e;

	if (fd < 0 && errno == ENOENT)
		return 0;
	r = fd < 0 ? -1
		   : read_text(fd, &new_table(t, kind, folder, file)->text);
	e = errno;
	if (fd >= 0)
		close(fd);
	if (r != 0) {
		buf_puts(which, folder);
		buf_text(which, file);
	}
	errno = e;
	return r;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool
tables_passed(const char *name)
{
	size_t len = strlen(name);

	return name[0] == '.' || name[0] == '#' || name[len - 1] == '~';
}

static int
load_listed(struct tables *t, int dir, const char *kind, struct slice folder,
	    struct buf *names, struct buf *which)
{
	struct slice all = buf_slice(names);
	char **sorted = malloc((all.len + 1) * sizeof *sorted);
	size_t at, i, n = 0;
	int r = 0;

	if (!sorted)
		die_nomem();
	for (at = 0; at < all.len; at += strlen(all.at + at) + 1)
		if (!tables_passed(all.at + at))
			sorted[n++] = names->mem + names->off + at;
	qsort(sorted, n, sizeof *sorted, by_name);
	for (i = 0; i < n && r == 0; i++)
		r = load_file(t, dir, kind, folder, sorted[i], which);
	free(sorted);
	return r;
}

static int
load_folder(struct tables *t, int parent, const char *kind, struct buf *which)
{
	struct buf folder = {0}, names = {0};
	int dir, r;

	buf_text(&folder, kind);
	buf_put(&folder, ".d/", 4); /* with its NUL */
	dir = openat(parent, folder.mem, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = dir >= 0 ? fs_list(dir, &names) : errno == ENOENT ? 0 : -1;
	if (r != 0)
		buf_text(which, folder.mem);
	else if (dir >= 0)
		r = load_listed(t, dir, kind,
				slice_of(folder.mem, folder.len - 1), &names,
				which);
	if (dir >= 0) {
		int e = errno;

		close(dir);
		errno = e;
	}
	buf_free(&folder);
	buf_free(&names);
	return r;
}

int
tables_load(struct tables *t, int dir, const char *kind, struct buf *which)
{
	if (load_file(t, dir, kind, SLICE(""), kind, which) != 0)
		return -1;
	return load_folder(t, dir, kind, which);
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
		line->whole = without_comment(slice_of(rest.at, len));
		line->words = slice_trim(line->whole);
		if (line->words.len > 0)
			return true;
	}
	return false;
}

void
tables_free(struct tables *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		free(t->files[i].name);
		buf_free(&t->files[i].text);
	}
	free(t->files);
	*t = (struct tables){0};
}
