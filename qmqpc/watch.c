#include "qmqpc/watch.h"

#include "cdb/wall.h"
#include "lib/clock.h"
#include "lib/die.h"
#include "lib/endpoint.h"
#include "lib/log.h"
#include "qmqpc/drain.h"
#include "qmqpc/qmqp.h"
#include "qmqpc/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { GRACE_S = 3, READS = 16 };

static struct wall wall = {.kind = SANDBOX_DRAIN};
static struct buf spool;
static volatile int stopping;
static volatile unsigned patience_s; /* with a hub that has a whole package */

/* Nothing but write may be called here. */
static void
give_up(void)
{
	static const char line[] =
	    "qmqpc: event=possible-duplicate why=\"ended while a "
	    "hub had the message and no answer had come\"\n";

	if (qmqp_awaits() && write(2, line, sizeof line - 1) < 0)
		_exit(0);
	_exit(0);
}

/* A try that is under way when the time is up ends like a lost connection; one
 * whose hub has the whole package is waited for. */
static void
stop(int signal)
{
	unsigned s = signal == SIGALRM ? patience_s : GRACE_S;

	if (signal == SIGALRM && (!qmqp_awaits() || s == 0))
		give_up();
	if (signal == SIGALRM)
		patience_s = 0;
	stopping = 1;
	alarm(s);
}

static void
catch_signals(void)
{
	struct sigaction action = {.sa_handler = stop};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
}

/* The descriptor of a directory has a name for as long as it is open. */
static int
watch_names(const struct spool *s)
{
	struct buf path = {0};
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	buf_text(&path, "/proc/self/fd/");
	buf_number(&path, (uint64_t)s->sync_dir);
	buf_putc(&path, 0);
	if (fd >= 0)
		inotify_add_watch(fd, buf_slice(&path).at, IN_MOVED_TO);
	buf_free(&path);
	return fd;
}

/* All that is told is one piece of news; what more there is, poll says. */
static void
wait_for_news(int fd, int64_t ms)
{
	struct pollfd pfd[2] = {{.fd = fd, .events = POLLIN},
				{.fd = STDERR_FILENO, .events = POLLOUT}};
	char events[4096];
	int i;

	log_flush();
	if (!stopping && poll(pfd, log_waits() ? 2 : 1, (int)ms) > 0)
		for (i = 0; i < READS && read(fd, events, sizeof events) > 0;
		     i++)
			;
}

static void
follow_config(struct drain *d)
{
	struct buf why = {0};
	int r = config_refresh(&d->place.config, &why);

	if (r > 0) {
		memset(d->rest, 0, sizeof d->rest);
		drain_limits(d);
	}
	if (r != 0) {
		log_open(r > 0 ? "config" : "config-refused");
		if (r < 0)
			log_bytes("why", buf_slice(&why));
		log_close();
	}
	buf_free(&why);
}

/* A drain that stays says once what the kernel gave; cron's would each time. */
static void
give_up_rights(const struct drain *d, bool stays)
{
	spool_path(&spool, d->place.dir);
	wall.dir = d->place.dir;
	wall.spool = buf_slice(&spool).at;
	wall.is_quiet = !stays;
	wall_up(&wall, &d->place.config);
}

/* Names come and go as somebody likes, who is not to keep us busy. */
static void
wait_for_work(const struct drain *d, int fd)
{
	if (!d->is_cut)
		wait_for_news(fd, drain_pause_ms(d));
	while (!stopping && drain_gap_ms(d) > 0)
		poll(NULL, 0, (int)drain_gap_ms(d));
}

static int
follow(struct drain *d)
{
	int fd = watch_names(&d->spool);

	d->hubs.comes_back = true;
	give_up_rights(d, true);
	ready_tell();
	while (!stopping && !wall_is_stale(&wall, &d->place.config)) {
		follow_config(d);
		if (drain_slice(d) != 0)
			die_sys("draining", "the spool");
		wait_for_work(d, fd);
	}
	close(fd);
	return 0;
}

/* Until there is nothing that was not tried; also what came meanwhile. */
static int
empty(struct drain *d)
{
	d->is_once = true;
	give_up_rights(d, false);
	do {
		follow_config(d);
		if (drain_slice(d) != 0)
			die_sys("draining", "the spool");
		if (!stopping && drain_breaks_ms(d) > 0)
			poll(NULL, 0, (int)drain_breaks_ms(d));
	} while (!stopping && (d->is_cut || d->n_tried > 0));
	return waiting_count(&d->waiting) > 0 ? EX_TEMPFAIL
	       : d->n_failed > 0	      ? EX_UNAVAILABLE
					      : 0;
}

int
watch_run(const struct options *o)
{
	struct drain d = {.stopping = &stopping};
	struct buf why = {0};
	int code;

	log_program("qmqpc");
	umask(0); /* what a drain makes has its rights from there */
	catch_signals();
	code = drain_open(&d, o->dir, &why);
	if (code == 0)
		patience_s = (unsigned)config_stopwait_s(&d.place.config);
	if (code != 0) {
		session_complain(code, buf_slice(&why));
	} else {
		code = o->is_watch ? follow(&d) : empty(&d);
	}
	log_finish();
	drain_close(&d);
	buf_free(&why);
	return code;
}
