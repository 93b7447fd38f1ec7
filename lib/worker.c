#include "lib/worker.h"

#include "lib/die.h"
#include "lib/owner.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { STACK_SIZE = 65536 };

static void *
thread(void *arg)
{
	struct worker *w = arg;
	const uint64_t one = 1;

	for (;;) {
		while (sem_wait(&w->begun) != 0)
			;
		if (w->is_ending)
			return NULL;
		w->work(w);
		if (write(w->told.fd, &one, sizeof one) != sizeof one)
			die_sys("telling the end of a sync", NULL);
	}
}

static void
done(struct worker *w)
{
	w->is_busy = false;
	w->done(w);
}

static void
ended(struct loop_timer *timer)
{
	struct worker *w = OWNER(timer, struct worker, ended);

	if (w->is_late) {
		loop_task_queue(w->loop, &w->late);
		return;
	}
	if (w->way == WORKER_LATE)
		w->work(w);
	done(w);
}

static void
late(struct loop_task *task)
{
	struct worker *w = OWNER(task, struct worker, late);

	w->is_late = false;
	loop_timer_set(w->loop, &w->ended, 0);
}

static void
told(struct loop_io *io, unsigned events)
{
	uint64_t n;

	(void)events;
	if (read(io->fd, &n, sizeof n) == sizeof n)
		done(OWNER(io, struct worker, told));
}

/* It blocks all signals, as its maker does: loop_signals. */
static bool
has_thread(struct worker *w)
{
	pthread_attr_t attr;

	if (w->has_thread || w->way != WORKER_THREAD)
		return w->has_thread;
	w->way = WORKER_INLINE; /* unless all goes well */
	w->told.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->told.fd < 0)
		return false;
	if (pthread_attr_init(&attr) != 0)
		die_nomem();
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (sem_init(&w->begun, 0, 0) == 0 &&
	    pthread_create(&w->thread, &attr, thread, w) == 0) {
		w->told.wants = LOOP_READ;
		w->told.ready = told;
		loop_watch(w->loop, &w->told);
		w->has_thread = true;
		w->way = WORKER_THREAD;
	} else {
		close(w->told.fd);
	}
	pthread_attr_destroy(&attr);
	return w->has_thread;
}

void
worker_init(struct worker *w, struct loop *loop, enum worker_way way,
	    void (*work)(struct worker *), void (*is_done)(struct worker *))
{
	*w = (struct worker){
	    .loop = loop, .way = way, .work = work, .done = is_done};
	w->ended.expired = ended;
	w->late.run = late;
}

void
worker_start(struct worker *w, bool is_short)
{
	w->is_busy = true;
	if (!is_short && has_thread(w)) {
		sem_post(&w->begun);
		return;
	}
	w->is_late = w->way == WORKER_LATE;
	if (!w->is_late)
		w->work(w);
	loop_timer_set(w->loop, &w->ended, 0);
}

static void
stop_late(struct worker *w)
{
	loop_timer_stop(w->loop, &w->ended);
	if (w->late.queued)
		loop_task_drop(w->loop, &w->late);
	w->is_late = false;
}

static void
wait_for_thread(struct worker *w)
{
	struct pollfd p = {.fd = w->told.fd, .events = POLLIN};
	uint64_t n;

	while (read(p.fd, &n, sizeof n) != sizeof n)
		poll(&p, 1, -1);
}

void
worker_wait(struct worker *w)
{
	if (!w->is_busy)
		return;
	if (w->ended.slot == 0 && w->way != WORKER_LATE) {
		wait_for_thread(w);
		done(w);
		return;
	}
	stop_late(w);
	ended(&w->ended);
}

void
worker_close(struct worker *w)
{
	bool has_work = w->is_busy && w->ended.slot == 0;

	stop_late(w);
	if (!w->has_thread)
		return;
	if (has_work)
		wait_for_thread(w);
	w->is_ending = true;
	sem_post(&w->begun);
	pthread_join(w->thread, NULL);
	loop_forget(w->loop, &w->told);
	close(w->told.fd);
	sem_destroy(&w->begun);
	w->has_thread = false;
}
