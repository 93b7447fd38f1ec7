/* salvage.h - reading what can be read of a file whose disk is going bad
 *
 * A sector that cannot be read costs its own bytes, never those beside it.
 *
 * Test  tests/rot_test.c
 */
#ifndef QUAIL_LIB_SALVAGE_H
#define QUAIL_LIB_SALVAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	SALVAGE_SECTOR = 512,
	SALVAGE_PAGE = 4096,
	SALVAGE_MUCH = 1024 * 1024, /* past so much by larger pieces: ... */
	SALVAGE_PIECE = 64 * 1024   /* a dead disk must not take for ever */
};

/* salvage_is_damage - does this errno say that the bytes are gone?
 *
 * And not that a process has no memory or descriptor left: that passes.
 */
bool
salvage_is_damage(int error);

/* salvage_read - fs_read, but bytes that cannot be read are zeros
 *
 * Takes    n_bad: grows by how many those are; it also counts what it was
 *          before, so give the same one for a whole file.
 * Returns  as fs_read, possibly fewer bytes than there are; -1 with errno for
 *          anything that is no damage.
 */
ssize_t
salvage_read(int fd, void *at, size_t n, off_t where, uint64_t *n_bad);

#endif
