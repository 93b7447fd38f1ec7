#include "lib/deadline.h"

void
deadline_start_ms(struct deadline *d, int64_t now_ms, int64_t ms)
{
	*d = (struct deadline){.over_ms = now_ms + ms, .due_ms = now_ms + ms};
}

void
deadline_start(struct deadline *d, int64_t now_ms, uint64_t size)
{
	int64_t more_s = (int64_t)(size / DEADLINE_RATE);

	deadline_start_ms(d, now_ms, (DEADLINE_WHOLE_S + more_s) * 1000);
}

void
deadline_wait(struct deadline *d, int64_t now_ms, int64_t ms)
{
	d->ms = ms;
	d->due_ms = now_ms + ms;
}

enum deadline_state
deadline_look(struct deadline *d, int64_t now_ms, uint64_t arrived, bool ours)
{
	if (now_ms >= d->over_ms)
		return DEADLINE_OVER;
	if (now_ms < d->due_ms)
		return DEADLINE_FINE;
	if (!ours && arrived < d->arrived + DEADLINE_BLOCK)
		return DEADLINE_LATE;
	d->arrived = arrived;
	d->due_ms = now_ms + d->ms;
	return DEADLINE_FINE;
}

int64_t
deadline_next_ms(const struct deadline *d, int64_t now_ms)
{
	int64_t next = d->over_ms < d->due_ms ? d->over_ms : d->due_ms;

	return next > now_ms ? next - now_ms : 1;
}
