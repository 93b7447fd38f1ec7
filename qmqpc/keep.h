/* keep.h - a message that came in at the leaf's door, until it is spooled
 *
 * The envelope and the text as they came; the text up to 256 KiB in memory,
 * more in a file without a name. Only when all is there it is treated as one
 * on sendmail's stdin is (missing fields, Bcc, the table rewrite) and put
 * into the spool.
 *
 * Test  tests/leaf_smtp.t
 */
#ifndef QUAIL_QMQPC_KEEP_H
#define QUAIL_QMQPC_KEEP_H

#include "lib/list.h"
#include "lib/verdict.h"
#include "qmqpc/spool.h"
#include "qmqpc/submit.h"

struct keep {
	uint64_t id;
	bool has_sender;
	struct buf sender;
	struct rcpts rcpts;
	struct package text;
	struct verdict refused; /* code 0: nothing is wrong yet */
	struct link age;	/* the door's */
};

/* keep_text, keep_sender, keep_rcpt - what a front end tells, in any order
 *
 * Needs    *k all zero but for id before the first.
 * Does     notes in k->refused what cannot be: keep_commit will say it.
 */
void
keep_text(struct keep *k, struct slice text);

void
keep_sender(struct keep *k, struct slice sender);

void
keep_rcpt(struct keep *k, struct slice rcpt);

/* keep_shed - hold nothing of it any more: there is too much
 *
 * What is told of it from now on is dropped; keep_commit will say Z.
 */
void
keep_shed(struct keep *k);

/* keep_commit - all has been said: put it into the spool
 *
 * Returns  in *v: K, it is durable under m.ID; Z: our disk or memory; D: no
 *          recipient, too large. Blocks for the syncs.
 */
void
keep_commit(struct keep *k, const struct config *config, struct spool *spool,
	    struct verdict *v);

void
keep_free(struct keep *k);

#endif
