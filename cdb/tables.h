/* tables.h - the text tables that an administrator edits
 *
 * Table NAME is the file DIR/NAME. Lines are words between spaces and tabs.
 * A '#' at the begin of a word, and all behind it, is a comment; lines
 * without a word are skipped.
 *
 *	# our hubs
 *	example.org   qmtp:a.example:209 qmtp:b.example:209   # in this order
 *
 * Knows lines, not what is in them: that is build.h and grammar.h.
 *
 * Source  doc/quail-tables.5
 * Test    tests/build_test.c
 */
#ifndef QUAIL_CDB_TABLES_H
#define QUAIL_CDB_TABLES_H

#include "lib/buf.h"

/* Both keep line numbers in 32 bits and a build in reasonable memory. */
enum { TABLES_SIZE_MAX = 1 << 30, TABLES_LINE_MAX = 65536 };

struct table {
	const char *name;
	bool exists;
	struct buf text;
};

struct table_line {
	uint32_t number; /* from 1 */
	struct slice words;
	size_t next; /* where the next line begins */
};

/* tables_read - read a table as a whole
 *
 * Takes    name, kept; dir, the directory's descriptor.
 * Returns  0, also when there is no such file (exists is false then, and
 *          the text empty); -1 with errno, EFBIG over TABLES_SIZE_MAX.
 * Owns     tables_free gives the text back.
 * Differs  follows links, as configuration management uses them.
 */
int
tables_read(struct table *t, int dir, const char *name);

/* tables_next - the next line that has a word
 *
 * Needs    *line all zero before the first.
 * Returns  true; line->words has no comment and no blanks around it, and is
 *          valid until tables_free. false: that was the last.
 */
bool
tables_next(const struct table *t, struct table_line *line);

void
tables_free(struct table *t);

#endif
