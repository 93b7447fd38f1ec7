/* wall_test.c - what the tables have to do with the sandbox; kernels that lack
 * a part of it; and when a daemon must start again */
#include "cdb/wall.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/worker.h"
#include "tests/tables.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { LANDLOCK_CREATE = 444 };

static struct config config;

/* Build from the tables that there are, and open it. */
static void
build(void)
{
	struct buf why = {0};
	struct report r;

	report_init(&r);
	if (config_build(".", &r) != BUILD_DONE)
		fprintf(stderr, "# %.*s", (int)r.errors.text.len,
			buf_slice(&r.errors.text).at);
	report_free(&r);
	if (config.map)
		config_close(&config);
	if (config_open(&config, "config.cdb", &why) != 0)
		exit(1);
}

static void
users(const char *lines)
{
	table("users", lines);
	build();
	unlink("config.cdb.old");
}

/* where */

static void
lists(const char *what, enum sandbox_kind kind, const char *wanted)
{
	struct wall w = {.kind = kind};
	struct buf got = {0};
	size_t i;

	wall_places(&w, &config);
	for (i = 0; i < w.n; i++) {
		if (strcmp(w.places[i].path, "/dev/urandom") == 0)
			continue;
		if (strncmp(w.places[i].path, "/etc/", 5) == 0 &&
		    !strstr(w.places[i].path, "ca.pem"))
			continue; /* those for names */
		buf_text(&got, w.places[i].may == SANDBOX_WRITE ? " +" : " ");
		buf_text(&got, w.places[i].path);
	}
	ok(slice_eq(buf_slice(&got), slice_text(wanted)), "%s:%.*s", what,
	   (int)got.len, buf_slice(&got).at);
	buf_free(&got);
	wall_free(&w);
}

static void
test_roots(void)
{
	users("*@hub.example maildir:mail/%u\n"
	      "a@hub.example maildir:mail/special/a\n");
	lists("below another", SANDBOX_MAILDIR, " . +mail");
	users("*@hub.example maildir:/home/%u/Maildir\n"
	      "*@b.example maildir:/srv/%d.mail/%u\n"
	      "a@hub.example maildir:/var/mail/a\n"
	      "b@hub.example maildir:/homes/b\n");
	lists("of each kind", SANDBOX_MAILDIR,
	      " . +/home +/srv +/var/mail/a +/homes/b");
	users("*@hub.example maildir:%u\n*@b.example maildir:/%d/%u\n");
	lists("without a directory", SANDBOX_MAILDIR, " . +. +/");
	lists("the queue", SANDBOX_QUEUE, " . +queue");
	lists("a front end", SANDBOX_FRONT, " .");
}

/* Mail that the tables before have routed, and the way back to them. */
static void
test_past_roots(void)
{
	users("*@hub.example maildir:mail/%u\n");
	table("users", "*@hub.example maildir:/srv/%u\n"
		       "a@hub.example maildir:mail/of/a\n");
	build();
	lists("and of the tables before", SANDBOX_MAILDIR,
	      " . +/srv +mail/of/a +mail");
	unlink("config.cdb.old");
}

static void
test_many_roots(void)
{
	struct wall w = {.kind = SANDBOX_MAILDIR};
	struct buf lines = {0};
	unsigned i;

	for (i = 0; i < 300; i++) {
		buf_text(&lines, "u");
		buf_number(&lines, i);
		buf_text(&lines, "@hub.example maildir:/home/u");
		buf_number(&lines, i);
		buf_text(&lines, "/Maildir\n");
	}
	buf_putc(&lines, 0);
	users(buf_slice(&lines).at);
	buf_free(&lines);
	wall_places(&w, &config);
	ok(w.n <= 260, "300 mailboxes: %zu places", w.n);
	for (i = 0; i < w.n; i++)
		ok_quiet(i == 0 || strncmp(w.places[i].path, "/home", 5) == 0,
			 "%s", w.places[i].path);
	wall_free(&w);
}

static void
test_authorities(void)
{
	table("tlspolicy", "a.example verify name=mx.a.example "
			   "ca=/usr/share/ca/roots.pem\n"
			   "b.example verify name=mx.b.example "
			   "ca=/etc/ca.pem\n"
			   "c.example verify name=mx.c.example ca=own.pem\n");
	users("*@hub.example maildir:mail/%u\n");
	lists("the agents of the network", SANDBOX_OUT,
	      " . /usr/share/ca /etc/ca.pem");
	unlink("tlspolicy");
}

/* kernels */

/* The rest of this process lives on a kernel that answers so to a call. */
static void
lack(uint32_t call, uint32_t error)
{
	struct sock_filter ops[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		     offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog p = {.len = 4, .filter = ops};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p) != 0)
		_exit(77);
}

struct outcome {
	int code; /* or the signal, negative */
	char said[2048];
};

/* Run in a process of its own, with what it logs. */
static void
apart(void (*run)(void), struct outcome *o)
{
	int ends[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	*o = (struct outcome){0};
	fflush(stdout);
	if (pipe(ends) != 0 || (pid = fork()) < 0)
		exit(1);
	if (pid == 0) {
		dup2(ends[1], 2);
		close(ends[1]);
		close(ends[0]);
		alarm(20);
		run();
		log_finish();
		_exit(0);
	}
	close(ends[1]);
	while ((got = read(ends[0], o->said + n, sizeof o->said - 1 - n)) > 0)
		n += (size_t)got;
	close(ends[0]);
	waitpid(pid, &status, 0);
	o->said[strcspn(o->said, "\n")] = 0;
	o->code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static enum sandbox_kind up_kind = SANDBOX_FRONT;

static void
up(void)
{
	struct wall w = {.kind = up_kind};

	wall_up(&w, &config);
}

static void
up_without_landlock(void)
{
	lack(LANDLOCK_CREATE, ENOSYS);
	up();
}

static void
up_refused_landlock(void)
{
	lack(LANDLOCK_CREATE, EPERM);
	up();
}

static void
up_unbooted_landlock(void)
{
	lack(LANDLOCK_CREATE, EOPNOTSUPP);
	up();
}

static void
up_refused_seccomp(void)
{
	lack(SYS_seccomp, EPERM);
	up();
}

static void
up_without_seccomp(void)
{
	lack(SYS_seccomp, EINVAL);
	up();
}

static void
sandbox(const char *way)
{
	if (way)
		table("sandbox", way);
	else
		unlink("sandbox");
	build();
}

static void
says_so(const char *what, void (*run)(void), int code, const char *word)
{
	struct outcome o;

	apart(run, &o);
	ok(o.code == code && strstr(o.said, word), "%s: %d, %s", what, o.code,
	   o.said);
}

static void
test_kernels(bool whole)
{
	sandbox(NULL);
	says_so("no landlock", up_without_landlock, 0, "landlock=0 seccomp=");
	says_so("why", up_without_landlock, 0, "the kernel gives no landlock");
	says_so("refused", up_refused_landlock, 0, "refuses landlock");
	says_so("not booted", up_unbooted_landlock, 0, "at boot (lsm=)");
	says_so("no seccomp", up_without_seccomp, 0, "seccomp=no");
	says_so("why", up_without_seccomp, 0, "the kernel gives no seccomp");
	says_so("refused", up_refused_seccomp, 0, "refuses seccomp");
	sandbox("require\n");
	says_so("require", up_without_landlock, 100, "require");
	says_so("require", up_without_seccomp, 100, "require");
	if (whole)
		says_so("require", up, 0, "seccomp=yes");
	sandbox("off\n");
	says_so("off", up, 0, "event=sandbox off=");
	sandbox("try\n");
	says_so("try", up_without_landlock, 0, "landlock=0");
	says("a wrong word", (table("sandbox", "perhaps\n"), BUILD_WRONG), "",
	     "sandbox:1:1: \"perhaps\" is none of require, try and off\n");
	sandbox(NULL);
}

/* within */

static void
unknown_call(void)
{
	up();
	_exit(syscall(SYS_getppid) < 0 && errno == EPERM ? 42 : 1);
}

static void
killed_for_it(void)
{
	setenv("QUAIL_SANDBOX", "kill", 1);
	unknown_call();
}

static void
off_and_unknown(void)
{
	setenv("QUAIL_SANDBOX", "kill", 1);
	up();
	_exit(syscall(SYS_getppid) > 0 ? 42 : 1);
}

static void
aborts(void)
{
	up();
	abort();
}

static struct loop loop;
static int by_thread;

static void
work(struct worker *w)
{
	void *volatile room = malloc(1000); /* an arena of its own */

	(void)w;
	free(room);
	by_thread = open("/etc/passwd", O_RDONLY) < 0 ? errno : 0;
}

static void
worked(struct worker *w)
{
	loop_stop(w->loop);
}

static void
thread_within(void)
{
	struct worker w;

	loop_init(&loop);
	up();
	worker_init(&w, &loop, WORKER_THREAD, work, worked);
	worker_start(&w, false);
	loop_run(&loop);
	worker_close(&w);
	_exit(by_thread == EACCES && w.way == WORKER_THREAD ? 42 : 1);
}

static void
test_within(void)
{
	struct outcome o;

	apart(unknown_call, &o);
	ok(o.code == 42, "an unknown call is refused: %d", o.code);
	apart(killed_for_it, &o);
	ok(o.code == -SIGSYS, "and deadly for tests: %d", o.code);
	apart(aborts, &o);
	ok(o.code == -SIGABRT, "abort(3) is one: %d", o.code);
	up_kind = SANDBOX_QUEUE;
	setenv("QUAIL_SANDBOX", "kill", 1);
	apart(thread_within, &o);
	ok(o.code == 42, "a thread has no more rights: %d", o.code);
	unsetenv("QUAIL_SANDBOX");
	up_kind = SANDBOX_FRONT;
	sandbox("off\n");
	apart(off_and_unknown, &o);
	ok(o.code == 42, "off is off: %d", o.code);
	sandbox(NULL);
}

/* staleness; the wall is up in a process of its own */

static void
make(struct slice path)
{
	char name[64];

	snprintf(name, sizeof name, "%.*s", (int)path.len, path.at);
	mkdir(name, 0700);
}

static struct wall wall = {
    .kind = SANDBOX_MAILDIR, .is_quiet = true, .make = make};

/* To be let in again behind the wall: what others do to the files. */
static int go[2], gone[2];

static void
let_others(void)
{
	char c = 'x';

	if (write(go[1], &c, 1) != 1 || read(gone[0], &c, 1) != 1)
		_exit(3);
}

static void
others(void (*first)(void), void (*second)(void))
{
	char c;

	if (read(go[0], &c, 1) != 1)
		_exit(3);
	first();
	if (write(gone[1], &c, 1) != 1 || read(go[0], &c, 1) != 1)
		_exit(3);
	second();
	if (write(gone[1], &c, 1) != 1)
		_exit(3);
	_exit(0);
}

static int64_t after_us; /* not before it is seen */

static void
see(void)
{
	struct buf why = {0};
	bool is_stale;

	wall_up(&wall, &config);
	if (wall_is_stale(&wall, &config))
		_exit(10);
	let_others();
	config_refresh(&config, &why);
	if (wall_is_stale(&wall, &config))
		_exit(11);
	let_others();
	config_refresh(&config, &why);
	if (after_us > 0 && wall_is_stale(&wall, &config))
		_exit(13);
	if (after_us > 0)
		clock_set_for_tests(clock_steady_us() + after_us);
	is_stale = wall_is_stale(&wall, &config);
	log_finish();
	_exit(is_stale ? 42 : 12);
}

static void
rebuild(const char *lines)
{
	struct report r;

	table("users", lines);
	report_init(&r);
	config_build(".", &r);
	report_free(&r);
}

static void
add_below(void)
{
	rebuild("*@hub.example maildir:mail/%u\n"
		"a@hub.example maildir:mail/x/a\n");
}

static void
add_elsewhere(void)
{
	rebuild("*@hub.example maildir:mail/%u\n"
		"a@hub.example maildir:more/%u\n");
}

static void
nothing(void)
{
}

static void
replace_root(void)
{
	rename("mail", "mail.old");
	mkdir("mail", 0700);
}

static void
stale(const char *what, void (*first)(void), void (*second)(void))
{
	struct outcome o;
	pid_t pid;

	users("*@hub.example maildir:mail/%u\n");
	if (pipe(go) != 0 || pipe(gone) != 0)
		exit(1);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		others(first, second);
	apart(see, &o);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	ok(o.code == 42 && strstr(o.said, "stale="), "%s: %d, %s", what, o.code,
	   o.said);
	close(go[0]);
	close(go[1]);
	close(gone[0]);
	close(gone[1]);
}

static void
test_stale(void)
{
	stale("another place", add_below, add_elsewhere);
	after_us = 61 * INT64_C(1000000);
	stale("another directory there, after a minute", nothing, replace_root);
}

static struct sandbox given;

static void
look(void)
{
	struct wall w = {.kind = SANDBOX_FRONT, .is_quiet = true};

	wall_up(&w, &config);
	given = w.given;
	_exit(sandbox_is_whole(&given) ? 42 : 1);
}

int
main(void)
{
	struct outcome o;
	bool whole;

	log_program("wall_test");
	unsetenv("QUAIL_SANDBOX");
	tables_begin();
	table("me", "hub.example\n");
	table("locals", "hub.example\nb.example\n");
	users("*@hub.example maildir:mail/%u\n");
	test_roots();
	test_past_roots();
	test_many_roots();
	test_authorities();
	apart(look, &o);
	whole = o.code == 42;
	if (sandbox_is_built())
		test_kernels(whole);
	if (whole) {
		test_within();
		test_stale();
	} else {
		printf("# this kernel or build gives no whole sandbox\n");
	}
	config_close(&config);
	rmdir("mail");
	rmdir("mail.old");
	tables_end();
	return tap_done();
}
