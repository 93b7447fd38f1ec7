#include "lib/loop.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/log.h"
#include "lib/loop_task.h"
#include "lib/owner.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void
log_has_room(struct loop_io *io, unsigned events)
{
	(void)io;
	(void)events; /* the round's log_flush comes anyway */
}

void
loop_init(struct loop *loop)
{
	*loop = (struct loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
	if (loop->epoll_fd < 0)
		die_sys("making an epoll descriptor", NULL);
	loop->signal_io.fd = -1;
	loop->log_io =
	    (struct loop_io){.fd = STDERR_FILENO, .ready = log_has_room};
	loop->last_task = &loop->first_task;
	loop->last_later = &loop->first_later;
	list_init(&loop->turns);
	list_init(&loop->turns_first);
	loop->now_ms = clock_ms();
}

void
loop_free(struct loop *loop)
{
	if (loop->signal_io.fd >= 0)
		close(loop->signal_io.fd);
	close(loop->epoll_fd);
	free(loop->timers);
	*loop = (struct loop){.epoll_fd = -1};
}

/* descriptors */

static uint32_t
kernel_events(unsigned wants)
{
	return (wants & LOOP_READ ? (uint32_t)EPOLLIN : 0) |
	       (wants & LOOP_WRITE ? (uint32_t)EPOLLOUT : 0);
}

static void
tell_kernel(struct loop *loop, int op, struct loop_io *io)
{
	struct epoll_event e = {.events = kernel_events(io->wants),
				.data = {.ptr = io}};

	if (epoll_ctl(loop->epoll_fd, op, io->fd, &e) != 0)
		die_sys("telling epoll of a descriptor", NULL);
}

void
loop_watch(struct loop *loop, struct loop_io *io)
{
	if (io->wants)
		tell_kernel(loop, EPOLL_CTL_ADD, io);
}

/* Epoll tells hang-ups even to those who want nothing, round after round:
 * so they are not in it. */
void
loop_want(struct loop *loop, struct loop_io *io, unsigned wants)
{
	unsigned wanted = io->wants;

	if (wanted == wants)
		return;
	io->wants = wants;
	if (wants == 0)
		tell_kernel(loop, EPOLL_CTL_DEL, io);
	else
		tell_kernel(loop, wanted ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, io);
}

void
loop_forget(struct loop *loop, struct loop_io *io)
{
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, io->fd, NULL);
	loop_forget_closing(loop, io);
}

void
loop_forget_closing(struct loop *loop, struct loop_io *io)
{
	size_t i;

	for (i = 0; i < loop->n_ready; i++)
		if (loop->ready[i] == io)
			loop->ready[i] = NULL;
}

static unsigned
our_events(const struct loop_io *io, uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP))
		return io->wants;
	return io->wants & ((events & EPOLLIN ? LOOP_READ : 0u) |
			    (events & EPOLLOUT ? LOOP_WRITE : 0u));
}

/* timers: a binary heap; slot is the index plus one */

static void
place(struct loop *loop, size_t i, struct loop_timer *timer)
{
	loop->timers[i] = timer;
	timer->slot = i + 1;
}

static void
sift_up(struct loop *loop, size_t i, struct loop_timer *timer)
{
	while (i > 0 && loop->timers[(i - 1) / 2]->due_ms > timer->due_ms) {
		place(loop, i, loop->timers[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(loop, i, timer);
}

static void
sift_down(struct loop *loop, size_t i, struct loop_timer *timer)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < loop->n_timers &&
		    loop->timers[child + 1]->due_ms <
			loop->timers[child]->due_ms)
			child++;
		if (child >= loop->n_timers ||
		    loop->timers[child]->due_ms >= timer->due_ms)
			break;
		place(loop, i, loop->timers[child]);
		i = child;
	}
	place(loop, i, timer);
}

void
loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer *last;
	size_t i;

	if (timer->slot == 0)
		return;
	i = timer->slot - 1;
	timer->slot = 0;
	last = loop->timers[--loop->n_timers];
	if (last == timer)
		return;
	if (i > 0 && loop->timers[(i - 1) / 2]->due_ms > last->due_ms)
		sift_up(loop, i, last);
	else
		sift_down(loop, i, last);
}

void
loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t ms)
{
	loop_timer_stop(loop, timer);
	timer->due_ms = loop->now_ms + ms;
	if (loop->n_timers == loop->max_timers) {
		size_t max = loop->max_timers ? loop->max_timers * 2 : 16;
		struct loop_timer **timers =
		    reallocarray(loop->timers, max, sizeof *timers);

		if (!timers)
			die_nomem();
		loop->timers = timers;
		loop->max_timers = max;
	}
	sift_up(loop, loop->n_timers++, timer);
}

static void
run_timers(struct loop *loop)
{
	size_t left = loop->n_timers;

	while (left-- > 0 && loop->n_timers > 0 &&
	       loop->timers[0]->due_ms <= loop->now_ms) {
		struct loop_timer *timer = loop->timers[0];

		loop_timer_stop(loop, timer);
		timer->expired(timer);
	}
}

/* signals */

static void
handled_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGCHLD);
}

static void
signal_ready(struct loop_io *io, unsigned events)
{
	struct loop *loop = OWNER(io, struct loop, signal_io);
	struct signalfd_siginfo info;

	(void)events;
	while (read(io->fd, &info, sizeof info) == (ssize_t)sizeof info)
		loop->on_signal(loop, (int)info.ssi_signo);
}

void
loop_signals(struct loop *loop, void (*on_signal)(struct loop *, int))
{
	sigset_t set;

	handled_signals(&set);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	loop->on_signal = on_signal;
	loop->signal_io =
	    (struct loop_io){signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
			     LOOP_READ, signal_ready};
	if (loop->signal_io.fd < 0)
		die_sys("making a signal descriptor", NULL);
	loop_watch(loop, &loop->signal_io);
}

void
loop_signals_child(void)
{
	sigset_t set;

	handled_signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGPIPE, SIG_DFL);
}

/* rounds */

static int
wait_ms(const struct loop *loop, int64_t max_ms)
{
	int64_t ms = max_ms;

	if (loop->first_task || loop->first_later ||
	    !list_empty(&loop->turns) || !list_empty(&loop->turns_first))
		return 0;
	if (loop->n_timers > 0) {
		int64_t next = loop->timers[0]->due_ms - clock_ms();

		if (next < 0)
			next = 0;
		if (ms < 0 || next < ms)
			ms = next;
	}
	return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

static void
run_ready(struct loop *loop)
{
	size_t i;

	for (i = 0; i < loop->n_ready; i++) {
		struct loop_io *io = loop->ready[i];
		unsigned events;

		if (!io)
			continue;
		events = our_events(io, loop->ready_events[i]);
		if (events)
			io->ready(io, events);
	}
	loop->n_ready = 0;
}

/* Who reads the log may be slow: the loop wakes when he has. What epoll does
 * not know, as files, is never waited for. */
static void
flush_log(struct loop *loop)
{
	struct epoll_event e = {.events = EPOLLOUT,
				.data = {.ptr = &loop->log_io}};
	bool waited = loop->log_io.wants != 0;

	log_flush();
	if (log_waits() == waited)
		return;
	loop->log_io.wants = waited ? 0 : LOOP_WRITE;
	epoll_ctl(loop->epoll_fd, waited ? EPOLL_CTL_DEL : EPOLL_CTL_ADD,
		  STDERR_FILENO, &e);
}

void
loop_round(struct loop *loop, int64_t max_ms)
{
	struct epoll_event events[LOOP_BATCH];
	int n = epoll_wait(loop->epoll_fd, events, LOOP_BATCH,
			   wait_ms(loop, max_ms));
	int i;

	if (n < 0 && errno != EINTR)
		die_sys("waiting for events", NULL);
	loop->now_ms = clock_ms();
	loop->n_rounds++;
	loop_take_later(loop);
	for (i = 0; i < n; i++) {
		loop->ready[i] = events[i].data.ptr;
		loop->ready_events[i] = events[i].events;
	}
	loop->n_ready = n < 0 ? 0 : (size_t)n;
	loop->n_events = loop->n_ready;
	run_ready(loop);
	run_timers(loop);
	loop_run_tasks(loop);
	loop_take_turns(loop);
	flush_log(loop);
}

void
loop_stop(struct loop *loop)
{
	loop->stopping = true;
}

void
loop_run(struct loop *loop)
{
	while (!loop->stopping)
		loop_round(loop, -1);
	loop_run_tasks(loop);
	log_flush();
}
