/* qmtpc - the queue's agent for next hops "qmtp:..." and "qmtps:..." */
#include "cdb/wall.h"
#include "lib/home.h"
#include "lib/log.h"
#include "qmtpd/pool.h"

#include <signal.h>

enum { TICK_MS = 100, LOOK_MS = 1000 };

static struct pool pool;
static struct config config;
static struct wall wall = {.kind = SANDBOX_OUT};
static struct loop_timer tick, look;
static int64_t ticks;
static bool hurries;

/* After TERM: until the last package is answered, or as stopwait says, or
 * another TERM. */
static void
ticked(struct loop_timer *timer)
{
	bool is_over =
	    hurries || ++ticks * TICK_MS >= 1000 * config_stopwait_s(&config);

	if (is_over)
		pool_give_up(&pool);
	if (is_over || !pool_busy(&pool))
		loop_stop(pool.loop);
	else
		loop_timer_set(pool.loop, timer, TICK_MS);
}

static void
on_signal(struct loop *loop, int signal)
{
	if (signal != SIGTERM && signal != SIGINT)
		return;
	if (pool.stopping) {
		hurries = true;
		return;
	}
	pool_stop(&pool);
	loop_timer_set(loop, &tick, 1);
}

static void
looked(struct loop_timer *timer)
{
	pool_refresh(&pool);
	if (wall_is_stale(&wall, &config))
		on_signal(pool.loop, SIGTERM);
	else
		loop_timer_set(pool.loop, timer, LOOK_MS);
}

int
main(int argc, char **argv)
{
	struct loop loop;
	struct dns *dns;

	home_enter(argc, argv, "qmtpc", "qmtpc DIR");
	config_open_or_die(&config, HOME_CONFIG);
	loop_init(&loop);
	loop_signals(&loop, on_signal);
	tick.expired = ticked;
	dns = dns_open(&loop);
	pool_init(&pool, &loop, dns, HOME_AGENT);
	pool_secure(&pool, HOME_AGENT);
	pool.secure.config = &config;
	wall_up(&wall, &config);
	look.expired = looked;
	loop_timer_set(&loop, &look, LOOK_MS);
	ready_tell();
	loop_run(&loop);
	pool_close(&pool);
	dns_close(dns);
	config_close(&config);
	loop_free(&loop);
	log_finish();
	return 0;
}
