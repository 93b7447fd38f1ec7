/* warmup_test.c - what went out today is known after any crash */
#include "lib/clock.h"
#include "lib/fs.h"
#include "queue/warmup.h"
#include "tests/tables.h"

#include <errno.h>

static const int64_t day_s = 86400, now_s = 1800000000;
static const struct slice out1 = {"192.0.2.1", 9}, out2 = {"192.0.2.2", 9};
static const struct slice google = {"google", 6};

static struct warmup w;
static int dir;

/* The process dies: nothing is told to the file. */
static void
die_and_open(int64_t at_s)
{
	warmup_close(&w);
	warmup_open(&w, dir, at_s);
}

static uint64_t
send_until(struct slice from, struct slice group, uint64_t limit, uint64_t n)
{
	uint64_t i = 0;

	while (i < n && warmup_sent(&w, from, group, now_s) < limit &&
	       warmup_take(&w, from, group, limit, now_s) == 0)
		i++;
	return i;
}

static void
test_crashes(void)
{
	uint64_t sent = 0, i;

	die_and_open(now_s);
	ok(send_until(out1, google, 5000, UINT64_MAX) == 5000,
	   "a day's limit, and no more");
	die_and_open(now_s);
	ok(send_until(out1, google, 5000, 10) == 0, "nor after a crash");
	for (i = 0; i < 20; i++) {
		sent += send_until(out2, google, 5000, 130);
		die_and_open(now_s);
		if (warmup_sent(&w, out2, google, now_s) < sent)
			break;
	}
	ok(i == 20, "never less than what was sent, after twenty crashes");
	sent += send_until(out2, google, 5000, UINT64_MAX);
	ok(sent <= 5000 && sent >= 5000 - 20 * 50,
	   "each costs 1 %% of the limit at most (%llu of 5000)",
	   (unsigned long long)sent);
	warmup_give_back(&w, out2, google, now_s);
	ok(send_until(out2, google, 5000, 10) == 1,
	   "what reached nobody is given back");
	ok(warmup_sent(&w, out2, google, now_s + day_s) == 0 &&
	       warmup_take(&w, out2, google, 5000, now_s + day_s) == 0 &&
	       warmup_sent(&w, out2, google, now_s + day_s) == 1,
	   "a new day");
}

static void
test_strange_groups(void)
{
	static const char *const groups[] = {" ", "a b", "1.", "x 5.", ""};
	size_t i;
	bool good = true;

	for (i = 0; i < 5; i++)
		good &= send_until(out1, slice_text(groups[i]), 7, 99) == 7;
	die_and_open(now_s);
	for (i = 0; i < 5; i++)
		good &=
		    warmup_sent(&w, out1, slice_text(groups[i]), now_s) == 7;
	ok(good, "domains are hostile");
}

/* Every cut of the file is a state that a crash can leave. */
static void
test_torn(void)
{
	struct buf all = {0};
	bool good = true, appends = true;
	size_t n;

	warmup_close(&w);
	unlink("warmup");
	die_and_open(now_s);
	send_until(out1, google, 12, 12);
	read_all("warmup", &all);
	for (n = 0; n <= all.len; n++) {
		uint64_t sent, lines = 0;
		size_t i;

		for (i = 0; i < n; i++)
			lines += buf_slice(&all).at[i] == '\n';
		warmup_close(&w);
		write_file("warmup", buf_slice(&all).at, n);
		die_and_open(now_s);
		sent = warmup_sent(&w, out1, google, now_s);
		good &= sent == lines;
		send_until(out1, google, 100, 1);
		die_and_open(now_s);
		appends &= warmup_sent(&w, out1, google, now_s) == lines + 1;
	}
	ok(good, "a torn line is none");
	ok(appends, "and what is written behind it is read");
	buf_free(&all);
}

static ssize_t
bad_sector(int fd, void *to, size_t n, off_t at)
{
	(void)fd;
	(void)to;
	(void)n;
	(void)at;
	errno = EIO;
	return -1;
}

static int
no_inode(int at, const char *name, int flags, mode_t mode)
{
	(void)at;
	(void)name;
	(void)flags;
	(void)mode;
	errno = ENOSPC;
	return -1;
}

/* Nobody knows what was sent: nothing goes out, but nothing ends either. */
static void
test_unreadable(void)
{
	struct fs_calls calls = fs_kernel;

	die_and_open(now_s);
	send_until(out1, google, 5000, 10);
	calls.pread = bad_sector;
	fs_use(&calls);
	die_and_open(now_s);
	fs_use(&fs_kernel);
	ok(warmup_take(&w, out1, google, 5000, now_s) == -1,
	   "a bad sector: no more today");
	ok(warmup_take(&w, out1, google, 5000, now_s + day_s) == 0,
	   "but tomorrow");
	warmup_close(&w);
	unlink("warmup");
	calls = fs_kernel;
	calls.open = no_inode;
	fs_use(&calls);
	warmup_open(&w, dir, now_s);
	ok(warmup_take(&w, out1, google, 5000, now_s) == -1,
	   "no room: nothing");
	fs_use(&fs_kernel);
	ok(warmup_take(&w, out1, google, 5000, now_s) == 0,
	   "until there is some");
}

/* By its own time, as the queue asks. */
static uint64_t
sent_now(void)
{
	return warmup_sent(&w, out1, google, warmup_now_s(&w));
}

static void
send_now(uint64_t n)
{
	while (n-- > 0)
		warmup_take(&w, out1, google, 5000, warmup_now_s(&w));
}

static void
test_clock_jumps(void)
{
	const int64_t us = 1000000, year_s = 366 * day_s;
	int64_t at_s = now_s - now_s % day_s + 3600;

	warmup_close(&w);
	unlink("warmup");
	clock_set_for_tests(at_s * us);
	die_and_open(at_s);
	send_now(70);
	clock_jump_for_tests(8 * day_s * us);
	send_now(5);
	ok(sent_now() == 75, "forward by eight days: still today");
	ok(warmup_now_s(&w) / day_s == at_s / day_s,
	   "nor is it the curve's day to come");
	clock_jump_for_tests(-year_s * us);
	send_now(5);
	ok(sent_now() == 80, "back by a year: still today");
	die_and_open(clock_s());
	ok(sent_now() >= 80, "after a restart too");
	clock_set_for_tests((at_s + 22 * 3600) * us);
	ok(sent_now() >= 80, "until the day has passed");
	clock_set_for_tests((at_s + 25 * 3600) * us);
	ok(sent_now() == 0 && warmup_now_s(&w) == clock_s(),
	   "then it is as the clock says");
	send_now(1);
	ok(sent_now() == 1, "and counts anew");
	clock_jump_for_tests((year_s - 8 * day_s) * us);
	clock_set_for_tests(0);
}

int
main(void)
{
	tables_begin();
	dir = fs_open_dir(AT_FDCWD, ".");
	w.fd = -1;
	test_crashes();
	test_strange_groups();
	test_torn();
	test_unreadable();
	test_clock_jumps();
	warmup_close(&w);
	fs_close(dir);
	unlink("warmup");
	tables_end();
	return tap_done();
}
