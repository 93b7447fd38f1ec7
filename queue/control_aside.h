/* control_aside.h - messages that were set aside as damaged, for those who ask
 *
 * They are in no table: queue/damaged.h has them, in files. They come behind
 * the queue's own messages, as items m with the state "damaged", with what
 * can still be read of them, which need not be true. So no pattern means
 * them, only their names, or all.
 *
 * Source  doc/quail-control.7
 * Test    tests/control_test.c
 */
#ifndef QUAIL_QUEUE_CONTROL_ASIDE_H
#define QUAIL_QUEUE_CONTROL_ASIDE_H

#include "queue/ages.h"
#include "queue/control_ask.h"
#include "queue/damaged.h"
#include "queue/store.h"

struct control_aside {
	bool is_listed, is_open;
	struct buf names; /* those to come, each with a NUL */
	size_t at;
	char name[DAMAGED_NAME]; /* of the one that is open */
	struct damaged one;
	uint64_t text_at;
	const struct ages *ages; /* NULL: the wall's clock must do */
};

/* A zeroed struct is at the beginning. */

/* control_aside_meant - does the request mean such messages too? */
bool
control_aside_meant(const struct control_ask *a);

/* control_aside_find - open the one with this id; false: there is none */
bool
control_aside_find(struct control_aside *w, const struct store *st,
		   uint64_t id);

/* control_aside_next - open the next one that is meant: of the names in the
 * request, or of all that there are
 *
 * Returns  false at the end. A name of the request that is not there is told
 *          in *missing_r, and is counted by the caller: "" when it is.
 */
bool
control_aside_next(struct control_aside *w, const struct store *st,
		   const struct control_ask *a, const char **missing_r);

/* control_aside_tell - append its items m, a and r; fields is scratch */
void
control_aside_tell(const struct control_aside *w, const struct control_ask *a,
		   struct buf *out, struct buf *fields);

/* control_aside_text - append the next piece of its text
 *
 * Returns  false when there was none left, or none that can be read.
 */
bool
control_aside_text(struct control_aside *w, struct buf *out,
		   struct buf *fields);

/* control_aside_remove - remove it for good; 0, or -1 with errno */
int
control_aside_remove(struct control_aside *w, const struct store *st);

/* control_aside_close - done with the one that is open */
void
control_aside_close(struct control_aside *w);

void
control_aside_free(struct control_aside *w);

#endif
