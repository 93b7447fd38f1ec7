/* often_test - what strangers cause: the first of each, then counts */
#include "lib/often.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/log_write.h"
#include "tests/tap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MANY = 100000 };

static int own, file; /* descriptor 2 as it was; what stands for it */
static char said[1 << 20];
static int64_t now_us = 1000000000;

static void
pass(int64_t seconds)
{
	now_us += seconds * 1000000;
	clock_set_for_tests(now_us);
}

/* What has been logged since the last time. */
static const char *
logged(void)
{
	ssize_t n;

	log_flush();
	n = pread(file, said, sizeof said - 1, 0);
	said[n > 0 ? n : 0] = 0;
	if (ftruncate(file, 0) != 0 || lseek(file, 0, SEEK_SET) != 0)
		abort();
	return said;
}

static size_t
count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

/* What stands behind "times=" in all these lines. */
static uint64_t
times(const char *text)
{
	uint64_t n = 0;

	for (; (text = strstr(text, " times=")); text += 7)
		n += strtoull(text + 7, NULL, 10);
	return n;
}

static struct endpoint
client(const char *host)
{
	struct endpoint e = {0};

	if (endpoint_parse(&e, slice_text(host), 25) != 0)
		abort();
	return e;
}

static void
come(const char *event, const char *host, const char *why, unsigned n)
{
	struct endpoint e = client(host);

	if (!often_open(event, &e, why, n))
		return;
	log_text("client", host);
	log_close();
}

static void
numbered(const char *event, unsigned i, unsigned n)
{
	char host[32];

	snprintf(host, sizeof host, "10.%u.%u.%u", i >> 16, i >> 8 & 255,
		 i & 255);
	come(event, host, "no", n);
}

static void
test_counts(void)
{
	const char *text;
	int i;

	for (i = 0; i < MANY; i++)
		come("refused", "192.0.2.7", "too many", OFTEN_FIRST);
	text = logged();
	ok(strcmp(text, "test: event=refused client=192.0.2.7\n") == 0,
	   "of a hundred thousand the first");
	pass(59);
	often_look();
	ok(strcmp(logged(), "") == 0, "and no more for a minute");
	pass(1);
	often_look();
	text = logged();
	ok(strcmp(text, "test: event=refused client=192.0.2.7 "
			"why=\"too many\" times=99999 seconds=60\n") == 0,
	   "then how many more");
	come("refused", "192.0.2.7", "too many", OFTEN_FIRST);
	pass(60);
	come("refused", "192.0.2.7", "too many", OFTEN_FIRST);
	text = logged();
	ok(count(text, "\n") == 1 && times(text) == 1,
	   "while it goes on, a line a minute");
	pass(60);
	often_look();
	pass(60);
	often_look();
	logged();
	come("refused", "192.0.2.7", "too many", OFTEN_FIRST);
	ok(strcmp(logged(), "test: event=refused client=192.0.2.7\n") == 0,
	   "after a minute without one, the first again");
}

static void
test_apart(void)
{
	const char *text;
	int i;

	pass(60);
	often_look();
	pass(60);
	often_look();
	logged();
	for (i = 0; i < 20; i++) {
		come("end", "192.0.2.7", "broken", OFTEN_FIRST);
		come("end", "192.0.2.7", "late", OFTEN_FIRST);
		come("tls", "192.0.2.7", "late", OFTEN_FIRST);
		come("end", "192.0.2.8", "late", OFTEN_FIRST);
		come("end", "192.0.2.9", NULL, OFTEN_FEW);
		come("end", "2001:db8::1", "late", OFTEN_FIRST);
		come("end", "2001:db8::2", "late", OFTEN_FIRST);
		come("end", "2001:db8:0:1::1", "late", OFTEN_FIRST);
	}
	text = logged();
	ok(count(text, "\n") == 6 + OFTEN_FEW,
	   "each event, client and reason by itself; the first few: %zu lines",
	   count(text, "\n"));
	ok(count(text, "2001:db8::1") == 1 && count(text, "2001:db8::2") == 0,
	   "64 bits of IPv6 are one client");
	log_finish();
	text = logged();
	ok(times(text) == 20 * 8 - 6 - OFTEN_FEW,
	   "the end says all that was counted: %" PRIu64, times(text));
	ok(count(text, "client=2001:db8::1 why=late times=39 ") == 1,
	   "under the first one's name");
	log_finish();
	ok(strcmp(logged(), "") == 0, "and says it once");
}

/* A line of each of so many, and no more than is stated. */
static void
test_bounds(void)
{
	uint64_t n = 0;
	size_t lines = 0, late;
	unsigned i;
	const char *text;

	pass(60);
	often_look();
	pass(60);
	often_look();
	logged();
	for (i = 0; i < MANY; i++) {
		numbered("refused", i, OFTEN_FEW);
		numbered("refused", i % 500, OFTEN_FEW);
		numbered("end", i, OFTEN_FEW);
		if (i % 1000 == 0) {
			text = logged();
			lines += count(text, "\n");
		}
	}
	lines += count(logged(), "\n");
	ok(lines <= OFTEN_LINES, "of clients without a number %zu lines",
	   lines);
	pass(60);
	often_look();
	text = logged();
	n = times(text);
	late = count(text, "\n");
	ok(n + lines == 3 * MANY && late <= OFTEN_MAX + OFTEN_EVENTS,
	   "and %zu with counts, of all: %" PRIu64, late, n + lines);
	ok(count(text, "event=refused client=others times=") == 1 &&
	       count(text, "event=end client=others times=") == 1,
	   "those that there is no room for by their event");
}

/* What went wrong with a connection is told in memory that goes with it. */
static void
test_passing_reasons(void)
{
	char why[200], *passing;
	const char *text;
	int i;

	memset(why, 'x', sizeof why);
	why[sizeof why - 1] = 0;
	for (i = 0; i < 4; i++) {
		passing = strdup(i % 2 ? "timeout" : why);
		come("lost", "192.0.2.9", passing, OFTEN_FIRST);
		memset(passing, '?', strlen(passing));
		free(passing);
	}
	logged();
	pass(60);
	often_look();
	text = logged();
	ok(count(text, "why=timeout times=1 ") == 1 &&
	       count(text, "xxxx times=1 ") == 1 && !strchr(text, '?'),
	   "reasons that are gone when they are told");
}

int
main(void)
{
	own = dup(STDERR_FILENO);
	file = memfd_create("said", 0);
	if (own < 0 || file < 0 || dup2(file, STDERR_FILENO) < 0)
		return 111;
	log_write_look();
	log_program("test");
	pass(0);
	test_counts();
	test_apart();
	test_bounds();
	test_passing_reasons();
	clock_set_for_tests(0);
	dup2(own, STDERR_FILENO);
	close(own);
	close(file);
	return tap_done();
}
