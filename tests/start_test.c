/* start_test - starts on a disk that is full, with spares of any name, from a
 * copy, and again and again; what is damaged pins no segment */
#include "lib/clock.h"
#include "lib/fs.h"
#include "queue/damaged.h"
#include "queue/store_damage.h"
#include "queue/store_load.h"
#include "tests/simfs.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { SMALL = 1600, SEGMENT = 4096, SECTOR = 512 };

static struct loop loop;
static struct store store;
static struct message *stored;
static char verdict_code;

static void
on_stored(struct store_waiter *w, struct message *m, const struct verdict *v)
{
	(void)w;
	stored = m;
	verdict_code = v->code;
}

/* K, Z, or '-' when it was not taken at all. */
static char
add(uint64_t id, size_t size)
{
	static char text[8000];
	static struct store_waiter w;
	struct incoming in = {.id = id, .birth_us = clock_us()};
	char code = '-';

	w = (struct store_waiter){.done = on_stored};
	memset(text, 'x', sizeof text);
	buf_text(&in.sender, "a@from.test");
	incoming_rcpt(&in, SLICE("b@to.test"));
	if (incoming_text(&in, store.big_dir, SMALL, slice_of(text, size)) ==
		0 &&
	    store_add(&store, &in, SLICE(""), &w) == 0) {
		loop_round(&loop, 0);
		code = verdict_code;
	}
	incoming_free(&in, store.big_dir);
	return code;
}

static void
loaded(struct store *st)
{
	(void)st;
}

static void
spoils(struct store *st, struct message *m)
{
	store_set_aside(st, m);
}

static void
start(struct simfs *disk)
{
	simfs_use(disk);
	store = (struct store){.loaded = loaded,
			       .spoils = spoils,
			       .segment_size = SEGMENT,
			       .keep_segments = 2};
	store_open(&store, &loop, "queue");
	while (!store.is_loaded && !store.failed)
		loop_round(&loop, 0);
}

/* As after a kill: what is on the disk goes on, the process is gone. */
static struct simfs *
killed(struct simfs *disk)
{
	struct simfs *copy = simfs_copy(disk);

	store_close(&store);
	simfs_free(disk);
	return copy;
}

static void
deliver_all(void)
{
	struct message *m;

	while ((m = idmap_any(&store.messages)))
		store_settle(&store, m, 0, 'K', SLICE(""));
}

static void
work_on(void)
{
	int i;

	for (i = 0; i < 10; i++) {
		loop_task_queue(&loop, &store.commit_task);
		loop_round(&loop, 0);
		store_reclaim(&store);
	}
}

static size_t
n_names(int dir)
{
	struct buf names = {0};
	struct slice rest;
	size_t n = 0;

	fs_list(dir, &names);
	for (rest = buf_slice(&names); rest.len > 0;
	     rest = slice_from(rest, strlen(rest.at) + 1))
		n++;
	buf_free(&names);
	return n;
}

static void
test_full(void)
{
	struct simfs *disk = simfs_new();
	uint64_t id;
	int i;

	start(disk);
	id = store_lease(&store);
	for (i = 0; i < 30; i++)
		add(id++, 200);
	disk = killed(disk);
	simfs_full(disk, 0);
	start(disk);
	ok(store.messages.n == 30 && store.current == &store.none,
	   "a start on a full disk: all is there, and no segment can be made");
	id = store_lease(&store);
	ok(store.is_full && add(id, 10) == '-', "no mail is taken");
	deliver_all();
	ok(store.late.len > 0, "what was delivered is known, in memory");
	work_on();
	ok(store.current != &store.none && store.late.len == 0,
	   "a segment that got free takes it");
	ok(add(id + 1, 10) == 'K', "and new mail");
	disk = killed(disk);
	start(disk);
	ok(store.messages.n == 1 && store.n_alarms == 0,
	   "nothing comes again behind another start");
	store_close(&store);
	simfs_free(disk);
}

static void
make_file(int dir, const char *name)
{
	int fd = fs_open(dir, name, O_RDWR | O_CREAT, 0600);

	if (fd < 0 || fs_write_all(fd, "old", 3, 0) != 0)
		abort();
	fs_close(fd);
}

static void
test_spares(void)
{
	static const char *const names[] = {"spare1", "spare9", "spare",
					    "spare10", "sparex"};
	struct simfs *disk = simfs_new();
	size_t i;

	start(disk);
	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		make_file(store.seg_dir, names[i]);
	disk = killed(disk);
	start(disk);
	ok(store.current != &store.none && store.spares == 1u << 9,
	   "spare1 without spare0 is used");
	store_close(&store);
	simfs_fail(disk, UINT64_MAX / 2, EIO);
	start(disk);
	ok(store.current != &store.none && store.spares == 0, "spare9 too");
	store_close(&store);
	start(disk);
	ok(store.current != &store.none, "others are left alone");
	store_close(&store);
	simfs_free(disk);
}

static void
test_refused(void)
{
	struct simfs *disk = simfs_new();
	uint64_t id;

	start(disk);
	id = store_lease(&store);
	simfs_full(disk, 5050);
	ok(add(id, 5000) == 'Z', "a large message, and no room for its record");
	ok(n_names(store.big_dir) == 0, "its file is gone");
	ok(store.messages.n == 0, "it is not there");
	simfs_full(disk, 100000);
	ok(add(id + 1, 5000) == 'K' && n_names(store.big_dir) == 1,
	   "another has its file");
	store_close(&store);
	start(disk);
	ok(store.messages.n == 1 && n_names(store.big_dir) == 1,
	   "behind a start too");
	store_close(&store);
	simfs_free(disk);
}

/* The same copy is started twice, and both go on from there. */
static void
test_copy(void)
{
	struct simfs *disk = simfs_new(), *copy;
	uint64_t id, first, second;
	int i;

	start(disk);
	id = store_lease(&store);
	for (i = 0; i < 20; i++)
		add(id++, i % 5 ? 100 : 2000);
	store_close(&store);
	copy = simfs_copy(disk);
	simfs_age(copy, 100000);
	start(disk);
	first = store_lease(&store);
	store_close(&store);
	simfs_free(disk);
	start(copy);
	second = store_lease(&store);
	ok(store.messages.n == 20 && store.n_alarms == 0 &&
	       store.n_indexed == store.n_segments - 1,
	   "a copy of a sealed queue is loaded by its indexes");
	ok(first >> 32 == second >> 32 && first != second &&
	       (first > second ? first - second : second - first) >
		   STORE_LEASE / 100,
	   "and gives other ids than the original has given");
	for (i = 0; i < 20; i++) {
		struct message *m =
		    idmap_get(&store.messages, id - 20 + (uint64_t)i);

		ok_quiet(m && store_check(&store, m, true) == 0,
			 "message %d is whole", i);
	}
	store_close(&store);
	simfs_free(copy);
}

static void
test_again_and_again(void)
{
	struct simfs *disk = simfs_new();
	uint32_t segno = 0;
	int i;

	for (i = 0; i < 20; i++) {
		start(disk);
		ok_quiet(store.current->segno > segno, "numbers rise");
		segno = store.current->segno;
		disk = killed(disk);
	}
	start(disk);
	ok(n_names(store.seg_dir) == 1, "20 starts leave one segment, not 20");
	store_close(&store);
	simfs_free(disk);
}

/* The oldest segment has living mail that is damaged, among much that is
 * over: it must not stay for ever. */
static void
test_pinned(bool by_sector)
{
	struct simfs *disk = simfs_new();
	uint64_t id, bad, at;
	struct message *m;
	char name[SEGMENT_NAME], aside[DAMAGED_NAME];
	uint32_t segno;
	struct damaged d;
	int i, file;

	start(disk);
	id = store_lease(&store);
	for (i = 0; i < 60; i++) {
		add(id + (uint64_t)i, i == 3 ? 1500 : 200);
		if (i != 3 && i != 4)
			store_settle(&store, stored, 0, 'K', SLICE(""));
	}
	bad = id + 3;
	m = idmap_get(&store.messages, bad);
	segno = m->segment->segno;
	at = (m->offset + 300) / SECTOR * SECTOR + SECTOR; /* all in its text */
	segment_name(name, segno);
	file = simfs_file(disk, "seg", name);
	if (by_sector)
		simfs_unreadable(disk, file, at, at + SECTOR);
	else
		simfs_flip(disk, file, at * 8);
	work_on();
	work_on();
	ok(!idmap_get(&store.messages, bad) && store.n_alarms == 1,
	   "what cannot be moved is set aside, with an alarm");
	m = idmap_get(&store.messages, bad + 1);
	ok(m && m->segment->segno > segno && store.oldest->segno > segno,
	   "its neighbour is moved, the segment is given back");
	ok(simfs_file(disk, "seg", name) < 0, "it has its old name no more");
	snprintf(aside, sizeof aside, "%016llx", (unsigned long long)bad);
	ok(damaged_open(&d, store.dir, aside) == 0 && d.id == bad &&
	       slice_eq(d.sender, SLICE("a@from.test")) && d.n_rcpts == 1 &&
	       d.text_len == 1500,
	   "what can be read of it is there");
	damaged_close(&d);
	ok(damaged_remove(store.dir, aside) == 0 &&
	       damaged_open(&d, store.dir, aside) != 0,
	   "until it is removed");
	store_close(&store);
	simfs_free(disk);
}

/* A segment that another was begun behind, in the same run, has lost its end:
 * its index, and the last batches. */
static void
test_cut(void)
{
	struct simfs *disk = simfs_new();
	char name[SEGMENT_NAME];
	struct segment *s;
	uint64_t id, at = 0;
	int fd;

	start(disk);
	id = store_lease(&store);
	do {
		add(id++, 200);
		if (store.oldest == store.current)
			at = stored->offset;
	} while (store.n_segments < 3);
	segment_name(name, store.oldest->segno);
	fd = fs_open(store.seg_dir, name, O_RDWR, 0);
	if (fs_truncate(fd, (off_t)at) != 0)
		abort();
	fs_close(fd);
	disk = killed(disk);
	start(disk);
	s = store.oldest;
	ok(store.n_alarms == 1 && s->is_damaged && s->end < s->synced,
	   "a segment that is shorter than the next one says: damaged");
	store_close(&store);
	simfs_free(disk);
}

int
main(void)
{
	if (!getenv("START_LOG"))
		dup2(open("/dev/null", O_WRONLY), 2);
	loop_init(&loop);
	test_full();
	test_spares();
	test_refused();
	test_copy();
	test_again_and_again();
	test_pinned(false);
	test_pinned(true);
	test_cut();
	simfs_use(NULL);
	loop_free(&loop);
	return tap_done();
}
