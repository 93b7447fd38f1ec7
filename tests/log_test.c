/* log_test.c - descriptor 2 in the hands of somebody who does not read */
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/log_write.h"
#include "lib/loop.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINES = 60000, GUARD_S = 30 };

static int kept = -1; /* our own descriptor 2 meanwhile */

/* Whoever blocks is killed, and the test with him. */
static void
begin(int fd)
{
	fflush(stdout);
	alarm(GUARD_S);
	kept = dup(2);
	dup2(fd, 2);
	log_write_look();
	close(fd);
}

static void
end(void)
{
	log_child(); /* what nobody read */
	dup2(kept, 2);
	log_write_look();
	close(kept);
	alarm(0);
}

static void
say(int64_t from, int64_t n)
{
	for (; n > 0; n--, from++) {
		log_open("line");
		log_number("i", from);
		log_close();
	}
}

/* What came: numbers in order, and how many are said to be lost. */
struct account {
	int64_t next, n_seen, n_lost;
	unsigned n_reports;
	bool is_bad;
	char line[256];
	size_t len;
};

static void
line_came(struct account *a)
{
	long long n;

	a->line[a->len] = 0;
	if (sscanf(a->line, "test: event=line i=%lld", &n) == 1) {
		a->is_bad = a->is_bad || n != a->next;
		a->next = n + 1;
		a->n_seen++;
	} else if (sscanf(a->line, "test: event=log-lost n=%lld", &n) == 1) {
		a->next += n;
		a->n_lost += n;
		a->n_reports++;
	} else {
		a->is_bad = true;
	}
	a->len = 0;
}

static void
came(struct account *a, const char *bytes, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (bytes[i] == '\n')
			line_came(a);
		else if (bytes[i] != '\r' && a->len < sizeof a->line - 1)
			a->line[a->len++] = bytes[i];
}

/* Read what is there; and what the log still has, as it flows. */
static void
read_all(int fd, struct account *a)
{
	char bytes[65536];
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	do {
		log_flush();
		n = read(fd, bytes, sizeof bytes);
		if (n > 0)
			came(a, bytes, (size_t)n);
	} while (n > 0 || log_waits());
}

static void
unread(const char *what, int ours, int theirs)
{
	struct account a = {0};
	int64_t before = clock_ms();
	bool waits, is_blocking;

	begin(theirs);
	say(0, LINES);
	log_flush();
	waits = log_waits();
	is_blocking = !(fcntl(2, F_GETFL) & O_NONBLOCK);
	before = clock_ms() - before;
	read_all(ours, &a);
	say(LINES, 10);
	read_all(ours, &a);
	end();
	ok(waits, "%s: %d lines and nobody reads: some wait", what, LINES);
	ok(before < 5000, "%s: it took %d ms", what, (int)before);
	ok(is_blocking, "%s: for others it is as it was", what);
	ok(!a.is_bad && a.next == LINES + 10,
	   "%s: all lines whole, in order, up to %d", what, (int)a.next);
	ok(a.n_lost > 0 && a.n_seen + a.n_lost == LINES + 10,
	   "%s: %d seen, %d said to be lost", what, (int)a.n_seen,
	   (int)a.n_lost);
	ok(a.n_reports <= 4, "%s: said %u times", what, a.n_reports);
	close(ours);
}

static void
test_unread(void)
{
	int fds[2], terminal;

	if (pipe(fds) == 0)
		unread("a pipe", fds[0], fds[1]);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0)
		unread("a socket", fds[0], fds[1]);
	terminal = posix_openpt(O_RDWR | O_NOCTTY);
	if (terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0)
		unread("a terminal", terminal,
		       open(ptsname(terminal), O_WRONLY | O_NOCTTY));
}

/* A slow reader: reports of loss must not be half of what he gets. */
static void
test_slow(void)
{
	struct account a = {0};
	char bytes[4096];
	int fds[2], i;
	ssize_t n;

	if (pipe(fds) != 0)
		return;
	begin(fds[1]);
	for (i = 0; i < 2000; i++) {
		say(200 * i, 200);
		log_flush();
		n = read(fds[0], bytes, sizeof bytes);
		came(&a, bytes, n > 0 ? (size_t)n : 0);
	}
	read_all(fds[0], &a);
	end();
	ok(!a.is_bad && a.n_seen + a.n_lost == 400000,
	   "a slow reader: %d seen, %d lost", (int)a.n_seen, (int)a.n_lost);
	ok(a.n_reports < 20, "said %u times", a.n_reports);
	close(fds[0]);
}

/* Others write to the same pipe, and wait for room in it. */
static void
test_shared(void)
{
	int fds[2], i;
	pid_t pid;

	if (pipe(fds) != 0)
		return;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		char many[16384];

		memset(many, '\n', sizeof many);
		for (i = 0; i < 64; i++)
			if (write(fds[1], many, sizeof many) < 0)
				_exit(1);
		_exit(0);
	}
	begin(fds[1]);
	usleep(50000); /* until it waits */
	say(0, LINES);
	log_flush();
	ok(log_waits(), "beside a process that waits for room, we do not");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	end();
	close(fds[0]);
}

static void
test_gone(void)
{
	char name[] = "/tmp/quail-log-XXXXXX";
	int fds[2], file = mkstemp(name);
	struct account a = {0};
	char bytes[65536];
	ssize_t n;

	if (pipe(fds) != 0 || file < 0)
		return;
	close(fds[0]);
	begin(fds[1]);
	say(0, 10);
	log_flush();
	ok(!log_waits(), "who does not exist is not waited for");
	end();
	begin(dup(file));
	say(0, LINES);
	log_flush();
	end();
	lseek(file, 0, SEEK_SET);
	while ((n = read(file, bytes, sizeof bytes)) > 0)
		came(&a, bytes, (size_t)n);
	ok(!a.is_bad && a.n_seen == LINES, "a file gets all of it");
	close(file);
	unlink(name);
	begin(open("/dev/null", O_WRONLY));
	close(2);
	say(0, 10);
	log_flush();
	ok(!log_waits(), "closed: nothing waits");
	log_guard();
	ok(fcntl(2, F_GETFD) >= 0, "then it is guarded");
	close(0);
	log_guard();
	ok(fcntl(0, F_GETFD) >= 0 && read(0, bytes, 1) < 0 && errno == EBADF,
	   "so is a closed stdin, and reads as an error, not as empty");
	end();
}

/* A long line, and one that is begun when the process dies. */
static void
test_long(void)
{
	char bytes[65536], value[500];
	int fds[2], i;
	ssize_t n;

	memset(value, 'x', sizeof value);
	if (pipe(fds) != 0)
		return;
	begin(fds[1]);
	log_open("long");
	for (i = 0; i < 20; i++)
		log_bytes("v", slice_of(value, sizeof value));
	log_close();
	log_open("half");
	log_open("whole");
	log_close();
	log_flush();
	end();
	n = read(fds[0], bytes, sizeof bytes);
	ok(n == 16 + 20 * 503 + 1 + 18 &&
	       memcmp(bytes + n - 18, "test: event=whole\n", 18) == 0,
	   "lines of any length are whole");
	close(fds[0]);
}

static void
test_finish(void)
{
	struct account a = {0};
	char bytes[4096];
	int64_t ms;
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	if (pipe(fds) != 0)
		return;
	begin(dup(fds[1]));
	say(0, LINES);
	ms = clock_ms();
	log_finish();
	ms = clock_ms() - ms;
	end();
	ok(ms >= 900 && ms < 3000, "the end is tried for %d ms", (int)ms);
	close(fds[0]);
	close(fds[1]);
	if (pipe(fds) != 0)
		return;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		begin(fds[1]);
		say(0, 20000);
		log_finish();
		_exit(0);
	}
	close(fds[1]);
	while ((n = read(fds[0], bytes, sizeof bytes)) > 0)
		came(&a, bytes, (size_t)n);
	waitpid(pid, &status, 0);
	ok(status == 0 && a.n_seen == 20000, "who reads gets all before it");
	close(fds[0]);
}

static void
test_loop(void)
{
	struct loop loop;
	struct account a = {0};
	char bytes[65536];
	int64_t ms = clock_ms();
	int fds[2], n_rounds = 0;
	ssize_t n;

	if (pipe(fds) != 0)
		return;
	begin(fds[1]);
	loop_init(&loop);
	say(0, 10000);
	loop_round(&loop, 0);
	ms = clock_ms();
	loop_round(&loop, 50);
	ok(log_waits() && clock_ms() - ms >= 45, "a round waits as ever");
	ms = clock_ms();
	while (a.n_seen < 10000 && n_rounds++ < 1000) {
		n = read(fds[0], bytes, sizeof bytes);
		came(&a, bytes, n > 0 ? (size_t)n : 0);
		if (log_waits())
			loop_round(&loop, 10000);
	}
	ms = clock_ms() - ms;
	ok(a.n_seen == 10000 && ms < 5000, "it wakes when there is room");
	ms = clock_ms();
	loop_round(&loop, 50);
	ok(clock_ms() - ms >= 45, "and sleeps when all is written");
	loop_free(&loop);
	end();
	close(fds[0]);
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	log_program("test");
	test_unread();
	test_slow();
	test_shared();
	test_gone();
	test_long();
	test_finish();
	test_loop();
	return tap_done();
}
