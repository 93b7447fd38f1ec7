/* quail-queue - the daemon that keeps the mail: door, log, clock, bounces
 *
 * User quail-queue; writes the queue directory and nothing else; listens on
 * three unix sockets, and asks who calls; no network.
 */
#include "cdb/wall.h"
#include "lib/clock.h"
#include "lib/endpoint.h"
#include "lib/home.h"
#include "lib/log.h"
#include "lib/often.h"
#include "lib/owner.h"
#include "lib/tidy.h"
#include "queue/admit.h"
#include "queue/control.h"
#include "queue/intake_tables.h"
#include "queue/schedule.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { LOOK_MS = 20 };

struct hub {
	struct loop loop;
	struct config config;
	struct store store;
	struct intake intake;
	struct schedule schedule;
	struct control control;
	struct admit admit;
	struct loop_timer second, reclaim, idle;
	int64_t reclaim_ms, end_ms; /* end_ms 0: no end is in sight */
	unsigned n_seconds;
};

static struct hub hub;
static struct wall wall = {.kind = SANDBOX_QUEUE};

static void
accepted(struct intake *in, struct message *m)
{
	(void)in;
	schedule_new(&hub.schedule, m);
}

static void
loaded(struct store *st)
{
	(void)st;
	schedule_loaded(&hub.schedule);
}

static void
left(struct store *st, struct message *m)
{
	(void)st;
	schedule_forget(&hub.schedule, m);
}

static void
spoils(struct store *st, struct message *m)
{
	(void)st;
	schedule_now(&hub.schedule, m);
}

static bool
refresh_config(void)
{
	struct buf why = {0};
	int r = config_refresh(&hub.config, &why);

	if (r != 0) {
		log_open(r > 0 ? "config-new" : "config-bad");
		if (r < 0)
			log_bytes("why", buf_slice(&why));
		log_close();
	}
	if (r > 0) {
		admit_tables(&hub.admit);
		intake_tables(&hub.intake, &hub.config);
		schedule_reroute(&hub.schedule);
	}
	buf_free(&why);
	return r > 0;
}

static bool
newer(struct intake *in)
{
	(void)in;
	return refresh_config();
}

/* The tables of a long queue are given back when they have grown: malloc
 * would raise this bound by itself, and they would leave holes instead. What
 * each batch needs again stays until there is a rest. */
static void
set_malloc(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, 1024 * 1024);
	mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024);
#endif
}

static void
every_second(struct loop_timer *timer)
{
	bool rested;

	loop_timer_set(&hub.loop, timer, 1000);
	refresh_config();
	schedule_second(&hub.schedule);
	store_look(&hub.store);
	often_look();
	rested = store_rest(&hub.store);
	if (staging_rest(&hub.intake.staging) || rested)
		tidy_now();
	if (++hub.n_seconds % 60 == 0)
		schedule_minute(&hub.schedule);
}

static void
reclaim(struct loop_timer *timer)
{
	loop_timer_set(&hub.loop, timer, hub.reclaim_ms);
	store_reclaim(&hub.store);
}

/* Without that the log would end within a segment. Half of it: the index is
 * written behind the rest. */
static void
keep_file_limit(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_FSIZE, &r) != 0 || r.rlim_cur / 2 >= SEGMENT_SIZE)
		return;
	hub.store.segment_size = r.rlim_cur / 2;
	log_open("file-limit");
	log_number("bytes", (int64_t)r.rlim_cur);
	log_text("then", "segments are half as large, and a larger message is "
			 "refused as by a full disk");
	log_close();
}

/* Crash tests want small segments that come and go often. */
static void
set_segment_size(void)
{
	const char *size = getenv("QUAIL_SEGMENT_SIZE");
	uint64_t bytes;

	hub.reclaim_ms = 1000;
	if (!size || slice_number(slice_text(size), SEGMENT_SIZE, &bytes) != 0)
		return;
	hub.store.segment_size = bytes;
	hub.reclaim_ms = 20;
}

/* An orderly end: no more attempts, and those whose mail may have been taken
 * already are waited for. Meanwhile the door stays open: what it takes is in
 * the log. */
static void
look_whether_idle(struct loop_timer *timer)
{
	if (schedule_is_idle(&hub.schedule) || hub.loop.now_ms >= hub.end_ms)
		loop_stop(&hub.loop);
	else
		loop_timer_set(&hub.loop, timer, LOOK_MS);
}

/* Whoever asks twice does not want to wait. */
static void
on_signal(struct loop *loop, int signal)
{
	if (signal != SIGTERM && signal != SIGINT)
		return;
	if (hub.end_ms > 0) {
		loop_stop(loop);
		return;
	}
	hub.end_ms = loop->now_ms + config_stopwait_s(&hub.config) * 1000;
	log_open("ending");
	log_number("jobs", (int64_t)dispatch_jobs(&hub.schedule.dispatch));
	log_close();
	schedule_end(&hub.schedule);
	hub.idle.expired = look_whether_idle;
	loop_timer_set(loop, &hub.idle, 0);
}

int
main(int argc, char **argv)
{
	home_enter(argc, argv, "quail-queue", "quail-queue DIR");
	set_malloc();
	config_open_or_die(&hub.config, HOME_CONFIG);
	admit_init(&hub.admit, &hub.config);
	loop_init(&hub.loop);
	loop_signals(&hub.loop, on_signal);
	hub.store.loaded = loaded;
	hub.store.left = left;
	hub.store.spoils = spoils;
	hub.store.gathers = true;
	keep_file_limit();
	set_segment_size();
	store_open(&hub.store, &hub.loop, HOME_QUEUE);
	schedule_init(&hub.schedule, &hub.loop, &hub.store, &hub.config,
		      HOME_AGENT);
	intake_init(&hub.intake, &hub.loop, &hub.store, HOME_DOOR, accepted);
	intake_tables(&hub.intake, &hub.config);
	control_init(&hub.control, &hub.loop, &hub.schedule, HOME_CONTROL);
	admit_guard(&hub.admit, &hub.intake, &hub.schedule.dispatch,
		    &hub.control);
	hub.intake.newer = newer;
	hub.second.expired = every_second;
	loop_timer_set(&hub.loop, &hub.second, 1000);
	hub.reclaim.expired = reclaim;
	loop_timer_set(&hub.loop, &hub.reclaim, hub.reclaim_ms);
	wall_up(&wall, &hub.config);
	store_threads(&hub.store);
	ready_tell();
	loop_run(&hub.loop);
	intake_stop(&hub.intake);
	schedule_stop(&hub.schedule);
	store_end(&hub.store); /* answers what it committed */
	loop_round(&hub.loop, 0);
	log_finish();
	return hub.store.failed ? 111 : 0;
}
