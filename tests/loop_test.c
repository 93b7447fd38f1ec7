/* loop_test - descriptors, timers, tasks and signals in one loop */
#include "lib/loop.h"

#include "lib/clock.h"
#include "lib/owner.h"
#include "tests/tap.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct loop loop;
static char story[4096];

static void
tell(const char *what)
{
	size_t used = strlen(story);

	snprintf(story + used, sizeof story - used, "%s ", what);
}

static bool
told_either(const char *what, const char * or)
{
	bool same = strcmp(story, what) == 0 || strcmp(story, or) == 0;

	if (!same)
		fprintf(stderr, "# told: %s\n# not:  %s\n", story, what);
	story[0] = 0;
	return same;
}

static bool
told(const char *what)
{
	return told_either(what, what);
}

static void
begin(void)
{
	loop_init(&loop);
	story[0] = 0;
}

/* timers */

struct named_timer {
	struct loop_timer timer;
	const char *name;
};

static void
timer_tells(struct loop_timer *timer)
{
	tell(OWNER(timer, struct named_timer, timer)->name);
}

static void
test_timer_order(void)
{
	struct named_timer t[5] = {{{.expired = timer_tells}, "a"},
				   {{.expired = timer_tells}, "b"},
				   {{.expired = timer_tells}, "c"},
				   {{.expired = timer_tells}, "d"},
				   {{.expired = timer_tells}, "e"}};
	int64_t from;

	begin();
	loop_timer_set(&loop, &t[0].timer, 30);
	loop_timer_set(&loop, &t[1].timer, 10);
	loop_timer_set(&loop, &t[2].timer, 20);
	loop_timer_set(&loop, &t[3].timer, 5);
	loop_timer_set(&loop, &t[4].timer, 1);
	loop_timer_set(&loop, &t[3].timer, 40); /* moved back */
	loop_timer_set(&loop, &t[0].timer, 2);	/* moved up */
	loop_timer_stop(&loop, &t[4].timer);
	loop_timer_stop(&loop, &t[4].timer);
	from = clock_ms();
	while (loop.n_timers > 0)
		loop_round(&loop, -1);
	ok(told("a b c d "), "in order of time, moved ones too");
	ok(clock_ms() - from >= 38 && clock_ms() - from < 2000,
	   "at their time");
	loop_free(&loop);
}

/* Two hundred timers set, moved and stopped at random; the clock is the
 * loop's own, so no time passes. */
enum { TIMERS = 200 };
static struct loop_timer many[TIMERS];
static int64_t last_due;
static bool in_order;
static size_t n_expired;

static void
one_of_many(struct loop_timer *timer)
{
	in_order &= timer->due_ms >= last_due && timer->slot == 0;
	last_due = timer->due_ms;
	n_expired++;
}

static bool
heap_is_sound(void)
{
	size_t i;

	for (i = 0; i < loop.n_timers; i++)
		if (loop.timers[i]->slot != i + 1 ||
		    (i > 0 &&
		     loop.timers[(i - 1) / 2]->due_ms > loop.timers[i]->due_ms))
			return false;
	return true;
}

static void
test_timers_at_random(void)
{
	size_t i, set = 0;
	bool sound = true;

	begin();
	srandom(1);
	in_order = true;
	last_due = 0;
	n_expired = 0;
	for (i = 0; i < 20000; i++) {
		struct loop_timer *t = &many[random() % TIMERS];

		t->expired = one_of_many;
		if (random() % 3)
			loop_timer_set(&loop, t, random() % 1000 - 1000);
		else
			loop_timer_stop(&loop, t);
		if (i % 16 == 0)
			sound &= heap_is_sound();
	}
	for (i = 0; i < TIMERS; i++)
		set += many[i].slot > 0;
	ok(sound && loop.n_timers == set, "the heap is sound after each step");
	loop_round(&loop, 0);
	ok(in_order && n_expired == set && loop.n_timers == 0,
	   "all %zu come, in order", set);
	loop_free(&loop);
}

static struct named_timer again, other;
static unsigned n_again;

static void
set_again(struct loop_timer *timer)
{
	n_again++;
	loop_timer_set(&loop, timer, 0);
}

static void
stop_other(struct loop_timer *timer)
{
	timer_tells(timer);
	loop_timer_stop(&loop, &other.timer);
}

static void
free_itself(struct loop_timer *timer)
{
	tell("freed");
	free(OWNER(timer, struct named_timer, timer));
}

static void
test_timer_callbacks(void)
{
	struct named_timer *mine = calloc(1, sizeof *mine);

	begin();
	again = (struct named_timer){{.expired = set_again}, "again"};
	other = (struct named_timer){{.expired = timer_tells}, "other"};
	loop_timer_set(&loop, &again.timer, 0);
	loop_timer_set(&loop, &other.timer, 0);
	loop_round(&loop, 0);
	ok(n_again >= 1 && n_again <= 2,
	   "one that sets itself again with 0 does not stop the loop");
	loop_round(&loop, 50);
	ok(told("other "), "nor the others");
	loop_timer_stop(&loop, &again.timer);

	again.timer.expired = stop_other;
	loop_timer_set(&loop, &other.timer, 0);
	loop_timer_set(&loop, &again.timer, -1);
	loop_round(&loop, 0);
	ok(told("again "), "stopped by one that came first");
	mine->timer.expired = free_itself;
	loop_timer_set(&loop, &mine->timer, 0);
	loop_round(&loop, 0);
	ok(told("freed ") && loop.n_timers == 0, "freed inside its own call");
	loop_free(&loop);
}

/* tasks */

struct named_task {
	struct loop_task task;
	const char *name;
	struct named_task *queues, *drops;
};

static void
task_tells(struct loop_task *task)
{
	struct named_task *t = OWNER(task, struct named_task, task);

	tell(t->name);
	if (t->queues)
		loop_task_queue(&loop, &t->queues->task);
	if (t->drops)
		loop_task_drop(&loop, &t->drops->task);
}

static void
test_tasks(void)
{
	struct named_task a = {{.run = task_tells}, "a", NULL, NULL}, b = a,
			  c = a, d = a;
	struct named_timer t = {{.expired = timer_tells}, "timer"};
	int64_t from;

	begin();
	b.name = "b";
	c.name = "c";
	d.name = "d";
	loop_task_queue(&loop, &a.task);
	loop_task_queue(&loop, &b.task);
	loop_task_queue(&loop, &a.task);
	loop_timer_set(&loop, &t.timer, 0);
	loop_round(&loop, -1);
	ok(told("timer a b "), "after timers, in order, once each");

	loop_task_queue(&loop, &a.task);
	loop_task_queue(&loop, &b.task);
	loop_task_queue(&loop, &c.task);
	loop_task_drop(&loop, &b.task); /* from the middle */
	loop_task_drop(&loop, &b.task);
	loop_task_drop(&loop, &c.task); /* from the end */
	loop_task_queue(&loop, &d.task);
	from = clock_ms();
	loop_round(&loop, 10000);
	ok(told("a d ") && clock_ms() - from < 5000,
	   "dropped ones do not run; nobody waits while there are tasks");

	a.queues = &b; /* a queues b, b queues c, which drops d */
	b.queues = &c;
	c.drops = &d;
	a.drops = NULL;
	loop_task_queue(&loop, &a.task);
	loop_round(&loop, 0);
	ok(told("a b c "), "tasks queued by tasks run in the same round");
	a.queues = &d;
	a.drops = &b;
	loop_task_queue(&loop, &a.task);
	loop_task_queue(&loop, &b.task);
	loop_round(&loop, 0);
	ok(told("a d "), "dropped by one that came before");
	ok(loop.first_task == NULL && loop.last_task == &loop.first_task,
	   "none is left");
	loop_free(&loop);
}

/* Work in pieces: each has a round of its own. */
static void
task_again(struct loop_task *task)
{
	task_tells(task);
	loop_task_later(&loop, task);
}

static void
test_later(void)
{
	struct named_task a = {{.run = task_again}, "a", NULL, NULL}, b = a;
	struct named_task c = {{.run = task_tells}, "c", NULL, NULL};
	int64_t from = clock_ms();

	begin();
	b.name = "b";
	loop_task_queue(&loop, &a.task);
	loop_task_later(&loop, &b.task);
	loop_round(&loop, 10000);
	ok(told("a b "), "a piece for the next round does not wait longer");
	loop_task_queue(&loop, &c.task);
	loop_task_queue(&loop, &a.task);
	loop_round(&loop, 10000);
	ok(told("c a b "), "and runs once a round, behind what it was left by");
	loop_task_drop(&loop, &b.task);
	loop_round(&loop, 10000);
	loop_task_drop(&loop, &a.task);
	loop_round(&loop, 0);
	ok(told("a ") && loop.last_later == &loop.first_later,
	   "dropped ones do not run");
	ok(clock_ms() - from < 5000, "no round waited");
	loop_free(&loop);
}

struct named_turn {
	struct loop_turn turn;
	const char *name;
	bool again;
};

static void
turn_tells(struct loop_turn *turn)
{
	struct named_turn *t = OWNER(turn, struct named_turn, turn);

	tell(t->name);
	if (t->again)
		loop_turn_queue(&loop, turn);
}

static void
test_first_turns(void)
{
	struct named_turn t[4] = {
	    {{.run = turn_tells}, "1", false},
	    {{.run = turn_tells}, "2", false},
	    {{.run = turn_tells, .first = true}, "3", false},
	    {{.run = turn_tells, .first = true}, "4", false}};
	size_t i;

	begin();
	for (i = 0; i < 3; i++)
		loop_turn_queue(&loop, &t[i].turn);
	loop_round(&loop, 10000);
	ok(told("3 1 "), "who is first goes before those that waited longer");
	loop_turn_queue(&loop, &t[3].turn);
	loop_turn_drop(&t[3].turn);
	loop_round(&loop, 10000);
	ok(told("2 "), "and can be taken back");
	loop_turn_queue(&loop, &t[3].turn);
	loop_round(&loop, 10000);
	ok(told("4 "), "alone it is not waited for");
}

static void
test_turns(void)
{
	struct named_turn t[5] = {{{.run = turn_tells}, "1", true},
				  {{.run = turn_tells}, "2", false},
				  {{.run = turn_tells}, "3", false},
				  {{.run = turn_tells}, "4", false},
				  {{.run = turn_tells}, "5", false}};
	int64_t from = clock_ms();
	size_t i;

	begin();
	for (i = 0; i < 5; i++)
		loop_turn_queue(&loop, &t[i].turn);
	loop_turn_queue(&loop, &t[1].turn);
	loop_turn_drop(&t[2].turn);
	loop_turn_drop(&t[2].turn);
	loop_round(&loop, 10000);
	ok(told("1 2 "), "two turns a round");
	loop_round(&loop, 10000);
	ok(told("4 5 "), "the others in order");
	loop_round(&loop, 10000);
	ok(told("1 1 ") && clock_ms() - from < 5000,
	   "who comes again stands behind them, and nobody waits meanwhile");
	loop_turn_drop(&t[0].turn);
	loop_free(&loop);
}

/* descriptors */

struct end {
	struct loop_io io;
	const char *name;
	struct end *forgets;
	bool gone;
};

static void
end_tells(struct loop_io *io, unsigned events)
{
	struct end *e = OWNER(io, struct end, io);
	char what[32];

	snprintf(what, sizeof what, "%s%s%s%s", e->name,
		 events & LOOP_READ ? "+r" : "",
		 events & LOOP_WRITE ? "+w" : "", e->gone ? "(gone)" : "");
	tell(what);
	if (e->forgets) {
		loop_forget(&loop, &e->forgets->io);
		close(e->forgets->io.fd);
		e->forgets->gone = true;
		e->forgets = NULL;
	}
}

static void
make_pair(struct end *a, struct end *b)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
		abort();
	a->io = (struct loop_io){fds[0], LOOP_READ, end_tells};
	b->io = (struct loop_io){fds[1], LOOP_READ, end_tells};
}

static void
close_pair(struct end *a, struct end *b)
{
	loop_forget(&loop, &a->io);
	loop_forget(&loop, &b->io);
	close(a->io.fd);
	close(b->io.fd);
}

static void
test_wants(void)
{
	struct end a = {.name = "a"}, b = {.name = "b"};

	begin();
	make_pair(&a, &b);
	loop_watch(&loop, &a.io);
	loop_watch(&loop, &b.io);
	loop_round(&loop, 0);
	ok(told(""), "nothing to read");
	loop_want(&loop, &a.io, LOOP_READ | LOOP_WRITE);
	loop_round(&loop, 0);
	ok(told("a+w "), "room to write");
	loop_want(&loop, &a.io, LOOP_READ);
	ok(write(a.io.fd, "x", 1) == 1, "a byte is sent");
	loop_round(&loop, 1000);
	loop_round(&loop, 0);
	ok(told("b+r b+r "), "and told as long as it is not read");
	loop_want(&loop, &b.io, 0);
	loop_round(&loop, 0);
	ok(told(""), "not to one that wants nothing");
	loop_want(&loop, &b.io, LOOP_READ);
	loop_round(&loop, 0);
	ok(told("b+r "), "but again when it wants");
	close_pair(&a, &b);
	loop_free(&loop);
}

static void
test_hang_up(void)
{
	struct end a = {.name = "a"}, b = {.name = "b"};

	begin();
	make_pair(&a, &b);
	a.io.wants = 0;
	loop_watch(&loop, &a.io);
	close(b.io.fd);
	loop_round(&loop, 0);
	loop_round(&loop, 0);
	ok(told(""), "who wants nothing hears no hang-up, ever");
	loop_want(&loop, &a.io, LOOP_WRITE);
	loop_round(&loop, 0);
	ok(told("a+w "), "who wants to write hears it so");
	loop_want(&loop, &a.io, LOOP_READ);
	loop_round(&loop, 0);
	ok(told("a+r "), "who wants to read so");
	loop_forget(&loop, &a.io);
	loop_round(&loop, 0);
	ok(told(""), "who is forgotten not");
	close(a.io.fd);
	loop_free(&loop);
}

/* Whoever comes first forgets the other, whose event is in the same round. */
static void
test_forget_in_round(void)
{
	struct end a = {.name = "a"}, b = {.name = "b"}, c = {.name = "c"},
		   d = {.name = "d"};
	bool once;

	begin();
	make_pair(&a, &b);
	make_pair(&c, &d);
	loop_watch(&loop, &b.io);
	loop_watch(&loop, &d.io);
	b.forgets = &d;
	d.forgets = &b;
	ok(write(a.io.fd, "x", 1) == 1 && write(c.io.fd, "x", 1) == 1,
	   "two are ready");
	loop_round(&loop, 1000);
	once = strcmp(story, "b+r ") == 0 || strcmp(story, "d+r ") == 0;
	ok(once, "only one is told: %s", story);
	story[0] = 0;
	ok(b.gone != d.gone, "the other is forgotten");
	if (!b.gone) {
		loop_forget(&loop, &b.io);
		close(b.io.fd);
	}
	if (!d.gone) {
		loop_forget(&loop, &d.io);
		close(d.io.fd);
	}
	close(a.io.fd);
	close(c.io.fd);
	loop_free(&loop);
}

/* ... and one that stops wanting in the round is not told in it. */
static struct end *stops;

static void
stop_wanting(struct loop_io *io, unsigned events)
{
	(void)events;
	tell("stop");
	if (stops && &stops->io != io)
		loop_want(&loop, &stops->io, 0);
	stops = NULL;
}

static void
test_want_in_round(void)
{
	struct end a = {.name = "a"}, b = {.name = "b"}, c = {.name = "c"},
		   d = {.name = "d"};
	ssize_t n;

	begin();
	make_pair(&a, &b);
	make_pair(&c, &d);
	b.io.ready = stop_wanting; /* added and ready first: told first */
	loop_watch(&loop, &b.io);
	loop_watch(&loop, &d.io);
	stops = &d;
	n = write(a.io.fd, "x", 1) + write(c.io.fd, "x", 1);
	loop_round(&loop, 1000);
	ok(n == 2 && (told_either("stop ", "d+r stop ")),
	   "one that wants nothing any more is not told of what was ready");
	close_pair(&a, &b);
	close_pair(&c, &d);
	loop_free(&loop);
}

static void
free_io(struct loop_io *io, unsigned events)
{
	struct end *e = OWNER(io, struct end, io);

	(void)events;
	tell("freed");
	loop_forget(&loop, io);
	close(io->fd);
	free(e);
}

static void
test_free_itself(void)
{
	struct end *a = calloc(1, sizeof *a), b = {.name = "b"};

	begin();
	make_pair(a, &b);
	a->io.ready = free_io;
	loop_watch(&loop, &a->io);
	close(b.io.fd);
	loop_round(&loop, 1000);
	loop_round(&loop, 0);
	ok(told("freed "), "freed inside its own call");
	loop_free(&loop);
}

/* more descriptors than one call of the kernel gives */
static void
test_many(void)
{
	enum { PAIRS = LOOP_BATCH + 40 };
	static struct end a[PAIRS], b[PAIRS];
	size_t i, n = 0;
	ssize_t sent = 0;

	begin();
	for (i = 0; i < PAIRS; i++) {
		a[i].name = b[i].name = "x";
		make_pair(&a[i], &b[i]);
		loop_watch(&loop, &b[i].io);
		b[i].forgets = &b[i];
		sent += write(a[i].io.fd, "x", 1);
	}
	loop_round(&loop, 0);
	loop_round(&loop, 0);
	for (i = 0; i < PAIRS; i++) {
		n += b[i].gone;
		close(a[i].io.fd);
	}
	ok(sent == PAIRS && n == PAIRS, "%d ready at once, each is told",
	   (int)PAIRS);
	story[0] = 0;
	loop_free(&loop);
}

/* signals and the end */

static void
on_signal(struct loop *l, int signal)
{
	tell(signal == SIGTERM	 ? "term"
	     : signal == SIGHUP	 ? "hup"
	     : signal == SIGCHLD ? "chld"
				 : "other");
	if (signal == SIGTERM)
		loop_stop(l);
}

static void
test_signals(void)
{
	struct named_task t = {{.run = task_tells}, "task", NULL, NULL};
	struct named_timer late = {{.expired = timer_tells}, "late"};
	sigset_t blocked;
	int status;
	pid_t child;

	begin();
	loop_signals(&loop, on_signal);
	kill(getpid(), SIGHUP);
	loop_round(&loop, 1000);
	ok(told("hup "), "a signal is told from the loop");
	child = fork();
	if (child == 0) {
		loop_signals_child();
		sigprocmask(SIG_BLOCK, NULL, &blocked);
		_exit(sigismember(&blocked, SIGTERM) ? 1 : 0);
	}
	loop_round(&loop, 5000);
	ok(told("chld ") && waitpid(child, &status, 0) == child && status == 0,
	   "the end of a child too, which has its signals unblocked");
	loop_timer_set(&loop, &late.timer, 60000);
	kill(getpid(), SIGTERM);
	loop_task_queue(&loop, &t.task);
	loop_run(&loop);
	ok(told_either("term task ", "task term "),
	   "loop_stop ends loop_run; what was queued is run");
	loop_free(&loop);
	loop_signals_child();
}

int
main(void)
{
	test_timer_order();
	test_timers_at_random();
	test_timer_callbacks();
	test_tasks();
	test_later();
	test_turns();
	test_first_turns();
	test_wants();
	test_hang_up();
	test_forget_in_round();
	test_want_in_round();
	test_free_itself();
	test_many();
	test_signals();
	return tap_done();
}
