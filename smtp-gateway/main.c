/* smtp-gateway - the edge: SMTP in, SMTP out
 *
 *   smtp-gateway in DIR    network -> the queue's door
 *   smtp-gateway out DIR   the queue's agent socket -> network
 */
#include "cdb/wall.h"
#include "lib/buf.h"
#include "lib/die.h"
#include "lib/endpoint.h"
#include "lib/home.h"
#include "lib/log.h"
#include "smtp-gateway/in.h"
#include "smtp-gateway/out.h"

#include <signal.h>

enum { REFRESH_MS = 1000, FINISH_MS = 5000 };

static struct loop loop;
static struct config config;
static struct loop_timer refresh, finish;
static struct in in;
static struct out out;
static struct wall wall;
static bool is_in;

static void
refresh_out(void)
{
	struct buf why = {0};
	int r = config_refresh(&config, &why);

	if (r != 0) {
		log_open("config");
		log_text("state", r > 0 ? "new" : "bad, the old one stays");
		if (r < 0)
			log_bytes("why", buf_slice(&why));
		log_close();
	}
	buf_free(&why);
}

static void
on_finish(struct loop_timer *timer)
{
	(void)timer;
	if (is_in)
		loop_stop(&loop);
	else
		out_give_up(&out);
}

/* Sessions are to end soon; who may have taken a mail has all the time that
 * the table stopwait gives. */
static int64_t
finish_ms(void)
{
	return is_in ? FINISH_MS : 1000 * config_stopwait_s(&config);
}

static void
on_signal(struct loop *l, int signal)
{
	if (signal != SIGTERM && signal != SIGINT)
		return;
	if (finish.slot != 0) { /* whoever asks twice does not want to wait */
		on_finish(&finish);
		return;
	}
	finish.expired = on_finish;
	loop_timer_set(l, &finish, finish_ms());
	if (is_in)
		in_stop(&in);
	else
		out_stop(&out);
}

static void
on_refresh(struct loop_timer *timer)
{
	if (is_in)
		in_refresh(&in);
	else
		refresh_out();
	if (finish.slot == 0 && wall_is_stale(&wall, &config))
		on_signal(&loop, SIGTERM);
	loop_timer_set(&loop, timer, REFRESH_MS);
}

int
main(int argc, char **argv)
{
	const char *usage = "smtp-gateway in|out DIR";

	is_in = argc > 1 && strcmp(argv[1], "in") == 0;
	if (is_in || (argc > 1 && strcmp(argv[1], "out") == 0)) {
		argc--;
		argv++;
	} else if (argc == 2 && strcmp(argv[1], "--help") != 0) {
		argc = 1; /* a DIR alone is not enough */
	}
	home_enter(argc, argv, is_in ? "smtp-gateway-in" : "smtp-gateway-out",
		   usage);
	config_open_or_die(&config, HOME_CONFIG);
	loop_init(&loop);
	loop_signals(&loop, on_signal);
	if (is_in)
		in_start(&in, &loop, &config);
	else
		out_start(&out, &loop, &config);
	wall.kind = is_in ? SANDBOX_FRONT : SANDBOX_OUT;
	wall_up(&wall, &config);
	refresh.expired = on_refresh;
	loop_timer_set(&loop, &refresh, REFRESH_MS);
	ready_tell();
	loop_run(&loop);
	log_finish();
	return 0;
}
