/* smtp_in_slow_test.c - SMTP clients that drip: how long are they listened to?
 *
 * The clock is the test's own.
 */
#include "lib/clock.h"
#include "lib/log.h"
#include "smtp-gateway/in_session.h"
#include "tests/tables.h"

#include <sys/socket.h>

static struct loop loop;
static struct config config;
static struct in in;
static int64_t now_us = 1000000000000;
static int fd;
static char heard[4096];

static void
pass(int64_t s)
{
	now_us += s * 1000000;
	clock_set_for_tests(now_us);
	loop_round(&loop, 1);
	loop_round(&loop, 1);
}

/* What it says is heard; is it still there? */
static bool
is_there(void)
{
	ssize_t n = recv(fd, heard, sizeof heard - 1, MSG_DONTWAIT);

	if (n > 0)
		heard[n] = '\0';
	return n != 0;
}

static void
start(void)
{
	struct endpoint peer;
	int both[2];

	endpoint_parse(&peer, SLICE("127.0.0.1"), 99);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, both) != 0)
		exit(111);
	fd = both[0];
	in_session_start_take(&in, both[1], &peer);
	pass(1);
	is_there();
	ok_quiet(strncmp(heard, "220", 3) == 0, "greeted: %s", heard);
}

/* How long is it there when it says this each ten seconds? */
static int64_t
lasts_s(const char *what)
{
	int64_t s;

	for (s = 0; s < 4000 && is_there(); s += 10) {
		if (send(fd, what, strlen(what), MSG_NOSIGNAL) < 0)
			break;
		pass(0);
		pass(10);
	}
	close(fd);
	pass(20);
	return s;
}

static void
drips(const char *first, size_t n, const char *then, int64_t least,
      int64_t most, const char *name)
{
	static char x[4000];
	int64_t s;

	memset(x, 'x', sizeof x);
	start();
	send(fd, first, strlen(first), 0);
	send(fd, x, n, 0);
	s = lasts_s(then);
	ok(s >= least && s <= most, "%s: %lld s, %.3s", name, (long long)s,
	   heard);
}

static void
test_endless(void)
{
	static char much[70000];
	size_t sent = 0;

	memset(much, 'x', sizeof much);
	start();
	while (sent < sizeof much && is_there()) {
		ssize_t n = send(fd, much, sizeof much - sent, MSG_NOSIGNAL);

		sent += n > 0 ? (size_t)n : 0;
		pass(0);
	}
	is_there();
	ok(strncmp(heard, "500 5.5.2 line much too long", 28) == 0,
	   "a line without end: %.28s", heard);
	close(fd);
	pass(20);
}

int
main(void)
{
	struct buf why = {0};

	log_program("smtp_in_slow_test");
	tables_begin();
	table("me", "me.test\n");
	table("listen", "smtp 127.0.0.1:25\n");
	table("routes", "* smtp:mx\n");
	says("the tables", BUILD_DONE, "", "");
	if (!ok(config_open(&config, "config.cdb", &why) == 0, "they open"))
		return tap_done();
	clock_set_for_tests(now_us);
	loop_init(&loop);
	in.loop = &loop;
	in.config = &config;
	server_init(&in.server, &loop, "smtp", 10, NULL);
	drips("", 0, "", 300, 310, "nothing");
	drips("EH", 0, "x", 300, 330, "a command by bytes");
	drips("EHLO ", 2020, "x", 300, 330, "the end of a long one by bytes");
	drips("EHLO ", 4000, "x", 300, 330, "one that is too long by bytes");
	drips("", 0, "NOOP\r\n", 3600, 3610, "one command after the other");
	test_endless();
	return tap_done();
}
