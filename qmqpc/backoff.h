/* backoff.h - hubs that were in trouble rest before they are tried again
 *
 * A pure machine, one for each hub: the pause doubles from BACKOFF_MIN_MS to
 * BACKOFF_MAX_MS with each failure, and up to a quarter of it is left out
 * by chance, so that a fleet does not come back in step.
 *
 * A connection that breaks behind the first byte of a message is about that
 * message: a filter may have read it. The next is tried at once. Only
 * BACKOFF_BREAKS in a row are about the hub, and then it rests for
 * BACKOFF_BREAK_MS, however often that happens: who can make such messages
 * must not stop the others' mail.
 *
 * Test  tests/leaf_test.c
 */
#ifndef QUAIL_QMQPC_BACKOFF_H
#define QUAIL_QMQPC_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

enum {
	BACKOFF_MIN_MS = 1000,
	BACKOFF_MAX_MS = 300000,
	BACKOFF_BREAKS = 8,
	BACKOFF_BREAK_MS = 2000
};

struct backoff {
	unsigned n_failures; /* in a row */
	unsigned n_breaks;   /* since it last answered */
	bool has_answered;   /* before them */
	int64_t until_ms;
};

bool
backoff_ready(const struct backoff *b, int64_t now_ms);

/* backoff_lives - is it ready, and did it answer before the last message?
 *
 * Also true of one that has not been asked yet.
 */
bool
backoff_lives(const struct backoff *b, int64_t now_ms);

/* backoff_failed - it could not be reached, or broke off and another took
 * the message
 *
 * Takes    random: any bits.
 */
void
backoff_failed(struct backoff *b, int64_t now_ms, uint32_t random);

/* backoff_broke - it was reached, and broke off when it had a part of a
 * message, or all of it
 *
 * Takes    random: any bits.
 */
void
backoff_broke(struct backoff *b, int64_t now_ms, uint32_t random);

/* backoff_answered - it lives */
void
backoff_answered(struct backoff *b);

/* backoff_pause_ms - the n-th pause (from 1), before chance shortens it */
int64_t
backoff_pause_ms(unsigned n_failures, int64_t min_ms, int64_t max_ms);

#endif
