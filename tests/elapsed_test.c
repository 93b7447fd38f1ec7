/* elapsed_test.c - what has passed is what somebody has seen pass */
#include "lib/elapsed.h"

#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/smallfile.h"
#include "tests/tables.h"

#include <errno.h>

static const int64_t begin_s = 1800000000, hour_s = 3600, day_s = 86400,
		     year_s = 366 * 86400;

static int64_t now_s;

static void
pass(int64_t s)
{
	now_s += s;
	clock_set_for_tests(now_s * 1000000);
}

static void
jump(int64_t s)
{
	clock_jump_for_tests(s * 1000000);
}

static void
test_running(void)
{
	struct elapsed e;

	elapsed_begin(&e);
	ok(elapsed_s(&e) == begin_s, "it begins at the wall's time");
	pass(hour_s);
	jump(8 * day_s);
	ok(elapsed_s(&e) == begin_s + hour_s,
	   "a jump forward does not move it");
	ok(elapsed_jump_s(&e) == 8 * day_s, "and is seen");
	elapsed_renew(&e);
	ok(elapsed_s(&e) == begin_s + hour_s && elapsed_jump_s(&e) == 0,
	   "it goes on from there");
	jump(-8 * day_s - year_s);
	pass(1);
	ok(elapsed_s(&e) == begin_s + hour_s + 1 &&
	       elapsed_jump_s(&e) == -8 * day_s - year_s,
	   "nor a jump back");
	jump(year_s);
	elapsed_renew(&e);
	jump(9);
	ok(elapsed_jump_s(&e) == 0, "a correction of seconds is no jump");
	jump(1);
	ok(elapsed_jump_s(&e) == 10, "of ten it is");
	jump(-10);
	pass(-hour_s - 1);
}

/* What a process that was away for that long, by both clocks, makes of it.
 * boot_s: of the machine, when the first one kept its time. */
static int64_t
counts(int64_t wall_s, int64_t boot_s)
{
	struct elapsed kept = {.at_s = 5000,
			       .wall_s = begin_s - wall_s,
			       .boot_s = begin_s - boot_s},
		       e;

	elapsed_resume(&e, &kept);
	return elapsed_s(&e) - 5000;
}

static void
test_restarts(void)
{
	static const struct {
		int64_t wall_s, boot_s, want_s;
		const char *what;
	} cases[] = {
	    {3600, 3600, 3600, "an hour by both clocks"},
	    {8 * 86400, 3600, 3600, "the wall's was set forward meanwhile"},
	    {-366 * 86400, 3600, 0, "... or back"},
	    {3600, 200 * 86400, 3600, "a machine that runs for longer"},
	    {8 * 86400, 8 * 86400, 86400, "unseen for a week: a day of it"},
	    {3600, -7200, 3600, "the machine was started anew"},
	    {8 * 86400, -7200, 86400, "... a week ago, as the wall says"},
	    {-366 * 86400, -7200, 0, "... and does not know the time"},
	    {0, 0, 0, "no time at all"},
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(counts(cases[i].wall_s, cases[i].boot_s) == cases[i].want_s,
		   "%s: %lld s", cases[i].what, (long long)cases[i].want_s);
}

static void
test_text(void)
{
	static const char *const bad[] = {"",
					  "1",
					  "1 2",
					  "1 2 x",
					  "-1 2 3",
					  "1 -2 3",
					  "1 2 3a",
					  "9223372036854775807 2 3",
					  "1 2 99999999999999999999"};
	struct elapsed e, kept;
	struct buf text = {0};
	struct slice rest;
	size_t i, n = 0;

	elapsed_begin(&e);
	pass(7);
	elapsed_put(&text, &e);
	rest = buf_slice(&text);
	ok(elapsed_take(&rest, &kept) == 0 && kept.at_s == begin_s + 7 &&
	       kept.wall_s == begin_s + 7 && kept.boot_s == begin_s + 7 &&
	       rest.len == 0,
	   "kept as it is now");
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		rest = slice_text(bad[i]);
		n += elapsed_take(&rest, &kept) != 0;
	}
	ok(n == i, "what makes no sense is none");
	buf_free(&text);
	pass(-7);
}

static void
test_file(void)
{
	int dir = fs_open_dir(AT_FDCWD, ".");
	struct buf text = {0};

	ok(smallfile_read(dir, "f", 100, &text) != 0 && errno == ENOENT,
	   "no file");
	ok(smallfile_replace(dir, "f", "f.new", SLICE("one")) == 0 &&
	       smallfile_replace(dir, "f", "f.new", SLICE("two\n")) == 0 &&
	       smallfile_read(dir, "f", 100, &text) == 0 &&
	       slice_eq(buf_slice(&text), SLICE("two\n")),
	   "the last one counts");
	ok(smallfile_read(dir, "f", 3, &text) != 0 && errno == EFBIG,
	   "too large");
	ok(fs_open(dir, "f.new", O_RDONLY, 0) < 0, "nothing lies about");
	fs_close(dir);
	buf_free(&text);
	unlink("f");
}

int
main(void)
{
	tables_begin();
	pass(begin_s);
	test_running();
	test_restarts();
	test_text();
	test_file();
	clock_set_for_tests(0);
	tables_end();
	return tap_done();
}
