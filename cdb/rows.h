/* rows.h - what a line of a table becomes in the map
 *
 * First every line of every table is taken: checked by itself and written
 * to the map. Then every line is looked at once more, now that all others are
 * known: it is checked against them for errors and, when there are none,
 * weighed for what is allowed but hardly meant: those are warnings.
 *
 * Test  tests/build_test.c
 */
#ifndef QUAIL_CDB_ROWS_H
#define QUAIL_CDB_ROWS_H

#include "cdb/keys.h"
#include "cdb/map.h"
#include "cdb/network.h"
#include "cdb/report.h"
#include "cdb/seen.h"
#include "cdb/tables.h"

struct rows {
	struct map_writer *out;
	struct report *report;
	struct seen seen;
	const char *table; /* where we are; "routes" */
	const char *file;  /* "routes", or "routes.d/partner" */
	struct tables *files;
	uint32_t file_n, line;		/* its number in files, from 0 */
	struct slice whole;		/* the line, from its first column */
	int dir;			/* the tables' directory */
	unsigned needs;			/* CONFIG_NEEDS_ bits */
	unsigned has;			/* KEYS_HAS_ bits */
	bool has_hubs, has_access;	/* any line of these tables */
	bool tls_server, tls_client;	/* is a key of ours needed, of use? */
	bool lengths[NETWORK_BITS + 1]; /* of access's networks */
	bool mx_lengths[NETWORK_BITS + 1]; /* of mxnetworks' */
	unsigned char *locals;		   /* KEYS_FILTER bytes, or NULL */
	char depths[KEYS_DEPTHS_N * KEYS_DEPTHS]; /* of suffixes (keys.h) */
	char extensions[KEYS_EXTENSIONS];
	int error; /* errno of the first map_add that failed */
	struct buf key, value, low, text; /* scratch */
};

/* the shared part, rows.c */

/* rows_wrong, rows_warn - an error, a warning of the line where we are
 *
 * Takes    text: see report_line; word: a part of the line gives the column,
 *          an empty one that of the line's end, any other that of the line's
 *          first word.
 */
void
rows_wrong(struct rows *r, const char *text, struct slice word);

void
rows_warn(struct rows *r, const char *text, struct slice word);

/* rows_unused - warn, once a build, of what is compiled and has no effect
 *
 * Takes    text: what it is, and who does not look at it yet.
 */
void
rows_unused(struct rows *r, const char *text, struct slice word);

/* rows_mark, rows_place - where we are, as one number for seen_put, and such
 * a number as text, "line 12" in the file where we are, else "routes:12" */
uint64_t
rows_mark(const struct rows *r);

void
rows_place(const struct rows *r, uint64_t mark, struct buf *out);

/* rows_right - is the word right? An error if there is a fault */
bool
rows_right(struct rows *r, const char *fault, struct slice word);

/* rows_first - is the key the first of its kind in this table? An error if
 * not, in which word stands for it */
bool
rows_first(struct rows *r, struct slice key, struct slice word);

/* rows_first_of - the same in any other set of keys */
bool
rows_first_of(struct rows *r, const char *set, struct slice key,
	      struct slice word);

/* rows_put, rows_put_number - add a record of this table and line
 *
 * Keeps    r->text not, when it is a number.
 */
void
rows_put(struct rows *r, struct slice key, struct slice value);

void
rows_put_number(struct rows *r, struct slice key, uint64_t number);

/* rows_put_in - the same into another table than the line's own */
void
rows_put_in(struct rows *r, const char *table, struct slice key,
	    struct slice value);

/* rows_lower - the word in lower case, until the next call */
struct slice
rows_lower(struct rows *r, struct slice word);

/* rows_domain - the domain of an address; anything else as it is */
struct slice
rows_domain(struct slice key);

/* the tables: takes.c for the small ones, one file for each large one */

/* rows_table - the n-th (from 0) table in the order they are to be taken;
 * NULL behind the last */
const char *
rows_table(size_t n);

/* rows_take - check a line and add it to the map
 *
 * Needs    r->table (of rows_table), r->file, r->file_n, r->line and r->whole.
 */
void
rows_take(struct rows *r, struct slice words);

/* rows_check - check a line against all others
 *
 * Needs    the same; all lines of all tables taken.
 */
void
rows_check(struct rows *r, struct slice words);

/* rows_settle - what all lines together come to: a node that takes mail by
 * SMTP alone and has nothing but hubs for it needs no queue */
void
rows_settle(struct rows *r);

/* rows_weigh - warn of a line that can hardly be meant; needs the same */
void
rows_weigh(struct rows *r, struct slice words);

/* rows_end - add what is known only at the end */
void
rows_end(struct rows *r);

/* rows_note_local - remember a domain of locals for the filter (keys.h) */
void
rows_note_local(struct rows *r, struct slice domain);

/* rows_note_suffix - if it is a .suffix, remember how many dots it has */
void
rows_note_suffix(struct rows *r, enum keys_depths set, struct slice key);

/* rows_note_extension - remember the length of PREFIX- in PREFIX-*@domain */
void
rows_note_extension(struct rows *r, size_t len);

/* rows_free - all but the map and the report */
void
rows_free(struct rows *r);

#endif
