/* destination_health.c - does a destination work? When it cannot be reached,
 * takes nothing, or does not answer, mail goes elsewhere or waits */
#include "lib/log.h"
#include "lib/owner.h"
#include "queue/answers.h"
#include "queue/destination_parts.h"

#include <stdlib.h>

void
destination_log(const struct destination *d, const char *event, int64_t ms)
{
	log_open(event);
	log_bytes("nexthop", slice_of(d->key, d->key_len));
	log_number("waiting", d->waiting.n);
	if (ms)
		log_number("retry_ms", ms);
	log_close();
}

static bool
is_ailing(const struct destination *d)
{
	return d->n_refused >= DESTINATION_AILING;
}

/* When it will have been silent for too long, unless it answers: counted from
 * what was begun behind the last answer; or from that answer, when more could
 * have been begun. 0: nothing is awaited. */
static int64_t
silent_at_ms(const struct destination *d)
{
	if (d->n_running == 0)
		return 0;
	if (d->begun_ms > 0)
		return d->begun_ms + DESTINATION_SILENT_MS;
	return destination_load(d) >= d->limit || d->waiting.n > 0
		   ? d->answered_ms + DESTINATION_SILENT_MS
		   : 0;
}

bool
destination_is_silent(const struct destination *d)
{
	int64_t at_ms = silent_at_ms(d);

	return at_ms > 0 && at_ms <= d->all->loop->now_ms;
}

bool
destination_works(const struct destination *d)
{
	if (d->is_held || d->state == DESTINATION_CLOSED)
		return false;
	if (d->state == DESTINATION_PROBING)
		return d->n_running == 0 && d->waiting.n == 0;
	return !destination_is_silent(d);
}

void
destination_hear(struct destination *d, struct slice text)
{
	buf_clear(&d->said);
	buf_put(&d->said, text.at,
		text.len < ANSWERS_TEXT_MAX ? text.len : ANSWERS_TEXT_MAX);
}

uint32_t
destination_troubles(const struct destination *d)
{
	return d->n_troubles + d->n_refused;
}

const char *
destination_state(const struct destination *d)
{
	if (d->is_held)
		return "held";
	if (is_ailing(d))
		return "ailing";
	if (d->state == DESTINATION_CLOSED)
		return "closed";
	if (!destination_is_served(d))
		return "no-agent";
	if (d->state == DESTINATION_PROBING)
		return "probing";
	return destination_is_silent(d) ? "silent" : "open";
}

/* leaving it alone */

/* Some of it in each round, however much waits. What comes back, since it has
 * no other next hop, is not asked again. */
static void
leave(struct destination *d)
{
	uint32_t n =
	    d->n_leaving < DESTINATION_LEAVE ? d->n_leaving : DESTINATION_LEAVE;

	if (n == 0 || d->waiting.n == 0)
		return;
	d->n_leaving -= n;
	d->all->decide(d->all, d, n);
	if (d->n_leaving > 0)
		loop_timer_set(d->all->loop, &d->leaving, 1);
}

static void
leave_on(struct loop_timer *timer)
{
	struct destination *d = OWNER(timer, struct destination, leaving);

	if (!destination_works(d))
		leave(d);
}

/* Another next hop takes what waits here: all of that decides anew. */
static void
let_leave(struct destination *d)
{
	if (!d->has_others || d->waiting.n == 0 || !d->all->decide ||
	    !destinations_one_is_open(d->all, buf_slice(&d->hops),
				      buf_slice(&d->domain)))
		return;
	d->n_leaving = d->waiting.n;
	leave(d);
}

static void
closed_over(struct loop_timer *timer)
{
	struct destination *d = OWNER(timer, struct destination, closed);

	d->state = DESTINATION_PROBING;
	destination_ready(d);
}

/* n times as long as the first time, doubled each time before. */
static int64_t
backoff_ms(int64_t ms, uint32_t n, int64_t most_ms)
{
	while (n-- > 0 && ms < most_ms)
		ms *= 2;
	return ms < most_ms ? ms : most_ms;
}

static void
close_for(struct destination *d, int64_t ms)
{
	bool was_ailing = d->n_refused > DESTINATION_AILING;

	ms += random() % (ms / 4 + 1);
	d->state = DESTINATION_CLOSED;
	loop_timer_set(d->all->loop, &d->closed, ms);
	if (!was_ailing) /* which is said once */
		destination_log(d,
				is_ailing(d) ? "destination-ailing"
					     : "destination-closed",
				ms);
	let_leave(d);
}

static void
not_reached(struct destination *d)
{
	d->n_refused = 0;
	destination_doubt(d, true);
	destination_first_limit(d);
	d->quickest_ms = 0;
	if (d->state == DESTINATION_CLOSED)
		return; /* others failed in the same breath */
	close_for(d, backoff_ms(DESTINATION_BACKOFF_MIN_MS, d->n_troubles++,
				DESTINATION_BACKOFF_MAX_MS));
}

static void
reopen(struct destination *d)
{
	if (d->state == DESTINATION_OPEN && d->n_troubles == 0)
		return;
	d->state = DESTINATION_OPEN;
	d->n_troubles = 0;
	loop_timer_stop(d->all->loop, &d->closed);
	destination_log(d, "destination-open", 0);
}

/* It could be reached, and stays open for others; but when it takes none of
 * all that is tried one behind the other, it is not to be hammered. What was
 * begun before the last refusal says nothing new. */
static void
refused(struct destination *d, const struct attempt *a)
{
	d->n_troubles = 0;
	destination_doubt(d, false);
	if (a->started_ms > d->refused_ms) {
		d->refused_ms = d->all->loop->now_ms;
		d->n_refused++;
	} else if (is_ailing(d)) {
		return;
	}
	if (is_ailing(d))
		close_for(d, backoff_ms(DESTINATION_REST_MIN_MS,
					d->n_refused - DESTINATION_AILING,
					DESTINATION_REST_MAX_MS));
	else
		reopen(d);
}

static void
worked(struct destination *d)
{
	d->n_refused = 0;
	destination_doubt(d, false);
	d->worked_ms = d->all->loop->now_ms;
	reopen(d);
}

void
destination_ended(struct attempt *a, enum destination_result result)
{
	struct destination *d = a->destination;

	if (result == DESTINATION_TROUBLE) {
		destination_source_took_not(d, a);
		not_reached(d);
	} else if (result == DESTINATION_REFUSED ||
		   result == DESTINATION_LESS) {
		refused(d, a);
	} else {
		worked(d);
	}
	if (result == DESTINATION_SLOWER || result == DESTINATION_LESS)
		destination_lower_limit(d);
	else if (result == DESTINATION_WELL)
		destination_learn_pace(d, a);
	destination_count(a, -1);
	destination_ready(d);
}

void
destination_lost(struct attempt *a)
{
	struct destination *d = a->destination;

	destination_source_took_not(d, a);
	destination_count(a, -1);
	destination_ready(d);
}

void
destination_called(struct attempt *a)
{
	struct destination *d = a->destination;

	destination_source_took_not(d, a);
	destination_hear(d, SLICE("it has not answered for seconds, while "
				  "others waited (#4.4.2)"));
	not_reached(d);
	destination_count(a, -1);
	destination_ready(d);
}

bool
destination_blames(struct attempt *a)
{
	const struct destination *d = a->destination;
	uint64_t hop = (uint64_t)1 << a->hop;
	bool again = (a->unreached & hop) && d->worked_ms > a->unreached_ms;

	if (!a->unreached)
		a->unreached_ms = d->all->loop->now_ms;
	a->unreached |= hop;
	return again;
}

/* silence */

static void
watch(struct destination *d)
{
	int64_t now_ms = d->all->loop->now_ms, at_ms = silent_at_ms(d);

	loop_timer_set(d->all->loop, &d->silence,
		       at_ms > now_ms ? at_ms - now_ms : DESTINATION_SILENT_MS);
}

/* With one next hop alone, patience is all that there is, and not worth a
 * word. */
static void
silent(struct destination *d)
{
	destination_doubt(d, true);
	if (d->state != DESTINATION_OPEN || !d->has_others)
		return;
	if (!d->was_silent)
		destination_log(d, "destination-silent", 0);
	d->was_silent = true;
	let_leave(d);
}

static void
silence_over(struct loop_timer *timer)
{
	struct destination *d = OWNER(timer, struct destination, silence);

	if (d->n_running == 0)
		return;
	if (destination_is_silent(d))
		silent(d);
	watch(d);
}

void
destination_began(struct destination *d)
{
	if (d->begun_ms == 0 || d->n_running == 1)
		d->begun_ms = d->all->loop->now_ms;
	if (d->silence.slot == 0)
		watch(d);
}

void
destination_answered(struct destination *d)
{
	d->begun_ms = 0;
	d->answered_ms = d->all->loop->now_ms;
	if (d->was_silent)
		destination_log(d, "destination-answers", 0);
	d->was_silent = false;
	if (d->quickest_ms > 0)
		destination_doubt(d, false);
}

void
destination_health_timers(struct destination *d)
{
	d->closed.expired = closed_over;
	d->silence.expired = silence_over;
	d->leaving.expired = leave_on;
}

void
destination_retry(struct destination *d)
{
	if (d->state != DESTINATION_CLOSED)
		return;
	loop_timer_stop(d->all->loop, &d->closed);
	closed_over(&d->closed);
}
