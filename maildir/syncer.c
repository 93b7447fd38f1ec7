#include "maildir/syncer.h"

#include "lib/die.h"
#include "lib/owner.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { STACK_SIZE = 65536 };

static void *
thread(void *arg)
{
	struct syncer *s = arg;
	const uint64_t one = 1;

	for (;;) {
		while (sem_wait(&s->work) != 0)
			;
		if (s->is_ending)
			return NULL;
		syncs_all(s->items, s->n);
		if (write(s->told.fd, &one, sizeof one) != sizeof one)
			die_sys("telling the end of a sync", NULL);
	}
}

static void
done(struct syncer *s)
{
	s->is_busy = false;
	s->done(s);
}

static void
ended(struct loop_timer *timer)
{
	done(OWNER(timer, struct syncer, ended));
}

static void
told(struct loop_io *io, unsigned events)
{
	uint64_t n;

	(void)events;
	if (read(io->fd, &n, sizeof n) == sizeof n)
		done(OWNER(io, struct syncer, told));
}

/* It blocks all signals, as its maker does: loop_signals. */
static bool
has_thread(struct syncer *s)
{
	pthread_attr_t attr;

	if (s->has_thread || s->is_inline)
		return s->has_thread;
	s->is_inline = true; /* unless all goes well */
	s->told.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->told.fd < 0)
		return false;
	if (pthread_attr_init(&attr) != 0)
		die_nomem();
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (sem_init(&s->work, 0, 0) == 0 &&
	    pthread_create(&s->thread, &attr, thread, s) == 0) {
		s->told.wants = LOOP_READ;
		s->told.ready = told;
		loop_watch(s->loop, &s->told);
		s->has_thread = true;
		s->is_inline = false;
	} else {
		close(s->told.fd);
	}
	pthread_attr_destroy(&attr);
	return s->has_thread;
}

void
syncer_init(struct syncer *s, struct loop *loop,
	    void (*is_done)(struct syncer *))
{
	*s = (struct syncer){.loop = loop, .done = is_done};
	s->ended.expired = ended;
}

void
syncer_start(struct syncer *s, struct syncs_item *items, size_t n,
	     bool may_wait)
{
	s->is_busy = true;
	if (n == 0 || (n == 1 && may_wait) || !has_thread(s)) {
		syncs_all(items, n);
		loop_timer_set(s->loop, &s->ended, 0);
		return;
	}
	s->items = items;
	s->n = n;
	sem_post(&s->work);
}

void
syncer_wait(struct syncer *s)
{
	struct pollfd p = {.fd = s->told.fd, .events = POLLIN};

	if (!s->is_busy)
		return;
	if (s->ended.slot != 0) {
		loop_timer_stop(s->loop, &s->ended);
		done(s);
		return;
	}
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
	told(&s->told, LOOP_READ);
}

void
syncer_close(struct syncer *s)
{
	loop_timer_stop(s->loop, &s->ended);
	if (!s->has_thread)
		return;
	s->is_ending = true;
	sem_post(&s->work);
	pthread_join(s->thread, NULL);
	loop_forget(s->loop, &s->told);
	close(s->told.fd);
	sem_destroy(&s->work);
	s->has_thread = false;
}
