/* worker_test - work beside the loop: by a thread, inline, and late */
#include "lib/worker.h"

#include "tests/tap.h"

#include <string.h>
#include <unistd.h>

static struct loop loop;
static struct worker worker;
static char story[64];
static pthread_t worked_by;

static void
work(struct worker *w)
{
	(void)w;
	worked_by = pthread_self();
	usleep(20000);
	strcat(story, "work ");
}

static void
done(struct worker *w)
{
	strcat(story, w->is_busy ? "busy " : "done ");
}

static bool
told(const char *what)
{
	bool good = strcmp(story, what) == 0;

	if (!good)
		fprintf(stderr, "# told: %s\n# not:  %s\n", story, what);
	story[0] = '\0';
	return good;
}

static void
begin(enum worker_way way)
{
	worker_init(&worker, &loop, way, work, done);
}

static void
test_thread(void)
{
	begin(WORKER_THREAD);
	worker_start(&worker, false);
	ok(worker.is_busy, "it is under way");
	loop_round(&loop, -1);
	ok(!worker.is_busy && told("work done "), "and told by the loop");
	ok(worker.has_thread && !pthread_equal(worked_by, pthread_self()),
	   "a thread did it");
	worker_start(&worker, true);
	ok(worker.is_busy && pthread_equal(worked_by, pthread_self()) &&
	       told("work "),
	   "short work is done without it");
	loop_round(&loop, -1);
	ok(told("done "), "and told in the next round");
	worker_start(&worker, false);
	worker_wait(&worker);
	ok(!worker.is_busy && told("work done "), "waited for");
	loop_round(&loop, 0);
	worker_wait(&worker);
	ok(told(""), "once is enough");
	worker_start(&worker, false);
	worker_close(&worker);
	ok(!worker.has_thread && told("work "),
	   "closed in the middle: it ends, and nobody is told");
}

static void
test_without(void)
{
	begin(WORKER_INLINE);
	worker_start(&worker, false);
	ok(worker.is_busy && !worker.has_thread && told("work "),
	   "inline, it works itself");
	worker_wait(&worker);
	ok(!worker.is_busy && told("done "), "and tells when waited for");
	loop_round(&loop, 0);
	ok(told(""), "not again");
	worker_close(&worker);
	begin(WORKER_LATE);
	worker_start(&worker, true);
	ok(worker.is_busy && told(""), "late, nothing is done yet");
	loop_round(&loop, -1);
	ok(worker.is_busy && told(""), "nor in the next round");
	loop_round(&loop, -1);
	ok(told("work done "), "the one behind it does");
	worker_start(&worker, false);
	worker_wait(&worker);
	ok(told("work done "), "or who waits");
	worker_start(&worker, false);
	loop_round(&loop, -1);
	worker_wait(&worker);
	loop_round(&loop, 0);
	ok(told("work done "), "also in between, once");
	worker_close(&worker);
}

int
main(void)
{
	loop_init(&loop);
	test_thread();
	test_without();
	loop_free(&loop);
	return tap_done();
}
