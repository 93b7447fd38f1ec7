/* quail-leafdoor - the door of a leaf, for front ends that speak SMTP
 *
 * One process, one loop. Talks to: front ends, at run/door. Writes: the
 * spool. Started by quail run where a node listens by SMTP, has hubs in
 * qmqpservers and no queue.
 */
#include "cdb/wall.h"
#include "lib/die.h"
#include "lib/endpoint.h"
#include "lib/fs.h"
#include "lib/home.h"
#include "lib/log.h"
#include "qmqpc/leafdoor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TICK_MS = 1000, STOP_TICKS = 3 };

static struct loop loop;
static struct config config;
static struct leafdoor door = {.loop = &loop, .config = &config};
static struct buf spool;
static struct wall wall = {.kind = SANDBOX_LEAFDOOR};
static struct loop_timer tick;
static unsigned stopping; /* ticks since, from 1 */

static void
refresh(void)
{
	struct buf why = {0};
	int r = config_refresh(&config, &why);

	if (r != 0) {
		log_open(r > 0 ? "config" : "config-refused");
		if (r < 0)
			log_bytes("why", buf_slice(&why));
		log_close();
	}
	buf_free(&why);
}

/* Anew every second: somebody may have moved it, or mounted one there. */
static void
find_spool(void)
{
	struct buf path = {0};

	spool_close(&door.spool);
	spool_path(&path, ".");
	spool_open_or_make(&door.spool, buf_slice(&path).at);
	spool_limit(&door.spool, &config);
	buf_free(&path);
}

static void
on_signal(struct loop *l, int signal)
{
	if ((signal != SIGTERM && signal != SIGINT) || stopping)
		return;
	stopping = 1;
	leafdoor_stop(&door);
	loop_timer_set(l, &tick, 0);
}

static void
ticked(struct loop_timer *timer)
{
	loop_timer_set(&loop, timer, stopping ? TICK_MS / 10 : TICK_MS);
	if (stopping && (leafdoor_is_over(&door) || ++stopping > STOP_TICKS))
		loop_stop(&loop);
	refresh();
	find_spool();
	if (wall_is_stale(&wall, &config))
		on_signal(&loop, SIGTERM);
}

int
main(int argc, char **argv)
{
	home_enter(argc, argv, "quail-leafdoor", "quail-leafdoor DIR");
	umask(027); /* the drain, by its group, reads what we spool */
	config_open_or_die(&config, HOME_CONFIG);
	loop_init(&loop);
	loop_signals(&loop, on_signal);
	door.spool.dir = door.spool.sync_dir = -1;
	find_spool();
	leafdoor_guard(&door);
	spool_path(&spool, ".");
	wall.spool = buf_slice(&spool).at;
	leafdoor_start(&door, HOME_DOOR);
	wall_up(&wall, &config);
	tick.expired = ticked;
	loop_timer_set(&loop, &tick, TICK_MS);
	ready_tell();
	loop_run(&loop);
	log_finish();
	return 0;
}
