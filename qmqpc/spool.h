/* spool.h - the leaf's spool: where mail waits that no hub has taken
 *
 *   DIR/spool              mode 3733: all may drop, only its owner may list
 *     m.0f1e2d3c4b5a6978   a message (spool_entry.h), its owner's who sent it
 *     tmp.0f1e2d3c4b5a6978 one that is being written
 *     full/                made by the drain: who has enough there (marks.h)
 *     failed/              mail that can be neither sent nor returned
 *     aside.ID             what had one of these two names and was not ours
 *
 * A message is ours once it has its name m.ID, and the name is on the disk:
 *
 *   step                       power lost behind it
 *   1 create tmp.ID            nothing, or a tmp that the drain removes
 *   2 write text, then record  the same
 *   3 sync the file            the same
 *   4 rename to m.ID           perhaps the message; nobody was told
 *   5 sync the directory       the message. Only now the caller gets exit 0
 *
 * Who may not open the directory to sync it does 5 with syncfs(2) on the
 * file: its whole file system. A failure at 4 or 5 leaves the message or
 * not, the caller is told it failed: twice is possible, lost is not.
 *
 * Test  tests/leaf_test.c, tests/leaf.t
 */
#ifndef QUAIL_QMQPC_SPOOL_H
#define QUAIL_QMQPC_SPOOL_H

#include "cdb/config.h"
#include "qmqpc/package.h"
#include "qmqpc/shares.h"
#include "qmqpc/spool_entry.h"

#include <sys/stat.h>
#include <sys/types.h>

#define SPOOL_FULL   "full"
#define SPOOL_FAILED "failed"

enum {
	SPOOL_NAME = 24, /* room for a name */
	SPOOL_MODE = 03733,
	SPOOL_SPARE = 8 * 1024 * 1024, /* bytes of the disk left to others */
	SPOOL_LOOK = 10000 /* names that one who drops looks at, at the most */
};

#define SPOOL_BYTES_MAX (UINT64_C(1) << 30) /* the whole spool */

struct spool {
	int dir;      /* at least to make and rename names in */
	int sync_dir; /* the same to list and sync; -1: not permitted */
	uid_t owner;
	mode_t file_mode;
	uint64_t bytes_max;
	bool has_seen; /* spool_room has looked, and this is what is there */
	struct shares seen;
};

/* spool_path - append its path: QUAIL_SPOOL, or "spool" in dir; with "/."
 * behind it, so that it may be a link that the administrator made */
void
spool_path(struct buf *path, const char *dir);

/* spool_open - open the directory
 *
 * Returns  0; -1 with errno, *s closed.
 */
int
spool_open(struct spool *s, const char *path);

/* spool_limit - take the size that qmqpservers allows the whole spool */
void
spool_limit(struct spool *s, const struct config *config);

/* spool_open_or_make - the same for who owns it: one that is missing is made
 * as it must be, where we may */
int
spool_open_or_make(struct spool *s, const char *path);

void
spool_close(struct spool *s);

/* spool_room - may this user add a message of this size?
 *
 * No, if the drain has marked him, if what we see of the spool leaves him no
 * room for it (shares.h), or if the disk is nearly full. Who may list the
 * spool sees the first SPOOL_LOOK names of it, once until spool_close.
 * Returns  0, and the message counts as one that is there; -1 with errno:
 *          EDQUOT, ENOSPC.
 */
int
spool_room(struct spool *s, uint64_t size);

/* spool_put - keep a sealed package; see the table above
 *
 * Takes    e->id, e->birth_us, e->n_rcpts; the rest is filled in.
 * Returns  0: it is durable; -1 with errno.
 */
int
spool_put(const struct spool *s, struct package *p, struct spool_entry *e,
	  struct slice sender, struct slice rcpts);

/* spool_name - m.ID, with a NUL */
void
spool_name(char name[SPOOL_NAME], const char *prefix, uint64_t id);

/* spool_id - the id in a name that begins with prefix
 *
 * Returns  true and *id; false when it is not PREFIX and 16 hex digits.
 */
bool
spool_id(const char *name, const char *prefix, uint64_t *id);

/* spool_stat - what a name in a directory stands for, a link for itself
 *
 * Opens nothing that could notice, nor keep us waiting.
 * Returns  0; -1 with errno, EXDEV for what is mounted there.
 */
int
spool_stat(int dir, const char *name, struct stat *st);

#endif
