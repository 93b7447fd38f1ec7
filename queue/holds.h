/* holds.h - an operator's rules: which senders and next hops have to wait
 *
 * The rules stand in the file holds of the queue directory, one a line, and
 * act on mail that is there and on mail that comes later:
 *
 *   from news-*@example.org
 *   dest smtp:mx/example.com
 *
 * The file is replaced as a whole: written to holds.new, synced, renamed,
 * the directory synced. Patterns are those of queue/glob.h. (A single
 * message that is held has a record in the log: queue/store_pause.h.)
 *
 * Test  tests/control_test.c
 */
#ifndef QUAIL_QUEUE_HOLDS_H
#define QUAIL_QUEUE_HOLDS_H

#include "lib/buf.h"

enum { HOLDS_MAX = 1000, HOLDS_PATTERN_MAX = 1000 };

enum hold_kind { HOLD_FROM, HOLD_DEST };

struct hold {
	enum hold_kind kind;
	struct slice pattern; /* in the text */
};

struct holds {
	int dir;	 /* of the queue; borrowed */
	struct buf text; /* of the file */
	size_t n, n_from;
	struct hold *all;
};

/* holds_load - read the file; none at all is no rules
 *
 * Takes    dir: a descriptor of the queue's directory, kept.
 * Returns  0; -1 with errno, EINVAL when a line makes no sense. *h is then
 *          without rules.
 */
int
holds_load(struct holds *h, int dir);

/* holds_load_safely - the same, but when it cannot be read the only rule is to
 * hold all next hops, and the log says so
 *
 * Mail is taken then and none goes out that an operator has stopped. The file
 * stays as it is until a rule is made or removed.
 */
void
holds_load_safely(struct holds *h, int dir);

/* holds_find - the first rule that matches; NULL for none */
const struct hold *
holds_find(const struct holds *h, enum hold_kind kind, struct slice s);

/* holds_good - can this be a rule's pattern? Not without a byte, with one
 * that would break a line, or too long. */
bool
holds_good(struct slice pattern);

/* holds_add - make a rule; it is durable when this returns
 *
 * Needs    holds_good(pattern).
 * Returns  1; 0 it was there already; -1 with errno, ENOSPC for too many.
 */
int
holds_add(struct holds *h, enum hold_kind kind, struct slice pattern);

/* holds_remove - remove the rule with exactly this pattern; pattern "":
 * all rules of all kinds
 *
 * Returns  the number of rules removed; -1 with errno.
 */
int
holds_remove(struct holds *h, enum hold_kind kind, struct slice pattern);

/* hold_word - "from" or "dest" */
struct slice
hold_word(enum hold_kind kind);

void
holds_free(struct holds *h);

#endif
