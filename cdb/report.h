/* report.h - what a build has to say about the tables
 *
 * One line each, "routes:12:5: what is wrong; what would be right", with the
 * file, the line and the column of the word, in bytes from 1. Errors and
 * warnings apart; past REPORT_MAX lines they are only counted.
 *
 * Test  tests/build_test.c
 */
#ifndef QUAIL_CDB_REPORT_H
#define QUAIL_CDB_REPORT_H

#include "lib/buf.h"

enum { REPORT_MAX = 1000, REPORT_WORD_MAX = 200 };

struct report_lines {
	struct buf text;  /* each ends with LF */
	const char *mark; /* stands before what is said; NULL: nothing */
	unsigned n;
};

struct report {
	struct report_lines errors, warnings;
};

/* report_init - make it empty; warnings are marked as such */
void
report_init(struct report *r);

/* report_line - add a line
 *
 * Takes    line 0 for a file that is not there at all, column 0 for a line
 *          as a whole; text, in which each
 *          '$' is the next of words, put in double quotes. What is not
 *          printable in a word becomes '?', and it is cut at REPORT_WORD_MAX.
 */
void
report_line(struct report_lines *r, const char *file, uint32_t line,
	    uint32_t column, const char *text, const struct slice *words);

void
report_free(struct report *r);

#endif
