/* destination.h - the queue, the concurrency and the health of each next hop
 *
 * Every destination has its own queue of attempts (lanes.h: fair between
 * senders), so that one that is slow or dead holds up nobody else.
 *
 * How much runs at a time is learnt, in recipients (by SMTP, in attempts):
 * every success while the limit is used raises it (by as much as it was at
 * first, later by one for each round of successes); an answer that says "too
 * fast" (4.7.x, 4.3.2, 4.5.3) halves it, at most once a second. An answer that
 * took over a second, and twice as long as the quickest, says that what we have
 * begun waits in the line of the other side, where turns count for nothing:
 * then the limit becomes what it answers in a second. A route may set the most,
 * and a rate.
 *
 * When it cannot be reached (U of quail-agent(7), said by an agent of ours;
 * never what a peer says) it is closed for a while, doubling from one second;
 * then one attempt probes it while the rest waits, unless their routes name
 * another next hop that works.
 *
 * It stays open when it was reached and refuses (H and L). Only when it takes
 * none of several that are tried one behind the other it is ailing: closed for
 * up to a second between two attempts. One that has not answered anything for
 * seconds is silent: what can goes to another next hop.
 *
 * The agents' room, concurrencyremote and the concurrency of an address of ours
 * are shared (slots.h). One that waits for its first slot, because of others
 * that have theirs and do not answer, gets one of those: it is called back
 * from its agent, if no next hop can have taken its mail (destination_call.c).
 * That counts there as not reached.
 *
 * Of what waits only a window is kept as attempts; behind it, messages of
 * which one recipient is left are parked (lanes.h).
 *
 *   state     meaning                       left when
 *   OPEN      up to limit attempts run      trouble, ailing: CLOSED
 *   CLOSED    nothing begins                the time is over: PROBING
 *   PROBING   one attempt runs              it worked: OPEN; else: CLOSED
 *
 * Test  tests/destination_test.c
 */
#ifndef QUAIL_QUEUE_DESTINATION_H
#define QUAIL_QUEUE_DESTINATION_H

#include "lib/buf.h"
#include "lib/loop.h"
#include "lib/names.h"
#include "queue/attempt.h"
#include "queue/lanes.h"
#include "queue/rate.h"
#include "queue/slots.h"
#include "queue/sources.h"

enum destination_state {
	DESTINATION_OPEN,
	DESTINATION_CLOSED,
	DESTINATION_PROBING
};

/* how an attempt went, as far as its destination is concerned */
enum destination_result {
	DESTINATION_WELL,    /* it answered, whatever it said of the mail */
	DESTINATION_SLOWER,  /* ... and wants less of us */
	DESTINATION_REFUSED, /* it has trouble of its own, not with this mail */
	DESTINATION_LESS,    /* ... and wants less of us */
	DESTINATION_TROUBLE  /* it could not be reached, or would not talk */
};

enum {
	DESTINATION_BACKOFF_MIN_MS = 1000,
	DESTINATION_BACKOFF_MAX_MS = 300000,
	DESTINATION_AILING = 4,	      /* refusals one behind the other */
	DESTINATION_REST_MIN_MS = 50, /* between its attempts then */
	DESTINATION_REST_MAX_MS = 1000,
	DESTINATION_SILENT_MS = 5000,  /* without any answer */
	DESTINATION_MISSING_MS = 5000, /* without an agent: it is logged, */
	DESTINATION_MISSING_AGAIN_MS = 600000, /* ... and so often */
	DESTINATION_LEAVE = 1000,	       /* decide anew in a round */
	DESTINATION_FIRST_SMTP = 5,	       /* the limit to begin with */
	DESTINATION_MOST_SMTP = 20,	       /* ... and to end with */
	DESTINATION_FIRST = 64, /* the same for agents that pipeline or are */
	DESTINATION_MOST = 500, /* local */
	DESTINATION_SLOWED_KEPT_MS =
	    3600000,		    /* a lowered limit is remembered */
	DESTINATION_LINE_MS = 1000, /* of its line that we fill */
	DESTINATION_PRESS_MS =
	    1000,		    /* how often we look who waits for a slot */
	DESTINATION_CALL_MS = 4000, /* without an answer; doubled each time */
	DESTINATION_CALL_DOUBLED = 7, /* ... up to so often */
	DESTINATION_PRESSING = 256,   /* looked at then, of each rank */
	DESTINATION_WINDOW = 200 /* attempts that wait; the rest is parked */
};

struct destinations;
struct dispatch_room;

struct destination {
	struct names_link link; /* by its key without the source */
	struct destinations *all;
	struct destinations_kind *kind;
	struct place ready;   /* in the line of its kind: it may start one */
	struct place blocked; /* in its source's line */
	bool wants_slot;      /* counted as one that answers, in ready ... */
	bool wants_source;    /* ... and in blocked */
	bool in_doubt;	      /* whether it answers: slots.h */
	bool is_strange;      /* an address names it, no table */
	enum destination_state state;
	struct lanes waiting;
	uint32_t n_running, n_troubles;
	uint32_t n_rcpts;    /* of what runs */
	bool by_rcpts;	     /* the limit is of these */
	uint32_t n_refused;  /* since it worked, one behind the other */
	int64_t refused_ms;  /* the last of them */
	int64_t worked_ms;   /* when it last answered about mail */
	int64_t answered_ms; /* anything; ... */
	int64_t begun_ms;    /* ... the first that was begun since; 0: none */
	bool was_silent;     /* ... and the log says so */
	uint32_t limit, most, n_well; /* successes since the last raise */
	bool is_held;		      /* an operator's rule: nothing starts */
	bool has_others;	      /* what waits may have other next hops: */
	struct buf hops, domain; /* ... for example these, of that domain */
	bool was_slowed; /* the limit was halved once: raise it slowly */
	int64_t slowed_ms;
	int64_t quickest_ms;   /* of all answers; 0: none yet */
	int64_t shortened_ms;  /* when the limit was made fit to its pace */
	struct rate rate;      /* the route's rate */
	struct source *source; /* that mail goes out from; NULL: any */
	struct buf group;      /* whom its warm-up counts here */
	int64_t exhausted_day; /* when what waited was decided again, since
				  the source's warm-up was used up */
	bool is_exhausted;     /* ... that is still to be done */
	struct buf said; /* what the last one heard that it did not take */
	struct loop_timer closed, paced, silence, leaving;
	uint32_t
	    n_leaving; /* of what waits, so many are still to decide anew */
	struct slice agent; /* "smtp", in key */
	size_t key_len;
	size_t base_len; /* of the key: without the source */
	char key[];
};

/* All that the same agents serve. */
struct destinations_kind {
	struct destinations_kind *next;
	struct slots room; /* of these agents; that of mailboxes is not used */
	struct slots *cap; /* local or remote */
	struct line ready;
	bool is_local;
	bool is_busy;	    /* no agent takes anything, in this round */
	bool is_missing;    /* no agent serves what waits; ... */
	int64_t missing_ms; /* ... and that is logged then */
	struct slice name;  /* "smtp", in the same piece of memory */
};

struct destinations {
	struct loop *loop;
	struct names names;
	struct destinations_kind *kinds;
	struct loop_task start_task;
	struct loop_timer press;
	struct slots local, remote; /* of what the tables say: mailboxes; all
				     * others */
	struct sources *sources;    /* NULL: there are no pools */
	struct loop_task exhausted_task;
	/* What waits at d (most: so much of it, 0: all) is to be routed anew,
	 * in a later round. Needed with sources, and with several next hops.
	 */
	void (*decide)(struct destinations *all, struct destination *d,
		       size_t most);
	/* Hand an attempt to an agent; false: none is free now. */
	bool (*start)(struct destinations *all, struct attempt *a);
	/* What the agents of that kind can take; may be NULL. */
	struct dispatch_room (*room)(const struct destinations *all,
				     struct slice agent);
	/* Call attempts back for which destination_call is true, the youngest
	 * first; may be NULL. */
	void (*call_back)(struct destinations *all);
	/* Make an attempt of a message again that was parked at d, for the
	 * next hop that d is; NULL: it has none any more, and has been seen
	 * to. */
	struct attempt *(*unpark)(struct destination *d, struct message *m);
	/* Is there a rule to hold it? Asked of each new one; may be NULL. */
	bool (*holds)(struct destinations *all, struct slice key);
	void *owner;
};

/* destinations_walk - one after the other, in no order; NULL behind the last
 *
 * Needs    see names_next.
 */
struct destination *
destinations_walk(const struct destinations *all, struct names_walk *w);

/* destinations_init - none yet; set start and unpark before */
void
destinations_init(struct destinations *all, struct loop *loop);

/* destinations_empty - free the attempts that wait; those that run are still
 * to end */
void
destinations_empty(struct destinations *all);

/* destinations_free - free all, with the attempts that wait */
void
destinations_free(struct destinations *all);

/* destination_queue - let an attempt wait for its next hop
 *
 * Takes    domain: of the recipients, for next hops that depend on it
 *          (smtp:mx); at_front: it has waited before.
 * Owns     the attempt; it may be freed, and its message be parked.
 * Returns  the destination; of the next hops from a->hop on, and then from
 *          the first, the next that works and that a has not tried.
 */
struct destination *
destination_queue(struct destinations *all, struct attempt *a,
		  struct slice domain, bool at_front);

/* destination_others_work - is there a next hop that a has not tried and that
 * works? Then a->hop is that one. */
bool
destination_others_work(struct destinations *all, struct attempt *a,
			struct slice domain);

/* destination_works - may an attempt be queued here with good hope? */
bool
destination_works(const struct destination *d);

/* destination_ended - an attempt that ran is over */
void
destination_ended(struct attempt *a, enum destination_result result);

/* destination_lost - it never got an answer, through no fault of the next
 * hop (our agent died); nothing is concluded */
void
destination_lost(struct attempt *a);

/* destination_called - it was called back, and no next hop has it: this one
 * did not answer in time, while others waited */
void
destination_called(struct attempt *a);

/* destination_call - is it to be called back? Then it is counted as such. */
bool
destination_call(struct attempt *a);

/* destination_answered - an agent has said something of an attempt there */
void
destination_answered(struct destination *d);

/* destination_blames - the next hop of an attempt could not be reached
 *
 * Returns  true when that was so before with this one, and it worked for
 *          others since: it is this message, not the way.
 */
bool
destination_blames(struct attempt *a);

/* destination_hear - why it was not reached, or did not take mail; cut at
 * ANSWERS_TEXT_MAX, for whoever waits for it and asks */
void
destination_hear(struct destination *d, struct slice text);

/* destination_troubles - how often in a row has it not been reached, or taken
 * nothing? */
uint32_t
destination_troubles(const struct destination *d);

/* destination_is_silent - has it long not answered what it has? */
bool
destination_is_silent(const struct destination *d);

/* destination_is_served - is an agent connected that delivers there? */
bool
destination_is_served(const struct destination *d);

/* destinations_look - log each kind whose mail no agent serves (once a
 * second) */
void
destinations_look(struct destinations *all);

/* destination_state - open, closed, probing, ailing, silent, held, or no-agent
 * where it would be tried and no agent serves it */
const char *
destination_state(const struct destination *d);

/* destinations_one_is_open - of these next hops, is there one that works? */
bool
destinations_one_is_open(struct destinations *all, struct slice nexthops,
			 struct slice domain);

/* destination_ready - start what may start, at the end of this round: it may
 * have changed */
void
destination_ready(struct destination *d);

/* destination_set_most - what a route says of it; 0: the usual */
void
destination_set_most(struct destination *d, uint32_t concurrency);

/* destination_first_limit - nothing is known of it any more */
void
destination_first_limit(struct destination *d);

/* destinations_start - start what may start, at the end of this round: an
 * agent has become free */
void
destinations_start(struct destinations *all);

/* destinations_sweep - forget those that are idle (once a minute) */
void
destinations_sweep(struct destinations *all);

/* destinations_sift - take out what waits and is wanted
 *
 * With s->min_troubles, only where it has failed so many times in a row, no
 * operator holds it, and an agent serves it.
 */
void
destinations_sift(struct destinations *all, const struct sieve *s,
		  struct sifted *out);

/* destination_sift - the same at one destination */
void
destination_sift(struct destination *d, const struct sieve *s,
		 struct sifted *out);

/* sieve_all - a sieve's wants: everything */
bool
sieve_all(const struct sieve *s, const struct message *m, int64_t lifetime_s);

/* destination_key - append the name of the destination that a next hop is
 *
 * An mx next hop is as many destinations as there are domains; mailboxes
 * are all one, since they share a disk.
 */
void
destination_key(struct buf *key, struct slice nexthop, struct slice domain);

/* destination_is - is it the destination of that word of an attempt? */
bool
destination_is(const struct destination *d, struct slice word,
	       struct slice domain);

/* destinations_next - the next destination behind d (NULL: the first) of a
 * next hop, whatever source it is reached from
 *
 * Takes    key: as destination_key makes it.
 */
struct destination *
destinations_next(struct destinations *all, struct slice key,
		  struct destination *d);

/* destinations_known - that of this key, from any source; NULL for none */
struct destination *
destinations_known(struct destinations *all, struct slice key);

/* destinations_hold - the rules have changed: ask all->holds again of all */
void
destinations_hold(struct destinations *all);

/* destination_retry - if it is closed, probe it now */
void
destination_retry(struct destination *d);

#endif
