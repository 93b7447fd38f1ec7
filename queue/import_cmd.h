/* import_cmd.h - quail import: our tables from those of another program
 *
 * Source  doc/quail.1; qmail-control(5), qmail-users(5), dot-qmail(5),
 *         postconf(5), transport(5); nullmailer's remotes
 * Test    tests/import.t
 */
#ifndef QUAIL_QUEUE_IMPORT_CMD_H
#define QUAIL_QUEUE_IMPORT_CMD_H

#include "lib/buf.h"

int
import_command(int argc, char **argv);

/* What an importer writes: tables, and what it could not carry over. */
struct import {
	const char *from, *to; /* directories */
	struct buf table;      /* the one being written */
	struct buf me;	       /* the host's name, once it is known */
	unsigned n_left;       /* comments about what was left out */
	bool failed;	       /* a file could not be read or written */
};

/* import_read - a file of theirs, relative to from
 *
 * Returns  true with its text in *text; false when there is none.
 */
bool
import_read(struct import *i, const char *name, struct buf *text);

/* import_line - cut the next line off *rest, trimmed; false: none is left */
bool
import_line(struct slice *rest, struct slice *line);

/* import_put - append pieces to the table, up to a NULL */
void
import_put(struct import *i, const char *first, ...) __attribute__((sentinel));

void
import_put_slice(struct import *i, struct slice s);

/* import_left - say in the table, and on stderr, what was not carried over */
void
import_left(struct import *i, const char *file, struct slice what,
	    const char *why);

/* import_end - write the table to a file of to, unless it is empty */
void
import_end(struct import *i, const char *name);

/* the importers */

void
import_qmail(struct import *i);

void
import_postfix(struct import *i);

void
import_nullmailer(struct import *i);

#endif
