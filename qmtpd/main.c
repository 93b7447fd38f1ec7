#include "qmtpd/session.h"

#include "lib/die.h"
#include "lib/home.h"
#include "lib/log.h"
#include "lib/owner.h"

#include <signal.h>

enum { SESSIONS_MAX = 20000, TICK_MS = 1000 };

static struct qmtpd self;
static struct loop_timer tick;

static void
refresh(void)
{
	struct buf why = {0};
	int news = config_refresh(&self.config, &why);

	if (news > 0) {
		log_open("config");
		log_text("what", "a new one is in use");
		log_close();
	} else if (news < 0) {
		log_open("config");
		log_bytes("bad", buf_slice(&why));
		log_close();
	}
	buf_free(&why);
}

static void
ticked(struct loop_timer *timer)
{
	struct loop *loop = self.front.loop;

	loop_timer_set(loop, timer, TICK_MS);
	if (self.front.stopping && front_stopped(&self.front))
		loop_stop(loop);
	else
		refresh();
}

static void
on_signal(struct loop *loop, int signal)
{
	if (signal == SIGHUP)
		refresh();
	if (signal != SIGTERM && signal != SIGINT)
		return;
	qmtpd_stop(&self);
	if (list_empty(&self.front.sessions))
		loop_stop(loop);
}

/* The key is read once: a new one needs a new start. */
static unsigned
listen_tls(void)
{
	struct slice address;
	struct buf why = {0};
	unsigned n = 0;

	while (config_listen(&self.config, "qmtps", n, &address))
		server_listen_tls(&self.front.server, "qmtps", address, n++);
	if (n == 0)
		return 0;
	self.front.proto_tls = "QMTPS";
	self.front.key = tls_key_open(TLS_CERT_FILE, TLS_KEY_FILE, &why);
	buf_putc(&why, 0);
	if (!self.front.key)
		die_config("no key for qmtps", why.mem);
	buf_free(&why);
	return n;
}

static void
listen_all(void)
{
	struct slice address;
	unsigned n = 0;

	while (config_listen(&self.config, "qmtp", n, &address))
		server_listen(&self.front.server, address, n++);
	n += listen_tls();
	if (n == 0)
		die_config("nothing to listen on; add a line to the table "
			   "listen",
			   "qmtp ADDRESS:PORT");
}

int
main(int argc, char **argv)
{
	struct loop loop;

	home_enter(argc, argv, "qmtpd", "qmtpd DIR");
	config_open_or_die(&self.config, HOME_CONFIG);
	loop_init(&loop);
	loop_signals(&loop, on_signal);
	front_init(&self.front, &loop, "QMTP", HOME_DOOR, "qmtp", SESSIONS_MAX,
		   qmtpd_accepted);
	listen_all();
	tick.expired = ticked;
	loop_timer_set(&loop, &tick, TICK_MS);
	ready_tell();
	loop_run(&loop);
	loop_free(&loop);
	log_flush();
	return 0;
}
