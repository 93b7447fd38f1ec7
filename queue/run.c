#include "queue/run.h"

#include "lib/descriptors.h"
#include "lib/die.h"
#include "lib/home.h"
#include "lib/log.h"
#include "lib/owner.h"
#include "queue/command.h"
#include "queue/compile.h"
#include "queue/run_home.h"
#include "queue/run_service.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* On TERM the front ends and agents finish what they have begun, for as long
 * as stopwait says and a little more; then they are killed. The queue ends
 * after them, so that it can still take their answers. */
enum { PATIENCE_MS = 5000 };

static const struct run_kind kinds[] = {
    {.name = "quail-queue",
     .user = "quail-queue",
     .program = "quail-queue",
     .needs = CONFIG_NEEDS_QUEUE,
     .names = {"door", "agent", "control"},
     .last = true},
    {.name = "leafdoor",
     .user = "quail-leafdoor",
     .program = "quail-leafdoor",
     .needs = CONFIG_NEEDS_LEAFDOOR,
     .names = {"door"},
     .last = true},
    {.name = "qmqpd",
     .is_reader = true,
     .user = "quail-qmqpd",
     .program = "qmqpd",
     .names = {"qmqp", "qmqps"},
     .by_sockets = true},
    {.name = "qmtpd",
     .is_reader = true,
     .user = "quail-qmtpd",
     .program = "qmtpd",
     .names = {"qmtp", "qmtps"},
     .by_sockets = true},
    {.name = "smtp-gateway-in",
     .is_reader = true,
     .user = "quail-smtp-in",
     .program = "smtp-gateway",
     .mode = "in",
     .names = {"smtp"},
     .by_sockets = true},
    {.name = "qmtpc",
     .user = "quail-qmtpc",
     .program = "qmtpc",
     .needs = CONFIG_NEEDS_QMTPC,
     .is_reader = true},
    {.name = "smtp-gateway-out",
     .is_reader = true,
     .user = "quail-smtp-out",
     .program = "smtp-gateway",
     .mode = "out",
     .needs = CONFIG_NEEDS_SMTP_OUT},
    {.name = "maildir",
     .user = "quail-maildir",
     .program = "maildir",
     .needs = CONFIG_NEEDS_MAILDIR},
    {.name = "drain",
     .user = "quail",
     .program = "qmqpc",
     .mode = "--watch",
     .by_hubs = true},
};

enum { N_SERVICES = sizeof kinds / sizeof *kinds };

struct node {
	struct loop loop;
	struct config config;
	struct run_sockets sockets;
	struct run_place place;
	struct run_users users;
	struct run_service services[N_SERVICES];
	bool told_ready, stopping;
	bool hurries; /* the end was asked for twice */
	int exit_code;
	struct loop_timer others, all;
};

/* what runs */

/* Our output may be the pipe that is full of the daemons' log. */
static void
say_ready(void)
{
	struct pollfd p = {.fd = 1, .events = POLLOUT};

	errno = EAGAIN;
	if (poll(&p, 1, 0) == 1 && write(1, "ready\n", 6) == 6)
		return;
	log_open("ready-untold");
	log_errno(errno);
	log_close();
}

static void
tell_ready(struct node *node)
{
	size_t i;

	for (i = 0; i < N_SERVICES; i++)
		if (node->services[i].wanted && !node->services[i].was_ready)
			return;
	if (node->told_ready || node->stopping)
		return;
	node->told_ready = true;
	log_open("ready");
	log_bytes("digest", config_digest(&node->config));
	log_close();
	say_ready();
	ready_tell();
}

static void
became_ready(struct run_service *s)
{
	tell_ready(OWNER(s->loop, struct node, loop));
}

static bool
has_sockets(const struct run_sockets *sockets, const struct run_kind *kind)
{
	size_t i;

	for (i = 0; i < sockets->n; i++)
		if (run_kind_gets(kind, sockets->all[i].name))
			return true;
	return false;
}

/* It has hubs, and no queue of its own. */
static bool
is_leaf(const struct config *c)
{
	struct slice hub;

	return config_qmqpserver(c, 0, &hub) &&
	       !(config_needs(c) & CONFIG_NEEDS_QUEUE);
}

static bool
wanted(const struct node *node, const struct run_kind *kind)
{
	if (kind->by_sockets)
		return has_sockets(&node->sockets, kind);
	if (kind->by_hubs)
		return is_leaf(&node->config);
	return (config_needs(&node->config) & kind->needs) != 0;
}

/* Do both sets have the same sockets for it, in the same order? */
static bool
same_sockets(const struct run_sockets *a, const struct run_sockets *b,
	     const struct run_kind *kind)
{
	size_t i = 0, j = 0;

	for (;; i++, j++) {
		while (i < a->n && !run_kind_gets(kind, a->all[i].name))
			i++;
		while (j < b->n && !run_kind_gets(kind, b->all[j].name))
			j++;
		if (i == a->n || j == b->n)
			return i == a->n && j == b->n;
		if (a->all[i].fd != b->all[j].fd)
			return false;
	}
}

static int64_t
stop_ms(const struct node *node)
{
	return config_stopwait_s(&node->config) * 1000 + PATIENCE_MS;
}

/* Bind and start what the configuration asks for, end what it does not. */
static int
follow_config(struct node *node)
{
	const struct run_sockets before = node->sockets;
	bool healed = run_sockets_heal(&node->sockets);
	size_t i;

	node->place.stop_ms = stop_ms(node);
	if (run_sockets_bind(&node->sockets, &node->config) != 0)
		return -1;
	/* now it is certain that nobody else has the node */
	run_home_give(&node->users, config_needs(&node->config),
		      is_leaf(&node->config));
	run_home_share(&node->users, &node->sockets);
	for (i = 0; i < N_SERVICES; i++) {
		struct run_service *s = &node->services[i];

		if ((s->kind->by_sockets || healed) &&
		    !same_sockets(&before, &node->sockets, s->kind))
			run_service_restart(s);
		run_service_want(s, wanted(node, s->kind));
	}
	return 0;
}

/* the end */

static void
want_none(struct node *node, bool last_too)
{
	size_t i;

	for (i = 0; i < N_SERVICES; i++)
		if (last_too || !node->services[i].kind->last)
			run_service_want(&node->services[i], false);
}

static void
hurry(struct node *node)
{
	size_t i;

	for (i = 0; i < N_SERVICES; i++)
		run_service_hurry(&node->services[i]);
}

/* Go on with the end as far as can be: the queue's turn, or all is over. */
static void
end_further(struct node *node)
{
	bool some = false, others = false;
	size_t i;

	for (i = 0; i < N_SERVICES; i++) {
		if (node->services[i].pid == 0)
			continue;
		some = true;
		others = others || !node->services[i].kind->last;
	}
	if (!others)
		want_none(node, true);
	if (!others && node->hurries)
		hurry(node); /* the queue was not asked before */
	if (!some)
		loop_stop(&node->loop);
}

static void
end_begin(struct node *node, int exit_code, const char *why)
{
	int64_t ms = stop_ms(node);

	if (node->stopping)
		return;
	node->stopping = true;
	node->exit_code = exit_code;
	log_open("stop");
	log_text("why", why);
	log_close();
	loop_timer_set(&node->loop, &node->others, ms);
	loop_timer_set(&node->loop, &node->all, ms + RUN_LAST_MS);
	want_none(node, false);
	run_sockets_deafen(&node->sockets);
	end_further(node);
}

static void
kill_services(struct node *node, bool last_too)
{
	size_t i;

	for (i = 0; i < N_SERVICES; i++)
		if (last_too || !node->services[i].kind->last)
			run_service_kill(&node->services[i]);
}

static void
others_due(struct loop_timer *timer)
{
	kill_services(OWNER(timer, struct node, others), false);
}

static void
all_due(struct loop_timer *timer)
{
	kill_services(OWNER(timer, struct node, all), true);
}

/* signals */

static void
died(struct node *node, struct run_service *s, int status)
{
	bool refused = WIFEXITED(status) &&
		       WEXITSTATUS(status) == COMMAND_WRONG && !s->was_ready;

	if (!node->stopping && run_sockets_heal(&node->sockets))
		run_home_share(&node->users, &node->sockets);
	run_service_died(s, status);
	if (node->stopping)
		end_further(node);
	else if (refused && !node->told_ready)
		end_begin(node, COMMAND_WRONG, "configuration");
}

static void
reap(struct node *node)
{
	int status;
	pid_t pid;
	size_t i;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 0; i < N_SERVICES; i++)
			if (node->services[i].pid == pid) {
				died(node, &node->services[i], status);
				break;
			}
}

static void
log_event(const char *event)
{
	log_open(event);
	log_close();
}

static void
rebuild(struct node *node)
{
	struct buf why = {0};

	if (compile_tables(".") != COMMAND_DONE) {
		log_event("tables-refused");
		return;
	}
	if (config_refresh(&node->config, &why) < 0) {
		log_open("config-refused");
		log_bytes("why", buf_slice(&why));
		log_close();
		buf_free(&why);
		return;
	}
	log_open("tables");
	log_bytes("digest", config_digest(&node->config));
	log_close();
	follow_config(node);
	tell_ready(node);
}

static void
end_asked(struct node *node)
{
	if (!node->stopping) {
		end_begin(node, COMMAND_DONE, "signal");
		return;
	}
	node->hurries = true;
	hurry(node);
}

static void
signalled(struct loop *loop, int signal)
{
	struct node *node = OWNER(loop, struct node, loop);

	switch (signal) {
	case SIGTERM:
	case SIGINT: end_asked(node); break;
	case SIGHUP:
		if (!node->stopping)
			rebuild(node);
		break;
	case SIGCHLD: reap(node); break;
	default: break;
	}
}

/* the begin */

/* Nothing that we were given may leak into a daemon. */
static void
tidy_descriptors(void)
{
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	descriptors_need(RUN_DESCRIPTORS);
}

/* The directory that this very program lies in. */
static const char *
own_place(void)
{
	static char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
	char *slash;

	if (len < 0)
		die_sys("reading", "/proc/self/exe");
	path[len] = 0;
	slash = strrchr(path, '/');
	if (slash)
		*slash = 0;
	return path;
}

static void
prepare(struct node *node)
{
	size_t i;

	loop_init(&node->loop);
	loop_signals(&node->loop, signalled);
	node->place.bin = own_place();
	node->place.sockets = &node->sockets;
	node->place.users = &node->users;
	node->others.expired = others_due;
	node->all.expired = all_due;
	for (i = 0; i < N_SERVICES; i++)
		run_service_init(&node->services[i], &node->loop, &kinds[i],
				 &node->place, became_ready);
}

int
run_command(int argc, char **argv)
{
	static struct node node;
	static char dir[PATH_MAX];
	int r;

	node.place.dir = argc == 2 && realpath(argv[1], dir) ? dir : NULL;
	home_enter(argc, argv, "quail", "quail run DIR");
	tidy_descriptors();
	run_home_make();
	r = compile_or_keep();
	if (r != COMMAND_DONE)
		return r;
	config_open_or_die(&node.config, HOME_CONFIG);
	prepare(&node);
	run_users_find(&node.users);
	run_home_check(&node.users, node.place.dir, node.place.bin);
	if (follow_config(&node) != 0) {
		log_finish();
		return COMMAND_LATER;
	}
	tell_ready(&node);
	loop_run(&node.loop);
	run_home_return(&node.users, &node.sockets);
	run_sockets_close(&node.sockets);
	config_close(&node.config);
	return node.exit_code;
}
