/* maildir - deliver into Maildirs what the queue asks for
 *
 * An agent (lib/agent.h) for the next hops "maildir:PATH". Writes mailboxes
 * and nothing else.
 */
#include "cdb/wall.h"
#include "lib/home.h"
#include "lib/log.h"
#include "lib/owner.h"
#include "maildir/jobs.h"
#include "maildir/mailbox.h"

#include <signal.h>

enum { TICK_MS = 1000 };

static struct jobs jobs;
static struct config config;
static struct wall wall = {.kind = SANDBOX_MAILDIR, .make = mailbox_make_root};
static struct loop_timer tick;

static void
take_me(void)
{
	buf_clear(&jobs.me);
	buf_puts(&jobs.me, config_me(&config));
}

static void
refresh(void)
{
	struct buf why = {0};
	int news = config_refresh(&config, &why);

	if (news > 0) {
		take_me();
		jobs_renamed(&jobs);
	}
	if (news != 0) {
		log_open("config");
		log_bytes(news > 0 ? "me" : "bad",
			  buf_slice(news > 0 ? &jobs.me : &why));
		log_close();
	}
	buf_free(&why);
}

/* Mail may be here sooner than the next look at the tables. */
static bool
reaches(struct slice path)
{
	if (wall_reaches(&wall, path))
		return true;
	refresh();
	if (!wall_is_stale(&wall, &config))
		return true; /* and the delivery says what is wrong */
	loop_stop(jobs.loop);
	return false;
}

static void
ticked(struct loop_timer *timer)
{
	loop_timer_set(jobs.loop, timer, TICK_MS);
	refresh();
	jobs_second(&jobs);
	if (wall_is_stale(&wall, &config))
		loop_stop(jobs.loop);
}

static void
on_signal(struct loop *loop, int signal)
{
	if (signal == SIGHUP)
		refresh();
	if (signal == SIGTERM || signal == SIGINT)
		loop_stop(loop);
}

int
main(int argc, char **argv)
{
	struct loop loop;

	home_enter(argc, argv, "maildir", "maildir DIR");
	config_open_or_die(&config, HOME_CONFIG);
	take_me();
	loop_init(&loop);
	loop_signals(&loop, on_signal);
	jobs_init(&jobs, &loop, HOME_AGENT);
	jobs.reaches = reaches;
	tick.expired = ticked;
	loop_timer_set(&loop, &tick, TICK_MS);
	wall_up(&wall, &config);
	ready_tell();
	loop_run(&loop);
	jobs_close(&jobs);
	config_close(&config);
	loop_free(&loop);
	log_finish();
	return 0;
}
