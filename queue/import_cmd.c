#include "queue/import_cmd.h"

#include "lib/fs.h"
#include "queue/command.h"
#include "queue/compile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 64 << 20 };

static void
complain(struct import *i, const char *name)
{
	fprintf(stderr, "quail: %s: %s\n", name, strerror(errno));
	i->failed = true;
}

static void
path_of(struct buf *path, const char *dir, const char *name)
{
	buf_text(path, dir);
	buf_putc(path, '/');
	buf_text(path, name);
	buf_putc(path, 0);
}

bool
import_read(struct import *i, const char *name, struct buf *text)
{
	struct buf path = {0};
	struct stat st;
	int fd;
	bool good = false;

	buf_clear(text);
	path_of(&path, i->from, name);
	fd = open(path.mem, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_size <= FILE_MAX) {
		good = st.st_size == 0 ||
		       fs_read_all(fd, buf_room(text, (size_t)st.st_size),
				   (size_t)st.st_size, 0) == 0;
		if (good)
			buf_added(text, (size_t)st.st_size);
	}
	if (!good && errno != ENOENT && fd < 0)
		complain(i, path.mem);
	if (fd >= 0)
		close(fd);
	buf_free(&path);
	return good;
}

bool
import_line(struct slice *rest, struct slice *line)
{
	size_t len;

	if (rest->len == 0)
		return false;
	len = slice_find(*rest, '\n');
	*line = slice_trim(slice_of(rest->at, len));
	*rest = slice_from(*rest, len < rest->len ? len + 1 : len);
	return true;
}

void
import_put(struct import *i, const char *first, ...)
{
	va_list more;

	va_start(more, first);
	for (; first; first = va_arg(more, const char *))
		buf_text(&i->table, first);
	va_end(more);
}

void
import_put_slice(struct import *i, struct slice s)
{
	size_t n;

	for (n = 0; n < s.len; n++)
		buf_putc(&i->table,
			 s.at[n] >= ' ' || s.at[n] == '\t' ? s.at[n] : '?');
}

void
import_left(struct import *i, const char *file, struct slice what,
	    const char *why)
{
	size_t before = i->table.len;

	import_put(i, "# not carried over: ", file, ": ", NULL);
	import_put_slice(i, what);
	import_put(i, ": ", why, "\n", NULL);
	fprintf(stderr, "quail: %.*s", (int)(i->table.len - before - 2),
		buf_slice(&i->table).at + before + 2);
	fputc('\n', stderr);
	i->n_left++;
}

void
import_end(struct import *i, const char *name)
{
	struct slice text = buf_slice(&i->table);
	struct buf path = {0};
	int fd;

	if (text.len > 0) {
		path_of(&path, i->to, name);
		fd = open(path.mem, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
			  0644);
		if (fd < 0 || write(fd, text.at, text.len) != (ssize_t)text.len)
			complain(i, path.mem);
		if (fd >= 0 && close(fd) != 0)
			complain(i, path.mem);
	}
	buf_clear(&i->table);
	buf_free(&path);
}

int
import_command(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(struct import *i);
	} kinds[] = {{"qmail", import_qmail},
		     {"postfix", import_postfix},
		     {"nullmailer", import_nullmailer}};
	struct import i = {0};
	size_t k;

	for (k = 0; argc == 4 && k < sizeof kinds / sizeof *kinds; k++)
		if (strcmp(argv[1], kinds[k].name) == 0)
			break;
	if (argc != 4 || k == sizeof kinds / sizeof *kinds) {
		fprintf(stderr, "usage: quail import "
				"qmail|postfix|nullmailer FROM TO\n");
		return COMMAND_WRONG;
	}
	i.from = argv[2];
	i.to = argv[3];
	umask(022); /* modes are what they say */
	if (access(i.from, R_OK | X_OK) != 0 ||
	    (mkdir(i.to, 0755) != 0 && errno != EEXIST)) {
		perror(access(i.from, R_OK | X_OK) != 0 ? i.from : i.to);
		return COMMAND_WRONG;
	}
	kinds[k].run(&i);
	buf_free(&i.table);
	buf_free(&i.me);
	if (i.failed)
		return COMMAND_WRONG;
	fprintf(stderr,
		"quail: %u things were not carried over; the tables' comments "
		"name them\n",
		i.n_left);
	return compile_tables(i.to);
}
