#include "lib/pace.h"

enum { WINDOW_MS = LIMIT_PROGRESS_S * 1000 };

void
pace_start(struct pace *p, const struct limits *limits, int64_t now_ms)
{
	*p = (struct pace){.limits = limits,
			   .over_ms = now_ms + limits->session_s * 1000,
			   .idle_ms = now_ms + limits->idle_s * 1000};
}

static void
open_window(struct pace *p, int64_t now_ms)
{
	p->slow_ms = now_ms + WINDOW_MS;
	p->came = 0;
}

void
pace_input(struct pace *p, uint64_t n, bool inside, int64_t now_ms)
{
	p->idle_ms = now_ms + p->limits->idle_s * 1000;
	if (!inside) {
		p->slow_ms = 0;
		return;
	}
	if (p->slow_ms == 0)
		open_window(p, now_ms);
	p->came += n;
	if (p->came >= p->limits->progress)
		open_window(p, now_ms);
}

void
pace_wait(struct pace *p, int64_t now_ms)
{
	p->idle_ms = now_ms + p->limits->idle_s * 1000;
	if (p->slow_ms)
		open_window(p, now_ms);
}

enum pace_state
pace_state(const struct pace *p, int64_t now_ms)
{
	if (now_ms >= p->over_ms)
		return PACE_OVER;
	if (now_ms >= p->idle_ms)
		return PACE_IDLE;
	if (p->slow_ms && now_ms >= p->slow_ms)
		return PACE_SLOW;
	return PACE_FINE;
}

int64_t
pace_next_ms(const struct pace *p, int64_t now_ms)
{
	int64_t next = p->over_ms < p->idle_ms ? p->over_ms : p->idle_ms;

	if (p->slow_ms && p->slow_ms < next)
		next = p->slow_ms;
	return next > now_ms ? next - now_ms : 1;
}

const char *
pace_text(enum pace_state state)
{
	switch (state) {
	case PACE_IDLE: return "nothing came for too long";
	case PACE_SLOW: return "the message came too slowly";
	case PACE_OVER: return "the session took too long";
	case PACE_FINE: break;
	}
	return "";
}
