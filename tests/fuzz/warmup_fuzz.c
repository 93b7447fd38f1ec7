/* warmup - what has gone out today, from a file of any bytes: never less is
 * counted than was taken, whatever stood there and however it was stopped
 */
#include "lib/clock.h"
#include "lib/fs.h"
#include "queue/warmup.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/quiet.h"
#include "tests/simfs.h"

#include <fcntl.h>

enum { DAY_S = 86400, GROUPS = 4, OPS_MAX = 32, GROUP_MAX = 24, STOPS_MAX = 3 };

static const int64_t begin_s = 20 * (int64_t)DAY_S;
static struct simfs *disk;
static int dir;
static const struct slice address = {"192.0.2.1", 9};

static void
put_file(struct slice bytes)
{
	int fd = fs_open(dir, "warmup", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	fuzz_check(fd >= 0 && fs_write_all(fd, bytes.at, bytes.len, 0) == 0);
	fs_close(fd);
}

/* What a domain may be: it has no end of line. */
static struct slice
group_of(struct slice *in)
{
	struct slice g = fuzz_take(in, fuzz_byte(in) % GROUP_MAX);

	return g.len > 0 && slice_find(g, '\n') == g.len ? g : SLICE("g");
}

static void
open_at(struct warmup *w, int64_t now_s)
{
	clock_set_for_tests(now_s * 1000000);
	warmup_open(w, dir, now_s);
}

static void
check_sent(struct warmup *w, const struct slice *groups, const uint64_t *taken,
	   int64_t now_s)
{
	size_t i;

	for (i = 0; !w->is_unread && i < GROUPS; i++)
		fuzz_check(warmup_sent(w, address, groups[i], now_s) >=
			   taken[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	struct slice in = slice_of((const char *)at, n);
	struct slice ops = fuzz_take(&in, fuzz_byte(&in) % OPS_MAX);
	struct slice groups[GROUPS] = {group_of(&in), group_of(&in), SLICE("g"),
				       SLICE("g 7.")};
	uint64_t taken[GROUPS] = {0};
	int64_t now_s = begin_s;
	struct warmup w;
	size_t i, n_stops = 0;

	disk = simfs_bare(disk);
	fuzz_check(fs_mkdir(AT_FDCWD, "queue", 0700) == 0);
	dir = fs_open_dir(AT_FDCWD, "queue");
	put_file(in);
	open_at(&w, now_s);
	while (ops.len > 0) {
		uint8_t op = fuzz_byte(&ops);
		struct slice g = groups[op % GROUPS];

		if (op >= 250 && n_stops++ < STOPS_MAX) {
			check_sent(&w, groups, taken, now_s);
			warmup_close(&w);
			open_at(&w, now_s);
			check_sent(&w, groups, taken, now_s);
		} else if (op >= 230) {
			check_sent(&w, groups, taken, now_s);
			now_s += DAY_S;
			memset(taken, 0, sizeof taken);
		} else if (op >= 200 && taken[op % GROUPS] > 0) {
			warmup_give_back(&w, address, g, now_s);
			for (i = 0; i < GROUPS; i++)
				taken[i] -=
				    slice_eq(groups[i], g) && taken[i] > 0;
		} else if (warmup_take(&w, address, g, op, now_s) == 0) {
			for (i = 0; i < GROUPS; i++)
				taken[i] += slice_eq(groups[i], g);
		}
	}
	check_sent(&w, groups, taken, now_s);
	warmup_close(&w);
	fs_close(dir);
	fuzz_check(simfs_is_closed(disk));
	simfs_bare(disk);
	return 0;
}
