#include "queue/schedule.h"

#include "lib/address.h"
#include "lib/clock.h"
#include "lib/crc32c.h"
#include "lib/die.h"
#include "lib/log.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "queue/heap.h"
#include "queue/undeliverable.h"

#include <errno.h>
#include <stdlib.h>

/* K_MOST: such a retry time is beyond any lifetime; message.h has 10 bits */
enum { K_REMOTE = 20, K_LOCAL = 10, K_MOST = 1000 };

static const int64_t never_s = INT64_MAX;

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

	if (s->heap.n == 0 || s->heap.at[0]->due_s == never_s) {
		loop_timer_stop(s->loop, &s->timer);
		return;
	}
	wait_s = s->heap.at[0]->due_s - clock_s();
	if (wait_s > 3600)
		wait_s = 3600;
	loop_timer_set(s->loop, &s->timer, wait_s > 0 ? wait_s * 1000 : 0);
}

static void
put_due(struct schedule *s, struct message *m, int64_t due_s)
{
	heap_put(&s->heap, m, due_s);
	if (m->slot == 1)
		set_timer(s);
}

/* ending a round of attempts */

static int64_t
age_s(const struct message *m)
{
	return clock_s() - m->birth_us / 1000000;
}

/* The walk goes on where it was: a message of ten thousand recipients is
 * read once, not once for each of its verdicts. */
static struct slice
rcpt_of(struct schedule *s, struct message *m, uint32_t index)
{
	struct store_envelope e;
	struct slice one = {"", 0};

	if (s->walk.id == m->id && index + 1 == s->walk.next)
		return s->walk.last;
	if (s->walk.id != m->id || index < s->walk.next) {
		s->walk.id = 0;
		if (store_envelope(s->store, m, &s->room, &e) != 0)
			return one;
		s->walk.id = m->id;
		s->walk.next = 0;
		s->walk.rest = e.rcpts;
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

static int64_t
lifetime_s(const struct config_route *r)
{
	return r->lifetime_s ? r->lifetime_s : SCHEDULE_LIFETIME_S;
}

static void
too_old(struct schedule *s, const struct message *m, uint32_t index,
	struct verdict *v)
{
	const struct answer *last = answers_get(&s->answers, m->id, index);
	struct buf text = {0};

	buf_text(&text, "this message has been in the queue too long (#5.4.7)");
	if (last) {
		buf_text(&text, "; the last answer was: ");
		buf_puts(&text, said_text(last->said));
	}
	verdict_set(v, 'D', buf_slice(&text));
	buf_free(&text);
}

/* Whatever has no outcome yet and is too old for its route is given up. */
static void
give_up(struct schedule *s, struct message *m)
{
	struct store_envelope e;
	struct buf room = {0};
	struct config_route r;
	struct slice rcpt;
	struct verdict v;
	uint32_t i;

	if (store_envelope(s->store, m, &room, &e) != 0)
		e.rcpts = SLICE("");
	for (i = 0; i < m->n_rcpts; i++) {
		if (netstring_slice(&e.rcpts, &rcpt) != 0)
			break;
		if (message_is_done(m, i) || failures_have(m, i))
			continue;
		config_route(s->config, rcpt, &s->path, &r);
		if (r.decision == CONFIG_HOLD || age_s(m) <= lifetime_s(&r))
			continue;
		too_old(s, m, i, &v);
		failures_add(m, i, &v);
	}
	buf_free(&room);
}

/* No attempt is to begin: it is over, or an operator says so. */
static bool
is_stopped(const struct message *m)
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

/* It is not busy: what becomes of it? */
static void
conclude(struct schedule *s, struct message *m)
{
	if (m->n_live == 0) {
		failures_free(m);
		store_forget_over(s->store, m);
		return;
	}
	if (m->is_doomed)
		return_all(m);
	else if (!is_stopped(m) && age_s(m) > m->lifetime_s)
		give_up(s, m);
	if (m->failures)
		undeliverable(s, m);
	else
		schedule_again(s, m);
}

/* The last attempt of a round has ended. */
static void
end_round(struct schedule *s, struct message *m)
{
	m->attempts++;
	conclude(s, m);
}

/* Held: by the operator, or by the routes of all recipients that are left. */
void
schedule_again(struct schedule *s, struct message *m)
{
	bool waits = m->n_live > 0 && ((m->is_held && m->retry_k == 0) ||
				       m->is_paused || m->is_ruled);
	unsigned k = m->retry_k ? m->retry_k : 1;

	if (waits)
		put_due(s, m, never_s);
	else if (m->is_moved)
		put_due(s, m, clock_s());
	else
		put_due(s, m,
			schedule_next_s(m->birth_us / 1000000, clock_s(), k));
	m->is_moved = false;
}

void
schedule_now(struct schedule *s, struct message *m)
{
	if (m->n_busy == 0)
		put_due(s, m, clock_s());
}

static void
attempt_over(struct schedule *s, struct message *m)
{
	if (--m->n_busy == 0)
		end_round(s, m);
}

/* What waited at a destination is to be routed anew, at once; when others of
 * its attempts are still under way, as soon as they have ended. */
static void
decide_again(struct schedule *s, struct message *m)
{
	if (--m->n_busy == 0)
		put_due(s, m, clock_s());
	else
		m->is_moved = true;
}

static void
each_sifted(struct schedule *s, struct sifted *out,
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

/* routing */

/* The attempts of one message while it is being routed. */
struct plan {
	struct schedule *s;
	struct message *m;
	uint64_t sender_key;
	struct attempt *attempts[64];
	struct slice domains[64];
	size_t n;
};

static void
send_plan(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		destination_queue(&p->s->destinations, p->attempts[i],
				  p->domains[i], false);
	p->n = 0;
}

static void
take_options(struct attempt *a, const struct config_route *r)
{
	a->concurrency = r->concurrency;
	a->rate = r->rate;
	a->expires_s = a->message->birth_us / 1000000 + lifetime_s(r);
}

/* The attempt for the same next hops that has room, or a new one. */
static struct attempt *
plan_attempt(struct plan *p, const struct config_route *r, struct slice domain)
{
	bool by_domain = memmem(r->nexthops.at, r->nexthops.len, "smtp:mx", 7);
	struct attempt *a;
	size_t i;

	for (i = 0; i < p->n; i++) {
		a = p->attempts[i];
		if (a->n_rcpts < ATTEMPT_RCPTS_MAX &&
		    slice_eq(a->nexthops, r->nexthops) &&
		    (!by_domain || slice_case_eq(p->domains[i], domain)))
			return a;
	}
	if (p->n == sizeof p->attempts / sizeof p->attempts[0])
		send_plan(p);
	a = attempt_new(p->m, r->nexthops,
			p->m->n_rcpts < ATTEMPT_RCPTS_MAX ? p->m->n_rcpts
							  : ATTEMPT_RCPTS_MAX);
	a->sender_key = p->sender_key;
	take_options(a, r);
	p->domains[p->n] = domain;
	p->attempts[p->n++] = a;
	p->m->n_busy++;
	return a;
}

static void
plan_rcpt(struct plan *p, uint32_t index, const struct config_route *r,
	  struct slice domain)
{
	struct attempt *a = plan_attempt(p, r, domain);
	bool is_local = slice_starts(r->nexthops, SLICE("maildir:"));
	uint32_t k = r->retry ? r->retry : is_local ? K_LOCAL : K_REMOTE;

	a->rcpts[a->n_rcpts++] = index;
	if (k > K_MOST)
		k = K_MOST;
	if (k > p->m->retry_k)
		p->m->retry_k = k & 1023;
	if (lifetime_s(r) < p->m->lifetime_s)
		p->m->lifetime_s = (uint32_t)lifetime_s(r);
}

static void
fail_rcpt(struct message *m, uint32_t index, const char *text)
{
	struct verdict v;

	verdict_say(&v, 'D', text);
	failures_add(m, index, &v);
}

static void
log_decision(const struct message *m, struct slice rcpt, const char *what,
	     struct slice source)
{
	log_open("route");
	log_id("id", m->id);
	log_bytes("rcpt", rcpt);
	log_text("decision", what);
	log_bytes("by", source);
	log_close();
}

static void
route_rcpt(struct plan *p, uint32_t index, struct slice rcpt)
{
	struct schedule *s = p->s;
	struct config_route r;
	struct slice local, domain;

	address_split(rcpt, &local, &domain);
	config_route(s->config, rcpt, &s->path, &r);
	switch (r.decision) {
	case CONFIG_NEXTHOPS: plan_rcpt(p, index, &r, domain); break;
	case CONFIG_HOLD:
		log_decision(p->m, rcpt, "hold", r.source);
		p->m->is_held = true;
		break;
	case CONFIG_NOROUTE:
		log_decision(p->m, rcpt, "no route; add a line to routes",
			     r.source);
		p->m->retry_k = K_REMOTE;
		break;
	case CONFIG_DISCARD:
		log_decision(p->m, rcpt, "discard", r.source);
		store_settle(s->store, p->m, index, 'K', SLICE("discarded"));
		break;
	case CONFIG_NOBODY:
		fail_rcpt(p->m, index, "no mailbox here by that name (#5.1.1)");
		break;
	case CONFIG_BADPART:
		fail_rcpt(p->m, index,
			  "no mailbox can have that name (#5.1.3)");
		break;
	}
}

/* Senders that share a key share their turns, nothing worse. */
static uint64_t
sender_key(struct slice sender)
{
	return (uint64_t)crc32c(0, sender) << 32 | crc32c(~0u, sender) | 1;
}

static void
try_now(struct schedule *s, struct message *m)
{
	struct plan p = {.s = s, .m = m};
	struct buf room = {0};
	struct store_envelope e;
	struct slice rcpt;
	uint32_t i;

	if (m->n_live == 0 || m->is_doomed) {
		conclude(s, m);
		return;
	}
	if (store_envelope(s->store, m, &room, &e) != 0) {
		log_open("unreadable");
		log_id("id", m->id);
		log_errno(errno);
		log_close();
		put_due(s, m, clock_s() + 3600);
		buf_free(&room);
		return;
	}
	m->is_ruled = holds_find(&s->holds, HOLD_FROM, e.sender) != NULL;
	if (is_stopped(m)) {
		put_due(s, m, never_s);
		buf_free(&room);
		return;
	}
	m->is_held = m->is_moved = false;
	m->retry_k = 0;
	m->lifetime_s = UINT32_MAX;
	p.sender_key = sender_key(e.sender);
	m->n_busy = 1; /* until all is planned */
	for (i = 0; i < m->n_rcpts; i++) {
		if (netstring_slice(&e.rcpts, &rcpt) != 0)
			break;
		if (!message_is_done(m, i) && !failures_have(m, i))
			route_rcpt(&p, i, rcpt);
	}
	send_plan(&p);
	buf_free(&room);
	attempt_over(s, m);
}

static void
due(struct loop_timer *timer)
{
	struct schedule *s = OWNER(timer, struct schedule, timer);
	int64_t now_s = clock_s();
	int i;

	for (i = 0; i < SCHEDULE_DUE_A_ROUND && s->heap.n > 0 &&
		    s->heap.at[0]->due_s <= now_s;
	     i++) {
		struct message *m = s->heap.at[0];

		heap_drop(&s->heap, m);
		try_now(s, m);
	}
	set_timer(s);
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
	struct message *m = s->fresh, *next;

	s->fresh = NULL;
	s->last_fresh = &s->fresh;
	for (; m; m = next) {
		next = m->next;
		m->n_busy = 0;
		try_now(s, m);
	}
}

/* what the agents say */

static void
log_delivery(struct schedule *s, const struct attempt *a, uint32_t index,
	     const struct verdict *v)
{
	log_open("delivery");
	log_id("id", a->message->id);
	log_bytes("to", rcpt_of(s, a->message, index));
	log_bytes("verdict", slice_of(&v->code, 1));
	log_bytes("nexthop", attempt_nexthop(a));
	log_number("try", a->message->attempts + 1);
	log_bytes("text", verdict_text(v));
	log_close();
}

static void
count_deferral(struct attempt *a, const struct verdict *v)
{
	struct slice status = verdict_status(v);

	a->n_network += verdict_network(v);
	a->n_slower += slice_starts(status, SLICE("4.7.")) ||
		       slice_eq(status, SLICE("4.3.2")) ||
		       slice_eq(status, SLICE("4.5.3"));
}

static void
verdict(struct dispatch *d, struct attempt *a, const struct verdict *v)
{
	struct schedule *s = OWNER(d, struct schedule, dispatch);
	uint32_t index = a->rcpts[a->n_answered];
	struct message *m = a->message;

	log_delivery(s, a, index, v);
	if (v->code != 'K' || m->n_live > 1)
		answers_put(&s->answers, m->id,
			    (struct answer){.rcpt = index, .at_s = clock_s()},
			    v->code, attempt_nexthop(a), verdict_text(v));
	if (v->code == 'Z')
		count_deferral(a, v);
	else if (message_is_done(m, index))
		return; /* an operator has removed it meanwhile */
	else if (v->code == 'D')
		failures_add(m, index, v);
	else
		store_settle(s->store, m, index, 'K', verdict_text(v));
}

static struct slice
domain_of(struct schedule *s, struct attempt *a)
{
	struct slice local, domain;

	address_split(rcpt_of(s, a->message, a->rcpts[0]), &local, &domain);
	return domain;
}

/* When its next next hop works, all that waits behind it decides anew. */
static void
try_next_hop(struct schedule *s, struct attempt *a)
{
	const struct sieve everything = {.wants = sieve_all};
	struct destination *before = a->destination, *now;
	struct sifted out = {0};

	a->hop++; /* the first again, behind the last */
	now = destination_queue(&s->destinations, a, domain_of(s, a), true);
	if (now == before || now->state != DESTINATION_OPEN ||
	    !before->has_others)
		return;
	destination_sift(before, &everything, &out);
	each_sifted(s, &out, decide_again);
}

static void
ended(struct dispatch *d, struct attempt *a)
{
	struct schedule *s = OWNER(d, struct schedule, dispatch);
	bool trouble = a->n_network == a->n_rcpts;

	a->message->n_running--;
	destination_ended(a, trouble			 ? DESTINATION_TROUBLE
			     : a->n_slower == a->n_rcpts ? DESTINATION_SLOWER
							 : DESTINATION_WELL);
	if (trouble && clock_s() < a->expires_s && !is_stopped(a->message)) {
		try_next_hop(s, a);
		return;
	}
	attempt_over(s, a->message);
	free(a);
}

static void
log_lost(const struct attempt *a)
{
	log_open("attempt-lost");
	log_id("id", a->message->id);
	log_bytes("nexthop", attempt_nexthop(a));
	log_number("agents_died", a->n_lost);
	log_close();
}

/* The agent died under it: whatever has no verdict is tried again at once,
 * but not for ever, since the message may be what kills the agent. Those
 * that had a verdict are not in it any more. */
static void
lost(struct dispatch *d, struct attempt *a)
{
	struct schedule *s = OWNER(d, struct schedule, dispatch);
	uint32_t i;

	a->message->n_running--;
	destination_lost(a->destination);
	if (is_stopped(a->message) || ++a->n_lost >= ATTEMPT_LOST_MAX) {
		log_lost(a);
		attempt_over(s, a->message);
		free(a);
		return;
	}
	a->n_rcpts -= a->n_answered;
	for (i = 0; i < a->n_rcpts; i++)
		a->rcpts[i] = a->rcpts[i + a->n_answered];
	destination_queue(&s->destinations, a, domain_of(s, a), true);
}

static void
is_free(struct dispatch *d)
{
	destinations_start(&OWNER(d, struct schedule, dispatch)->destinations);
}

static bool
start(struct destinations *all, struct attempt *a)
{
	struct schedule *s = OWNER(all, struct schedule, destinations);
	bool is_wanted = !is_stopped(a->message);
	int r = is_wanted ? dispatch_start(&s->dispatch, a) : -1;

	if (r == 1)
		return false;
	if (r == 0) {
		a->message->n_running++;
		return true;
	}
	if (is_wanted) {
		log_open("unreadable");
		log_id("id", a->message->id);
		log_errno(errno);
		log_close();
	}
	destination_lost(a->destination);
	attempt_over(s, a->message);
	free(a);
	return true;
}

/* The one live recipient of a message that was parked. */
static bool
live_rcpt(struct schedule *s, struct message *m, uint32_t *index,
	  struct slice *rcpt)
{
	uint32_t i = 0;

	while (i < m->n_rcpts && (message_is_done(m, i) || failures_have(m, i)))
		i++;
	*index = i;
	*rcpt = i < m->n_rcpts ? rcpt_of(s, m, i) : SLICE("");
	return rcpt->len > 0;
}

static struct attempt *
unpark(struct destination *d, struct message *m)
{
	struct schedule *s = OWNER(d->all, struct schedule, destinations);
	struct config_route r = {.decision = CONFIG_NOROUTE};
	struct slice rcpt, local, domain;
	struct attempt *a;
	uint32_t index;

	if (live_rcpt(s, m, &index, &rcpt))
		config_route(s->config, rcpt, &s->path, &r);
	if (r.decision != CONFIG_NEXTHOPS) { /* removed, or unreadable */
		attempt_over(s, m);
		return NULL;
	}
	address_split(rcpt, &local, &domain);
	a = attempt_new(m, r.nexthops, 1);
	a->rcpts[a->n_rcpts++] = index;
	take_options(a, &r);
	while (!destination_is(d, attempt_nexthop(a), domain)) {
		if (attempt_nexthop(a).len == 0) { /* the tables have changed */
			free(a);
			decide_again(s, m);
			return NULL;
		}
		a->hop++;
	}
	return a;
}

static struct dispatch_room
room(struct destinations *all, struct slice agent)
{
	return dispatch_room(
	    &OWNER(all, struct schedule, destinations)->dispatch, agent);
}

/* Asked by each new destination, and by all when the rules have changed. */
static bool
is_ruled(struct destinations *all, struct slice key)
{
	struct schedule *s = OWNER(all, struct schedule, destinations);

	return holds_find(&s->holds, HOLD_DEST, key) != NULL;
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
			put_due(s, m, m->birth_us / 1000000);
	}
	set_timer(s);
}

void
schedule_reroute(struct schedule *s)
{
	const struct sieve everything = {.wants = sieve_all};
	struct sifted out = {0};
	int64_t now_s = clock_s();
	size_t i;

	destinations_sift(&s->destinations, &everything, &out);
	each_sifted(s, &out, decide_again);
	for (i = 0; i < s->heap.n; i++)
		if (s->heap.at[i]->is_held)
			s->heap.at[i]->due_s = now_s;
	heap_order(&s->heap);
	set_timer(s);
}

static bool
wants_stopped(const struct sieve *s, const struct message *m, int64_t expires_s)
{
	(void)s;
	(void)expires_s;
	return is_stopped(m);
}

void
schedule_sift(struct schedule *s)
{
	const struct sieve stopped = {.wants = wants_stopped};
	struct sifted out = {0};

	destinations_sift(&s->destinations, &stopped, &out);
	each_sifted(s, &out, decide_again);
}

void
schedule_forget(struct schedule *s, const struct message *m)
{
	answers_drop(&s->answers, m->id);
}

static bool
wants_old(const struct sieve *s, const struct message *m, int64_t expires_s)
{
	(void)m;
	return expires_s <= s->now_s;
}

void
schedule_minute(struct schedule *s)
{
	const struct sieve old = {
	    .wants = wants_old, .now_s = clock_s(), .only_trouble = true};
	struct sifted out = {0};

	destinations_sift(&s->destinations, &old, &out);
	each_sifted(s, &out, attempt_over);
	destinations_sweep(&s->destinations);
}

void
schedule_init(struct schedule *s, struct loop *loop, struct store *store,
	      struct config *config, const char *agent_path)
{
	*s = (struct schedule){.loop = loop, .store = store, .config = config};
	s->timer.expired = due;
	s->fresh_task.run = try_fresh;
	s->last_fresh = &s->fresh;
	if (holds_load(&s->holds, store->dir) != 0)
		die_sys("reading the rules of the operator", "queue/holds");
	s->destinations.start = start;
	s->destinations.unpark = unpark;
	s->destinations.room = room;
	s->destinations.holds = is_ruled;
	destinations_init(&s->destinations, loop);
	s->dispatch.verdict = verdict;
	s->dispatch.ended = ended;
	s->dispatch.lost = lost;
	s->dispatch.is_free = is_free;
	dispatch_init(&s->dispatch, loop, store, agent_path);
}

void
schedule_stop(struct schedule *s)
{
	loop_timer_stop(s->loop, &s->timer);
	loop_task_drop(s->loop, &s->fresh_task);
	destinations_empty(&s->destinations);
}

void
schedule_close(struct schedule *s)
{
	size_t i;

	dispatch_close(&s->dispatch);
	destinations_free(&s->destinations);
	for (i = 0; i < s->store->messages.cap; i++)
		if (s->store->messages.slots[i].value)
			failures_free(s->store->messages.slots[i].value);
	heap_free(&s->heap);
	answers_free(&s->answers);
	holds_free(&s->holds);
	buf_free(&s->room);
	buf_free(&s->path);
}
