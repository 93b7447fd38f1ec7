/* tables.h - the text tables that an administrator edits
 *
 * Table NAME is the file DIR/NAME and, behind it, the files of the
 * directory DIR/NAME.d in the order of their names: one file a partner,
 * say, written by configuration management. Files there that begin with a
 * dot or '#', or end with '~', are an editor's and are passed over.
 *
 * Lines are words between spaces and tabs. A '#' at the begin of a word,
 * and all behind it, is a comment; lines without a word are skipped.
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
	const char *kind; /* "routes" */
	char *name;	  /* "routes", or "routes.d/partner" */
	struct buf text;
};

/* All files of all tables, in the order of reading. */
struct tables {
	struct table *files;
	size_t n, max;
};

struct table_line {
	uint32_t number;    /* from 1 */
	struct slice whole; /* from its first column, without a comment */
	struct slice words; /* the same without blanks around it */
	size_t next;	    /* where the next line begins */
};

/* tables_load - read a table: its file if there is one, and its directory's
 *
 * Takes    kind, kept; dir, the directory's descriptor; *t all zero before
 *          the first.
 * Returns  0; -1 with errno, EFBIG over TABLES_SIZE_MAX: the name of what
 *          could not be read is then appended to *which.
 * Owns     tables_free gives it all back.
 * Differs  follows links, as configuration management uses them.
 */
int
tables_load(struct tables *t, int dir, const char *kind, struct buf *which);

/* tables_passed - is a file of a table's directory to be passed over? */
bool
tables_passed(const char *name);

/* tables_next - the next line that has a word
 *
 * Needs    *line all zero before the first.
 * Returns  true; *line is valid until tables_free. false: that was the last.
 */
bool
tables_next(const struct table *t, struct table_line *line);

void
tables_free(struct tables *t);

#endif
