/* schedule_agents.c - attempts to the agents, and what those say of them */
#include "lib/address.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/owner.h"
#include "queue/schedule_parts.h"

#include <errno.h>
#include <stdlib.h>

/* what the agents say */

static void
log_delivery(struct schedule *s, const struct attempt *a, uint32_t index,
	     const struct verdict *v)
{
	log_open("delivery");
	log_id("id", a->message->id);
	log_bytes("to", schedule_rcpt(s, a->message, index));
	log_bytes("verdict", slice_of(&v->code, 1));
	log_bytes("nexthop", attempt_nexthop(a));
	log_number("try", a->message->attempts + 1);
	log_bytes("text", verdict_text(v));
	log_close();
}

static bool
wants_less(const struct verdict *v)
{
	struct slice status = verdict_status(v);

	return v->about == VERDICT_LESS ||
	       slice_starts(status, SLICE("4.7.")) ||
	       slice_eq(status, SLICE("4.3.2")) ||
	       slice_eq(status, SLICE("4.5.3"));
}

/* Whom another next hop may take is kept, at the begin of the list. */
static void
count_deferral(struct attempt *a, uint32_t index, const struct verdict *v)
{
	a->n_way += v->about == VERDICT_WAY;
	a->n_less += wants_less(v);
	if (v->about == VERDICT_MAIL)
		return;
	a->rcpts[a->n_elsewhere++] = index;
	destination_hear(a->destination, verdict_text(v));
}

static void
take_verdict(struct schedule *s, struct attempt *a, const struct verdict *v)
{
	uint32_t index = a->rcpts[a->n_answered];
	struct message *m = a->message;

	log_delivery(s, a, index, v);
	if (v->code != 'K' || m->n_live > 1)
		answers_put(&s->answers, m->id,
			    (struct answer){.rcpt = index,
					    .at_s = ages_now_s(&s->ages)},
			    v->code, attempt_nexthop(a), verdict_text(v));
	if (v->code == 'Z')
		count_deferral(a, index, v);
	else if (message_is_done(m, index))
		return; /* an operator has removed it meanwhile */
	else if (v->code == 'D')
		failures_add(m, index, v);
	else
		store_settle(s->store, m, index, 'K', verdict_text(v));
}

static void
verdict(struct dispatch *d, struct attempt *a, const struct verdict *v)
{
	destination_answered(a->destination);
	take_verdict(OWNER(d, struct schedule, dispatch), a, v);
}

/* Nobody has answered for the rest: we do, so that it can be asked why. */
static void
answer_rest(struct schedule *s, struct attempt *a, const char *text)
{
	struct verdict v;

	verdict_say(&v, 'Z', text);
	for (; a->n_answered < a->n_rcpts; a->n_answered++)
		take_verdict(s, a, &v);
}

static struct slice
domain_of(struct schedule *s, struct attempt *a)
{
	struct slice local, domain;

	address_split(schedule_rcpt(s, a->message, a->rcpts[0]), &local,
		      &domain);
	return domain;
}

/* Not because of them did a next hop not take some recipients: another one,
 * each once. When none could be reached they wait for the first that can;
 * when one refused them, for their message's next time: then false. */
static bool
go_on(struct schedule *s, struct attempt *a)
{
	struct slice domain;

	a->n_rcpts = a->n_elsewhere;
	if (a->n_rcpts == 0 ||
	    ages_age_s(&s->ages, a->message) >= a->lifetime_s ||
	    schedule_is_stopped(a->message))
		return false;
	a->tried |= (uint64_t)1 << a->hop;
	a->hop++;
	domain = domain_of(s, a);
	if (!destination_others_work(&s->destinations, a, domain)) {
		if (a->was_refused)
			return false;
		a->tried = 0;
	}
	destination_queue(&s->destinations, a, domain, false); /* the last */
	return true;
}

/* The next round begins where this one ended, or behind the one that has
 * refused it. */
static void
note_hop(struct attempt *a)
{
	unsigned n = attempt_hops(a);

	if (n > 1 && a->tried)
		a->message->first_hop = a->hop % n % MESSAGE_HOPS_MAX;
}

static enum destination_result
result_of(const struct attempt *a)
{
	if (a->n_way == a->n_rcpts)
		return DESTINATION_TROUBLE;
	if (a->n_elsewhere == a->n_rcpts)
		return a->n_less == a->n_rcpts ? DESTINATION_LESS
					       : DESTINATION_REFUSED;
	return a->n_less == a->n_rcpts ? DESTINATION_SLOWER : DESTINATION_WELL;
}

static void
ended(struct dispatch *d, struct attempt *a)
{
	struct schedule *s = OWNER(d, struct schedule, dispatch);
	enum destination_result result = result_of(a);

	a->message->n_running--;
	if (result != DESTINATION_TROUBLE) {
		a->was_refused = true;
		a->message->is_blamed = false;
	} else if (destination_blames(a)) {
		a->message->is_blamed = true;
	}
	if (a->message->is_blamed) {
		a->was_refused = true;
		destination_lost(a); /* which says nothing of it */
	} else {
		destination_ended(a, result);
	}
	if (go_on(s, a))
		return;
	note_hop(a);
	if (destination_troubles(a->destination) >= SCHEDULE_TROUBLES)
		schedule_wait_over(s, a->message);
	else
		schedule_attempt_over(s, a->message);
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

/* Whatever has no verdict is tried again at once; behind others when it has
 * not been the first time. Those that had one are not in it any more. */
static void
again(struct schedule *s, struct attempt *a)
{
	uint32_t i;

	if (schedule_is_stopped(a->message)) {
		schedule_attempt_over(s, a->message);
		free(a);
		return;
	}
	a->n_rcpts -= a->n_answered;
	for (i = 0; i < a->n_rcpts; i++)
		a->rcpts[i] = a->rcpts[i + a->n_answered];
	destination_queue(&s->destinations, a, domain_of(s, a), a->n_lost < 2);
}

static void
returned(struct dispatch *d, struct attempt *a)
{
	a->message->n_running--;
	if (a->is_called)
		destination_called(a);
	else
		destination_lost(a);
	again(OWNER(d, struct schedule, dispatch), a);
}

/* The agent died under it: again, but not for ever, since the message may be
 * what kills the agent. */
static void
lost(struct dispatch *d, struct attempt *a)
{
	struct schedule *s = OWNER(d, struct schedule, dispatch);

	a->message->n_running--;
	destination_lost(a);
	if (++a->n_lost < ATTEMPT_LOST_MAX) {
		again(s, a);
		return;
	}
	log_lost(a);
	answer_rest(s, a, "our delivery agent died with it (#4.3.0)");
	schedule_attempt_over(s, a->message);
	free(a);
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
	bool is_wanted = !schedule_is_stopped(a->message);
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
		answer_rest(s, a, "the queue cannot read it (#4.3.0)");
	}
	destination_lost(a);
	schedule_attempt_over(s, a->message);
	free(a);
	return true;
}

static void
call_back(struct destinations *all)
{
	dispatch_call_back(&OWNER(all, struct schedule, destinations)->dispatch,
			   destination_call);
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
	*rcpt = i < m->n_rcpts ? schedule_rcpt(s, m, i) : SLICE("");
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
		config_route_from(s->config, s->walk.sender, rcpt, &s->path,
				  &r);
	if (r.decision != CONFIG_NEXTHOPS) { /* removed, or unreadable */
		schedule_attempt_over(s, m);
		return NULL;
	}
	address_split(rcpt, &local, &domain);
	if (!schedule_hops(s, m, s->walk.sender, s->walk.attrs, domain,
			   d->source, &r)) {
		schedule_decide_again(s, m);
		return NULL;
	}
	a = attempt_new(m, r.nexthops, 1);
	a->rcpts[a->n_rcpts++] = index;
	schedule_options(a, &r);
	while (!destination_is(d, attempt_word(a), domain)) {
		if (a->hop >= attempt_hops(a)) { /* the tables have changed */
			free(a);
			schedule_decide_again(s, m);
			return NULL;
		}
		a->hop++;
	}
	return a;
}

static struct dispatch_room
room(const struct destinations *all, struct slice agent)
{
	return dispatch_room(
	    &OWNER(all, const struct schedule, destinations)->dispatch, agent);
}

/* Asked by each new destination, and by all when the rules have changed. */
static bool
is_ruled(struct destinations *all, struct slice key)
{
	struct schedule *s = OWNER(all, struct schedule, destinations);

	return holds_find(&s->holds, HOLD_DEST, key) != NULL;
}

static void
decide(struct destinations *all, struct destination *d, size_t most)
{
	struct schedule *s = OWNER(all, struct schedule, destinations);
	const struct sieve everything = {.wants = sieve_all, .most = most};
	struct sifted out = {0};

	destination_sift(d, &everything, &out);
	schedule_each_sifted(s, &out, schedule_decide_again);
}

void
schedule_agents(struct schedule *s)
{
	s->destinations.decide = decide;
	s->destinations.start = start;
	s->destinations.call_back = call_back;
	s->destinations.unpark = unpark;
	s->destinations.room = room;
	s->destinations.holds = is_ruled;
	s->dispatch.verdict = verdict;
	s->dispatch.ended = ended;
	s->dispatch.lost = lost;
	s->dispatch.returned = returned;
	s->dispatch.is_free = is_free;
}
