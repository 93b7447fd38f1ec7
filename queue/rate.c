#include "queue/rate.h"

void
rate_set(struct rate *r, struct option_rate rate)
{
	if (rate.n != r->said.n || rate.per_s != r->said.per_s)
		*r = (struct rate){.said = rate};
}

int64_t
rate_wait_ms(struct rate *r, int64_t now_ms)
{
	int64_t n = r->said.n, one = (int64_t)r->said.per_s * 1000;
	int64_t most = n * RATE_BURST_MS, elapsed_ms = now_ms - r->counted_ms;

	if (n == 0)
		return 0;
	if (most < one)
		most = one;
	/* no further than to the most, which also keeps it from wrapping */
	if (elapsed_ms > most / n + 1)
		elapsed_ms = most / n + 1;
	r->tokens += elapsed_ms * n;
	if (r->tokens > most)
		r->tokens = most;
	r->counted_ms = now_ms;
	return r->tokens >= one ? 0 : (one - r->tokens + n - 1) / n;
}

void
rate_took(struct rate *r)
{
	if (r->said.n > 0)
		r->tokens -= (int64_t)r->said.per_s * 1000;
}
