#include "qmqpc/backoff.h"

bool
backoff_ready(const struct backoff *b, int64_t now_ms)
{
	return now_ms >= b->until_ms;
}

bool
backoff_lives(const struct backoff *b, int64_t now_ms)
{
	return backoff_ready(b, now_ms) &&
	       (b->n_breaks == 0 || (b->n_breaks == 1 && b->has_answered));
}

int64_t
backoff_pause_ms(unsigned n_failures, int64_t min_ms, int64_t max_ms)
{
	int64_t ms = min_ms;

	while (n_failures-- > 1 && ms < max_ms)
		ms *= 2;
	return ms < max_ms ? ms : max_ms;
}

static void
rest(struct backoff *b, int64_t now_ms, int64_t ms, uint32_t random)
{
	b->until_ms = now_ms + ms - (int64_t)(random % (uint32_t)(ms / 4));
}

void
backoff_failed(struct backoff *b, int64_t now_ms, uint32_t random)
{
	b->n_failures++;
	rest(b, now_ms,
	     backoff_pause_ms(b->n_failures, BACKOFF_MIN_MS, BACKOFF_MAX_MS),
	     random);
}

void
backoff_broke(struct backoff *b, int64_t now_ms, uint32_t random)
{
	b->n_failures = 0; /* it can be reached */
	b->n_breaks++;
	if (b->n_breaks % BACKOFF_BREAKS == 0)
		rest(b, now_ms, BACKOFF_BREAK_MS, random);
}

void
backoff_answered(struct backoff *b)
{
	*b = (struct backoff){.has_answered = true};
}
