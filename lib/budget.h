/* budget.h - how much a process may hold of what is in flight
 *
 * What sessions hold of messages and replies: input that they have not
 * taken yet, output that their clients have not read yet, recipients that
 * wait for their verdict. Text does not count once it is handed to the
 * queue; what waits there is bounded by DOOR_OUT_MAX (door.h), and in the
 * queue by its own limits.
 *
 * The rule:
 *
 *  - Below max a session reads as much as there is, up to 256 KiB at once.
 *  - From max on a session that holds BUDGET_SHARE reads nothing; one that
 *    holds less reads up to that. So whoever has begun a message can end
 *    it, if slowly, and no session waits for what another's client does:
 *    it waits for the queue, which always goes on, or for its own client.
 *  - The same when the door is full (door_budget): what is read then would
 *    only wait, in memory of ours instead of the client's.
 *  - From max on nobody is given more memory for recipients: those are told
 *    Z (#4.3.1).
 *
 * So a process holds max and BUDGET_SHARE a session at the most, as resident
 * memory: sessions stop an eighth before max, which is for what malloc cannot
 * use between such pieces. Besides there are
 *
 *   4 MiB    for all: where everything is read to (conn_input.c), and what
 *            waits at the door, 1 MiB, while its buffer grows
 *   2 KiB    a session: its struct, its machine, its message
 *   30 KiB   a session of TLS (tls.h), however little it has sent
 *
 * With the 32 MiB that are the default, a thousand sessions stay below 42 MiB,
 * or 72 with TLS. BUDGET_SHARE is more than any machine of ours needs at once
 * (a line of SMTP), so no session gets stuck with it.
 *
 * Test  tests/server_test.c, tests/sessions.t
 */
#ifndef QUAIL_LIB_BUDGET_H
#define QUAIL_LIB_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BUDGET_SHARE = 4096 };

struct budget {
	size_t max, used;
	size_t most;	  /* used, since somebody set it to used */
	uint64_t n_moves; /* what tidy.h wants */
	/* What waits where the sessions hand it on, and how much of that is too
	 * much; NULL: nobody hands on. */
	const size_t *behind;
	size_t behind_max;
};

/* budget_move - somebody who held *held holds now instead; b may be NULL */
static inline void
budget_move(struct budget *b, size_t *held, size_t now)
{
	if (b && now != *held) {
		b->n_moves++;
		b->used += now - *held;
		if (b->used > b->most)
			b->most = b->used;
	}
	*held = now;
}

/* budget_left - how much more may be held in all? */
static inline size_t
budget_left(const struct budget *b)
{
	size_t most = b->max - b->max / 8;

	return b->used < most ? most - b->used : 0;
}

/* budget_is_spent - past it? */
static inline bool
budget_is_spent(const struct budget *b)
{
	return b && budget_left(b) == 0;
}

/* budget_allows - how much may be read by one who holds so much and would
 * like to read want? */
static inline size_t
budget_allows(const struct budget *b, size_t held, size_t want)
{
	size_t left, behind,
	    share = held < BUDGET_SHARE ? BUDGET_SHARE - held : 0;

	if (!b)
		return want;
	left = budget_left(b);
	if (b->behind) {
		behind =
		    *b->behind < b->behind_max ? b->behind_max - *b->behind : 0;
		left = behind < left ? behind : left;
	}
	if (left < share)
		left = share;
	return left < want ? left : want;
}

#endif
