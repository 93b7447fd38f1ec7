#include "qmqpd/session.h"

#include "cdb/service.h"
#include "cdb/wall.h"
#include "lib/home.h"
#include "lib/log.h"
#include "lib/owner.h"

#include <signal.h>

enum { TICK_MS = 1000 };

static struct qmqpd self;
static struct service service = {.server = &self.front.server,
				 .front = &self.front,
				 .config = &self.config,
				 .plain = "qmqp",
				 .tls = "qmqps"};
static struct wall wall = {.kind = SANDBOX_FRONT};
static struct loop_timer tick;

static void
ticked(struct loop_timer *timer)
{
	struct loop *loop = self.front.loop;

	loop_timer_set(loop, timer, TICK_MS);
	if (self.front.stopping && front_stopped(&self.front))
		loop_stop(loop);
	else
		service_refresh(&service, false);
}

static void
on_signal(struct loop *loop, int signal)
{
	if (signal == SIGHUP)
		service_refresh(&service, true);
	if (signal != SIGTERM && signal != SIGINT)
		return;
	qmqpd_stop(&self);
	if (front_stopped(&self.front))
		loop_stop(loop);
}

int
main(int argc, char **argv)
{
	struct loop loop;

	home_enter(argc, argv, "qmqpd", "qmqpd DIR");
	config_open_or_die(&self.config, HOME_CONFIG);
	loop_init(&loop);
	loop_signals(&loop, on_signal);
	front_init(&self.front, &loop, "QMQP", HOME_DOOR, "qmqp",
		   LIMIT_CONNECTIONS, qmqpd_accepted);
	self.front.proto_tls = "QMQPS";
	service_start(&service, SLICE(SERVICE_BUSY_NETSTRING));
	tick.expired = ticked;
	loop_timer_set(&loop, &tick, TICK_MS);
	wall_up(&wall, &self.config);
	ready_tell();
	loop_run(&loop);
	loop_free(&loop);
	log_finish();
	return 0;
}
