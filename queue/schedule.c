#include "queue/schedule.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "queue/schedule_parts.h"
#include "queue/store_damage.h"
#include "queue/undeliverable.h"

#include <stdlib.h>

enum { SET_ASIDE_AGAIN_S = 300 };

int64_t
schedule_next_s(int64_t birth_s, int64_t now_s, unsigned k)
{
	int64_t age = now_s > birth_s ? now_s - birth_s : 0;
	int64_t root = 0;

	while ((root + 1) * (root + 1) <= age)
		root++;
	root += k;
	return birth_s + root * root;
}

/* the clock */

static void
set_timer(struct schedule *s)
{
	int64_t wait_s;

	if (s->heap.n == 0 || s->heap.at[0]->due_s == schedule_never_s) {
		loop_timer_stop(s->loop, &s->timer);
		return;
	}
	wait_s = s->heap.at[0]->due_s - ages_now_s(&s->ages);
	if (wait_s > 3600)
		wait_s = 3600;
	loop_timer_set(s->loop, &s->timer, wait_s > 0 ? wait_s * 1000 : 0);
}

void
schedule_put_due(struct schedule *s, struct message *m, int64_t due_s)
{
	heap_put(&s->heap, m, due_s);
	if (m->slot == 1)
		set_timer(s);
}

/* ending a round of attempts */

/* One of many recipients, read for all that ask. */
static struct slice
rcpt_of_large(struct schedule *s, struct message *m, uint32_t index)
{
	const struct envelope *v =
	    envelopes_get(&s->dispatch.envelopes, s->store, m);

	s->walk.id = 0;
	if (!v)
		return SLICE("");
	s->walk.sender = v->e.sender;
	s->walk.attrs = v->e.attrs;
	return envelope_rcpt(v, index);
}

struct slice
schedule_rcpt(struct schedule *s, struct message *m, uint32_t index)
{
	struct store_envelope e;
	struct slice one = {"", 0};

	if (envelopes_keep(m))
		return rcpt_of_large(s, m, index);
	if (s->walk.id == m->id && index + 1 == s->walk.next)
		return s->walk.last;
	if (s->walk.id != m->id || index < s->walk.next) {
		s->walk.id = 0;
		if (store_envelope(s->store, m, &s->room, &e) != 0)
			return one;
		s->walk.id = m->id;
		s->walk.next = 0;
		s->walk.rest = e.rcpts;
		s->walk.sender = e.sender;
		s->walk.attrs = e.attrs;
	}
	while (s->walk.next <= index) {
		if (netstring_slice(&s->walk.rest, &one) != 0) {
			s->walk.id = 0;
			return SLICE("");
		}
		s->walk.next++;
	}
	s->walk.last = one;
	return one;
}

bool
schedule_is_stopped(const struct message *m)
{
	return m->n_live == 0 || m->is_paused || m->is_ruled || m->is_doomed;
}

static void
return_all(struct message *m)
{
	struct verdict v;
	uint32_t i;

	verdict_say(&v, 'D', "an operator has returned this message (#5.3.0)");
	for (i = 0; i < m->n_rcpts; i++)
		if (!message_is_done(m, i) && !failures_have(m, i))
			failures_add(m, i, &v);
}

bool
schedule_set_aside(struct schedule *s, struct message *m)
{
	if (!store_is_spoiled(s->store, m))
		return false;
	failures_free(m);
	if (!store_set_aside(s->store, m))
		schedule_put_due(s, m,
				 ages_now_s(&s->ages) + SET_ASIDE_AGAIN_S);
	return true;
}

void
schedule_conclude(struct schedule *s, struct message *m)
{
	if (m->n_live == 0) {
		failures_free(m);
		store_forget_over(s->store, m);
		return;
	}
	if (schedule_set_aside(s, m))
		return;
	if (m->is_doomed)
		return_all(m);
	else if (!schedule_is_stopped(m) && schedule_is_old(s, m) &&
		 m->attempts >= SCHEDULE_TRIES)
		schedule_give_up(s, m);
	if (m->failures)
		undeliverable(s, m);
	else
		schedule_again(s, m);
}

/* The last attempt of a round has ended. */
static void
end_round(struct schedule *s, struct message *m)
{
	if (m->attempts < MESSAGE_ATTEMPTS_MAX)
		m->attempts++;
	schedule_conclude(s, m);
}

/* Held: by the operator, or by the routes of all recipients that are left. */
void
schedule_again(struct schedule *s, struct message *m)
{
	bool waits = m->n_live > 0 && ((m->is_held && m->retry_k == 0) ||
				       m->is_paused || m->is_ruled);
	unsigned k = m->retry_k ? m->retry_k : 1;
	int64_t now_s = ages_now_s(&s->ages);

	if (waits)
		schedule_put_due(s, m, schedule_never_s);
	else if (m->is_moved)
		schedule_put_due(s, m, now_s);
	else if (schedule_is_old(s, m) && m->attempts < SCHEDULE_TRIES)
		schedule_put_due(s, m, now_s + SCHEDULE_LAST_S);
	else
		schedule_put_due(
		    s, m, schedule_next_s(ages_birth_s(&s->ages, m), now_s, k));
	m->is_moved = false;
}

void
schedule_now(struct schedule *s, struct message *m)
{
	if (m->n_busy == 0)
		schedule_put_due(s, m, ages_now_s(&s->ages));
}

void
schedule_attempt_over(struct schedule *s, struct message *m)
{
	if (--m->n_busy == 0)
		end_round(s, m);
}

void
schedule_wait_over(struct schedule *s, struct message *m)
{
	if (m->attempts < SCHEDULE_TRIES)
		m->attempts = SCHEDULE_TRIES;
	schedule_attempt_over(s, m);
}

void
schedule_decide_again(struct schedule *s, struct message *m)
{
	if (--m->n_busy == 0)
		schedule_put_due(s, m, ages_now_s(&s->ages));
	else
		m->is_moved = true;
}

void
schedule_each_sifted(struct schedule *s, struct sifted *out,
		     void (*then)(struct schedule *, struct message *))
{
	struct attempt *a, *next;
	struct message *m;

	for (a = out->attempts; a; a = next) {
		next = a->next;
		m = a->message;
		free(a);
		then(s, m);
	}
	while ((m = out->parked)) {
		out->parked = m->next;
		then(s, m);
	}
}

/* what is due */

/* May this round do more of it? */
static bool
has_share(const struct schedule *s, struct schedule_share *share)
{
	if (share->round != s->loop->n_rounds)
		*share = (struct schedule_share){.round = s->loop->n_rounds};
	return share->steps < SCHEDULE_STEPS;
}

static bool
is_due(const struct schedule *s, int64_t now_s)
{
	return s->heap.n > 0 && s->heap.at[0]->due_s <= now_s;
}

/* As much as one round may; a message may become due again at once. */
static void
due(struct loop_timer *timer)
{
	struct schedule *s = OWNER(timer, struct schedule, timer);
	int64_t now_s = ages_now_s(&s->ages);

	while (is_due(s, now_s) && has_share(s, &s->of_due)) {
		struct message *m = s->heap.at[0];

		heap_drop(&s->heap, m);
		s->of_due.steps += schedule_try(s, m);
	}
	if (!is_due(s, now_s)) {
		set_timer(s);
		return;
	}
	loop_timer_stop(s->loop, &s->timer);
	loop_task_later(s->loop, &s->due_task);
}

static void
more_due(struct loop_task *task)
{
	due(&OWNER(task, struct schedule, due_task)->timer);
}

void
schedule_new(struct schedule *s, struct message *m)
{
	m->n_busy = 1; /* so that nobody frees it */
	m->next = NULL;
	*s->last_fresh = m;
	s->last_fresh = &m->next;
	loop_task_queue(s->loop, &s->fresh_task);
}

static void
try_fresh(struct loop_task *task)
{
	struct schedule *s = OWNER(task, struct schedule, fresh_task);

	while (s->fresh && has_share(s, &s->of_fresh)) {
		struct message *m = s->fresh;

		s->fresh = m->next;
		if (!s->fresh)
			s->last_fresh = &s->fresh;
		m->n_busy = 0;
		s->of_fresh.steps += schedule_try(s, m);
	}
	if (s->fresh)
		loop_task_later(s->loop, &s->fresh_task);
}

/* all of it */

void
schedule_loaded(struct schedule *s)
{
	size_t i;

	for (i = 0; i < s->store->messages.cap; i++) {
		struct message *m = s->store->messages.slots[i].value;

		if (m && m->slot == 0 && m->n_busy == 0 &&
		    m->id >> 32 < s->store->id_base)
			schedule_put_due(s, m, ages_birth_s(&s->ages, m));
	}
	set_timer(s);
}

static uint32_t
most(const struct schedule *s, const char *table)
{
	uint64_t n;

	return config_number(s->config, table, &n) && n < UINT32_MAX
		   ? (uint32_t)n
		   : UINT32_MAX;
}

static void
set_caps(struct schedule *s)
{
	s->destinations.local.all = most(s, "concurrencylocal");
	s->destinations.remote.all = most(s, "concurrencyremote");
}

void
schedule_reroute(struct schedule *s)
{
	const struct sieve everything = {.wants = sieve_all};
	struct sifted out = {0};
	int64_t now_s = ages_now_s(&s->ages);
	size_t i;

	schedule_plan_settle(s);
	set_caps(s);
	sources_changed(&s->sources);
	destinations_start(&s->destinations);
	destinations_sift(&s->destinations, &everything, &out);
	schedule_each_sifted(s, &out, schedule_decide_again);
	for (i = 0; i < s->heap.n; i++)
		if (s->heap.at[i]->is_held)
			s->heap.at[i]->due_s = now_s;
	heap_order(&s->heap);
	set_timer(s);
}

static bool
wants_stopped(const struct sieve *s, const struct message *m,
	      int64_t lifetime_s)
{
	(void)s;
	(void)lifetime_s;
	return schedule_is_stopped(m);
}

void
schedule_sift(struct schedule *s)
{
	const struct sieve stopped = {.wants = wants_stopped};
	struct sifted out = {0};

	schedule_plan_settle(s);
	destinations_sift(&s->destinations, &stopped, &out);
	schedule_each_sifted(s, &out, schedule_decide_again);
}

void
schedule_forget(struct schedule *s, const struct message *m)
{
	answers_drop(&s->answers, m->id);
	envelopes_drop(&s->dispatch.envelopes, m->id);
}

static bool
wants_old(const struct sieve *s, const struct message *m, int64_t lifetime_s)
{
	return ages_age_s(s->ages, m) >= lifetime_s;
}

void
schedule_second(struct schedule *s)
{
	ages_look(&s->ages, s->store->messages.n > 0);
	if (!s->dispatch.is_ending)
		destinations_look(&s->destinations);
	if (schedule_is_idle(s))
		envelopes_free(&s->dispatch.envelopes);
	set_timer(s);
}

void
schedule_minute(struct schedule *s)
{
	const struct sieve old = {.wants = wants_old,
				  .ages = &s->ages,
				  .min_troubles = SCHEDULE_TROUBLES};
	struct sifted out = {0};

	destinations_sift(&s->destinations, &old, &out);
	schedule_each_sifted(s, &out, schedule_wait_over);
	destinations_sweep(&s->destinations);
}

void
schedule_init(struct schedule *s, struct loop *loop, struct store *store,
	      struct config *config, const char *agent_path)
{
	*s = (struct schedule){.loop = loop, .store = store, .config = config};
	s->timer.expired = due;
	s->fresh_task.run = try_fresh;
	s->due_task.run = more_due;
	s->last_fresh = &s->fresh;
	schedule_plan_init(s);
	holds_load_safely(&s->holds, store->dir);
	ages_open(&s->ages, store->dir, store->id_base);
	schedule_agents(s);
	sources_init(&s->sources, loop, config);
	warmup_open(&s->sources.warmup, store->dir, clock_s());
	s->destinations.sources = &s->sources;
	destinations_init(&s->destinations, loop);
	siphash_random(s->turns_key);
	siphash_random(s->classes_key);
	set_caps(s);
	dispatch_init(&s->dispatch, loop, store, agent_path);
}

void
schedule_end(struct schedule *s)
{
	loop_timer_stop(s->loop, &s->timer);
	loop_task_drop(s->loop, &s->due_task);
	dispatch_end(&s->dispatch);
}

bool
schedule_is_idle(const struct schedule *s)
{
	return dispatch_jobs(&s->dispatch) == 0;
}

void
schedule_stop(struct schedule *s)
{
	dispatch_close(&s->dispatch);
	loop_timer_stop(s->loop, &s->timer);
	loop_task_drop(s->loop, &s->fresh_task);
	loop_task_drop(s->loop, &s->due_task);
	schedule_plan_stop(s);
	if (s->store->messages.n > 0)
		ages_keep(&s->ages);
	destinations_empty(&s->destinations);
}

void
schedule_close(struct schedule *s)
{
	size_t i;

	dispatch_close(&s->dispatch);
	destinations_free(&s->destinations);
	warmup_close(&s->sources.warmup);
	sources_free(&s->sources);
	buf_free(&s->hops);
	for (i = 0; i < s->store->messages.cap; i++)
		if (s->store->messages.slots[i].value)
			failures_free(s->store->messages.slots[i].value);
	heap_free(&s->heap);
	answers_free(&s->answers);
	holds_free(&s->holds);
	buf_free(&s->room);
	buf_free(&s->path);
}
