/* share.h - what all destinations share: so many at a time, and half of them
 * at the most for bounces
 *
 * Where bounces go is what strangers have written, a thousand domains on
 * hosts, or name servers, that take their time, if they like. Mail of our own
 * has the other half.
 *
 * Test  tests/share_test.c, tests/smtp_slow_test.c
 */
#ifndef QUAIL_SMTP_SHARE_H
#define QUAIL_SMTP_SHARE_H

#include "lib/list.h"

struct share {
	size_t max, n, n_bounces;
	struct list waits, bounces; /* the caller's links */
};

void
share_init(struct share *s, size_t max);

/* share_take - one more, if there is one; else false */
bool
share_take(struct share *s, bool is_bounce);

/* share_wait - be told by share_leave; nothing if the link is in a list */
void
share_wait(struct share *s, bool is_bounce, struct link *link);

/* share_leave - one less
 *
 * Takes    wake: told of those whose turn it is now; they are in no list then.
 *          It must not call back.
 */
void
share_leave(struct share *s, bool is_bounce, void (*wake)(struct link *link));

/* share_is_wanted - does anybody wait? */
static inline bool
share_is_wanted(const struct share *s)
{
	return !list_empty(&s->waits) || !list_empty(&s->bounces);
}

#endif
