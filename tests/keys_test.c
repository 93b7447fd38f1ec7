/* keys_test.c - what was taken lately, when segments are given back: kept
 * apart, in pages, for ten minutes, whatever happens to it on the disk */
#include "queue/store_index.h"
#include "queue/store_recent.h"

#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/owner.h"
#include "tests/tables.h"

#include <dirent.h>
#include <errno.h>

enum { SEGMENT = 16384, MANY = 600, MAX = 1000 };

static struct loop loop;
static struct store store;
static uint64_t ids[MAX]; /* by the number in their key */
static unsigned n_stored;
static int64_t clock_at_s;
static uint32_t session = 1000;
static enum worker_way way = WORKER_INLINE;

static void
at(int64_t s)
{
	clock_at_s += s;
	clock_set_for_tests(clock_at_s * 1000000);
}

static void
loaded(struct store *st)
{
	(void)st;
}

static void
open_store(void)
{
	store = (struct store){.loaded = loaded,
			       .segment_size = SEGMENT,
			       .keep_segments = 1000,
			       .sync_way = way};
	store_open(&store, &loop, "queue");
}

static void
load(void)
{
	while (!store.is_loaded)
		loop_round(&loop, 0);
}

static void
rounds(unsigned n)
{
	while (n-- > 0)
		loop_round(&loop, 0);
}

static void
begin(void)
{
	if (system("rm -rf queue") != 0)
		exit(1);
	open_store();
	load();
}

static void
key_of(unsigned n, uint8_t key[RECENT_KEY])
{
	uint32_t spread = (n + 1) * 2654435761u;

	memset(key, 0, RECENT_KEY);
	memcpy(key, &spread, sizeof spread);
	memcpy(key + 4, &n, sizeof n);
}

static void
on_stored(struct store_waiter *w, struct message *m, const struct verdict *v)
{
	(void)w, (void)v;
	if (!m)
		return;
	n_stored++;
	store_settle(&store, m, 0, 'K', SLICE("x")); /* it is over at once */
}

/* Message number n, with its key. */
static int
add(unsigned n, size_t size)
{
	static struct store_waiter waiters[MAX];
	static uint64_t next, end;
	struct incoming in = {.birth_us = clock_us(), .has_key = true};
	char *text = calloc(1, size);
	int r;

	if (next == end || next >> 32 != store.id_base) {
		next = store_lease(&store);
		end = next + STORE_LEASE;
	}
	in.id = ids[n] = next++;
	in.session = 1;
	key_of(n, in.key);
	buf_text(&in.sender, "a@b.test");
	incoming_rcpt(&in, SLICE("c@d.test"));
	buf_put(&in.text, text, size);
	in.text_len = size;
	waiters[n] = (struct store_waiter){.done = on_stored};
	r = store_add(&store, &in, SLICE(""), &waiters[n]);
	incoming_free(&in, store.big_dir);
	free(text);
	return r;
}

static void
fill(unsigned from, unsigned to)
{
	for (; from < to; from++) {
		if (add(from, 400) != 0)
			exit(1);
		if (from % 5 == 4)
			rounds(1);
	}
	rounds(1);
}

/* How many of them are known, each by its own message. */
static unsigned
known(unsigned from, unsigned to)
{
	unsigned n = 0;

	for (; from < to; from++) {
		struct incoming in = {.session = ++session};
		uint64_t of;

		key_of(from, in.key);
		n += store_taken(&store, &in, &of) && of == ids[from];
	}
	return n;
}

/* Calls of store_reclaim, a round behind each, until nothing happens. */
static void
give_back(void)
{
	unsigned i;

	for (i = 0; i < 400 && store.oldest != store.current; i++) {
		store_reclaim(&store);
		rounds(2);
	}
}

static unsigned
n_files(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	unsigned n = 0;

	while (dir && (d = readdir(dir)))
		n += d->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

static void
test_kept_apart(void)
{
	uint32_t first;

	begin();
	first = store.current->segno;
	fill(0, MANY);
	ok(store.n_segments > 15 && n_stored == MANY, "%u segments are filled",
	   store.n_segments);
	give_back();
	ok(store.n_segments == 1 && known(0, MANY) == MANY,
	   "all are given back, the keys are known");
	ok(store.current->segno - first < 60,
	   "to keep them took no segments: %u in all",
	   store.current->segno - first);
	ok(n_files("queue/recent") == 1, "they are in one file");
	store_close(&store);
	ok(system("grep -aq '^QL1 K' queue/seg/*") != 0,
	   "and in no record of the log");
	at(60);
	open_store();
	ok(!store.is_loaded && known(0, MANY) == MANY,
	   "known behind a restart, before the log is loaded");
	load();
	ok(known(0, MANY) == MANY, "and behind that");
	fill(MANY, MAX);
	give_back();
	store_close(&store);
	open_store();
	load();
	ok(known(0, MAX) == MAX && n_files("queue/recent") == 2,
	   "those of a second run, beside the first's");
	at(RECENT_S - 60);
	ok(known(0, MANY) == 0 && known(MANY, MAX) == MAX - MANY,
	   "each for ten minutes");
	store_reclaim(&store);
	ok(n_files("queue/recent") == 1, "a file goes when its last key is "
					 "too old");
	at(60);
	store_reclaim(&store);
	ok(n_files("queue/recent") == 0 && store.recent.n_pages == 0,
	   "without any mail");
	store_close(&store);
}

/* What one call does has nothing to do with how much there is to do. */
static void
test_pieces(void)
{
	unsigned before, i, most = 0;

	begin();
	for (i = 0; i < 40; i++)
		store_make_room(&store, store.segment_size);
	for (i = 0; i < 100 && store.n_segments > 1; i++) {
		before = store.n_segments;
		if (i == 0)
			store_reclaim(&store);
		else
			rounds(1);
		if (before - store.n_segments > most)
			most = before - store.n_segments;
	}
	ok(store.n_segments == 1 && most == 1,
	   "forty empty segments are given back by one call, one a round");
	store_close(&store);
}

static void
spoil(const char *how)
{
	char command[128];

	snprintf(command, sizeof command,
		 "cd queue/recent && for f in *; do "
		 "%s; done",
		 how);
	if (system(command) != 0)
		exit(1);
}

static void
test_damaged(void)
{
	static const char *const how[] = {
	    "printf x | dd of=$f bs=1 seek=100 conv=notrunc 2>/dev/null",
	    "truncate -s -1 $f", "truncate -s 0 $f", "truncate -s 9000000 $f",
	    "rm $f && mkdir $f"};
	size_t i;

	for (i = 0; i < sizeof how / sizeof *how; i++) {
		begin();
		fill(0, 100);
		store_make_room(&store, store.segment_size);
		give_back();
		store_close(&store);
		spoil(how[i]);
		open_store();
		load();
		ok(known(0, 100) == 0, "forgotten, and no more than that: %s",
		   how[i]);
		fill(0, 100);
		give_back();
		ok(store.n_segments == 1 && known(0, 100) == 100,
		   "others are kept as ever");
		store_close(&store);
	}
}

static int write_error;

static ssize_t
write_page(int fd, const void *bytes, size_t n, off_t where)
{
	if (write_error && n > RECORD_HEAD && where == 0 &&
	    !memcmp(bytes, "QL1 K", 5)) {
		errno = write_error;
		return -1;
	}
	return fs_kernel.pwrite(fd, bytes, n, where);
}

static void
test_no_room(void)
{
	struct fs_calls calls = fs_kernel;

	calls.pwrite = write_page;
	fs_use(&calls);
	begin();
	fill(0, 100);
	write_error = EIO;
	give_back();
	ok(store.n_segments > 1 && known(0, 100) == 100,
	   "an error: the segment stays, it is tried again");
	write_error = 0;
	give_back();
	ok(store.n_segments == 1 && n_files("queue/recent") == 1, "later");
	fill(100, 200);
	write_error = ENOSPC;
	give_back();
	ok(store.n_segments == 1 && store.kept.n_given_up > 0 &&
	       known(0, 200) == 200,
	   "no room: it is given back, in memory they are known");
	write_error = 0;
	fs_use(&fs_kernel);
	store_close(&store);
}

/* Nothing of a batch that may still fail gets into a file. */
static void
test_not_durable(void)
{
	struct segment old = {.put_before = 1};

	way = WORKER_LATE;
	begin();
	at(0);
	add(0, 400);
	store.is_loaded = true;
	ok(!store_recent_keep(&store, &old) && !store.kept.writer.is_busy,
	   "a key that waits for its batch is not written");
	rounds(1);
	ok(store.syncer.is_busy && !store_recent_keep(&store, &old) &&
	       !store.kept.writer.is_busy,
	   "nor during its sync");
	store_synced(&store);
	ok(!store_recent_keep(&store, &old) && store.kept.writer.is_busy,
	   "but behind it");
	rounds(4);
	ok(store_recent_keep(&store, &old), "once");
	store_close(&store);
	way = WORKER_INLINE;
}

static void
test_too_long(void)
{
	begin();
	ok(add(0, STORE_RECORD_MAX + 1) == -1 && errno == EMSGSIZE,
	   "a record that would be too long is refused");
	n_stored = 0;
	fill(0, 10);
	ok(n_stored == 10 && known(0, 10) == 10, "and the next is taken");
	store_close(&store);
}

/* An older version's segment: its keys in a record K, or in its index. */

static void
put_old_key(struct buf *b, unsigned n)
{
	uint8_t key[RECENT_KEY];
	unsigned i;

	key_of(n, key);
	for (i = 0; i < RECENT_KEY; i++)
		buf_hex(b, 2, key[i]);
	buf_putc(b, ' ');
	buf_hex(b, 8, (uint64_t)clock_s());
	buf_putc(b, '\n');
}

static void
write_old(bool is_sealed)
{
	struct buf b = {0};
	struct entry_h h = {.salt = 5, .created_us = clock_us()};
	struct entry_f f = {.salt = 5, .n_keys = 1};
	size_t place = record_begin(&b);
	unsigned i;

	entry_h_put(&b, &h);
	record_end(&b, place, 'H', 0x1000, 0, 0);
	place = record_begin(&b);
	for (i = 0; i < 3; i++)
		put_old_key(&b, i);
	record_end(&b, place, 'K', 0x1000, 1, 5);
	f.index_at = b.len;
	if (is_sealed) {
		place = record_begin(&b);
		f.keys_at = b.len;
		buf_text(&b, "K ");
		put_old_key(&b, 7);
		record_end(&b, place, 'E', 0x1000, 1, 5);
		place = record_begin(&b);
		entry_f_put(&b, &f);
		record_end(&b, place, 'F', 0x1000, 1, 0);
	}
	write_file("queue/seg/00001000", buf_slice(&b).at, b.len);
	buf_free(&b);
}

static void
test_old_log(void)
{
	int is_sealed;

	memset(ids, 0, sizeof ids); /* nobody knows them any more */
	for (is_sealed = 0; is_sealed < 2; is_sealed++) {
		unsigned from = is_sealed ? 7 : 0, to = is_sealed ? 8 : 3;

		if (system("rm -rf queue; mkdir -p queue/seg") != 0)
			exit(1);
		write_old(is_sealed);
		open_store();
		ok(known(from, to) == to - from,
		   "an older version's keys, %s: known before the load",
		   is_sealed ? "in an index" : "in a record");
		load();
		ok(known(from, to) == to - from, "and behind it");
		give_back();
		store_close(&store);
		ok(n_files("queue/seg") == 2, "it is given back");
		open_store();
		ok(known(from, to) == to - from, "and they are known still");
		store_close(&store);
	}
}

int
main(void)
{
	tables_begin();
	loop_init(&loop);
	clock_at_s = clock_s() - 86400; /* new files must not seem old */
	at(0);
	test_kept_apart();
	test_pieces();
	test_damaged();
	test_no_room();
	test_not_durable();
	test_too_long();
	test_old_log();
	clock_set_for_tests(0);
	loop_free(&loop);
	if (system("rm -rf queue") != 0)
		perror("queue");
	tables_end();
	return tap_done();
}
