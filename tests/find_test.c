/* find_test - files of the log that were renamed, cut short, emptied, zeroed,
 * taken away, or that nobody knows: no mail is lost without a word, and
 * nothing is removed that could be mail
 *
 * FIND_LOG=1 shows the store's log.
 */
#include "lib/clock.h"
#include "lib/fs.h"
#include "queue/store_damage.h"
#include "queue/store_ends.h"
#include "queue/store_load.h"
#include "tests/simfs.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SMALL = 1600, MAIL = 22, BIG = 2 };

static struct loop loop;
static struct store store;
static struct message *stored;

static void
on_stored(struct store_waiter *w, struct message *m, const struct verdict *v)
{
	(void)w, (void)v;
	stored = m;
}

static void
add(uint64_t id, size_t size)
{
	static char text[4000];
	struct store_waiter w = {.done = on_stored};
	struct incoming in = {.id = id, .birth_us = clock_us()};

	memset(text, 'x', sizeof text);
	buf_text(&in.sender, "a@from.test");
	incoming_rcpt(&in, SLICE("b@to.test"));
	if (incoming_text(&in, store.big_dir, SMALL, slice_of(text, size)) !=
		0 ||
	    store_add(&store, &in, SLICE(""), &w) != 0)
		abort();
	loop_round(&loop, 0);
	incoming_free(&in, store.big_dir);
}

static void
loaded(struct store *st)
{
	(void)st;
}

static void
start(struct simfs *disk)
{
	simfs_use(disk);
	store = (struct store){.loaded = loaded};
	store_open(&store, &loop, "queue");
	while (!store.is_loaded && !store.failed)
		loop_round(&loop, 0);
}

/* A queue with mail, small and large, that was stopped in good order, or by a
 * kill. */
static struct simfs *
make(char name[SEGMENT_NAME], bool is_killed)
{
	struct simfs *disk = simfs_new(), *copy;
	uint64_t id;
	int i;

	start(disk);
	id = store_lease(&store);
	for (i = 0; i < MAIL; i++)
		add(id++, i < BIG ? 2000 : 600);
	segment_name(name, store.current->segno);
	if (is_killed) {
		store.ends.written_ms -= 601 * 1000;
		store_look(&store);
		add(id++, 600);
	}
	copy = is_killed ? simfs_copy(disk) : NULL;
	store_close(&store);
	if (!copy)
		return disk;
	simfs_free(disk);
	return copy;
}

/* other hands */

static int
open_seg(void)
{
	int queue = fs_open_dir(AT_FDCWD, "queue");
	int seg = fs_open_dir(queue, "seg");

	fs_close(queue);
	return seg;
}

static void
cut(struct simfs *disk, const char *name, uint64_t size, uint64_t zeros)
{
	int seg, fd;

	simfs_use(disk);
	seg = open_seg();
	fd = fs_open(seg, name, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || fs_truncate(fd, (off_t)size) != 0 ||
	    (zeros > 0 && fs_truncate(fd, (off_t)zeros) != 0))
		abort();
	fs_close(fd);
	fs_close(seg);
}

static void
move(struct simfs *disk, const char *name, const char *to)
{
	int seg;

	simfs_use(disk);
	seg = open_seg();
	if ((to ? fs_rename(seg, name, seg, to) : fs_unlink(seg, name)) != 0)
		abort();
	fs_close(seg);
}

static uint64_t
size_of(struct simfs *disk, const char *name)
{
	struct stat st = {0};
	int seg, fd;

	simfs_use(disk);
	seg = open_seg();
	fd = fs_open(seg, name, O_RDONLY, 0);
	if (fd < 0)
		return 0;
	fs_stat(fd, &st);
	fs_close(fd);
	fs_close(seg);
	return (uint64_t)st.st_size;
}

static size_t
n_lost(void)
{
	int dir = fs_open_dir(store.big_dir, "lost");
	struct buf names = {0};
	struct slice rest;
	size_t n = 0;

	if (dir < 0)
		return 0;
	fs_list(dir, &names);
	for (rest = buf_slice(&names); rest.len > 0;
	     rest = slice_from(rest, strlen(rest.at) + 1))
		n++;
	buf_free(&names);
	fs_close(dir);
	return n;
}

static void
aside_name(char aside[18], const char *name)
{
	snprintf(aside, 18, "damaged-%s", name);
}

/* what is seen of it */

static void
test_renamed(void)
{
	char name[SEGMENT_NAME];
	struct simfs *disk = make(name, false);

	move(disk, name, "7333427e");
	start(disk);
	ok(store.messages.n == MAIL && store.n_alarms == 0,
	   "a segment under another number: all of its mail is there");
	ok(simfs_file(disk, "seg", name) >= 0 &&
	       simfs_file(disk, "seg", "7333427e") < 0,
	   "it has its own name again");
	ok(store.current->segno < 0x7333427e,
	   "and the wrong name counts for nothing");
	store_close(&store);
	simfs_free(disk);
}

/* Under another number, beside the right one. */
static void
test_doubled(void)
{
	char name[SEGMENT_NAME], aside[18];
	struct simfs *disk = make(name, false), *other;
	uint64_t size = size_of(disk, name);

	other = simfs_copy(disk);
	move(other, name, "7333427e");
	start(other);
	store_close(&store);
	simfs_free(other);
	start(disk); /* a second one, which is made to say the first's number */
	store_close(&store);
	move(disk, name, "7333427e");
	cut(disk, name, 5000, 0); /* foreign zeros in the right place */
	start(disk);
	aside_name(aside, "7333427e");
	ok(store.n_alarms >= 1 && simfs_file(disk, "seg", aside) >= 0 &&
	       size_of(disk, aside) == size,
	   "where its own name is taken it is kept aside, as it is");
	ok(n_lost() == BIG, "and the large texts too");
	store_close(&store);
	simfs_free(disk);
}

static void
test_zeroed(bool is_killed)
{
	char name[SEGMENT_NAME], aside[18];
	struct simfs *disk = make(name, is_killed);
	uint64_t size = size_of(disk, name);

	cut(disk, name, 0, size);
	start(disk);
	aside_name(aside, name);
	ok(store.n_alarms >= 1 && simfs_file(disk, "seg", aside) >= 0 &&
	       size_of(disk, aside) == size,
	   "nothing but zeros: an alarm, and the file is kept");
	ok(n_lost() == BIG, "no large text is removed");
	store_close(&store);
	start(disk);
	ok(store.n_alarms == 0, "a later start has nothing to say of it");
	store_close(&store);
	simfs_free(disk);
}

static void
test_cut(bool is_killed, uint64_t to, bool zeros)
{
	char name[SEGMENT_NAME];
	struct simfs *disk = make(name, is_killed);
	uint64_t size = size_of(disk, name);

	cut(disk, name, to, zeros ? size : 0);
	start(disk);
	ok(store.n_alarms >= 1, "cut at %d%s, %s: an alarm", (int)to,
	   zeros ? ", zeros behind it" : "", is_killed ? "killed" : "stopped");
	ok(n_lost() + store.messages.n >= BIG, "no large text is removed");
	store_close(&store);
	start(disk);
	ok(to == 0 || store.n_alarms >= 1,
	   "and again at the next start, as long as mail is there");
	store_close(&store);
	simfs_free(disk);
}

/* With others behind it, as if it had been given back. */
static void
test_emptied_old(void)
{
	char name[SEGMENT_NAME];
	struct simfs *disk = make(name, false);

	start(disk);
	add(store_lease(&store), 600);
	store_close(&store);
	cut(disk, name, 0, 0);
	start(disk);
	ok(store.n_alarms == 1 && store.messages.n == 1 && n_lost() == BIG,
	   "the oldest of two is emptied: an alarm");
	store_close(&store);
	simfs_free(disk);
}

/* The next one of the same run names it. */
static void
test_gone_between(void)
{
	struct simfs *disk = simfs_new(), *copy;
	char name[SEGMENT_NAME];

	start(disk);
	store.segment_size = 4096;
	while (store.n_segments < 4)
		add(store_lease(&store), 600);
	segment_name(name, store.oldest->next->segno);
	copy = simfs_copy(disk);
	store_close(&store);
	simfs_free(disk);
	move(copy, name, NULL);
	start(copy);
	ok(store.n_alarms == 1, "one between others is gone: an alarm");
	store_close(&store);
	simfs_free(copy);
}

static void
test_gone(void)
{
	char name[SEGMENT_NAME];
	struct simfs *disk = make(name, false);

	move(disk, name, NULL);
	start(disk);
	ok(store.n_alarms == 1 && n_lost() == BIG,
	   "a segment that is gone: an alarm, no large text is removed");
	store_close(&store);
	simfs_free(disk);
}

/* Nothing of this is trouble. */
static void
test_quiet(void)
{
	char name[SEGMENT_NAME];
	struct simfs *disk = make(name, true), *copy;
	struct message *m;
	int i;

	start(disk);
	ok(store.messages.n == MAIL + 1 && store.n_alarms == 0,
	   "mail behind the known end is there, too");
	while ((m = idmap_any(&store.messages)))
		store_settle(&store, m, 0, 'K', SLICE(""));
	for (i = 0; i < 5; i++) {
		loop_task_queue(&loop, &store.commit_task);
		loop_round(&loop, 0);
		store_reclaim(&store);
	}
	copy = simfs_copy(disk);
	store_close(&store);
	simfs_free(disk);
	start(copy);
	ok(store.n_alarms == 0 && store.messages.n == 0 &&
	       simfs_file(copy, "seg", name) < 0,
	   "one that was given back since it was noted is not missed");
	store_close(&store);
	simfs_free(copy);
}

static void
test_many_starts(void)
{
	char name[SEGMENT_NAME];
	struct simfs *disk = make(name, false), *copy;
	int i;

	for (i = 0; i < 2 * STORE_ENDS + 10; i++) {
		start(disk);
		ok_quiet(store.n_alarms == 0 &&
			     store.messages.n == MAIL + (size_t)i,
			 "start %d", i);
		add(store_lease(&store), 600);
		copy = i % 2 ? simfs_copy(disk) : NULL;
		store_close(&store);
		if (copy) {
			simfs_free(disk);
			disk = copy;
		}
	}
	start(disk);
	ok(store.n_alarms == 0 && store.ends.n == STORE_ENDS,
	   "many runs: as many ends are kept as there is room for");
	store_close(&store);
	simfs_free(disk);
}

static void
test_bad_file(void)
{
	char name[SEGMENT_NAME];
	struct simfs *disk = make(name, false);
	int fd, dir;

	dir = fs_open_dir(AT_FDCWD, "queue");
	fd = fs_open(dir, "ends", O_RDWR, 0);
	fs_write_all(fd, "x", 1, 3);
	fs_close(fd);
	fs_close(dir);
	start(disk);
	ok(store.n_alarms == 0 && store.messages.n == MAIL,
	   "a damaged file of ends says nothing");
	store_close(&store);
	simfs_free(disk);
}

/* strays */

static void
test_stray(const char *stray)
{
	char name[SEGMENT_NAME];
	struct simfs *disk = make(name, false);

	cut(disk, stray, 0, 0);
	start(disk);
	ok(store.messages.n == MAIL && store.n_alarms == 0 &&
	       store.current->segno < 0x7fffffff,
	   "an empty stray file %s counts for nothing", stray);
	store_close(&store);
	start(disk);
	ok(store.messages.n == MAIL, "nor at the next start");
	store_close(&store);
	simfs_free(disk);
}

static void
test_stray_zeros(void)
{
	char name[SEGMENT_NAME];
	struct simfs *disk = make(name, false);

	cut(disk, "ffffffff", 0, 5000);
	start(disk);
	ok(store.messages.n == MAIL && store.n_alarms == 1 &&
	       store.current->segno < 0x7fffffff &&
	       simfs_file(disk, "seg", "damaged-ffffffff") >= 0,
	   "zeros under the last number are kept aside");
	store_close(&store);
	simfs_free(disk);
}

/* A whole segment that says such a number itself. */
static void
test_last(void)
{
	struct simfs *disk = simfs_new();
	struct segment_plan plan = {.segno = STORE_SEGNO_MAX + 1};
	bool failed;
	int status;
	pid_t child;

	start(disk);
	segment_close(segment_create(store.seg_dir, &plan, &failed));
	store_close(&store);
	child = fork();
	if (child == 0) {
		start(disk);
		_exit(0);
	}
	ok(waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 100,
	   "numbers that come to their end are refused, and do not wrap");
	simfs_free(disk);
}

static void
test_removed(void)
{
	char name[SEGMENT_NAME];
	struct simfs *disk = simfs_new();

	start(disk);
	store_look(&store);
	ok(!store.failed, "all have their names");
	segment_name(name, store.current->segno);
	fs_unlink(store.seg_dir, name);
	store_look(&store);
	ok(store.failed, "a current segment without a name ends the service");
	store_close(&store);
	simfs_free(disk);
}

int
main(void)
{
	if (!getenv("FIND_LOG"))
		dup2(open("/dev/null", O_WRONLY), 2);
	loop_init(&loop);
	test_renamed();
	test_doubled();
	test_zeroed(false);
	test_zeroed(true);
	test_cut(false, 9000, false);
	test_cut(false, 9000, true);
	test_cut(true, 9000, false);
	test_cut(true, 9000, true);
	test_cut(false, 0, false);
	test_cut(true, 0, false);
	test_emptied_old();
	test_gone_between();
	test_gone();
	test_quiet();
	test_many_starts();
	test_bad_file();
	test_stray("ffffffff");
	test_stray("60000000");
	test_stray_zeros();
	test_last();
	test_removed();
	simfs_use(NULL);
	loop_free(&loop);
	return tap_done();
}
