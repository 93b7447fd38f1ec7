/* simfs.h - a disk in memory that remembers every call, for crash tests
 *
 * Put behind lib/fs by simfs_use. It keeps what a running program sees, and
 * a trace of what it did. From any prefix of the trace simfs_crash makes a
 * disk as it may legally look after power was lost there:
 *
 *   - bytes of a file written before its last sync are there; those written
 *     since, each 512-byte sector by itself, may or may not be
 *   - a file's size follows the sectors that made it; a hole reads as zeros
 *     or as garbage
 *   - names made, moved or removed in a directory since its last sync may or
 *     may not be, each by itself; a file whose name is gone is gone
 *
 * Nothing more is taken from any file system: not that fsync of a new file
 * keeps its name, not that renames keep their order.
 */
#ifndef QUAIL_TESTS_SIMFS_H
#define QUAIL_TESTS_SIMFS_H

#include "lib/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct simfs;

struct simfs *
simfs_new(void);

void
simfs_free(struct simfs *fs);

/* simfs_bare - an empty disk without a trace, in use: for harnesses that want
 * one millions of times, and no crash
 *
 * Takes    fs: the one of the last time, or NULL.
 * Needs    simfs_is_closed: no descriptor is open.
 */
struct simfs *
simfs_bare(struct simfs *fs);

/* simfs_is_closed - has every descriptor been given back? */
bool
simfs_is_closed(const struct simfs *fs);

/* simfs_use - this one answers lib/fs from now on; AT_FDCWD is its root;
 * NULL: the kernel does again */
void
simfs_use(struct simfs *fs);

/* simfs_length - calls in the trace that change something, so far */
size_t
simfs_length(const struct simfs *fs);

/* simfs_moves - how many of them were renames */
size_t
simfs_moves(const struct simfs *fs);

/* which of the unsynced pieces survive */
enum simfs_keep {
	SIMFS_NONE,	 /* none of them */
	SIMFS_ALL,	 /* all of them */
	SIMFS_ONLY,	 /* only the n-th */
	SIMFS_WITHOUT,	 /* all but the n-th */
	SIMFS_TEAR,	 /* all, but of the last write only n sectors */
	SIMFS_TEAR_HEAD, /* all, but of the last write not the first n */
	SIMFS_RANDOM	 /* each by a coin, seed n */
};

/* simfs_pieces - how many unsynced pieces there are after `prefix` calls */
size_t
simfs_pieces(const struct simfs *fs, size_t prefix);

/* simfs_last_sectors - how many sectors the last call writes, if it is an
 * unsynced write; else 0 */
size_t
simfs_last_sectors(const struct simfs *fs, size_t prefix);

/* simfs_crash - the disk after power was lost behind `prefix` calls
 *
 * Takes    garbage: holes and lost sectors of new files read as garbage
 *          instead of zeros.
 */
struct simfs *
simfs_crash(const struct simfs *fs, size_t prefix, enum simfs_keep keep,
	    uint64_t n, bool garbage);

/* simfs_killed - the disk after the process was killed behind `prefix` calls
 *
 * Everything is there, as the kernel still has it in memory, but what was
 * not synced may yet be lost by a power loss later on: the trace goes on.
 */
struct simfs *
simfs_killed(const struct simfs *fs, size_t prefix);

/* simfs_settle - forget the trace; what is there now was always there */
void
simfs_settle(struct simfs *fs);

/* simfs_fail - let the n-th changing or reading call from now on fail
 *
 * A sync that fails does as Linux does: what it should have written counts
 * as written, is still read, but no later sync will write it.
 *
 * Takes    error: an errno value; 0: a short write (half of it), where it is
 *          a write; negative: such a write, and this error for the next call.
 */
void
simfs_fail(struct simfs *fs, uint64_t n, int error);

/* simfs_failed - has that call come? */
bool
simfs_failed(const struct simfs *fs);

/* simfs_failed_at - how long the trace was then */
size_t
simfs_failed_at(const struct simfs *fs);

/* simfs_calls - calls counted for simfs_fail since simfs_new */
uint64_t
simfs_calls(const struct simfs *fs);

/* simfs_age - files seem to have been changed so long ago */
void
simfs_age(struct simfs *fs, long seconds);

/* simfs_copy - the same files again, without the trace */
struct simfs *
simfs_copy(const struct simfs *fs);

/* simfs_file - the number of a file in a directory; -1 for none
 *
 * Takes    dir: the directory's own name, whatever is above it.
 */
int
simfs_file(const struct simfs *fs, const char *dir, const char *name);

/* simfs_bytes - what is in a file, until it is written */
struct slice
simfs_bytes(const struct simfs *fs, int file);

/* simfs_flip - a bit of a file goes bad; bit 0 is the first byte's lowest */
void
simfs_flip(struct simfs *fs, int file, uint64_t bit);

/* simfs_unreadable - these bytes of a file give EIO until written over */
void
simfs_unreadable(struct simfs *fs, int file, uint64_t from, uint64_t to);

/* simfs_full - from now on so many bytes more are all there is room for;
 * with none no file can be made either */
void
simfs_full(struct simfs *fs, uint64_t room);

/* simfs_sync_lies - from now on syncs return 0 and do nothing (a mutant of
 * the disk: the tests must see it) */
void
simfs_sync_lies(struct simfs *fs);

#endif
