/* lines.h - the lines of a small text file, read without stdio
 *
 * For the parts of a libc that stand in this folder: /etc/hosts,
 * /etc/resolv.conf, /etc/passwd. Nothing is allocated. A line longer than
 * LINES_MAX is left out, and so is a last one without LF.
 *
 * Test  tests/leafparts_test.c, tests/leaf_static.t
 */
#ifndef QUAIL_LEAF_LINES_H
#define QUAIL_LEAF_LINES_H

#include "lib/slice.h"

enum { LINES_MAX = 2048 };

struct lines {
	int fd; /* -1: there is no such file, and no line */
	size_t from, to;
	bool is_cut; /* we are inside of a line that is too long */
	char room[LINES_MAX];
};

void
lines_open(struct lines *l, const char *path);

/* lines_next - true with the next line, without its LF, until the next call */
bool
lines_next(struct lines *l, struct slice *line);

void
lines_close(struct lines *l);

#endif
