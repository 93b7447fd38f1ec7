/* rows.h - what a line of a table becomes in the map
 *
 * First every line of every table is taken: checked by itself and written
 * to the map. Then every line is weighed once more, now that all others are
 * known, for what is allowed but hardly meant: those are warnings.
 *
 * Test  tests/build_test.c
 */
#ifndef QUAIL_CDB_ROWS_H
#define QUAIL_CDB_ROWS_H

#include "cdb/map.h"
#include "cdb/network.h"
#include "cdb/report.h"
#include "cdb/seen.h"

struct rows {
	struct map_writer *out;
	struct report *report;
	struct seen seen;
	const char *table; /* where we are */
	uint32_t line;
	unsigned needs;			/* CONFIG_NEEDS_ bits */
	bool tls_server, tls_client;	/* is a key of ours needed, of use? */
	bool lengths[NETWORK_BITS + 1]; /* of access's networks */
	int error; /* errno of the first map_add that failed */
	struct buf key, value, low, text; /* scratch */
};

/* the shared part, rows.c */

/* rows_wrong, rows_warn - an error, a warning of the line where we are; see
 * report_line for text */
void
rows_wrong(struct rows *r, const char *text, struct slice word);

void
rows_warn(struct rows *r, const char *text, struct slice word);

/* rows_right - is the word right? An error if there is a fault */
bool
rows_right(struct rows *r, const char *fault, struct slice word);

/* rows_first - is the key the first of its kind in this table? An error if
 * not, in which word stands for it */
bool
rows_first(struct rows *r, struct slice key, struct slice word);

/* rows_put, rows_put_number - add a record of this table and line
 *
 * Keeps    r->text not, when it is a number.
 */
void
rows_put(struct rows *r, struct slice key, struct slice value);

void
rows_put_number(struct rows *r, struct slice key, unsigned number);

/* rows_lower - the word in lower case, until the next call */
struct slice
rows_lower(struct rows *r, struct slice word);

/* rows_domain - the domain of an address; anything else as it is */
struct slice
rows_domain(struct slice key);

/* the tables, takes.c and weigh.c */

/* rows_tables - the names of all tables in the order they are to be taken;
 * NULL behind the last */
extern const char *const rows_tables[];

/* rows_take - check a line and add it to the map
 *
 * Needs    r->table (an element of rows_tables) and r->line.
 */
void
rows_take(struct rows *r, struct slice words);

/* rows_weigh - warn of a line that can hardly be meant
 *
 * Needs    the same; all lines of all tables taken.
 */
void
rows_weigh(struct rows *r, struct slice words);

/* rows_end - add what is known only at the end */
void
rows_end(struct rows *r);

/* rows_free - all but the map and the report */
void
rows_free(struct rows *r);

#endif
