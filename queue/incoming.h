/* incoming.h - a message on its way into the queue
 *
 * Collects what the door is told, in any order, until the store takes it.
 * Text over the small-message limit is streamed to big/ID, so that memory
 * stays bounded whatever the size.
 *
 * Test  tests/replay_test.c, tests/fault_test.c
 */
#ifndef QUAIL_QUEUE_INCOMING_H
#define QUAIL_QUEUE_INCOMING_H

#include "lib/buf.h"
#include "queue/hops.h"

enum {
	INCOMING_SMALL = 256 * 1024, /* text up to this stays in the log */
	INCOMING_ATTRS_MAX = 4096
};

struct incoming {
	uint64_t id;
	int64_t birth_us;
	struct buf sender;
	struct buf rcpts; /* netstrings */
	struct buf attrs; /* netstrings, "key=value" each */
	uint32_t n_rcpts;
	struct buf text; /* empty once it went to a file */
	uint64_t text_len;
	int big_fd; /* 0: none yet */
	uint32_t big_crc;
	struct hops hops;
	bool is_trusted;  /* its client may relay */
	bool has_key;	  /* for queue/recent.h */
	uint8_t key[12];  /* of the package, as it came */
	uint32_t session; /* of the connection that it came by */
	uint64_t looked;  /* aliases_look's: by which tables, and ... */
	bool has_alias;	  /* ... is any recipient one? */
};

/* A struct zeroed but for id is a new message. */

/* incoming_text - append text; streams to big_dir/ID past INCOMING_SMALL,
 * or past small when memory is short
 *
 * Keeps    in memory no more than small bytes of capacity from here on; what
 *          it had before while small was larger stays until there is more.
 * Returns  0; -1 with errno: the message cannot be taken any more.
 */
int
incoming_text(struct incoming *in, int big_dir, size_t small,
	      struct slice text);

void
incoming_rcpt(struct incoming *in, struct slice rcpt);

/* incoming_attr - "key=value"; -1 when it would be too much */
int
incoming_attr(struct incoming *in, struct slice attr);

/* incoming_free - give all back, and remove the file if there is one that
 * the store has not taken over (big_fd > 0) */
void
incoming_free(struct incoming *in, int big_dir);

enum { BIG_NAME = 17 };

/* big_name - the name of a message's own file: its id in hex, and a NUL */
void
big_name(char name[BIG_NAME], uint64_t id);

#endif
