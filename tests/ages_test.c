/* ages_test.c - the age of mail, with a clock that jumps and queues that die */
#include "queue/ages.h"

#include "lib/clock.h"
#include "lib/fs.h"
#include "tests/tables.h"

static const int64_t begin_s = 1800000000, hour_s = 3600, day_s = 86400,
		     year_s = 366 * 86400;

static struct ages ages;
static int64_t now_s;
static uint32_t run;
static int dir;

/* By the second, as the daemon does. */
static void
pass(int64_t s)
{
	now_s += s;
	clock_set_for_tests(now_s * 1000000);
	ages_look(&ages, true);
}

static void
jump(int64_t s)
{
	clock_jump_for_tests(s * 1000000);
}

static void
start(void)
{
	ages_open(&ages, dir, ++run);
}

/* A queue without a file, at the time at which all tests begin. */
static void
begin(void)
{
	unlinkat(dir, "clock", 0);
	clock_jump_for_tests(now_s * 1000000 - clock_us());
	now_s = begin_s;
	clock_set_for_tests(now_s * 1000000);
	start();
}

static struct message
born(void)
{
	return (struct message){.id = (uint64_t)run << 32 | 1,
				.birth_us = clock_us()};
}

static int64_t
age(const struct message *m)
{
	return ages_age_s(&ages, m);
}

static void
test_jumps(void)
{
	struct message before, after, back, moment;

	begin();
	before = born();
	ok(age(&before) == 0 && ages_birth_s(&ages, &before) == begin_s,
	   "as long as nobody sets the clock it is the wall's");
	pass(hour_s);
	ok(age(&before) == hour_s, "an hour");
	jump(8 * day_s);
	moment = born();
	ok(age(&before) == hour_s && age(&moment) == 0,
	   "forward by eight days: nothing has passed");
	pass(1);
	after = born();
	ok(age(&before) == hour_s + 1 && age(&moment) <= 1 && age(&after) == 0,
	   "nor when it has been seen");
	pass(hour_s);
	ok(age(&before) == 2 * hour_s + 1 && age(&after) == hour_s &&
	       age(&moment) <= hour_s + 1 && age(&moment) >= hour_s,
	   "an hour for all");
	jump(-year_s);
	back = born();
	ok(age(&after) == hour_s && age(&back) == 0, "back by a year: as well");
	pass(1);
	pass(10 * day_s);
	ok(age(&before) == 2 * hour_s + 10 * day_s + 2 &&
	       age(&after) == hour_s + 10 * day_s + 1 &&
	       age(&back) >= 10 * day_s && age(&back) <= 10 * day_s + 1,
	   "and they grow old");
	ok(ages_wall_s(&ages, ages_now_s(&ages) + 60) == clock_s() + 60,
	   "what is due is shown by the wall's clock");
}

static void
test_restarts(void)
{
	struct message m, other, future;

	begin();
	m = born();
	pass(hour_s);
	ages_keep(&ages);
	pass(60);
	start();
	ok(age(&m) == hour_s + 60, "over a restart");
	jump(-year_s);
	pass(1);
	other = born();
	pass(hour_s);
	ages_keep(&ages);
	jump(8 * day_s);
	start();
	ok(age(&m) == 2 * hour_s + 61 && age(&other) == hour_s,
	   "with a clock that was set back, and forth while it was down");
	future = born();
	jump(-100 * day_s);
	start();
	ok(age(&future) == 0 && age(&other) == hour_s,
	   "of a run that died at once, with a birth in the future: new");
	pass(7 * day_s + 1);
	ok(age(&future) == 7 * day_s + 1, "it grows old nevertheless");
	future.id = 1; /* of a run that nobody knows */
	ok(age(&future) <= ages_now_s(&ages) - ages.marks[0].at_s,
	   "older than what is known is nothing");
}

static void
test_kept(void)
{
	struct message m;
	struct stat st;

	begin();
	m = born();
	ages_look(&ages, true);
	ok(fstatat(dir, "clock", &st, 0) != 0, "not written at once");
	now_s += AGES_KEEP_S;
	clock_set_for_tests(now_s * 1000000);
	ages_look(&ages, false);
	ok(fstatat(dir, "clock", &st, 0) != 0, "nor without mail");
	ages_look(&ages, true);
	ok(fstatat(dir, "clock", &st, 0) == 0, "every ten minutes with mail");
	unlinkat(dir, "clock", 0);
	pass(AGES_KEEP_S - 1);
	ok(fstatat(dir, "clock", &st, 0) != 0, "... no sooner, whatever comes");
	start();
	ok(age(&m) == 0, "without a file all is new");
}

static void
test_bad_files(void)
{
	static const char *const bad[] = {
	    "",
	    "quail-clock 1\nnow 1800000000 1800000000 1800000000\n",
	    "quail-clock 1\nnow 1 2\nend\n",
	    "quail-clock 1\nend\n",
	    "now 1800000000 1800000000 1800000000\nmark 1 2 3\nend\n",
	    "now 1800000000 1800000000 1800000000\n"
	    "mark 00000001 1800000000 1900000000\nend\n",
	    "now 1800000000 1800000000 1800000000\n"
	    "mark 00000001 1800000000 1700000000\n"
	    "mark 00000001 1800000000 1600000000\nend\n",
	    "now 1800000000 1800000000 1800000000\n"
	    "mark 7fffffff 1800000000 1700000000\nend\n",
	};
	struct message m;
	size_t i, n = 0;

	begin();
	m = born();
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		table("clock", bad[i]);
		start();
		n += age(&m) == 0 && ages_now_s(&ages) == begin_s;
	}
	ok(n == i, "files that make no sense make no mail old (%zu of %zu)", n,
	   i);
}

/* A clock that is set all the time, and a queue that never lives for long. */
static void
test_many(void)
{
	struct message first;
	size_t i;

	begin();
	first = born();
	for (i = 0; i < 1000; i++) {
		jump(i % 2 ? -3 * day_s : 3 * day_s + 7);
		pass(60);
		if (i % 3 == 0) {
			ages_keep(&ages);
			start();
		}
		ok_quiet(ages.n_marks <= AGES_MARKS &&
			     ages.marks[ages.n_marks - 1].run == run,
			 "marks");
	}
	ok(age(&first) == 60000, "a thousand jumps: %lld s",
	   (long long)age(&first));
}

int
main(void)
{
	tables_begin();
	dir = fs_open_dir(AT_FDCWD, ".");
	now_s = begin_s;
	clock_set_for_tests(now_s * 1000000);
	test_jumps();
	test_restarts();
	test_kept();
	test_bad_files();
	test_many();
	clock_set_for_tests(0);
	unlinkat(dir, "clock", 0);
	fs_close(dir);
	tables_end();
	return tap_done();
}
