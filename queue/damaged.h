/* damaged.h - messages that were set aside: their bytes are not what was
 * written, or cannot be read
 *
 * They are in the queue no more: nothing tries them and nothing waits for
 * them. Each is a file in queue/damaged/, named by its id, or
 * SEGMENT-OFFSET where not even that can be read:
 *
 *   what the checksum of its record is wrong
 *   segment 6b02093a
 *   offset 0000a3f2
 *   done 0,2                 these recipients have their outcome already
 *   unreadable 512           so many bytes are gone and stand here as zeros
 *
 *   QL1 M 6b02093a ...       the record as it is on the disk, see entry.h
 *
 * A text that had a file of its own is in NAME.text. Whoever looks at one
 * must not believe it: it is what can still be read.
 *
 * All of these take the queue's directory, so they serve the tools too, with
 * or without a daemon.
 *
 * Test  tests/rot_test.c, tests/rescue.t
 */
#ifndef QUAIL_QUEUE_DAMAGED_H
#define QUAIL_QUEUE_DAMAGED_H

#include "lib/buf.h"

enum {
	DAMAGED_NAME = 18, /* the longest, and a NUL */
	DAMAGED_RECORD_MAX = 72 * 1024 * 1024
};

/* damaged_list - append the names, each with a NUL behind it
 *
 * Returns  0, also when none was ever set aside; -1 with errno.
 */
int
damaged_list(int queue_dir, struct buf *names);

/* One that was set aside, as far as it can be read. */
struct damaged {
	uint64_t id;	  /* 0: not known */
	int64_t birth_us; /* 0: not known */
	uint32_t n_rcpts; /* that can be read: so many netstrings in rcpts */
	struct slice what;
	struct slice done; /* "INDEX,INDEX...": entry_next_index */
	struct slice sender;
	struct slice rcpts; /* netstrings */
	struct slice attrs; /* netstrings; may end in bytes that are none */
	uint64_t text_len;  /* bytes that damaged_text gives */
	bool is_short;	    /* not all of its bytes can be read */
	bool has_envelope;  /* sender to attrs are meant to be it; else all
			     * of the record counts as text */
	struct buf room;    /* what the slices are borrowed from */
	int fd, text_fd;
	uint64_t text_at, text_want; /* text_want: its length, once */
};

/* damaged_open - read one
 *
 * Returns  0 and *d, for damaged_close; -1 with errno: ENOENT, EINVAL for a
 *          name that is none.
 */
int
damaged_open(struct damaged *d, int queue_dir, const char *name);

/* damaged_has - is there one with this id?
 *
 * Returns  1, 0; -1 with errno when that cannot be said.
 */
int
damaged_has(int queue_dir, uint64_t id);

/* damaged_text - n bytes of its text; unreadable ones are zeros
 *
 * Needs    from + n <= d->text_len.
 * Returns  0; -1 with errno.
 */
int
damaged_text(struct damaged *d, uint64_t from, char *to, size_t n);

void
damaged_close(struct damaged *d);

/* damaged_remove - forget one for good
 *
 * Returns  0; -1 with errno, ENOENT when it is not there.
 */
int
damaged_remove(int queue_dir, const char *name);

/* What is to be set aside: size bytes at offset of a file. */
struct damaged_piece {
	const char *what;
	uint64_t id; /* 0: not known, segno and offset name it */
	uint32_t segno;
	uint64_t offset, size;
	int fd;
	struct slice done;
	int big_dir; /* with the name of its text; 0: it has none there */
	const char *big_name;
};

/* damaged_put - set one aside, durably
 *
 * The text gets a second name; the first is the caller's to remove. What was
 * there under the same name is replaced.
 *
 * Returns  0 and the name; -1 with errno: nothing has changed, though a part
 *          may be left as NAME.new.
 */
int
damaged_put(int queue_dir, const struct damaged_piece *p,
	    char name[DAMAGED_NAME]);

/* damaged_name - the name that it gets */
void
damaged_name(char name[DAMAGED_NAME], const struct damaged_piece *p);

/* damaged_open_piece - read one that was not set aside yet, and write nothing
 *
 * Returns  as damaged_open.
 */
int
damaged_open_piece(struct damaged *d, const struct damaged_piece *p);

/* damaged_move - give a file another directory, durably, at no time without
 * a name
 *
 * Takes    keep: the first name stays too, where the file system has links.
 * Returns  0, also when it has the new name already; -1 with errno, EEXIST
 *          when another file has it.
 */
int
damaged_move(int from_dir, const char *from, int to_dir, const char *to,
	     bool keep);

#endif
