#include "packaging/leaf/lines.h"

#include <fcntl.h>
#include <unistd.h>

void
lines_open(struct lines *l, const char *path)
{
	l->fd = open(path, O_RDONLY | O_CLOEXEC);
	l->from = l->to = 0;
	l->is_cut = false;
}

/* More bytes behind those that wait; false at the end. */
static bool
fill(struct lines *l)
{
	ssize_t n;

	memmove(l->room, l->room + l->from, l->to - l->from);
	l->to -= l->from;
	l->from = 0;
	if (l->to == sizeof l->room) {
		l->is_cut = true;
		l->to = 0;
	}
	n = read(l->fd, l->room + l->to, sizeof l->room - l->to);
	if (n <= 0)
		return false;
	l->to += (size_t)n;
	return true;
}

bool
lines_next(struct lines *l, struct slice *line)
{
	struct slice s;
	size_t n;
	bool is_cut;

	while (l->fd >= 0) {
		s = slice_of(l->room + l->from, l->to - l->from);
		n = slice_find(s, '\n');
		if (n == s.len) {
			if (!fill(l))
				return false;
			continue;
		}
		l->from += n + 1;
		is_cut = l->is_cut;
		l->is_cut = false;
		if (is_cut)
			continue;
		*line = slice_of(s.at, n);
		return true;
	}
	return false;
}

void
lines_close(struct lines *l)
{
	if (l->fd >= 0)
		close(l->fd);
}
