/* queue_cmd_export.h - each message of a queue as two files
 *
 * ID is the text, byte for byte; ID.env says whose it is, in lines
 *
 *   id 6930000100000001
 *   received 1763760011
 *   from a@b.test
 *   attribute KEY=VALUE
 *   to c@d.test
 *   done e@f.test
 *
 * with bytes that are no printable ASCII as \xNN and a backslash as two.
 * Both are synced, and appear under their names only when whole: first
 * ID.env, then ID.
 *
 * Of a damaged message, what can be read. "damaged envelope" stands in ID.env
 * in the place of who and to whom. Its text is ID.damaged, never ID; a line
 * "damaged text" says that it is not what was written, "damaged end of text"
 * that not all of it could be read.
 *
 * Test  tests/queue_cmd.t
 */
#ifndef QUAIL_QUEUE_QUEUE_CMD_EXPORT_H
#define QUAIL_QUEUE_QUEUE_CMD_EXPORT_H

#include "lib/buf.h"

struct export
{
	int dir, fd; /* fd: the text that is being written; -1: none */
	char name[18];
	uint64_t at; /* bytes of it so far */
	struct buf envelope;
	uint64_t n, n_lost;
	uint64_t n_changed, n_short; /* ID.damaged: all of it, not all */
};

/* export_open - into the directory path, made if it is not there
 *
 * Returns  0; -1 with errno. export_close is due only after 0.
 */
int
export_open(struct export *e, const char *path);

/* export_item - take an item m, a, r, t or e; 0, or -1 with errno */
int
export_item(struct export *e, char type, struct slice body);

/* export_close - sync the directory; 0, or -1 with errno */
int
export_close(struct export *e);

#endif
