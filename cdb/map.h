/* map.h - TinyCDB behind a wall: one file, keys to values, read or made
 *
 * The only module that knows TinyCDB: libowfat has functions of the same
 * names and another struct cdb, so nobody else may see its header.
 *
 * A map says of itself what it is: the first record, under "\0quail", is
 * "quail-config VERSION DIGEST\n", and the digest covers every byte of the
 * file but its own. A torn, foreign or bit-flipped file is refused when it
 * is opened, before it can give a wrong answer.
 *
 * Not for hostile writers: whoever can write the file decides everything
 * anyway. A file must be replaced by rename and never be written or cut in
 * place: readers have it mapped.
 *
 * Source  https://cr.yp.to/cdb/cdb.txt
 * Test    tests/map_test.c
 */
#ifndef QUAIL_CDB_MAP_H
#define QUAIL_CDB_MAP_H

#include "lib/buf.h"

#include <sys/stat.h>

/* The format of keys and values; another number is refused. */
#define MAP_VERSION "4"

/* A map is read with 32-bit positions, and TinyCDB's own check of that
 * comes too late: twice the size is written without an error, and wrong. */
#define MAP_SIZE_MAX (UINT64_C(2) << 30)

struct map;

struct map_record {
	struct slice key, value;
};

/* map_open - map a file and check its digest
 *
 * Returns  0, *r and *st; -1 with one line appended to *why: *st is then
 *          what the file was, or all zero if there is none.
 * Owns     map_close gives *r back.
 */
int
map_open(struct map **r, const char *path, struct stat *st, struct buf *why);

/* map_close - unmap; NULL is allowed */
void
map_close(struct map *m);

/* map_find - find the n-th (from 0) record of a key, in the order of adding
 *
 * Returns  true and *r, which is valid until map_close; false: not there.
 * Keeps    neither blocks (but for page faults), allocates nor logs.
 */
bool
map_find(struct map *m, struct slice key, unsigned n, struct map_record *r);

/* What all map_find of a map have cost so far. */
struct map_work {
	uint64_t n, bytes; /* keys that were looked for; their bytes, hashed */
};

/* map_work - for tests, which hold it against what the asker chose */
struct map_work
map_work(const struct map *m);

/* map_each - the next record of the file, in the order of adding
 *
 * Takes    *at: 0 before the first.
 * Returns  true and *r; false: that was the last.
 */
bool
map_each(struct map *m, uint32_t *at, struct map_record *r);

/* map_digest - 32 hex digits, valid until map_close */
struct slice
map_digest(const struct map *m);

struct map_writer;

/* map_make - begin a new file NAME in the directory
 *
 * It is in memory until map_finish.
 *
 * Takes    dir, which stays open until map_finish or map_abort; name, kept.
 * Returns  NULL with errno when there is no memory for it. One writer at a
 *          time per directory is the caller's business.
 * Owns     map_finish or map_abort gives it back.
 */
struct map_writer *
map_make(int dir, const char *name);

/* map_add - add a record; keys may repeat
 *
 * Returns  0; -1 with errno, EFBIG when the file would go over MAP_SIZE_MAX.
 */
int
map_add(struct map_writer *w, struct slice key, struct slice value);

/* map_finish - write it to NAME.tmp, sync, put it in place, sync the directory
 *
 * When the file in place is the same byte for byte, nothing is written: it
 * only gets the time of now, and is synced.
 *
 * Takes    before: called with the directory when the new file is synced and
 *          differs from what is in place; when it fails (-1), so does this.
 *          NULL: nothing is to be done then.
 * Returns  0; -1 with errno: the old file is still there, but for an error
 *          of the last sync, when either may be.
 */
int
map_finish(struct map_writer *w, int (*before)(int dir));

/* map_abort - forget it all, and take NAME.tmp away */
void
map_abort(struct map_writer *w);

#endif
