/* leaf_test.c - the leaf's spool: its format, its order of calls, what a
 * power loss leaves of it, what a hostile user may put there
 */
#include "cdb/config.h"
#include "lib/clock.h"
#include "lib/crc32c.h"
#include "lib/fs.h"
#include "lib/netstring.h"
#include "lib/record.h"
#include "qmqpc/backoff.h"
#include "qmqpc/failure.h"
#include "qmqpc/letter.h"
#include "qmqpc/resolve.h"
#include "qmqpc/tried.h"
#include "qmqpc/waiting.h"
#include "tests/simfs.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char wire[] = "8:c@d.test,8:e@f.test,";
static struct slice rcpts = {wire, sizeof wire - 1};

static struct spool_entry
entry(void)
{
	return (struct spool_entry){.id = 0x0f1e2d3c4b5a6978,
				    .birth_us = 1795293611000000,
				    .n_rcpts = 2};
}

static void
make_package(struct package *p, size_t text_len)
{
	struct buf text = {0};
	size_t i;

	*p = (struct package){0};
	for (i = 0; i < text_len; i++)
		buf_putc(&text, (char)(i * 7 + i / 251));
	package_text(p, buf_slice(&text));
	package_seal(p, SLICE("a@b.test"), rcpts);
	buf_free(&text);
}

static void
package_bytes(struct package *p, struct buf *out)
{
	struct slice piece;
	uint64_t at = 0;

	while (at < p->size && package_piece(p, at, &piece) == 0) {
		buf_puts(out, piece);
		at += piece.len;
	}
}

/* the record */

static void
test_entry(void)
{
	struct spool_entry e = entry(), got;
	struct slice sender, to, whole;
	struct buf b = {0};
	size_t i;

	e.text_len = 4096;
	e.text_crc = 0x9ae0daaf;
	spool_entry_put(&b, &e, SLICE("a@b.test"), rcpts);
	whole = buf_slice(&b);
	ok(spool_entry_size(whole) == whole.len, "its size, of its head");
	ok(spool_entry_parse(whole, &got, &sender, &to) == 0 &&
	       slice_eq(sender, SLICE("a@b.test")) && slice_eq(to, rcpts) &&
	       got.id == e.id && got.birth_us == e.birth_us &&
	       got.n_rcpts == 2 && got.text_len == 4096 &&
	       got.text_crc == 0x9ae0daaf,
	   "a record comes back");
	for (i = 0; i < whole.len; i++)
		ok_quiet(spool_entry_parse(slice_of(whole.at, i), &got, &sender,
					   &to) == -1,
			 "cut at %zu", i);
	for (i = 0; i < whole.len; i++) {
		b.mem[b.off + i] ^= 1;
		ok_quiet(spool_entry_parse(whole, &got, &sender, &to) == -1,
			 "a bit at %zu", i);
		b.mem[b.off + i] ^= 1;
	}
	ok(true, "every cut and every flipped bit is seen");
	buf_free(&b);
}

/* Records that are whole, and wrong: made by whoever may write there. */
static void
test_wrong_entries(void)
{
	static const struct {
		const char *head, *env, *why;
	} wrong[] = {
	    {"00000000", "0:,", "no recipients"},
	    {"00000002", "0:,1:a,", "fewer recipients than it says"},
	    {"00000001", "0:,1:a,1:b,", "more recipients than it says"},
	    {"00000001", "0:,3:a\nb,", "a recipient of two lines"},
	    {"00000001", "3:a\rb,1:a,", "a sender of two lines"},
	    {"00000001", "0:,1:a,x", "bytes behind"},
	    {"00000001", "00:,1:a,", "no netstring"},
	    {"ffffffff", "0:,1:a,", "recipients without end"},
	};
	struct spool_entry e;
	struct slice sender, to;
	struct buf b = {0};
	size_t i, place;

	for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		buf_clear(&b);
		place = record_begin(&b);
		buf_text(&b, "0f1e2d3c4b5a6978 0006600000000000 ");
		buf_text(&b, wrong[i].head);
		buf_putc(&b, ' ');
		buf_hex(&b, 8, strlen(wrong[i].env));
		buf_text(&b, " 0000000000000000 00000000 f\n");
		buf_text(&b, wrong[i].env);
		record_end(&b, place, 'M', 0, 0, 0);
		ok(spool_entry_parse(buf_slice(&b), &e, &sender, &to) == -1,
		   "%s", wrong[i].why);
	}
	buf_free(&b);
}

/* a spool on a real directory, with every call written down */

static char dir_path[] = "/tmp/quail-leaf-XXXXXX";
static struct spool spool;
static struct buf story;
static unsigned calls, fail_at;

static int
told(const char *what, const char *name)
{
	buf_text(&story, what);
	if (name) {
		buf_putc(&story, ' ');
		buf_put(&story, name, strcspn(name, "."));
	}
	buf_text(&story, "; ");
	if (++calls != fail_at)
		return 0;
	errno = EIO;
	return -1;
}

static int
told_open(int dir, const char *name, int flags, mode_t mode)
{
	if (!(flags & O_CREAT))
		return fs_kernel.open(dir, name, flags, mode);
	return told("create", name) ? -1
				    : fs_kernel.open(dir, name, flags, mode);
}

static ssize_t
told_pwrite(int fd, const void *at, size_t n, off_t where)
{
	return told(where ? "text" : "record", NULL)
		   ? -1
		   : fs_kernel.pwrite(fd, at, n, where);
}

static int
told_sync(int fd)
{
	return told(fd == spool.sync_dir ? "sync-dir" : "sync", NULL)
		   ? -1
		   : fs_kernel.sync(fd);
}

static int
told_syncfs(int fd)
{
	return told("syncfs", NULL) ? -1 : fs_kernel.syncfs(fd);
}

static int
told_rename(int from_dir, const char *from, int to_dir, const char *to)
{
	return told("rename", to)
		   ? -1
		   : fs_kernel.rename(from_dir, from, to_dir, to);
}

static int
told_unlink(int dir, const char *name)
{
	return told("unlink", name) ? -1 : fs_kernel.unlink(dir, name);
}

static int
put(size_t text_len)
{
	struct spool_entry e = entry();
	struct package p;
	int r;

	calls = 0;
	buf_clear(&story);
	make_package(&p, text_len);
	r = spool_put(&spool, &p, &e, SLICE("a@b.test"), rcpts);
	package_free(&p);
	return r;
}

static bool
story_is(const char *wanted)
{
	if (slice_eq(buf_slice(&story), slice_text(wanted)))
		return true;
	fprintf(stderr, "# told: %.*s\n", (int)story.len, buf_slice(&story).at);
	return false;
}

static unsigned
n_names(void)
{
	struct buf names = {0};
	unsigned n = 0;
	size_t i;

	fs_list(spool.sync_dir, &names);
	for (i = 0; i < names.len; i++)
		n += buf_slice(&names).at[i] == 0;
	buf_free(&names);
	return n;
}

/* Takes  sync_dir: -1: as who may not open the directory. */
static void
expect_failure(int sync_dir)
{
	int dir = spool.sync_dir;

	spool.sync_dir = sync_dir;
	errno = 0;
	ok(put(100) == -1 && errno == EIO, "call %u fails: so do we", fail_at);
	spool.sync_dir = dir;
	ok(n_names() == 0, "and nothing is left");
}

static void
test_calls(void)
{
	struct fs_calls watched = fs_kernel;
	char name[SPOOL_NAME];
	int dir_fd = spool.sync_dir;

	watched.open = told_open;
	watched.pwrite = told_pwrite;
	watched.sync = told_sync;
	watched.syncfs = told_syncfs;
	watched.rename = told_rename;
	watched.unlink = told_unlink;
	fs_use(&watched);
	spool_name(name, "m.", entry().id);
	ok(put(100) == 0 && story_is("create tmp; text; record; sync; "
				     "rename m; sync-dir; "),
	   "the order of the calls");
	fs_unlink(spool.dir, name);
	spool.sync_dir = -1;
	ok(put(100) == 0 && story_is("create tmp; text; record; sync; "
				     "rename m; syncfs; sync; "),
	   "the same for who may not open the directory");
	fs_unlink(spool.dir, name);
	spool.sync_dir = dir_fd;
	for (fail_at = 1; fail_at <= 6; fail_at++)
		expect_failure(dir_fd);
	for (fail_at = 1; fail_at <= 7; fail_at++)
		expect_failure(-1);
	fail_at = 0;
	fs_use(&fs_kernel);
}

static int
told_mkdir(int dir, const char *name, mode_t mode)
{
	(void)name;
	return told("mkdir", NULL) ? -1 : fs_kernel.mkdir(dir, name, mode);
}

/* Its name is on the disk before mail is taken; also when it was made by a
 * run that died in between. */
static void
test_made(void)
{
	struct fs_calls watched = fs_kernel;
	struct spool s;
	char path[64];
	int i;

	watched.mkdir = told_mkdir;
	watched.sync = told_sync;
	fs_use(&watched);
	snprintf(path, sizeof path, "%s/made/.", dir_path);
	for (i = 0; i < 2; i++) {
		calls = 0;
		fail_at = i ? 0 : 2;
		buf_clear(&story);
		ok(spool_open_or_make(&s, path) == (i ? 0 : -1) &&
		       story_is(i ? "sync; " : "mkdir; sync; "),
		   i ? "the same again" : "a spool is made, its sync fails");
	}
	spool_close(&s);
	path[strlen(path) - 2] = 0;
	rmdir(path);
	fs_use(&fs_kernel);
}

/* letters */

static const size_t sizes[] = {0,
			       1,
			       512,
			       65536,
			       PACKAGE_MEMORY - 1,
			       PACKAGE_MEMORY,
			       PACKAGE_MEMORY + 1,
			       700000};

static void
test_letters(void)
{
	struct buf before = {0}, after = {0};
	char name[SPOOL_NAME];
	struct package p, again;
	struct letter l;
	const char *why;
	size_t i;

	spool_name(name, "m.", entry().id);
	for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		make_package(&p, sizes[i]);
		buf_clear(&before);
		buf_clear(&after);
		package_bytes(&p, &before);
		package_free(&p);
		put(sizes[i]);
		again = (struct package){0};
		ok(letter_open(&l, &spool, name, &why) == LETTER_GOOD &&
		       letter_package(&l, &again) == 0 && l.owner == geteuid(),
		   "a message of %zu is good", sizes[i]);
		package_bytes(&again, &after);
		ok(again.size == before.len &&
		       slice_eq(buf_slice(&before), buf_slice(&after)),
		   "its package is the same bytes");
		package_free(&again);
		letter_close(&l);
		fs_unlink(spool.dir, name);
	}
	buf_free(&before);
	buf_free(&after);
}

static enum letter_result
opened(const char *name)
{
	struct letter l;
	const char *why;
	enum letter_result r = letter_open(&l, &spool, name, &why);

	letter_close(&l);
	return r;
}

static void
test_hostile_names(void)
{
	char name[SPOOL_NAME];
	off_t size;
	int fd;

	spool_name(name, "m.", entry().id);
	put(1000);
	ok(linkat(spool.dir, name, spool.dir, "two", 0) == 0 &&
	       opened(name) == LETTER_FOREIGN,
	   "a file with a second name");
	unlinkat(spool.dir, "two", 0);
	ok(symlinkat(name, spool.dir, "link") == 0 &&
	       opened("link") == LETTER_FOREIGN,
	   "a link");
	ok(mkfifoat(spool.dir, "fifo", 0600) == 0 &&
	       opened("fifo") == LETTER_FOREIGN,
	   "a FIFO, which does not hold us");
	ok(mkdirat(spool.dir, "dir", 0700) == 0 &&
	       opened("dir") == LETTER_FOREIGN,
	   "a directory");
	ok(opened("none") == LETTER_GONE, "no such name");
	fd = openat(spool.dir, name, O_RDWR | O_CLOEXEC);
	size = lseek(fd, 0, SEEK_END);
	ok(pwrite(fd, "x", 1, size) == 1 && opened(name) == LETTER_BROKEN,
	   "a byte behind the text");
	ok(ftruncate(fd, size) == 0 && opened(name) == LETTER_GOOD,
	   "without it, good again");
	ok(pwrite(fd, "x", 1, size - 1) == 1 && opened(name) == LETTER_BROKEN,
	   "another text");
	ok(ftruncate(fd, size - 1) == 0 && opened(name) == LETTER_BROKEN,
	   "a text that was cut");
	ok(ftruncate(fd, 20) == 0 && opened(name) == LETTER_BROKEN,
	   "a head that was cut");
	ok(ftruncate(fd, 0) == 0 && opened(name) == LETTER_BROKEN, "nothing");
	close(fd);
	unlinkat(spool.dir, "link", 0);
	unlinkat(spool.dir, "fifo", 0);
	unlinkat(spool.dir, "dir", AT_REMOVEDIR);
	unlinkat(spool.dir, name, 0);
}

/* the room */

static void
test_room(void)
{
	char name[SPOOL_NAME];

	spool_name(name, "m.", entry().id);
	put(1000);
	spool.bytes_max = 3000;
	ok(spool_room(&spool, 1000) == 0, "there is room");
	ok(spool_room(&spool, 500) == -1 && errno == EDQUOT,
	   "the whole spool has a limit");
	spool.bytes_max = SPOOL_BYTES_MAX;
	ok(spool_room(&spool, UINT64_C(1) << 62) == -1, "nor has the disk");
	unlinkat(spool.dir, name, 0);
}

/* power losses */

static int
sim_dir(struct simfs *disk)
{
	simfs_use(disk);
	return fs_open_dir(AT_FDCWD, "spool");
}

/* A disk with an empty spool. */
static struct simfs *
sim_new(struct spool *s)
{
	struct simfs *disk = simfs_new();

	simfs_use(disk);
	fs_mkdir(AT_FDCWD, "spool", 0700);
	fs_sync(AT_FDCWD);
	simfs_settle(disk);
	*s = (struct spool){.dir = sim_dir(disk)};
	s->sync_dir = s->dir;
	return disk;
}

/* Every m.* on this disk must be whole; is the message there? */
static bool
found_whole(struct simfs *disk, bool *found)
{
	struct slice rest, sender, to;
	struct buf names = {0}, file = {0};
	struct spool_entry e;
	struct stat st;
	bool good = true;
	uint64_t id;
	size_t n, size;
	int fd, dir = sim_dir(disk);

	*found = false;
	fs_list(dir, &names);
	for (rest = buf_slice(&names); rest.len > 0;
	     rest = slice_from(rest, strlen(rest.at) + 1)) {
		if (!spool_id(rest.at, "m.", &id))
			continue;
		fd = fs_open(dir, rest.at, O_RDONLY, 0);
		fs_stat(fd, &st);
		n = (size_t)st.st_size;
		buf_clear(&file);
		fs_read_all(fd, buf_room(&file, n), n, 0);
		buf_added(&file, n);
		fs_close(fd);
		size = spool_entry_size(buf_slice(&file));
		good =
		    good && size > 0 && size <= n &&
		    spool_entry_parse(slice_of(buf_slice(&file).at, size), &e,
				      &sender, &to) == 0 &&
		    n == size + e.text_len &&
		    crc32c(0, slice_from(buf_slice(&file), size)) == e.text_crc;
		*found = true;
	}
	fs_close(dir);
	buf_free(&names);
	buf_free(&file);
	return good;
}

static void
crash_at(const struct simfs *disk, size_t prefix, bool acknowledged)
{
	static const enum simfs_keep keeps[] = {SIMFS_NONE, SIMFS_ALL};
	struct simfs *crashed;
	size_t pieces = simfs_pieces(disk, prefix), i;
	bool found;

	for (i = 0; i < 2 + 2 * pieces + 64; i++) {
		enum simfs_keep keep = i < 2	      ? keeps[i]
				       : i < 2 + 64   ? SIMFS_RANDOM
				       : (i - 66) % 2 ? SIMFS_ONLY
						      : SIMFS_WITHOUT;

		crashed = simfs_crash(disk, prefix, keep,
				      i < 66 ? i : (i - 66) / 2, i & 1);
		ok_quiet(found_whole(crashed, &found),
			 "behind call %zu, case %zu: a message is whole",
			 prefix, i);
		ok_quiet(!acknowledged || found,
			 "behind call %zu, case %zu: what got exit 0 is there",
			 prefix, i);
		simfs_free(crashed);
	}
}

static void
test_crashes(void)
{
	struct spool s;
	struct simfs *disk = sim_new(&s);
	struct spool_entry e = entry();
	struct package p;
	size_t first = simfs_length(disk), n, i;

	make_package(&p, 3000);
	ok(spool_put(&s, &p, &e, SLICE("a@b.test"), rcpts) == 0,
	   "a message on a disk of ours");
	n = simfs_length(disk);
	for (i = first; i <= n; i++)
		crash_at(disk, i, i == n);
	ok(n >= first + 6, "power was lost behind each of %zu calls",
	   n - first);
	simfs_use(NULL);
	simfs_free(disk);
	package_free(&p);
}

static void
test_faults(void)
{
	static const int errors[] = {EIO, ENOSPC, EDQUOT, 0};
	struct spool s;
	struct simfs *disk;
	struct spool_entry e;
	struct package p;
	size_t i, n;
	bool failed, found;
	int r;

	make_package(&p, 3000);
	for (i = 0; i < sizeof errors / sizeof *errors; i++) {
		for (n = 1, failed = true; failed; n++) {
			disk = sim_new(&s);
			simfs_fail(disk, n, errors[i]);
			e = entry();
			r = spool_put(&s, &p, &e, SLICE("a@b.test"), rcpts);
			failed = simfs_failed(disk);
			simfs_fail(disk, UINT32_MAX, EIO);
			ok_quiet(r == 0 || failed, "no failure, no fault");
			ok_quiet(found_whole(disk, &found) && (r != 0 || found),
				 "%d at call %zu", errors[i], n);
			crash_at(disk, simfs_length(disk), r == 0);
			simfs_use(NULL);
			simfs_free(disk);
		}
		ok(n > 5, "error %d at each of %zu calls", errors[i], n - 1);
	}
	package_free(&p);
}

/* bounces */

static struct config config;

static void
make_config(void)
{
	struct buf why = {0};
	FILE *f;
	char text[200];

	snprintf(text, sizeof text, "%s/me", dir_path);
	f = fopen(text, "w");
	fputs("leaf.test\n", f);
	fclose(f);
	snprintf(text, sizeof text, "%s/quail build %s >/dev/null",
		 getenv("BIN") ? getenv("BIN") : "build/bin", dir_path);
	if (system(text) != 0)
		return;
	snprintf(text, sizeof text, "%s/config.cdb", dir_path);
	config_open(&config, text, &why);
	buf_free(&why);
}

static void
bounce_of(const char *sender, struct buf *out)
{
	struct spool_entry e = entry();
	struct package p;
	struct verdict v;
	char name[SPOOL_NAME];
	const char *why;
	struct letter l;

	verdict_say(&v, 'D', "no such mailbox (#5.1.1)");
	make_package(&p, 0);
	spool_name(name, "m.", e.id);
	spool_put(&spool, &p, &e, slice_text(sender), rcpts);
	package_free(&p);
	letter_open(&l, &spool, name, &why);
	p = (struct package){0};
	failure_package(&p, &l, &config, &v);
	package_bytes(&p, out);
	package_free(&p);
	letter_close(&l);
	unlinkat(spool.dir, name, 0);
}

static bool
has(const struct buf *b, const char *text)
{
	return memmem(buf_slice(b).at, b->len, text, strlen(text));
}

static void
test_bounces(void)
{
	struct buf one = {0}, two = {0};

	bounce_of("a@b.test", &one);
	ok(has(&one, "\nFrom: <MAILER-DAEMON@leaf.test>\nTo: <a@b.test>\n") &&
	       has(&one, "\n<c@d.test>:\nno such mailbox (#5.1.1)\n\n"
			 "<e@f.test>:\nno such"),
	   "a bounce says who and why");
	ok(has(&one, ",0:,8:a@b.test,,"), "and goes from nobody to the sender");
	bounce_of("a@b.test", &two);
	ok(slice_eq(buf_slice(&one), buf_slice(&two)),
	   "made again it is the same bytes");
	buf_clear(&two);
	bounce_of("list-@b.test-@[]", &two);
	ok(has(&two, ",0:,12:list-@b.test,,"), "VERP is undone");
	buf_clear(&two);
	bounce_of("x> y<\"@b.test", &two);
	ok(has(&two, "\nTo: <\"x> y<\\\"\"@b.test>\n"),
	   "odd senders are quoted");
	buf_free(&one);
	buf_free(&two);
}

static void
test_returnable(void)
{
	static const struct {
		const char *sender;
		bool returnable;
	} cases[] = {{"", false}, {"#@[]", false}, {"a@b", true}, {"a", true}};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct letter l = {.sender = slice_text(cases[i].sender)};

		ok(failure_returnable(&l) == cases[i].returnable, "<%s>: %s",
		   cases[i].sender, cases[i].returnable ? "a bounce" : "none");
	}
}

/* pure parts */

static void
test_backoff(void)
{
	struct backoff b = {0};
	int64_t now_ms = 1000, pause_ms;
	unsigned i;

	ok(backoff_ready(&b, now_ms), "a hub is tried at first");
	for (i = 1; i < 40; i++) {
		backoff_failed(&b, now_ms, i * 2654435761u);
		pause_ms = backoff_pause_ms(i, BACKOFF_MIN_MS, BACKOFF_MAX_MS);
		ok_quiet(!backoff_ready(&b, now_ms + pause_ms * 3 / 4 - 1) &&
			     backoff_ready(&b, now_ms + pause_ms),
			 "pause %u", i);
	}
	ok(pause_ms == BACKOFF_MAX_MS && b.until_ms <= now_ms + BACKOFF_MAX_MS,
	   "pauses double up to the longest, a part is left to chance");
	backoff_answered(&b);
	ok(backoff_ready(&b, now_ms), "one answer ends it");
}

static void
test_breaks(void)
{
	struct backoff b = {0};
	int64_t now_ms = 1000;
	unsigned i;

	backoff_broke(&b, now_ms, 0);
	ok(backoff_ready(&b, now_ms) && !backoff_lives(&b, now_ms),
	   "who broke off and never answered is ready, but may be dead");
	backoff_answered(&b);
	ok(backoff_lives(&b, now_ms), "who has answered lives");
	backoff_broke(&b, now_ms, 0);
	ok(backoff_lives(&b, now_ms), "and still after one break");
	for (i = 2; i <= 10 * BACKOFF_BREAKS; i++) {
		backoff_broke(&b, now_ms, i * 2654435761u);
		ok_quiet(backoff_ready(&b, now_ms) == (i % BACKOFF_BREAKS != 0),
			 "break %u", i);
		ok_quiet(b.until_ms <= now_ms + BACKOFF_BREAK_MS, "rest %u", i);
		if (i % BACKOFF_BREAKS == 0)
			now_ms = b.until_ms;
	}
	ok(!backoff_lives(&b, now_ms),
	   "many breaks: a short rest now and then");
	for (i = 0; i < 5; i++)
		backoff_failed(&b, now_ms, 0);
	backoff_broke(&b, now_ms, 0);
	ok(b.n_failures == 0, "who breaks off can be reached");
}

static void
test_waiting(void)
{
	struct waiting w = {0};
	char name[SPOOL_NAME];
	struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	uint64_t id;

	for (id = 1; id <= 4; id++) {
		spool_name(name, id == 4 ? "tmp." : "m.", id);
		close(openat(spool.dir, name, O_CREAT | O_CLOEXEC | O_WRONLY,
			     0600));
	}
	utimensat(spool.dir, name, old, 0);
	close(
	    openat(spool.dir, "m.stray", O_CREAT | O_CLOEXEC | O_WRONLY, 0600));
	ok(waiting_scan(&w, &spool, 50) == 0 && waiting_count(&w) == 3,
	   "a scan sees messages only");
	ok(faccessat(spool.dir, name, F_OK, 0) != 0,
	   "a file that was never finished is removed");
	waiting_sort(&w, 100);
	w.items[0].n_tries = 2;
	w.items[1].due_ms = 60;
	waiting_sort(&w, 100);
	ok(w.items[0].id == 3 && w.items[1].id == 2 && w.items[2].id == 1,
	   "least tried first, then first due");
	spool_name(name, "m.", 2);
	unlinkat(spool.dir, name, 0);
	waiting_scan(&w, &spool, 70);
	waiting_sort(&w, 100);
	ok(w.n == 2 && w.items[1].id == 1 && w.items[1].n_tries == 2,
	   "the next scan keeps what it knew, drops what is gone");
	ok(waiting_due_ms(&w) == 50, "the first that is due");
	waiting_free(&w);
	unlinkat(spool.dir, "m.stray", 0);
	for (id = 1; id <= 3; id++) {
		spool_name(name, "m.", id);
		unlinkat(spool.dir, name, 0);
	}
}

/* The spool's memory of what was tried, with a clock that is no clock. */

static int64_t steady_s = 1800000000;

static void
pass_s(int64_t s)
{
	steady_s += s;
	clock_set_for_tests(steady_s * 1000000);
}

/* What a drain that starts now makes of message 7. */
static struct waiting_item
recalled(struct tried *t)
{
	struct waiting_item item = {.id = 7, .is_there = true};

	tried_free(t);
	tried_open(t, spool.dir);
	tried_recall(t, &item);
	return item;
}

static bool
is_kept(void)
{
	return faccessat(spool.dir, "tried", F_OK, 0) == 0;
}

static void
test_tried(void)
{
	const int64_t year_s = 366 * 86400, week_s = 7 * 86400;
	static const char *const bad[] = {
	    "",
	    "end\n",
	    "now 1 2 3\n",
	    "now 1 2\nend\n",
	    "now 1 2 3\n0000000000000007 x 1 1\nend\n",
	    "now 1 2 3\n0000000000000007 1 1\nend\n",
	    "now 1 2 3\n7 1 1 1\nend\n"};
	struct tried t = {0};
	struct waiting_item item;
	struct waiting w = {.items = &item, .n = 1};
	int fd;
	size_t i, n = 0;

	pass_s(0);
	item = recalled(&t);
	ok(tried_age_s(&t, &item) == 0, "what is met first is new");
	ok(tried_keep(&t, &w, week_s) == 0 && !is_kept(),
	   "nothing was deferred: nothing is written");
	item.n_tries = item.n_answers = 1;
	ok(tried_keep(&t, &w, week_s) == 0 && is_kept(), "now it is");
	unlinkat(spool.dir, "tried", 0);
	pass_s(3599);
	ok(tried_keep(&t, &w, week_s) == 0 && !is_kept(), "once an hour");
	pass_s(1);
	item.n_tries = 9;
	ok(tried_keep(&t, &w, week_s) == 0 && is_kept(), "... at the most");
	clock_jump_for_tests(9 * year_s * 1000000);
	pass_s(600);
	item = recalled(&t);
	ok(tried_age_s(&t, &item) == 4200 && item.n_tries == 9 &&
	       item.n_answers == 1,
	   "the clock is set forward by years: it has waited 70 minutes");
	tried_keep(&t, &w, 16);
	clock_jump_for_tests(-20 * year_s * 1000000);
	pass_s(60);
	item = recalled(&t);
	ok(tried_age_s(&t, &item) == 4200, "or back: what was unseen is lost");
	for (i = 0; i < 7 * 24; i++) {
		pass_s(3600);
		tried_keep(&t, &w, week_s);
	}
	ok(tried_age_s(&t, &item) > week_s, "it grows old all the same");
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		fd = openat(spool.dir, "tried", O_WRONLY | O_TRUNC | O_CLOEXEC);
		n += write(fd, bad[i], strlen(bad[i])) ==
		     (ssize_t)strlen(bad[i]);
		close(fd);
		item = recalled(&t);
		n += tried_age_s(&t, &item) == 0 && item.n_tries == 0;
	}
	ok(n == 2 * i, "a file that makes no sense makes no mail old");
	unlinkat(spool.dir, "tried", 0);
	tried_free(&t);
	clock_jump_for_tests(11 * year_s * 1000000);
	clock_set_for_tests(0);
}

static void
test_resolve(void)
{
	struct endpoint list[RESOLVE_MAX];
	int64_t until_ms = clock_ms() + 20000;
	char long_name[300];
	const char *why;

	ok(resolve_host(SLICE("localhost"), 25, until_ms, list, &why) > 0 &&
	       endpoint_port(&list[0]) == 25,
	   "a name has addresses");
	ok(resolve_host(SLICE("a\0b"), 25, until_ms, list, &why) == -1,
	   "not with a NUL");
	memset(long_name, 'a', sizeof long_name);
	ok(resolve_host(slice_of(long_name, sizeof long_name), 25, until_ms,
			list, &why) == -1,
	   "not of 300 bytes");
	ok(resolve_host(SLICE("localhost"), 25, clock_ms() - 1, list, &why) ==
		   -1 &&
	       strcmp(why, "no answer in time") == 0,
	   "not when the time is up");
	ok(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD,
	   "no child stays");
}

static void
remove_dir(void)
{
	static const char *const names[] = {"me", "config.cdb", ""};
	char path[200];
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", dir_path, names[i]);
		remove(path);
	}
}

int
main(void)
{
	if (!mkdtemp(dir_path) || spool_open(&spool, dir_path) != 0)
		return 111;
	test_entry();
	test_wrong_entries();
	test_calls();
	test_made();
	test_letters();
	test_hostile_names();
	test_room();
	test_waiting();
	test_tried();
	test_backoff();
	test_breaks();
	test_resolve();
	test_returnable();
	test_crashes();
	test_faults();
	make_config();
	if (config.map)
		test_bounces();
	else
		ok(true, "# SKIP bounces: no program quail in $BIN");
	config_close(&config);
	spool_close(&spool);
	buf_free(&story);
	remove_dir();
	return tap_done();
}
