/* holds - the file of an operator's rules, of any bytes: what is read as rules
 * is written again the same, and a rule matches what it says
 */
#include "lib/fs.h"
#include "queue/glob.h"
#include "queue/holds.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/quiet.h"
#include "tests/simfs.h"

#include <fcntl.h>

static int dir;

static void
put_file(struct slice bytes)
{
	int fd = fs_open(dir, "holds", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	fuzz_check(fd >= 0 && fs_write_all(fd, bytes.at, bytes.len, 0) == 0);
	fs_close(fd);
}

/* A second reading of patterns, as slow as it is plain. */
static bool
matches(struct slice p, struct slice s)
{
	if (p.len == 0)
		return s.len == 0;
	if (p.at[0] == '*')
		return matches(slice_from(p, 1), s) ||
		       (s.len > 0 && matches(p, slice_from(s, 1)));
	return s.len > 0 &&
	       (p.at[0] == '?' ||
		slice_case_eq(slice_of(p.at, 1), slice_of(s.at, 1))) &&
	       matches(slice_from(p, 1), slice_from(s, 1));
}

static void
check_glob(struct slice pattern, struct slice s)
{
	bool got = glob_match(pattern, s);

	if (slice_eq(pattern, SLICE("<>")))
		fuzz_check(got == (s.len == 0));
	else if (pattern.len <= 10 && s.len <= 10)
		fuzz_check(got == matches(pattern, s));
}

static void
check_rules(const struct holds *h, struct slice s)
{
	enum hold_kind kind;
	size_t i, first[2] = {h->n, h->n};

	for (i = 0; i < h->n; i++) {
		fuzz_check(holds_good(h->all[i].pattern));
		check_glob(h->all[i].pattern, s);
		kind = h->all[i].kind;
		if (first[kind] == h->n && glob_match(h->all[i].pattern, s))
			first[kind] = i;
	}
	for (i = 0; i < 2; i++)
		fuzz_check(holds_find(h, (enum hold_kind)i, s) ==
			   (first[i] < h->n ? &h->all[first[i]] : NULL));
}

/* The same rules after a restart. */
static void
check_again(const struct holds *h)
{
	struct holds again;
	size_t i;

	fuzz_check(holds_load(&again, dir) == 0 && again.n == h->n);
	for (i = 0; i < h->n; i++)
		fuzz_check(again.all[i].kind == h->all[i].kind &&
			   slice_eq(again.all[i].pattern, h->all[i].pattern));
	holds_free(&again);
}

static void
change(struct holds *h, struct slice pattern, struct slice s)
{
	size_t before = h->n;
	int r;

	if (!holds_good(pattern))
		return;
	r = holds_add(h, HOLD_FROM, pattern);
	fuzz_check(r == 0 ? h->n == before : r < 0 || h->n == before + 1);
	if (r >= 0) {
		check_rules(h, s);
		check_again(h);
		fuzz_check(holds_remove(h, HOLD_FROM, pattern) > 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	struct slice in = slice_of((const char *)at, n);
	struct slice s = fuzz_string(&in), pattern = fuzz_string(&in);
	static struct simfs *disk;
	struct holds h;

	disk = simfs_bare(disk);
	fuzz_check(fs_mkdir(AT_FDCWD, "queue", 0700) == 0);
	dir = fs_open_dir(AT_FDCWD, "queue");
	put_file(in);
	if (holds_load(&h, dir) == 0) {
		check_rules(&h, s);
		change(&h, pattern, s);
		check_again(&h);
	}
	holds_free(&h);
	holds_load_safely(&h, dir);
	fuzz_check(h.n <= HOLDS_MAX);
	holds_free(&h);
	fs_close(dir);
	fuzz_check(simfs_is_closed(disk));
	simfs_bare(disk);
	return 0;
}
