/* schedule_route.c - one message to the attempts that its routes ask for */
#include "lib/address.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/netstring.h"
#include "queue/schedule_plan.h"

#include <errno.h>

/* K_MOST: such a retry time is beyond any lifetime; message.h has 10 bits */
enum { K_REMOTE = 20, K_LOCAL = 10, K_MOST = 1000, UNREADABLE_S = 300 };

int64_t
schedule_lifetime_s(const struct config_route *r)
{
	return r->lifetime_s ? r->lifetime_s : SCHEDULE_LIFETIME_S;
}

/* routing */

void
plan_send(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		destination_queue(&p->s->destinations, p->attempts[i],
				  p->domains[i], false);
	p->n = 0;
}

void
schedule_options(struct attempt *a, const struct config_route *r)
{
	a->concurrency = r->concurrency;
	a->tls = config_tls_name(r->tls);
	a->rate = r->pace;
	a->lifetime_s = schedule_lifetime_s(r);
}

/* Of a return path what is in front of the first sign behind which a mailing
 * puts something else each time: list-1-kim=a.test@b.test. */
static struct slice
stem(struct slice local)
{
	size_t n = 0;

	while (n < local.len && (n == 0 || !memchr("+-=", local.at[n], 3)))
		n++;
	return slice_of(local.at, n);
}

/* Whose turn it is at a destination: the sender's, or that of all mail of the
 * route's class. Who does not send as another cannot choose a sender that
 * shares his turns. */
static uint64_t
turn_key(const struct schedule *s, struct slice sender)
{
	struct slice local, domain;
	uint8_t sum[SIPHASH_SIZE];
	struct siphash h;
	uint64_t key;

	address_split(sender, &local, &domain);
	siphash_init(&h, s->turns_key);
	siphash_push(&h, stem(local));
	siphash_push(&h, SLICE("@"));
	siphash_push(&h, domain);
	siphash_end(&h, sum);
	memcpy(&key, sum, sizeof key);
	return key | 1;
}

static uint64_t
class_key(const struct schedule *s, struct slice name)
{
	return siphash_of(s->classes_key, name) | 1;
}

/* The attempt for the same next hops that has room, or a new one. */
static struct attempt *
plan_attempt(struct plan *p, const struct config_route *r, struct slice domain,
	     uint32_t via)
{
	bool by_domain =
	    memmem(r->nexthops.at, r->nexthops.len, "smtp:mx", 7) ||
	    slice_find(r->nexthops, ATTEMPT_FROM) < r->nexthops.len;
	uint64_t key =
	    r->class.len > 0 ? class_key(p->s, r->class) : p->sender_key;
	struct attempt *a;
	size_t i;

	for (i = 0; i < p->n; i++) {
		a = p->attempts[i];
		if (a->n_rcpts < ATTEMPT_RCPTS_MAX && a->sender_key == key &&
		    p->vias[i] == via &&
		    strcmp(a->tls, config_tls_name(r->tls)) == 0 &&
		    slice_eq(a->nexthops, r->nexthops) &&
		    (!by_domain || slice_case_eq(p->domains[i], domain)))
			return a;
	}
	if (p->n == sizeof p->attempts / sizeof p->attempts[0])
		plan_send(p);
	a = attempt_new(p->m, r->nexthops,
			p->m->n_rcpts < ATTEMPT_RCPTS_MAX ? p->m->n_rcpts
							  : ATTEMPT_RCPTS_MAX);
	a->sender_key = key;
	a->hop = p->m->first_hop; /* another than the last that refused it */
	schedule_options(a, r);
	p->domains[p->n] = domain;
	p->vias[p->n] = via;
	p->attempts[p->n++] = a;
	p->m->n_busy++;
	return a;
}

static void
shorten_lifetime(struct message *m, const struct config_route *r)
{
	if (schedule_lifetime_s(r) < m->lifetime_s)
		m->lifetime_s = (uint32_t)schedule_lifetime_s(r);
}

static void
plan_rcpt(struct plan *p, uint32_t index, struct slice rcpt,
	  const struct config_route *r, struct slice domain)
{
	struct attempt *a =
	    plan_attempt(p, r, domain, via_walk_to(&p->walk, index, rcpt));
	bool is_local = slice_starts(r->nexthops, SLICE("maildir:"));
	uint32_t k = r->retry ? r->retry : is_local ? K_LOCAL : K_REMOTE;

	a->rcpts[a->n_rcpts++] = index;
	if (k > K_MOST)
		k = K_MOST;
	if (k > p->m->retry_k)
		p->m->retry_k = k & 1023;
	shorten_lifetime(p->m, r);
}

/* The administrator may mend them; the sender is told if nobody does. */
static void
wait_for_tables(struct plan *p, const struct config_route *r)
{
	p->m->retry_k = K_REMOTE;
	shorten_lifetime(p->m, r);
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

	if (via_walk_loops(&p->walk, index)) {
		fail_rcpt(p->m, index,
			  "this message is looping: it has been at this alias "
			  "before (#5.4.6)");
		return;
	}
	address_split(rcpt, &local, &domain);
	config_route_from(s->config, p->sender, rcpt, &s->path, &r);
	switch (r.decision) {
	case CONFIG_NEXTHOPS:
		if (schedule_hops(s, p->m, p->sender, p->attrs, domain, NULL,
				  &r)) {
			plan_rcpt(p, index, rcpt, &r, domain);
			break;
		}
		log_decision(p->m, rcpt,
			     "no address of the pool is of its next hop's "
			     "family; add one to pools",
			     r.source);
		wait_for_tables(p, &r);
		break;
	case CONFIG_HOLD:
		if (!p->was_held)
			log_decision(p->m, rcpt, "hold", r.source);
		p->m->is_held = true;
		break;
	case CONFIG_NOROUTE:
		log_decision(p->m, rcpt, "no route; add a line to routes",
			     r.source);
		wait_for_tables(p, &r);
		break;
	case CONFIG_DISCARD:
		log_decision(p->m, rcpt, "discard", r.source);
		store_settle(s->store, p->m, index, 'K', SLICE("discarded"));
		break;
	case CONFIG_NOBODY:
		fail_rcpt(p->m, index, "no mailbox here by that name (#5.1.1)");
		break;
	case CONFIG_REJECT:
		log_decision(p->m, rcpt, "reject", r.source);
		fail_rcpt(p->m, index, r.text.at);
		break;
	case CONFIG_BADPART:
		fail_rcpt(p->m, index,
			  "no mailbox can have that name (#5.1.3)");
		break;
	}
}

/* Its envelope cannot be read: it is damaged, or we are short of something. */
static void
unreadable(struct schedule *s, struct message *m)
{
	int e = errno;

	if (schedule_set_aside(s, m))
		return;
	log_open("unreadable");
	log_id("id", m->id);
	log_errno(e);
	log_close();
	schedule_put_due(s, m, ages_now_s(&s->ages) + UNREADABLE_S);
}

bool
plan_begin(struct plan *p, struct schedule *s, struct message *m)
{
	struct store_envelope e;

	*p = (struct plan){.s = s, .m = m};
	if (m->n_live == 0 || m->is_doomed) {
		schedule_conclude(s, m);
		return false;
	}
	if (schedule_set_aside(s, m))
		return false;
	if (store_envelope(s->store, m, &p->room, &e) != 0) {
		unreadable(s, m);
		buf_free(&p->room);
		return false;
	}
	m->is_ruled = holds_find(&s->holds, HOLD_FROM, e.sender) != NULL;
	if (schedule_is_stopped(m)) {
		schedule_put_due(s, m, schedule_never_s);
		buf_free(&p->room);
		return false;
	}
	p->was_held = m->is_held;
	m->is_held = m->is_moved = false;
	m->retry_k = 0;
	m->lifetime_s = UINT32_MAX;
	p->sender = e.sender;
	p->attrs = e.attrs;
	p->rcpts = e.rcpts;
	via_walk_begin(&p->walk, e.attrs);
	p->sender_key = turn_key(s, e.sender);
	m->n_busy = 1; /* until all is planned */
	return true;
}

bool
plan_go_on(struct plan *p, unsigned most)
{
	uint32_t end =
	    p->m->n_rcpts - p->index > most ? p->index + most : p->m->n_rcpts;
	struct slice rcpt;

	for (; p->index < end; p->index++) {
		if (netstring_slice(&p->rcpts, &rcpt) != 0)
			return true;
		p->s->n_steps++;
		if (!message_is_done(p->m, p->index) &&
		    !failures_have(p->m, p->index))
			route_rcpt(p, p->index, rcpt);
	}
	return p->index == p->m->n_rcpts;
}

void
plan_finish(struct plan *p)
{
	plan_send(p);
	buf_free(&p->room);
	schedule_attempt_over(p->s, p->m);
}
