/* recent.h - what was taken lately, so that it is not taken twice
 *
 * A client that lost our K sends the same bytes again. The keyed hash of its
 * package (text, sender, recipients, and who it is) is remembered with the
 * time and the id of its message. The same package is a repeat for RECENT_S
 * seconds, by the clock that does not jump, and when it comes by another
 * connection: who was told K and sends the same again on the same connection
 * means it. Only for what an earlier run took does the wall clock count too:
 * there is no other that both runs have read.
 *
 * Entries are appended to pages, in the order in which they are taken; each
 * page has an index of its own, and none is changed behind its end. So a page
 * is forgotten as a whole when its last entry is too old, the cost of one more
 * entry does not grow with those before, and what is on disk of a page
 * (store_recent.h) is its first n entries. 40 bytes an entry; when there are
 * more than RECENT_MAX, the oldest page is forgotten early.
 *
 * 96 bits of a keyed hash leave a chance of a false hit of about 10^-22 a
 * message with a million remembered.
 *
 * Test  tests/recent_test.c
 */
#ifndef QUAIL_QUEUE_RECENT_H
#define QUAIL_QUEUE_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RECENT_S = 600,
	RECENT_KEY = 12,
	RECENT_PAGE = 131071, /* entries; its index has 17 bits for one */
	RECENT_PAGE_S = 75,   /* then the next one is begun */
	RECENT_PAGES = 24,
	RECENT_MAX = RECENT_PAGES * RECENT_PAGE /* 3.1 million, 120 MB */
};

/* Both clocks, in seconds: lib/clock.h. */
struct recent_now {
	int64_t wall_s;
	int64_t up_s; /* never jumps, never goes back */
};

struct recent_now
recent_clock(void);

struct recent_entry {
	uint32_t key[3];
	uint32_t taken_s; /* 0: what was taken was not kept */
	uint64_t id;	  /* of its message; 0: no longer known */
	uint32_t session; /* it came by; 0: in an earlier run */
	int16_t age_s;	  /* when its page was begun; below 0: taken later */
	uint16_t again;	  /* the session of its last repeat, some bits of it */
};

struct recent_page {
	struct recent_entry *entries;
	uint32_t n, cap;
	uint32_t *places; /* the index: twice cap */
	uint32_t number;  /* its name on disk */
	uint32_t n_saved; /* entries that need not be written any more */
	bool has_file;
	uint64_t first;		   /* how many were put before this page */
	int64_t begun_s, newest_s; /* by the clock that does not jump */
};

struct recent {
	struct recent_page pages[RECENT_PAGES]; /* oldest first */
	unsigned n_pages;
	uint32_t next_number;
	uint64_t n_put; /* since the start */
	/* a page is forgotten; may be NULL */
	void (*forgets)(struct recent *r, const struct recent_page *p);
};

/* A zeroed struct remembers nothing. */

/* recent_find - is it a repeat?
 *
 * Takes    session: of the connection that it came by, never 0. From here on
 *          what comes by it is no repeat of the same message.
 * Returns  true, and *id of the message that stands for it.
 */
bool
recent_find(struct recent *r, const uint8_t key[RECENT_KEY], uint32_t session,
	    const struct recent_now *now, uint64_t *id);

/* recent_knows - is anything known of this package, young or old? */
bool
recent_knows(const struct recent *r, const uint8_t key[RECENT_KEY]);

/* recent_put - remember it
 *
 * Takes    taken_s: when it was taken (wall clock): now, or with session 0
 *          by an earlier run; then what is too old, or from the future, is
 *          passed over. The same id again, when it was the last with this
 *          key and not long ago, changes nothing.
 */
void
recent_put(struct recent *r, const uint8_t key[RECENT_KEY], uint64_t id,
	   int64_t taken_s, uint32_t session, const struct recent_now *now);

/* recent_drop - forget it at once: this message was not kept */
void
recent_drop(struct recent *r, const uint8_t key[RECENT_KEY], uint64_t id);

/* recent_turn - forget the pages that are too old; call it now and then */
void
recent_turn(struct recent *r, const struct recent_now *now);

/* recent_is_young - does this entry of a page still count?
 *
 * Not if it is too old, was dropped, or is an earlier run's and seems to come
 * from the future.
 */
bool
recent_is_young(const struct recent_page *p, const struct recent_entry *e,
		const struct recent_now *now);

void
recent_free(struct recent *r);

#endif
