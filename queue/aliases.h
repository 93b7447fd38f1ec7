/* aliases.h - the addresses that stand for others, put in their place
 *
 * Done once, before the message is committed: its record then holds the
 * recipients that each get an outcome, and no crash can meet a half of them
 * (doc/decisions.md). An address stands for those of its line in the table;
 * they are looked up themselves, until one has no line, or one has been met
 * on the way already: that one stands for itself, so a line may name its own
 * address, and no loop is for ever.
 *
 * Each leaves its name in the copies that it makes (queue/via.h), so that an
 * alias that leads back here over other hubs ends at its second visit. Such a
 * recipient is returned, and the others get theirs.
 *
 * What several aliases lead to is one recipient, and none of its own if the
 * client names it too; what the client names stays as often as it is named.
 *
 * Test  tests/aliases_test.c
 */
#ifndef QUAIL_QUEUE_ALIASES_H
#define QUAIL_QUEUE_ALIASES_H

#include "cdb/config.h"
#include "lib/siphash.h"
#include "queue/aliases_said.h"
#include "queue/incoming.h"
#include "queue/via.h"

enum {
	ALIASES_MAX = 10000, /* recipients then, and addresses on the way */
	ALIASES_DEPTH_MAX = VIA_DEPTH_MAX,
	ALIASES_COPIES_MAX = 100000, /* that a recipient may become in a site */
	ALIASES_SINGLE_MAX = 20,   /* of those that stand for one, so many leave
				    * their name: each makes an attempt more */
	ALIASES_REPORTED_MAX = 100 /* more are a list: what was asked of
				      reports is not asked of them */
};

enum aliases_result {
	ALIASES_DONE,
	ALIASES_MANY,  /* it would be more than ALIASES_MAX recipients */
	ALIASES_LOOP,  /* nobody is left to whom it has not been copied before,
			* or it would be more than ALIASES_COPIES_MAX */
	ALIASES_AGAIN, /* the first is so, and has been said to its sender;
			* each recipient was logged as dropped */
};

/* aliases_look - a recipient has been added: has it a line?
 *
 * Then aliases_expand need not ask for all of them at once, unless the tables
 * have changed meanwhile.
 */
void
aliases_look(const struct config *c, struct incoming *in, struct slice rcpt);

/* aliases_expand - replace in->rcpts and in->n_rcpts
 *
 * Takes    key: of a hash that clients cannot foretell; said: may be NULL.
 * Needs    the sender and all recipients there, and in->key made of them as
 *          they came.
 *
 * What in->attrs say of a recipient (lib/dsn.h) is said of those that came of
 * it.
 *
 * Returns  if not ALIASES_DONE, *in is unchanged.
 * Keeps    nothing; logs each line that is used, and each that is not because
 *          the message has been there, and each recipient that is dropped.
 */
enum aliases_result
aliases_expand(const struct config *c, const uint8_t key[SIPHASH_KEY],
	       struct aliases_said *said, struct incoming *in);

#endif
