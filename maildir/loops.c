#include "maildir/loops.h"

#include "lib/limits.h"

static void
note(struct loops *l, const struct slice *rcpts, size_t n_rcpts)
{
	size_t i;

	if (++l->n_hops > LIMIT_HOPS)
		return; /* hopeless for all of them */
	if (l->looped.len == 0) {
		memset(buf_room(&l->looped, n_rcpts), 0, n_rcpts);
		buf_added(&l->looped, n_rcpts);
	}
	for (i = 0; i < n_rcpts; i++)
		if (slice_case_eq(l->scan.address, rcpts[i]))
			l->looped.mem[l->looped.off + i] = 1;
}

void
loops_find(struct loops *l, struct slice text, const struct slice *rcpts,
	   size_t n_rcpts)
{
	enum scan_event event = SCAN_MORE;

	while (text.len > 0 && event != SCAN_OVER) {
		event = scan_push(&l->scan, &text);
		if (event == SCAN_FOUND)
			note(l, rcpts, n_rcpts);
	}
}

bool
loops_has(const struct loops *l, size_t rcpt)
{
	return l->n_hops > LIMIT_HOPS ||
	       (l->looped.len > 0 && buf_slice(&l->looped).at[rcpt]);
}

void
loops_free(struct loops *l)
{
	buf_free(&l->looped);
}
