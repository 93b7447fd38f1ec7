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

enum { DAY_S = 86400, GROUPS = 4 };

static const int64_t begin_s = 20 * (int64_t)DAY_S;
static int dir;

static void
put_file(struct slice bytes)
{
	int fd = fs_open(dir, "warmup", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	fuzz_check(fd >= 0 && fs_write_all(fd, bytes.at, bytes.len, 0) == 0);
	fs_close(fd);
}

static void
open_at(struct warmup *w, int64_t now_s)
{
	clock_set_for_tests(now_s * 1000000);
	warmup_open(w, dir, now_s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	struct slice in = slice_of((const char *)at, n);
	struct slice ops = fuzz_string(&in), address = SLICE("192.0.2.1");
	struct slice groups[GROUPS] = {fuzz_string(&in), fuzz_string(&in),
				       SLICE("g"), SLICE("g 7.")};
	struct simfs *disk = simfs_new();
	uint64_t taken[GROUPS] = {0};
	int64_t now_s = begin_s;
	struct warmup w;
	size_t i;

	for (i = 0; i < GROUPS; i++) /* a domain has no end of line */
		if (slice_find(groups[i], '\n') < groups[i].len ||
		    groups[i].len == 0)
			groups[i] = SLICE("g");
	simfs_use(disk);
	fuzz_check(fs_mkdir(AT_FDCWD, "queue", 0700) == 0);
	dir = fs_open_dir(AT_FDCWD, "queue");
	put_file(in);
	open_at(&w, now_s);
	while (ops.len > 0) {
		uint8_t op = fuzz_byte(&ops);
		struct slice g = groups[op % GROUPS];

		if (op >= 240) {
			warmup_close(&w);
			open_at(&w, now_s);
		} else if (op >= 230) {
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
		if (!w.is_unread)
			for (i = 0; i < GROUPS; i++)
				fuzz_check(warmup_sent(&w, address, groups[i],
						       now_s) >= taken[i]);
	}
	warmup_close(&w);
	fs_close(dir);
	simfs_use(NULL);
	simfs_free(disk);
	return 0;
}
