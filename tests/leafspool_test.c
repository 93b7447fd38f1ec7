/* leafspool_test.c - the leaf's spool among many users: shares, turns, and
 * the places that are the drain's own
 */
#include "lib/fs.h"
#include "qmqpc/failed.h"
#include "qmqpc/letter.h"
#include "qmqpc/marks.h"
#include "qmqpc/own.h"
#include "qmqpc/waiting.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <unistd.h>

static char dir_path[] = "/tmp/quail-leafspool-XXXXXX";
static struct spool spool;

/* who has how much */

static void
give(struct shares *s, uid_t uid, uint64_t bytes)
{
	shares_of(s, uid)->waits = bytes;
}

static bool
full(struct shares *s, uid_t uid, uint64_t more, uint64_t max)
{
	const struct share *one = shares_of(s, uid);

	return shares_full(one, more, shares_used(s, max), max);
}

static void
test_rule(void)
{
	struct shares s = {0};
	uint64_t used;
	uid_t uid;

	ok(!full(&s, 1, 6400, 6400 * 4 / 3 + 1) && full(&s, 1, 6500, 8533),
	   "alone: three quarters");
	give(&s, 1, 3 * 1000);
	ok(!full(&s, 2, 2990, 7000) && full(&s, 2, 3010, 7000) &&
	       !full(&s, 1, 0, 7000 + 1000),
	   "two: three sevenths each");
	give(&s, 1, UINT64_MAX);
	ok(full(&s, 1, 0, 8000), "one who takes no notice is full");
	ok(!full(&s, 2, 1400, 8000) && full(&s, 2, 1600, 8000),
	   "but for others he counts for three quarters only");
	give(&s, 3, UINT64_MAX);
	ok(!full(&s, 2, 125, 8000) && full(&s, 2, 126, 8000),
	   "with two of them a 64th is left to each who is honest");
	shares_of(&s, 2)->failed = 126;
	ok(full(&s, 2, 0, 8000), "what is in failed/ counts too");
	ok(shares_used(&s, 8000) == 6000 + 6000 + 126, "all in all");
	shares_recount(&s, true);
	shares_recount(&s, false);
	ok(shares_used(&s, 8000) == 0, "counted anew");
	for (uid = 0, used = 0; uid < 50; uid++)
		give(&s, uid * 977, 100);
	for (uid = 0; uid < 50; uid++)
		used += shares_of(&s, uid * 977)->waits;
	ok(used == 5000 && !full(&s, UINT32_MAX, 1, 5100),
	   "many owners, and the last uid there is");
	shares_free(&s);
}

static void
make(const char *name, off_t size, off_t written)
{
	int fd = openat(spool.dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	off_t i;

	for (i = 0; i < written; i++)
		if (write(fd, "x", 1) != 1)
			break;
	if (ftruncate(fd, size) != 0)
		perror(name);
	close(fd);
}

static uint64_t
weight(const char *name)
{
	struct stat st;

	return spool_stat(spool.dir, name, &st) == 0 ? shares_weight(&st) : 1;
}

static void
test_weight(void)
{
	int fd;

	make("plain", 3000, 3000);
	ok(weight("plain") == 3000, "a file counts what is in it");
	make("hole", (off_t)1 << 40, 0);
	ok(weight("hole") == 0, "a hole of a terabyte counts nothing");
	make("room", 10, 10);
	fd = openat(spool.dir, "room", O_WRONLY | O_CLOEXEC);
	if (fallocate(fd, 1 /* keep the size */, 0, 1 << 20) != 0)
		perror("fallocate");
	close(fd);
	ok(weight("room") == 10, "nor does room behind its end");
	unlinkat(spool.dir, "plain", 0);
	unlinkat(spool.dir, "hole", 0);
	unlinkat(spool.dir, "room", 0);
}

/* turns: whose a file is goes by its size here */

static int
stat_by_size(int fd, struct stat *st)
{
	int r = fs_kernel.stat(fd, st);

	if (r == 0 && S_ISREG(st->st_mode))
		st->st_uid = (uid_t)st->st_size;
	return r;
}

static struct fs_calls calls;

static void
drop(uint64_t id, uid_t uid)
{
	char name[SPOOL_NAME];

	spool_name(name, "m.", id);
	make(name, (off_t)uid, 0);
}

static void
undrop(uint64_t from, uint64_t to)
{
	char name[SPOOL_NAME];

	for (; from <= to; from++) {
		spool_name(name, "m.", from);
		unlinkat(spool.dir, name, 0);
	}
}

static size_t
place_of(const struct waiting *w, uint64_t id)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->items[i].id == id)
			return i;
	return SIZE_MAX;
}

static void
test_turns(void)
{
	struct waiting w = {0};
	struct waiting_item *poison;
	uint64_t id;
	size_t i, n = 0;

	for (id = 1; id <= 200; id++)
		drop(id, 71);
	drop(1000, 72);
	drop(1001, 72);
	drop(1002, 73);
	ok(waiting_scan(&w, &spool, 50) == 0 && w.n == 203, "three owners");
	waiting_sort(&w, 50);
	ok(place_of(&w, 1000) <= 2 && place_of(&w, 1002) <= 2 &&
	       place_of(&w, 1001) <= 4,
	   "twenty thousand of one do not hold up another's");
	shares_of(&w.shares, 72)->served = 7;
	shares_of(&w.shares, 71)->served = 9;
	waiting_sort(&w, 50);
	ok(place_of(&w, 1002) == 0 && place_of(&w, 1000) == 1 &&
	       w.items[2].uid == 71,
	   "whose last turn is longest ago begins");
	for (i = 0; i < w.n; i++)
		w.items[i].due_ms = w.items[i].uid == 72 ? 60 : 40;
	waiting_sort(&w, 50);
	ok(place_of(&w, 1000) >= 201 && !waiting_is_due(&w.items[201], 50) &&
	       waiting_is_due(&w.items[200], 50),
	   "what is not due comes behind all that is");
	poison = &w.items[place_of(&w, 1002)];
	poison->n_tries = 5;
	waiting_sort(&w, 50);
	n = place_of(&w, 1002);
	ok(n >= 5 && n <= 7, "one that was tried lets as many pass: %zu", n);
	w.items[n].n_tries = 5000;
	waiting_sort(&w, 50);
	n = place_of(&w, 1002);
	ok(n >= 16 && n <= 18, "but no more than sixteen: %zu", n);
	waiting_free(&w);
	undrop(1, 200);
	undrop(1000, 1002);
}

static void
test_ignored(void)
{
	struct waiting w = {0};
	char name[SPOOL_NAME];

	drop(1, 71);
	drop(2, 71);
	spool_name(name, "m.", 1);
	ok(linkat(spool.dir, name, spool.dir, "other", 0) == 0 &&
	       waiting_scan(&w, &spool, 50) == 0 && waiting_count(&w) == 1 &&
	       shares_of(&w.shares, 71)->ignored.n == 1,
	   "a file with two names is ignored");
	unlinkat(spool.dir, "other", 0);
	waiting_scan(&w, &spool, 60);
	ok(waiting_count(&w) == 1 && waiting_due_ms(&w) == 50,
	   "it is not looked at again at once");
	waiting_scan(&w, &spool, 50 + WAITING_AGAIN_MS);
	ok(waiting_count(&w) == 2, "but an hour later");
	waiting_free(&w);
	undrop(1, 2);
}

static void
test_immense(void)
{
	char memory[] = "/dev/shm/quail-leafspool-XXXXXX", name[SPOOL_NAME];
	struct spool s = {.dir = -1};
	struct waiting w = {0};
	uint64_t id;
	size_t n = 0;

	if (!mkdtemp(memory) || spool_open(&s, memory) != 0) {
		ok(true, "# SKIP an immense spool: no /dev/shm");
		return;
	}
	for (id = 1; id <= WAITING_EACH + 500; id++) {
		spool_name(name, "m.", id);
		close(
		    openat(s.dir, name, O_CREAT | O_CLOEXEC | O_WRONLY, 0600));
	}
	ok(waiting_scan(&w, &s, 50) == 0 && w.n == WAITING_EACH,
	   "of an owner so many are held and no more");
	for (id = 1; id <= 1000; id++) {
		spool_name(name, "m.", w.items[id].id);
		unlinkat(s.dir, name, 0);
	}
	waiting_scan(&w, &s, 60);
	n = w.n;
	waiting_scan(&w, &s, 70);
	ok(n <= WAITING_EACH && w.n == WAITING_EACH + 500 - 1000,
	   "when some of them are gone the others come");
	waiting_free(&w);
	for (id = 1; id <= WAITING_EACH + 500; id++) {
		spool_name(name, "m.", id);
		unlinkat(s.dir, name, 0);
	}
	spool_close(&s);
	rmdir(memory);
}

/* places: what all may write to is somebody else's here */

static int
stat_by_mode(int fd, struct stat *st)
{
	int r = fs_kernel.stat(fd, st);

	if (r == 0 && (st->st_mode & 0002) && !(st->st_mode & S_ISVTX))
		st->st_uid++;
	return r;
}

/* So that it counts as another user's. */
static void
open_to_all(const char *name)
{
	if (fchmodat(spool.dir, name, 0707, 0) != 0)
		perror(name);
}

static void
plant(unsigned kind, const char *name)
{
	switch (kind) {
	case 0: break;
	case 1: make(name, 5, 5); break;
	case 2:
		if (symlinkat("/etc", spool.dir, name) != 0)
			perror(name);
		break;
	case 3: mkfifoat(spool.dir, name, 0600); break;
	case 4: mkdirat(spool.dir, name, 0700); break;
	default:
		mkdirat(spool.dir, name, 0700);
		mkdirat(spool.dir, "failed/x", 0700);
		break;
	}
	if (kind != 2 && kind != 0)
		open_to_all(name);
}

static bool
find_aside(void *arg, const char *name)
{
	uint64_t id;

	if (!spool_id(name, "aside.", &id))
		return true;
	memcpy(arg, name, SPOOL_NAME);
	return false;
}

static void
test_places(void)
{
	static const char *const kinds[] = {"nothing",
					    "a file",
					    "a link",
					    "a FIFO",
					    "an empty directory",
					    "a directory with things in it"};
	char aside[SPOOL_NAME], inner[64];
	struct stat st;
	unsigned i;
	int fd;

	for (i = 0; i < 6; i++) {
		*aside = 0;
		plant(i, "failed");
		fd = own_dir(&spool, "failed", 0711);
		ok(fd >= 0 && fs_kernel.stat(fd, &st) == 0 &&
		       (st.st_mode & 07777) == 0711,
		   "the place of %s is ours", kinds[i]);
		close(fd);
		fs_each(spool.sync_dir, find_aside, aside);
		snprintf(inner, sizeof inner, "%s/x", aside);
		ok((*aside != 0) == (i != 0) &&
		       (i < 5 || faccessat(spool.dir, inner, F_OK, 0) == 0),
		   "and what was there is set aside as it was");
		unlinkat(spool.dir, inner, AT_REMOVEDIR);
		if (*aside)
			unlinkat(spool.dir, aside, i >= 4 ? AT_REMOVEDIR : 0);
		fd = own_dir(&spool, "failed", 0711);
		*aside = 0;
		fs_each(spool.sync_dir, find_aside, aside);
		ok(fd >= 0 && *aside == 0, "opened again it stays");
		close(fd);
		unlinkat(spool.dir, "failed", AT_REMOVEDIR);
	}
}

static void
test_marks(void)
{
	struct shares s = {0}, later = {0};
	uid_t me = geteuid();

	spool.bytes_max = 1 << 20;
	give(&s, me, 1 << 20);
	give(&s, me + 1, 1000);
	marks_set(&spool, &s);
	ok(marks_is_full(&spool, me) && !marks_is_full(&spool, me + 1),
	   "who has too much is marked, another is not");
	ok(spool_room(&spool, 1) == -1 && errno == EDQUOT,
	   "and drops nothing more");
	marks_recall(&spool, &later);
	ok(later.n == 1 && later.list[0].uid == me && later.list[0].is_full,
	   "the next drain knows of it");
	give(&s, me, 600 << 10);
	marks_set(&spool, &s);
	ok(marks_is_full(&spool, me), "a bit less is not enough");
	give(&s, me, 560 << 10);
	marks_set(&spool, &s);
	ok(!marks_is_full(&spool, me) && spool_room(&spool, 1) == 0,
	   "a quarter less is");
	unlinkat(spool.dir, "full", AT_REMOVEDIR);
	mkdirat(spool.dir, "full", 0700);
	make("full/0", 0, 0);
	open_to_all("full");
	ok(!marks_is_full(&spool, 0), "another's mark says nothing");
	unlinkat(spool.dir, "full/0", 0);
	unlinkat(spool.dir, "full", AT_REMOVEDIR);
	make("full", 0, 0);
	ok(!marks_is_full(&spool, me), "nor does a file");
	unlinkat(spool.dir, "full", 0);
	spool.bytes_max = SPOOL_BYTES_MAX;
	shares_free(&s);
	shares_free(&later);
}

/* failed/ */

static int syncs;

static int
count_sync(int fd)
{
	syncs++;
	return fs_kernel.sync(fd);
}

static void
test_failed(void)
{
	struct shares shares = {0};
	struct share *mine;
	struct failed f;
	uint64_t id;
	unsigned n = 0;

	ok(failed_open(&f, &spool) == 0, "failed/ is there");
	for (id = 1; id <= 50; id++) {
		struct waiting_item item = {
		    .id = id, .uid = geteuid(), .size = 10};
		char name[SPOOL_NAME];

		spool_name(name, "m.", id);
		make(name, 10, 10);
		ok_quiet(failed_take(&f, &spool, &shares, &item) == 0,
			 "%" PRIu64 " is moved there", id);
	}
	mine = shares_of(&shares, geteuid());
	ok(mine->failed == 500 && mine->n_failed == 50,
	   "its owner has what is in it");
	syncs = 0;
	ok(failed_sync(&f, &n) == 0 && n == 1 && syncs == 1 &&
	       failed_sync(&f, &n) == 0 && syncs == 1,
	   "fifty, and one sync");
	failed_count(&f, &shares, 50);
	mine = shares_of(&shares, geteuid());
	ok(mine->failed == 500 && mine->n_failed == 50, "counted: the same");
	for (id = 1; id <= 50; id++) {
		char name[SPOOL_NAME];

		spool_name(name, "m.", id);
		unlinkat(f.dir, name, 0);
	}
	failed_count(&f, &shares, 60);
	ok(shares_of(&shares, geteuid())->failed == 500, "not at once ...");
	failed_count(&f, &shares, 50 + FAILED_COUNT_MS);
	ok(shares_of(&shares, geteuid())->failed == 0,
	   "... but soon what the administrator has removed counts no more");
	failed_close(&f);
	shares_free(&shares);
	unlinkat(spool.dir, "failed", AT_REMOVEDIR);
}

/* letters that are closed to us, or held */

static int open_error;

static int
failing_open(int dir, const char *name, int flags, mode_t mode)
{
	(void)dir, (void)name, (void)flags, (void)mode;
	errno = open_error;
	return -1;
}

static void
test_unopened(void)
{
	static const struct {
		int error;
		enum letter_result result;
	} cases[] = {{ENOENT, LETTER_GONE},    {EACCES, LETTER_FOREIGN},
		     {ELOOP, LETTER_FOREIGN},  {EXDEV, LETTER_FOREIGN},
		     {ENXIO, LETTER_FOREIGN},  {EAGAIN, LETTER_TROUBLE},
		     {EMFILE, LETTER_TROUBLE}, {EIO, LETTER_TROUBLE}};
	struct fs_calls failing = fs_kernel;
	struct letter l;
	const char *why;
	size_t i;

	failing.open = failing_open;
	fs_use(&failing);
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		open_error = cases[i].error;
		ok(letter_open(&l, &spool, "m.x", &why) == cases[i].result,
		   "%s", strerror(cases[i].error));
		letter_close(&l);
	}
	fs_use(&fs_kernel);
}

/* What a user mounts may never answer: tests/leaf_mount.t has such a one. */
static void
test_mounted(void)
{
	static const char name[] = "m.0000000000000001";
	struct waiting w = {0};
	struct spool s;
	struct letter l;
	struct stat st;
	const char *why;
	struct utsname host;
	int major, minor;

	if (uname(&host) != 0 ||
	    sscanf(host.release, "%d.%d", &major, &minor) != 2 ||
	    major * 100 + minor < 508) {
		printf("# this kernel does not tell mounts\n");
		return;
	}
	mkdirat(spool.dir, name, 0700);
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    chdir(dir_path) != 0 || mount("t", name, "tmpfs", 0, NULL) != 0) {
		printf("# no mounts here: %s\n", strerror(errno));
		unlinkat(spool.dir, name, AT_REMOVEDIR);
		return;
	}
	spool_open(&s, ".");
	ok(spool_stat(s.dir, name, &st) != 0 && errno == EXDEV,
	   "what is mounted there is not asked");
	ok(letter_open(&l, &s, name, &why) == LETTER_FOREIGN, "nor opened");
	letter_close(&l);
	waiting_scan(&w, &s, 1000);
	ok(w.n == 1 && w.items[0].is_ignored && waiting_count(&w) == 0,
	   "and ignored");
	waiting_free(&w);
	spool_close(&s);
	umount2(name, MNT_DETACH);
	unlinkat(spool.dir, name, AT_REMOVEDIR);
	ok(chdir("/") == 0, "back");
}

int
main(void)
{
	umask(0);
	if (!mkdtemp(dir_path) || spool_open(&spool, dir_path) != 0)
		return 111;
	test_rule();
	test_weight();
	calls = fs_kernel;
	calls.stat = stat_by_size;
	fs_use(&calls);
	test_turns();
	test_ignored();
	fs_use(&fs_kernel);
	test_immense();
	calls.stat = stat_by_mode;
	calls.sync = count_sync;
	fs_use(&calls);
	test_places();
	test_marks();
	test_failed();
	fs_use(&fs_kernel);
	test_unopened();
	test_mounted();
	spool_close(&spool);
	rmdir(dir_path);
	return tap_done();
}
