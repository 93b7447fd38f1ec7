/* loop.h - descriptors, timers, signals and end-of-round tasks
 *
 * One loop a process, single-threaded, on epoll (level-triggered). A round
 * is: wait; every ready descriptor; every timer that is due; every task that
 * was queued meanwhile; two of those that wait for a turn; log_flush.
 * Batching lives in tasks: what all descriptors of a round brought is
 * written, synced or answered once.
 *
 * A round ends: what one peer can keep going, with more and more bytes, is cut
 * into pieces, and the rest of it put off (loop_task_later, loop_turn_queue).
 *
 * The parts are embedded in their users' structs (owner.h). Any callback may
 * forget and free any part, its own too.
 *
 * Not libowfat's io_*: see doc/decisions.md.
 *
 * Test  tests/loop_test.c
 */
#ifndef QUAIL_LIB_LOOP_H
#define QUAIL_LIB_LOOP_H

#include "lib/list.h"

#include <stdint.h>

enum { LOOP_READ = 1, LOOP_WRITE = 2 };
enum { LOOP_BATCH = 256, LOOP_TURNS = 2 };

struct loop;

struct loop_io {
	int fd;
	unsigned wants; /* LOOP_READ | LOOP_WRITE; 0: told nothing at all */
	void (*ready)(struct loop_io *io, unsigned events);
};

struct loop_timer {
	int64_t due_ms;
	size_t slot; /* place in the heap plus one; 0: not set */
	void (*expired)(struct loop_timer *timer);
};

struct loop_task {
	bool queued;
	struct loop_task *next;
	void (*run)(struct loop_task *task);
};

/* Work that costs so much that a round has time for LOOP_TURNS of it only. */
struct loop_turn {
	struct link waits;
	bool first; /* it goes before all those that are not */
	void (*run)(struct loop_turn *turn);
};

struct loop {
	int epoll_fd;
	bool stopping;
	int64_t now_ms; /* when the round began */
	size_t n_timers, max_timers;
	struct loop_timer **timers; /* a binary heap, the next one first */
	struct loop_task *first_task, **last_task;
	struct loop_task *first_later, **last_later; /* of the next round */
	uint64_t n_rounds;			     /* begun so far */
	struct list turns, turns_first;
	size_t n_events; /* descriptors that were ready in this round */
	size_t n_ready;	 /* of these, those whose turn may still come */
	void *ready[LOOP_BATCH];
	unsigned ready_events[LOOP_BATCH];
	struct loop_io signal_io;
	struct loop_io log_io; /* descriptor 2, while log lines wait for it */
	void (*on_signal)(struct loop *loop, int signal);
	void *owner;
};

/* loop_init - make an empty loop; dies when the kernel refuses */
void
loop_init(struct loop *loop);

/* loop_free - close what loop_init opened; the parts are their owners' */
void
loop_free(struct loop *loop);

/* loop_watch - call io->ready whenever io->fd is ready for what it wants
 *
 * Needs    io->fd, io->wants and io->ready set; io stays where it is.
 * Differs  an error or hang-up on the descriptor counts as ready for all
 *          that is wanted, so that the next read or write tells. Who wants
 *          nothing is not told of it: the kernel would say it for ever.
 */
void
loop_watch(struct loop *loop, struct loop_io *io);

/* loop_want - change what a watched io wants; cheap when nothing changes */
void
loop_want(struct loop *loop, struct loop_io *io, unsigned wants);

/* loop_forget - stop watching; call it before the descriptor is closed
 *
 * Keeps    no pointer to io, also when its event of this round is still to
 *          come: that one is not delivered.
 */
void
loop_forget(struct loop *loop, struct loop_io *io);

/* loop_forget_closing - the same for a descriptor that is closed before the
 * loop's next round: the kernel forgets it by itself then
 *
 * Needs    no second descriptor of the same socket (dup, fork).
 */
void
loop_forget_closing(struct loop *loop, struct loop_io *io);

/* loop_timer_set - call timer->expired once, in ms milliseconds
 *
 * A timer that is set already is moved. Counted from the round's begin; one
 * that sets itself again with 0 keeps nobody else from his turn.
 */
void
loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t ms);

/* loop_timer_stop - do nothing at all if it is not set */
void
loop_timer_stop(struct loop *loop, struct loop_timer *timer);

/* loop_task_queue - run the task at the end of this round, once
 *
 * Tasks queued by a task run in the same round, after it.
 */
void
loop_task_queue(struct loop *loop, struct loop_task *task);

/* loop_task_later - run the task at the end of the next round, which does not
 * wait: for work in pieces, between which others have their turn
 *
 * A timer of 0 ms that is set again by its own call may run again at once.
 */
void
loop_task_later(struct loop *loop, struct loop_task *task);

/* loop_task_drop - take a queued task back; nothing if it is not queued */
void
loop_task_drop(struct loop *loop, struct loop_task *task);

/* loop_turn_queue - run it when its turn comes: in the order of queueing, but
 * those that are first before the others, LOOP_TURNS in each round; nothing
 * if it is queued already */
void
loop_turn_queue(struct loop *loop, struct loop_turn *turn);

/* loop_turn_drop - take it back; nothing if it is not queued */
void
loop_turn_drop(struct loop_turn *turn);

/* loop_signals - call on_signal for TERM, INT, HUP, USR1 and CHLD
 *
 * Blocks them for the process and ignores PIPE. A child must unblock them
 * before exec: loop_signals_child.
 */
void
loop_signals(struct loop *loop, void (*on_signal)(struct loop *, int));

/* loop_signals_child - give a forked child the default signals back */
void
loop_signals_child(void);

/* loop_run - rounds until loop_stop */
void
loop_run(struct loop *loop);

/* loop_round - one round
 *
 * Takes    the longest wait in milliseconds; -1 for as long as it takes.
 */
void
loop_round(struct loop *loop, int64_t max_ms);

void
loop_stop(struct loop *loop);

#endif
