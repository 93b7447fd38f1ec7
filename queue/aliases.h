/* aliases.h - the addresses that stand for others, put in their place
 *
 * Done once, before the message is committed: its record then holds the
 * recipients that each get an outcome, and no crash can meet a half of them
 * (doc/decisions.md). An address stands for those of its line in the table;
 * they are looked up themselves, until one has no line, or one has been met
 * on the way already: that one stands for itself, so a line may name its own
 * address, and no loop is for ever.
 *
 * What several aliases lead to is one recipient; what the client itself
 * names stays as often as it is named.
 *
 * Test  tests/aliases_test.c
 */
#ifndef QUAIL_QUEUE_ALIASES_H
#define QUAIL_QUEUE_ALIASES_H

#include "cdb/config.h"
#include "lib/siphash.h"
#include "queue/incoming.h"

enum {
	ALIASES_MAX = 10000, /* addresses that a message may meet on its way */
	ALIASES_DEPTH_MAX = 20,
	ALIASES_REPORTED_MAX = 100 /* more are a list: what was asked of
				      reports is not asked of them */
};

/* aliases_expand - replace in->rcpts and in->n_rcpts
 *
 * Takes    key: of a hash that clients cannot foretell.
 * Needs    all recipients there, and in->key made of them as they came.
 *
 * What in->attrs say of a recipient (lib/dsn.h) is said of those that came of
 * it.
 *
 * Returns  0; -1 when it would be more than ALIASES_MAX: *in is unchanged.
 * Keeps    nothing; logs each line that is used.
 */
int
aliases_expand(const struct config *c, const uint8_t key[SIPHASH_KEY],
	       struct incoming *in);

#endif
