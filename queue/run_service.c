#include "queue/run_service.h"

#include "lib/callers.h"
#include "lib/die.h"
#include "lib/log.h"
#include "lib/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Descriptors are handed over from 3 on; on their way there they are kept
 * above all that will be handed over. */
enum { HANDED_FIRST = 3, HANDED_ABOVE = 200 };

/* in the child */

/* Nothing else of the administrator's own: a token, a password, an agent's
 * socket. */
static bool
is_handed(const char *variable)
{
	static const char *const kept[] = {
	    "PATH=",   "TZ=",		"LANG=",	 "LC_",
	    "LD_",     "TMPDIR=",	"QUAIL_",	 "OPENSSL_CONF=",
	    "MALLOC_", "ASAN_OPTIONS=", "LSAN_OPTIONS=", "UBSAN_OPTIONS="};
	size_t i;

	for (i = 0; i < sizeof kept / sizeof *kept; i++)
		if (strncmp(variable, kept[i], strlen(kept[i])) == 0)
			return true;
	return false;
}

static void
clean_environment(void)
{
	char **from = environ, **to = environ;

	for (; from && *from; from++)
		if (is_handed(*from))
			*to++ = *from;
	if (to)
		*to = NULL;
}

static void
set_number(const char *name, int number)
{
	struct buf text = {0};

	buf_number(&text, (uint64_t)number);
	buf_putc(&text, 0);
	setenv(name, text.mem, 1);
	buf_free(&text);
}

/* Both fall to numbers that may be in use by the other: by way of above. */
static void
hand(int from, int to)
{
	if (dup2(from, to) != to)
		die_sys("handing over a descriptor", NULL);
}

static int
lift(int fd)
{
	int above = fcntl(fd, F_DUPFD_CLOEXEC, HANDED_ABOVE);

	if (above < 0)
		die_sys("lifting a descriptor", NULL);
	return above;
}

bool
run_kind_gets(const struct run_kind *kind, const char *name)
{
	size_t i;

	for (i = 0; i < RUN_NAMES_MAX && kind->names[i]; i++)
		if (strcmp(kind->names[i], name) == 0)
			return true;
	return false;
}

static void
hand_over(const struct run_service *s, int notify)
{
	const struct run_sockets *sockets = s->place->sockets;
	int lifted[RUN_SOCKETS_MAX], n = 0, i;
	struct buf names = {0};
	size_t j;

	notify = lift(notify);
	for (j = 0; j < sockets->n; j++) {
		if (!run_kind_gets(s->kind, sockets->all[j].name))
			continue;
		lifted[n++] = lift(sockets->all[j].fd);
		buf_text(&names, n > 1 ? ":" : "");
		buf_text(&names, sockets->all[j].name);
	}
	for (i = 0; i < n; i++)
		hand(lifted[i], HANDED_FIRST + i);
	hand(notify, HANDED_FIRST + n);
	buf_putc(&names, 0);
	setenv("LISTEN_FDNAMES", names.mem, 1);
	set_number("LISTEN_FDS", n);
	set_number("LISTEN_PID", getpid());
	set_number("NOTIFY_FD", HANDED_FIRST + n);
	buf_free(&names);
}

static void
standard_descriptors(void)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0)
		die_sys("opening", "/dev/null");
	hand(null, 0);
	hand(2, 1); /* our own output is for "ready" alone */
}

/* Who calls whom is said to all; only who has callers looks at it. */
static void
take_user(const struct run_service *s)
{
	const struct run_users *users = s->place->users;
	struct run_user user;

	if (!users->are_many) {
		if (s->kind->is_reader)
			run_users_weaken();
		return;
	}
	setenv(CALLERS_VARIABLE, buf_slice(&users->callers).at, 1);
	if (!run_users_get(s->kind->user, &user))
		die_config("the system has no such user any more",
			   s->kind->user);
	run_users_become(&user);
}

static _Noreturn void
become(const struct run_service *s, int notify, pid_t parent)
{
	const struct run_kind *kind = s->kind;
	struct buf path = {0};
	char *argv[4] = {(char *)(uintptr_t)kind->program};
	int argc = 1;

	log_child();
	clean_environment();
	take_user(s); /* first: it takes the death signal away */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(111);
	setpgid(0, 0); /* a terminal's ^C is ours to act on */
	loop_signals_child();
	standard_descriptors();
	hand_over(s, notify);
	if (kind->mode)
		argv[argc++] = (char *)(uintptr_t)kind->mode;
	argv[argc] = (char *)(uintptr_t)s->place->dir;
	buf_text(&path, s->place->bin);
	buf_putc(&path, '/');
	buf_put(&path, kind->program, strlen(kind->program) + 1);
	execv(path.mem, argv);
	if (errno == ENOENT || errno == EACCES)
		die_config("there is no such program to be run; install it "
			   "beside quail",
			   path.mem);
	die_sys("running", path.mem);
}

/* in the supervisor */

static void
forget_notify(struct run_service *s)
{
	if (s->notify.fd < 0)
		return;
	loop_forget(s->loop, &s->notify);
	close(s->notify.fd);
	s->notify.fd = -1;
}

static void
notified(struct loop_io *io, unsigned events)
{
	struct run_service *s = OWNER(io, struct run_service, notify);
	char bytes[16];
	ssize_t n = read(io->fd, bytes, sizeof bytes);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && memchr(bytes, '\n', (size_t)n)) {
		s->ready = s->was_ready = true;
		s->became_ready(s);
	}
	if (n <= 0 || s->ready)
		forget_notify(s);
}

static void
start_later(struct run_service *s)
{
	loop_timer_set(s->loop, &s->again, s->pause_ms);
	s->pause_ms = s->pause_ms * 2 > RUN_PAUSE_MAX_MS ? RUN_PAUSE_MAX_MS
							 : s->pause_ms * 2;
}

/* Some limit is reached, for now: no reason to end all the others. */
static void
not_started(struct run_service *s)
{
	log_open("not-started");
	log_errno(errno);
	log_text("service", s->kind->name);
	log_number("again_ms", s->pause_ms);
	log_close();
	s->pid = 0;
	start_later(s);
}

static void
start(struct run_service *s)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
		not_started(s);
		return;
	}
	s->pid = fork();
	if (s->pid == 0)
		become(s, ends[1], parent);
	if (s->pid < 0) {
		not_started(s);
		close(ends[0]);
		close(ends[1]);
		return;
	}
	close(ends[1]);
	s->ready = s->restarting = s->killed = false;
	s->started_ms = s->loop->now_ms;
	s->notify = (struct loop_io){ends[0], LOOP_READ, notified};
	loop_watch(s->loop, &s->notify);
	log_open("start");
	log_text("service", s->kind->name);
	log_number("pid", s->pid);
	log_close();
}

static void
pause_over(struct loop_timer *timer)
{
	start(OWNER(timer, struct run_service, again));
}

static void
is_late(struct loop_timer *timer)
{
	run_service_kill(OWNER(timer, struct run_service, late));
}

/* A captured one need not want to. */
static void
end_it(struct run_service *s)
{
	int64_t ms = s->place->stop_ms;

	kill(s->pid, SIGTERM);
	loop_timer_set(s->loop, &s->late,
		       s->kind->last ? ms + RUN_LAST_MS : ms);
}

void
run_service_init(struct run_service *s, struct loop *loop,
		 const struct run_kind *kind, const struct run_place *place,
		 void (*became_ready)(struct run_service *))
{
	*s = (struct run_service){.kind = kind,
				  .place = place,
				  .loop = loop,
				  .pause_ms = RUN_PAUSE_MIN_MS,
				  .notify = {.fd = -1},
				  .again = {.expired = pause_over},
				  .late = {.expired = is_late},
				  .became_ready = became_ready};
}

void
run_service_want(struct run_service *s, bool wanted)
{
	if (s->wanted == wanted)
		return;
	s->wanted = wanted;
	if (wanted && s->pid == 0)
		start(s);
	if (wanted)
		return;
	loop_timer_stop(s->loop, &s->again);
	if (s->pid > 0)
		end_it(s);
}

void
run_service_hurry(struct run_service *s)
{
	if (s->pid > 0 && !s->wanted)
		kill(s->pid, SIGINT);
}

void
run_service_restart(struct run_service *s)
{
	if (s->pid == 0 || !s->wanted)
		return;
	if (s->restarting) /* once, or its time would not run out */
		return;
	s->restarting = true;
	end_it(s);
}

static void
log_death(const struct run_service *s, int status)
{
	log_open(s->wanted && !s->restarting ? "died" : "ended");
	log_text("service", s->kind->name);
	log_number("pid", s->pid);
	if (WIFSIGNALED(status))
		log_number("signal", WTERMSIG(status));
	else
		log_number("exit", WEXITSTATUS(status));
	if (s->wanted && !s->restarting)
		log_number("again_ms", s->pause_ms);
	log_close();
}

void
run_service_died(struct run_service *s, int status)
{
	forget_notify(s);
	loop_timer_stop(s->loop, &s->late);
	if (s->loop->now_ms - s->started_ms >= RUN_LONG_LIFE_MS)
		s->pause_ms = RUN_PAUSE_MIN_MS;
	log_death(s, status);
	s->pid = 0;
	s->ready = false;
	if (!s->wanted)
		return;
	if (s->restarting) {
		start(s);
		return;
	}
	start_later(s);
}

void
run_service_kill(struct run_service *s)
{
	if (s->pid == 0 || s->killed)
		return;
	s->killed = true;
	log_open("killed");
	log_text("service", s->kind->name);
	log_number("pid", s->pid);
	log_text("why", "it has not ended in time");
	log_close();
	kill(s->pid, SIGKILL);
}
