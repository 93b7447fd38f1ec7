/* schedule.h - what is tried when, and what becomes of it
 *
 * A message is due when it comes in, and again at its retry times until it
 * is over or too old. When it is due its recipients are routed by the
 * tables as they are then, gathered into attempts by next hop, and queued
 * at their destinations. When its last attempt has ended the failures go
 * into one bounce, and what is deferred gets a new time.
 *
 *   verdict              means for the recipient
 *   K                    done
 *   D                    failed: it goes into the bounce
 *   Z, about the mail    deferred until the message's next time
 *   Z, the host (H, L)   at once the next hops of its route that it has not
 *                        tried and that work; else as above
 *   Z, the way (U)       the same; when none could be reached, wait until one
 *                        can
 *
 * What a Z is about only an agent of ours says (quail-agent(7)).
 *
 * Retry times: birth + (floor(sqrt(age)) + k)^2 seconds, k 20 for remote
 * next hops and 10 for mailboxes, until LIFETIME; then Z becomes D. All of it
 * by the queue's own time (ages.h). Nothing is given up before it, or the
 * next hop that it waits for, has been tried a few times since the queue was
 * started: after a long rest it is the network that may not be there yet.
 *
 * Source  the schedule is qmail's (protocols: qmail-send)
 * Test    tests/schedule_test.c
 */
#ifndef QUAIL_QUEUE_SCHEDULE_H
#define QUAIL_QUEUE_SCHEDULE_H

#include "cdb/config.h"
#include "queue/ages.h"
#include "queue/answers.h"
#include "queue/bounce.h"
#include "queue/destination.h"
#include "queue/dispatch.h"
#include "queue/heap.h"
#include "queue/holds.h"
#include "queue/sources.h"
#include "queue/store.h"

enum {
	SCHEDULE_LIFETIME_S = 7 * 86400,
	SCHEDULE_STEPS = 500,	/* recipients that are routed in a round: of new
				   mail, of what is due, of ... */
	SCHEDULE_SMALL = 100,	/* ... mail that has more than so many */
	SCHEDULE_TRIES = 3,	/* at least, before a message is too old */
	SCHEDULE_TROUBLES = 10, /* ... or of the next hop that it waits for */
	SCHEDULE_LAST_S = 600	/* from one of these tries to the next */
};

/* What a round of the loop has done of one kind of work. */
struct schedule_share {
	uint64_t round;
	unsigned steps;
};

struct schedule {
	struct loop *loop;
	struct store *store;
	struct config *config;
	struct ages ages;
	struct destinations destinations;
	struct dispatch dispatch;
	struct answers answers;
	struct holds holds;
	struct sources sources;
	struct heap heap;
	struct loop_timer timer;
	struct message *fresh, **last_fresh; /* new ones, by next */
	struct loop_task fresh_task;
	struct loop_task due_task; /* the rest of what is due */
	struct schedule_share of_fresh, of_due;
	/* Due ones of many recipients, by next; and the first of them, as far
	 * as it has come. */
	struct message *large, **last_large;
	struct plan *plan;
	struct loop_task large_task;
	uint64_t n_steps; /* recipients routed so far, for tests */
	uint64_t bounce_id, n_bounce_ids;
	struct buf room, path; /* an envelope, a routed path */
	struct {
		uint64_t id;	   /* whose envelope is in room; 0: nobody's */
		uint32_t next;	   /* the recipient that */
		struct slice rest; /* ... begins here */
		struct slice last; /* the one before it */
		struct slice sender, attrs;
	} walk;
	uint8_t turns_key[SIPHASH_KEY], classes_key[SIPHASH_KEY];
	struct buf hops; /* the words of a route, with the sources chosen */
};

/* schedule_init - serve agents and deliver
 *
 * Needs    store and config open; they stay.
 */
void
schedule_init(struct schedule *s, struct loop *loop, struct store *store,
	      struct config *config, const char *agent_path);

/* schedule_new - a message has been committed: try it in this round, or, if
 * there are many or it has many recipients, in the next ones
 *
 * Not before the caller has returned: it may be the store, in the middle of a
 * commit, and trying can add outcomes and bounces to the store. */
void
schedule_new(struct schedule *s, struct message *m);

/* schedule_loaded - the store knows all old messages: try them */
void
schedule_loaded(struct schedule *s);

/* schedule_reroute - the tables have changed: decide again for all that
 * waits or is held */
void
schedule_reroute(struct schedule *s);

/* schedule_second - see whether the clock has been set; call once a second */
void
schedule_second(struct schedule *s);

/* schedule_minute - look for what has grown too old; call once a minute */
void
schedule_minute(struct schedule *s);

/* schedule_again - a message without attempts waits for its next time */
void
schedule_again(struct schedule *s, struct message *m);

/* schedule_now - a message that is not busy is due at once */
void
schedule_now(struct schedule *s, struct message *m);

/* schedule_sift - take those out of the lines at their destinations that an
 * operator has stopped: held, removed or to be returned */
void
schedule_sift(struct schedule *s);

/* schedule_forget - nobody needs to know any more what was answered for it;
 * call it when a message leaves the store */
void
schedule_forget(struct schedule *s, const struct message *m);

/* schedule_end - begin no more attempts; what is not behind its end of text
 * is taken back, and the rest goes on */
void
schedule_end(struct schedule *s);

/* schedule_is_idle - has all that was under way been answered? */
bool
schedule_is_idle(const struct schedule *s);

/* schedule_stop - the process ends; what is under way is given up, and logged
 * where it may come twice. What the queue knows of the time is on the disk
 * then. */
void
schedule_stop(struct schedule *s);

void
schedule_close(struct schedule *s);

/* schedule_next_s - the next time after now for a message of this birth, all
 * by the queue's time */
int64_t
schedule_next_s(int64_t birth_s, int64_t now_s, unsigned k);

#endif
