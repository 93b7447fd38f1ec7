#include "queue/control_act.h"

#include "lib/log.h"
#include "lib/netstring.h"
#include "queue/store_pause.h"

#include <errno.h>

/* rules */

static bool
is_rule(const struct control_ask *a, enum hold_kind *kind,
	struct slice *pattern)
{
	bool is_from = control_ask_only(a, a->from);

	if (a->verb != CONTROL_HOLD && a->verb != CONTROL_RELEASE)
		return false;
	*kind = is_from ? HOLD_FROM : HOLD_DEST;
	*pattern = is_from ? a->from : a->dest;
	return is_from || control_ask_only(a, a->dest);
}

static void
log_rule(const struct control_ask *a, enum hold_kind kind, struct slice pattern)
{
	log_open(a->verb == CONTROL_HOLD ? "rule-made" : "rule-removed");
	if (pattern.len > 0) {
		log_bytes("kind", hold_word(kind));
		log_bytes("pattern", pattern);
	} else {
		log_text("kind", "all");
	}
	log_close();
}

int
control_act_begin(struct control_act *act)
{
	const struct control_ask *a = act->ask;
	struct schedule *s = act->schedule;
	enum hold_kind kind = HOLD_FROM;
	struct slice pattern = {"", 0};
	int n;

	if (!is_rule(a, &kind, &pattern) &&
	    !(a->verb == CONTROL_RELEASE && a->is_all))
		return 0;
	act->asks_rule = pattern.len > 0;
	if (a->verb == CONTROL_HOLD && !holds_good(pattern)) {
		errno = EINVAL;
		return -1;
	}
	n = a->verb == CONTROL_HOLD ? holds_add(&s->holds, kind, pattern)
				    : holds_remove(&s->holds, kind, pattern);
	if (n < 0)
		return -1;
	act->has_rule = a->verb == CONTROL_HOLD || (n > 0 && pattern.len > 0);
	if (n == 0)
		return 0;
	log_rule(a, kind, pattern);
	destinations_hold(&s->destinations);
	if (kind == HOLD_DEST && a->verb == CONTROL_HOLD)
		schedule_reroute(s); /* some may have another next hop */
	return 0;
}

/* messages */

static void
log_act(const char *what, const struct control_view *v)
{
	log_open(what);
	log_id("id", v->m->id);
	log_bytes("from", v->envelope.sender);
	log_number("rcpts", v->m->n_live);
	log_close();
}

/* It begins no attempt any more, or waits for none. */
static void
stop(struct control_act *act, struct message *m)
{
	if (m->n_busy > m->n_running)
		act->has_stopped = true;
	schedule_now(act->schedule, m); /* which finds that it is stopped */
}

static int
hold(struct control_act *act, struct control_view *v)
{
	struct message *m = v->m;

	if (act->has_rule) {
		if (control_ask_only(act->ask, act->ask->from)) {
			m->is_ruled = true;
			stop(act, m);
		}
		return 1;
	}
	if (m->is_paused)
		return 0;
	if (store_pause(act->schedule->store, m, true) != 0)
		return -1;
	stop(act, m);
	return 1;
}

static int
release(struct control_act *act, struct control_view *v)
{
	struct message *m = v->m;
	bool was_held = m->is_paused || m->is_ruled;

	if (m->is_paused && store_pause(act->schedule->store, m, false) != 0)
		return -1;
	m->is_ruled = holds_find(&act->schedule->holds, HOLD_FROM,
				 v->envelope.sender) != NULL;
	if (was_held && !m->is_ruled)
		schedule_now(act->schedule, m);
	return act->has_rule || (was_held && !m->is_ruled);
}

struct retry {
	struct control_act *act;
	bool has_any;
};

static bool
retry_hop(void *arg, struct slice key)
{
	struct retry *r = arg;
	struct destinations *all = &r->act->schedule->destinations;
	struct destination *d = NULL;

	while ((d = destinations_next(all, key, d))) {
		if (d->is_held)
			continue;
		r->has_any = true;
		if (!idmap_get(&r->act->retried, (uintptr_t)d)) {
			idmap_put(&r->act->retried, (uintptr_t)d, d);
			destination_retry(d); /* once, however many wait */
		}
	}
	return false;
}

static int
retry(struct control_act *act, struct control_view *v)
{
	struct slice rest = v->envelope.rcpts, rcpt;
	struct message *m = v->m;
	struct retry r = {.act = act};
	uint32_t i;

	if (m->is_paused || m->is_ruled || m->is_doomed)
		return 0;
	if (m->n_busy == 0) {
		schedule_now(act->schedule, m);
		return 1;
	}
	if (m->n_busy == m->n_running)
		return 0;
	for (i = 0; netstring_slice(&rest, &rcpt) == 0; i++)
		if (!message_is_done(m, i))
			control_view_each(v, rcpt, retry_hop, &r);
	return r.has_any;
}

static int
take_out(struct control_act *act, struct control_view *v)
{
	struct schedule *s = act->schedule;
	struct message *m = v->m;
	uint32_t i, n = m->n_rcpts;
	bool is_gone = false;

	log_act("removed", v);
	if (m->n_busy > m->n_running)
		act->has_stopped = true;
	if (m->n_busy == 0) {
		failures_free(m);
		heap_drop(&s->heap, m);
	}
	for (i = 0; i < n && !is_gone; i++)
		if (!message_is_done(m, i))
			is_gone =
			    store_settle(s->store, m, i, 'D',
					 SLICE("removed by the operator"));
	v->m = NULL;
	return 1;
}

static int
bounce(struct control_act *act, struct control_view *v)
{
	if (v->m->is_doomed || v->is_damaged)
		return 0; /* to nobody knows whom */
	log_act("returned", v);
	v->m->is_doomed = true;
	stop(act, v->m);
	return 1;
}

int
control_act_one(struct control_act *act, struct control_view *v)
{
	switch (act->ask->verb) {
	case CONTROL_HOLD: return hold(act, v);
	case CONTROL_RELEASE: return release(act, v);
	case CONTROL_RETRY: return retry(act, v);
	case CONTROL_REMOVE: return take_out(act, v);
	case CONTROL_BOUNCE: return bounce(act, v);
	default: return 0;
	}
}

int
control_act_end(struct control_act *act)
{
	idmap_free(&act->retried);
	if (act->has_stopped)
		schedule_sift(act->schedule);
	return store_pause_sync(act->schedule->store);
}
