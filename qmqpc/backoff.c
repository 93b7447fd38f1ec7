#include "qmqpc/backoff.h"

bool
backoff_ready(const struct backoff *b, int64_t now_ms)
{
	return now_ms >= b->until_ms;
}

int64_t
backoff_pause_ms(unsigned n_failures, int64_t min_ms, int64_t max_ms)
{
	int64_t ms = min_ms;

	while (n_failures-- > 1 && ms < max_ms)
		ms *= 2;
	return ms < max_ms ? ms : max_ms;
}

void
backoff_failed(struct backoff *b, int64_t now_ms, uint32_t random)
{
	int64_t ms;

	b->n_failures++;
	ms = backoff_pause_ms(b->n_failures, BACKOFF_MIN_MS, BACKOFF_MAX_MS);
	b->until_ms = now_ms + ms - (int64_t)(random % (uint32_t)(ms / 4));
}

void
backoff_answered(struct backoff *b)
{
	*b = (struct backoff){0};
}
