#include "queue/run_sockets.h"

#include "lib/home.h"
#include "lib/log.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

static const char *const protocols[] = {"qmqp", "qmqps", "qmtp", "qmtps",
					"smtp"};

static const struct {
	const char *name, *path;
} local[] = {
    {"door", HOME_DOOR}, {"agent", HOME_AGENT}, {"control", HOME_CONTROL}};

enum {
	N_PROTOCOLS = sizeof protocols / sizeof *protocols,
	N_LOCAL = sizeof local / sizeof *local,
	MOMENT_NS = 50 * 1000 * 1000,
	MOMENTS = 40
};

static const struct run_socket *
find(const struct run_sockets *s, const char *name, const char *at)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->all[i].name, name) == 0 &&
		    strcmp(s->all[i].at, at) == 0)
			return &s->all[i];
	return NULL;
}

static bool
is_path(const char *at)
{
	return strncmp(at, "run/", 4) == 0;
}

static int
listen_once(const char *at)
{
	struct endpoint e;
	struct slice host;
	uint16_t port;

	if (is_path(at))
		return unix_listen(at, 0600);
	if (hostport_split(slice_text(at), &host, &port) != 0 ||
	    endpoint_parse(&e, host, port) != 0) {
		errno = EINVAL;
		return -1;
	}
	return endpoint_listen(&e);
}

/* The daemons of a supervisor that was killed end by themselves, but may
 * need a moment to let go of what they had. Only at the start: nobody waits for
 * us then. */
static int
listen_at(const char *at, bool is_start)
{
	const struct timespec moment = {.tv_nsec = MOMENT_NS};
	int fd = listen_once(at), i;

	for (i = 0; is_start && fd < 0 && errno == EADDRINUSE && i < MOMENTS;
	     i++) {
		nanosleep(&moment, NULL);
		fd = listen_once(at);
	}
	return fd;
}

/* Add one to the new set: out of the old one, or bound now. */
static int
add(struct run_sockets *new, const struct run_sockets *old, const char *name,
    struct slice at)
{
	struct run_socket *s = &new->all[new->n];
	const struct run_socket *held;

	if (new->n == RUN_SOCKETS_MAX || at.len >= sizeof s->at) {
		errno = ENOBUFS;
	} else {
		*s = (struct run_socket){.name = name};
		memcpy(s->at, at.at, at.len);
		held = find(old, name, s->at);
		s->fd = held ? held->fd : listen_at(s->at, old->n == 0);
		if (s->fd >= 0) {
			new->n++;
			return 0;
		}
	}
	log_open("bind-failed");
	log_text("socket", name);
	log_bytes("at", at);
	log_errno(errno);
	log_close();
	return -1;
}

static int
add_all(struct run_sockets *new, const struct run_sockets *old,
	const struct config *c)
{
	struct slice at;
	unsigned n;
	size_t i;

	if (config_needs(c) & CONFIG_NEEDS_QUEUE)
		for (i = 0; i < N_LOCAL; i++)
			if (add(new, old, local[i].name,
				slice_text(local[i].path)) != 0)
				return -1;
	if ((config_needs(c) & CONFIG_NEEDS_LEAFDOOR) &&
	    add(new, old, "door", SLICE(HOME_DOOR)) != 0)
		return -1;
	for (i = 0; i < N_PROTOCOLS; i++)
		for (n = 0; config_listen(c, protocols[i], n, &at); n++)
			if (add(new, old, protocols[i], at) != 0)
				return -1;
	return 0;
}

/* Close what is in s and not in the other set. */
static void
close_but(const struct run_sockets *s, const struct run_sockets *other)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (find(other, s->all[i].name, s->all[i].at))
			continue;
		close(s->all[i].fd);
		if (is_path(s->all[i].at))
			unlink(s->all[i].at);
	}
}

int
run_sockets_bind(struct run_sockets *s, const struct config *c)
{
	struct run_sockets new = {0};

	if (add_all(&new, s, c) != 0) {
		close_but(&new, s);
		return -1;
	}
	close_but(s, &new);
	*s = new;
	return 0;
}

static bool
listens(int fd)
{
	socklen_t len = sizeof(int);
	int is = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is, &len) == 0 && is;
}

/* The old one goes first: it may have the address still. */
static void
heal(struct run_socket *s)
{
	close(s->fd);
	s->fd = listen_once(s->at);
	log_open(s->fd < 0 ? "bind-failed" : "bound-anew");
	log_text("socket", s->name);
	log_text("at", s->at);
	if (s->fd < 0)
		log_errno(errno);
	log_text("why", "a daemon has made it deaf");
	log_close();
}

/* The others keep their order. */
static void
drop_lost(struct run_sockets *s)
{
	size_t i, n = 0;

	for (i = 0; i < s->n; i++)
		if (s->all[i].fd >= 0)
			s->all[n++] = s->all[i];
	s->n = n;
}

bool
run_sockets_heal(struct run_sockets *s)
{
	bool healed = false;
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (listens(s->all[i].fd))
			continue;
		heal(&s->all[i]);
		healed = true;
	}
	if (healed)
		drop_lost(s);
	return healed;
}

void
run_sockets_deafen(struct run_sockets *s)
{
	struct run_sockets kept = {0};
	size_t i;

	for (i = 0; i < s->n; i++)
		if (is_path(s->all[i].at))
			kept.all[kept.n++] = s->all[i];
	close_but(s, &kept);
	*s = kept;
}

void
run_sockets_close(struct run_sockets *s)
{
	const struct run_sockets none = {0};

	close_but(s, &none);
	*s = none;
}
