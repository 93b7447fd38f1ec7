/* maildir_test.c - deliveries, the order of their disk calls, and each of
 * these calls failing, or being the last one
 *
 * A model of the disk sits behind fs_use: it knows which file has bytes and
 * which directory has names that no sync has covered yet, and objects when
 * a file is linked, or K is said, too early. A sync covers what is there when
 * it begins, and is believed when its end has been told, no earlier.
 */
#include "maildir/deliver.h"

#include "lib/die.h"
#include "lib/fs.h"
#include "maildir/name.h"
#include "maildir/syncs.h"
#include "maildir/trouble.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* the model */

enum { NODES_MAX = 4096, FDS_MAX = 1024 };

/* DIRTY: written or made; COVERED: by a sync whose end is not told yet */
enum state { CLEAN, COVERED, DIRTY };

struct node {
	ino_t ino;
	enum state data;
	bool made; /* names of directories that no sync has covered */
};

struct name { /* in a new */
	ino_t dir, file;
	enum state state;
};

static struct node nodes[NODES_MAX];
static struct name model_names[NODES_MAX];
static size_t n_nodes, n_model_names;
static bool failed_sync[FDS_MAX];
static unsigned n_calls, fail_at, n_syncfs, n_dir_syncs, n_data_syncs;
static unsigned skip_call;	  /* so many of those first */
static unsigned die_at;		  /* the process ends before this call */
static uint64_t fs_type = 0xef53; /* all of it is ext4 */
static const char *fail_what;	  /* the call that failed */
static const char *fail_call;	  /* fail the first of these, if not NULL */
static int fail_errno;
static bool is_cut_short; /* a write that fails does so half-way */
static char complaint[256];

static void
complain(const char *what)
{
	if (!*complaint)
		snprintf(complaint, sizeof complaint, "%s", what);
}

static bool
fails(const char *what)
{
	if (++n_calls == die_at)
		_exit(*complaint ? 1 : 9);
	if (fail_call && !strcmp(what, fail_call) && skip_call > 0) {
		skip_call--;
		return false;
	}
	if (n_calls != fail_at && (!fail_call || strcmp(what, fail_call)))
		return false;
	fail_call = NULL;
	fail_what = what;
	errno = fail_errno;
	return true;
}

static struct node *
node(ino_t ino)
{
	size_t i;

	for (i = 0; i < n_nodes; i++)
		if (nodes[i].ino == ino)
			return &nodes[i];
	if (n_nodes == NODES_MAX)
		die_bug("test: nodes");
	nodes[n_nodes] = (struct node){.ino = ino};
	return &nodes[n_nodes++];
}

static struct node *
node_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		die_bug("test: fstat");
	return node(st.st_ino);
}

static int
model_open(int dir, const char *name, int flags, mode_t mode)
{
	int fd;

	if (fails(flags & O_CREAT ? "create" : "open"))
		return -1;
	fd = fs_kernel.open(dir, name, flags, mode);
	if (fd >= 0 && fd < FDS_MAX)
		failed_sync[fd] = false;
	if (fd >= 0 && (flags & O_CREAT))
		node_of(fd)->data = DIRTY;
	return fd;
}

static bool no_jumps;

static int
model_enter(const char *path)
{
	int fd;

	if (no_jumps) {
		errno = ENOSYS;
		return -1;
	}
	if (fails("open"))
		return -1;
	fd = fs_kernel.enter(path);
	if (fd >= 0 && fd < FDS_MAX)
		failed_sync[fd] = false;
	return fd;
}

static int
model_close(int fd)
{
	int r = fs_kernel.close(fd);

	return fails("close") ? -1 : r;
}

static ssize_t
model_pwrite(int fd, const void *at, size_t n, off_t where)
{
	if (fails("write")) {
		if (!is_cut_short)
			return -1;
		is_cut_short = false;
		fail_call = "write"; /* the rest: another call, no room */
		fail_what = NULL;
		n /= 2;
	}
	node_of(fd)->data = DIRTY;
	return fs_kernel.pwrite(fd, at, n > 5000 ? 5000 : n, where);
}

static ssize_t
model_pread(int fd, void *at, size_t n, off_t where)
{
	return fails("read") ? -1 : fs_kernel.pread(fd, at, n, where);
}

static bool
sync_fails(int fd, const char *what)
{
	if (failed_sync[fd])
		complain("a failed sync was tried again");
	failed_sync[fd] = fails(what);
	return failed_sync[fd];
}

static void
cover(enum state *state)
{
	if (*state == DIRTY)
		*state = COVERED;
}

/* The names in one directory, or in all of them. */
static void
cover_names(const struct node *dir)
{
	size_t i;

	for (i = 0; i < n_model_names; i++)
		if (!dir || model_names[i].dir == dir->ino)
			cover(&model_names[i].state);
}

/* The end of the syncs has been told. */
static void
believe(void)
{
	size_t i;

	for (i = 0; i < n_nodes; i++)
		if (nodes[i].data == COVERED)
			nodes[i].data = CLEAN;
	for (i = 0; i < n_model_names; i++)
		if (model_names[i].state == COVERED)
			model_names[i].state = CLEAN;
}

static int
model_datasync(int fd)
{
	n_data_syncs++;
	if (sync_fails(fd, "datasync"))
		return -1;
	cover(&node_of(fd)->data);
	return 0;
}

static int
model_sync(int fd)
{
	n_dir_syncs++;
	if (sync_fails(fd, "sync"))
		return -1;
	cover(&node_of(fd)->data);
	cover_names(node_of(fd));
	node_of(fd)->made = false;
	return 0;
}

static int
model_syncfs(int fd)
{
	size_t i;

	n_syncfs++;
	if (sync_fails(fd, "syncfs"))
		return -1;
	for (i = 0; i < n_nodes; i++)
		cover(&nodes[i].data);
	cover_names(NULL);
	return 0;
}

static int
model_kind(int dir, uint64_t *magic)
{
	(void)dir;
	*magic = fs_type;
	return fails("kind") ? -1 : 0;
}

/* A file gets a name in new: may it? */
static void
named(int from_dir, const char *from, int to_dir)
{
	struct stat st;

	if (fstatat(from_dir, from, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	if (node(st.st_ino)->data != CLEAN)
		complain("named before its sync");
	if (n_model_names == NODES_MAX)
		die_bug("test: names");
	model_names[n_model_names++] =
	    (struct name){node_of(to_dir)->ino, st.st_ino, DIRTY};
}

static int
model_link(int from_dir, const char *from, int to_dir, const char *to)
{
	if (fails("link"))
		return -1;
	named(from_dir, from, to_dir);
	return fs_kernel.link(from_dir, from, to_dir, to);
}

static int
model_move(int from_dir, const char *from, int to_dir, const char *to)
{
	if (fails("move"))
		return -1;
	named(from_dir, from, to_dir);
	return fs_kernel.move(from_dir, from, to_dir, to);
}

static int
model_rename(int from_dir, const char *from, int to_dir, const char *to)
{
	if (fails("rename"))
		return -1;
	named(from_dir, from, to_dir);
	return fs_kernel.rename(from_dir, from, to_dir, to);
}

static int
model_unlink(int dir, const char *name)
{
	return fails("unlink") ? -1 : fs_kernel.unlink(dir, name);
}

static int
model_mkdir(int dir, const char *name, mode_t mode)
{
	if (fails("mkdir"))
		return -1;
	if (fs_kernel.mkdir(dir, name, mode) != 0)
		return -1;
	if (strcmp(name, "cur") != 0) /* no mail of ours goes there */
		node_of(dir)->made = true;
	return 0;
}

static int
model_stat(int fd, struct stat *st)
{
	return fails("stat") ? -1 : fs_kernel.stat(fd, st);
}

static struct fs_calls model;

/* Calls that deliveries have no need for stay the real ones. */
static void
model_use(void)
{
	model = fs_kernel;
	model.open = model_open;
	model.enter = model_enter;
	model.close = model_close;
	model.pwrite = model_pwrite;
	model.pread = model_pread;
	model.datasync = model_datasync;
	model.sync = model_sync;
	model.syncfs = model_syncfs;
	model.rename = model_rename;
	model.move = model_move;
	model.link = model_link;
	model.kind = model_kind;
	model.unlink = model_unlink;
	model.mkdir = model_mkdir;
	model.stat = model_stat;
	fs_use(&model);
}

static void
model_reset(void)
{
	n_nodes = n_model_names = 0;
	n_calls = fail_at = die_at = n_syncfs = n_dir_syncs = n_data_syncs = 0;
	fail_what = fail_call = NULL;
	fail_errno = EIO;
	is_cut_short = false;
	*complaint = 0;
	memset(failed_sync, 0, sizeof failed_sync);
}

/* a place to work in */

static char place[64];

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	if (ftw->level > 0)
		remove(path);
	return 0;
}

static void
clear_place(void)
{
	nftw(place, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	model_reset();
}

static unsigned
count_in(const char *dir)
{
	struct buf names = {0};
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	unsigned n = 0;
	size_t i;

	if (fd >= 0) {
		fs_list(fd, &names);
		close(fd);
	}
	for (i = 0; i < names.len; i++)
		n += buf_slice(&names).at[i] == 0;
	buf_free(&names);
	return n;
}

static bool
holds(const char *path, struct slice want)
{
	static char got[1 << 20];
	int fd = open(path, O_RDONLY | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, got, sizeof got);

	if (fd >= 0)
		close(fd);
	return n >= 0 && slice_eq(slice_of(got, (size_t)n), want);
}

/* deliveries */

enum { ID = 0x6930, BIRTH_S = 1795293611 };

static struct buf verdicts; /* one letter for each told, in order */
static struct verdict last_verdict;
static const char me_text[] = "hub:a/b";

static void
path_of(char *out, size_t size, const struct delivery *d, size_t rcpt)
{
	char name[NAME_SIZE];

	name_put(name, d->birth_us, d->id, d->rcpts[rcpt], slice_text(me_text));
	snprintf(out, size, "%.*s/new/%s", (int)d->path.len, d->path.at, name);
}

static void
told(struct delivery *d, size_t rcpt, const struct verdict *v)
{
	char path[512];
	struct stat st;
	size_t i;

	buf_putc(&verdicts, v->code);
	last_verdict = *v;
	if (v->code != 'K')
		return;
	path_of(path, sizeof path, d, rcpt);
	if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
		complain("K without a file");
	else if (node(st.st_ino)->data != CLEAN)
		complain("K before the file's sync");
	for (i = 0; i < n_model_names; i++)
		if (model_names[i].file == st.st_ino &&
		    model_names[i].state != CLEAN)
			complain("K before its name's sync");
	for (i = 0; i < n_nodes; i++)
		if (nodes[i].made)
			complain("K before a directory's sync");
}

static const struct slice two[] = {{"ann@a.test", 10}, {"bob@a.test", 10}};

static struct delivery
delivery(const char *path, unsigned number)
{
	return (struct delivery){.path = slice_text(path),
				 .sender = SLICE("j s@b.test"),
				 .rcpts = two,
				 .n_rcpts = 2,
				 .id = ID + number,
				 .birth_us = BIRTH_S * UINT64_C(1000000) + 7,
				 .text = SLICE("Subject: x\n\ntext\rno LF"),
				 .done = told};
}

static struct loop loop;
static struct deliver belt;
static void (*belt_synced)(struct worker *s);

static void
synced(struct worker *s)
{
	believe();
	belt_synced(s);
}

/* One without a thread, so that all happens in one order. */
static void
belt_begin(void)
{
	deliver_init(&belt, &loop, slice_text(me_text));
	belt.syncer.way = WORKER_INLINE;
	belt_synced = belt.syncer.done;
	belt.syncer.done = synced;
}

static void
add_all(struct delivery *d)
{
	struct delivery *next;

	for (; d; d = next) {
		next = d->next;
		deliver_add(&belt, d);
	}
}

/* As at the end of a round. */
static void
write_now(void)
{
	loop_task_drop(&loop, &belt.write);
	belt.write.run(&belt.write);
}

static void
deliver_all(struct delivery *first)
{
	add_all(first);
	deliver_finish(&belt);
}

static bool
batch_tells(struct delivery *first, const char *want)
{
	buf_clear(&verdicts);
	deliver_all(first);
	return slice_eq(buf_slice(&verdicts), slice_text(want));
}

static void
test_plain(void)
{
	struct delivery a, b;
	char path[512];

	clear_place();
	a = delivery("mail/a.test/x", 0);
	b = delivery("mail/a.test/x", 1);
	a.next = &b;
	b.sender = SLICE("");
	ok(batch_tells(&a, "KKKK"), "two messages for two: K for each");
	ok(!*complaint, "in the right order: %s", complaint);
	ok(count_in("mail/a.test/x/new") == 4 &&
	       count_in("mail/a.test/x/tmp") == 0 &&
	       count_in("mail/a.test/x/cur") == 0,
	   "four files in new, none in tmp");
	path_of(path, sizeof path, &a, 1);
	ok(holds(path, SLICE("Return-Path: <\"j s\"@b.test>\n"
			     "Delivered-To: bob@a.test\n"
			     "Subject: x\n\ntext\rno LF")),
	   "%s holds trace and text", path);
	path_of(path, sizeof path, &b, 0);
	ok(holds(path, SLICE("Return-Path: <>\nDelivered-To: ann@a.test\n"
			     "Subject: x\n\ntext\rno LF")),
	   "an empty return path");
	n_dir_syncs = 0;
	a = delivery("mail/a.test/x", 2);
	ok(batch_tells(&a, "KK") && n_dir_syncs == 1,
	   "one directory sync for a batch in one Maildir");
}

static void
test_again(void)
{
	struct delivery d;

	clear_place();
	d = delivery("x", 0);
	ok(batch_tells(&d, "KK"), "delivered");
	d = delivery("x", 0);
	ok(batch_tells(&d, "KK") && count_in("x/new") == 2 &&
	       count_in("x/tmp") == 0,
	   "delivered again after a crash: found, no copy");
	ok(!*complaint, "%s", complaint);
}

static void
test_same_recipient_twice(void)
{
	static const struct slice same[] = {{"ann@a.test", 10},
					    {"ann@a.test", 10}};
	struct delivery d;

	clear_place();
	d = delivery("x", 0);
	d.rcpts = same;
	ok(batch_tells(&d, "KK") && count_in("x/new") == 1 &&
	       count_in("x/tmp") == 0,
	   "the same recipient twice: one file");
}

static void
stream(struct delivery *d, const char *text, size_t piece)
{
	struct slice s = slice_text(text);
	size_t n;

	d->text = SLICE("");
	while (s.len > 0) {
		n = s.len < piece ? s.len : piece;
		if (delivery_stream(d, slice_of(s.at, n)) != 0)
			die_bug("test: stream");
		s = slice_from(s, n);
	}
}

static void
test_stream(void)
{
	static char text[600001];
	struct buf want = {0};
	struct delivery d;
	char path[512];
	size_t i;

	for (i = 0; i < sizeof text - 1; i++)
		text[i] = (char)('a' + i % 23);
	memcpy(text, "A: b\n\n", 6);
	for (i = 0; i < 2; i++) {
		clear_place();
		d = delivery("x", 0);
		stream(&d, text, 70000);
		ok(count_in("x/tmp") == 1 && count_in("x/new") == 0,
		   "streamed into tmp");
		ok(batch_tells(&d, "KK") && count_in("x/tmp") == 0, "KK");
		path_of(path, sizeof path, &d, i);
		buf_clear(&want);
		buf_text(&want,
			 "Return-Path: <\"j s\"@b.test>\nDelivered-To: ");
		buf_puts(&want, two[i]);
		buf_putc(&want, '\n');
		buf_text(&want, text);
		ok(holds(path, buf_slice(&want)) && !*complaint,
		   "recipient %zu has it: %s", i, complaint);
	}
	clear_place();
	d = delivery("x", 0);
	stream(&d, text, 70000);
	delivery_abort(&d);
	delivery_abort(&d);
	ok(count_in("x/tmp") == 0 && count_in("x/new") == 0,
	   "an abandoned stream leaves nothing");
	buf_free(&want);
}

static void
test_many(void)
{
	/* three full batches, and 8 files more */
	enum { N = (3 * BATCH_FILES_MAX + 8) / 2 };
	static struct delivery d[N];
	char want[2 * N + 1];
	size_t i;

	clear_place();
	for (i = 0; i < N; i++) {
		d[i] = delivery(i % 3 ? "x" : "y", (unsigned)i);
		d[i].next = i + 1 < N ? &d[i + 1] : NULL;
	}
	stream(&d[0], "A: b\n\nlarge\n", 5);
	memset(want, 'K', sizeof want - 1);
	want[sizeof want - 1] = 0;
	ok(batch_tells(d, want) && !*complaint, "%d files: all K: %s", 2 * N,
	   complaint);
	ok(count_in("x/new") + count_in("y/new") == 2 * N, "all there");
	ok(n_syncfs == 3 && n_data_syncs == 8 + 1,
	   "a syncfs for each full batch (%u), a sync each for the rest and "
	   "what is older (%u)",
	   n_syncfs, n_data_syncs);
	ok(n_dir_syncs == 2 * 3 + 3 * 2,
	   "directories by themselves: new ones, and where no syncfs is under "
	   "way for the next batch (%u)",
	   n_dir_syncs);
}

/* The file of a large message could not be synced: it must not be copied
 * from any more, for those recipients that were not served yet. */
static void
test_stream_sync_fails(void)
{
	enum { N = BATCH_FILES_MAX + 6 };
	static char names[N][16];
	static struct slice rcpts[N];
	struct delivery d;
	size_t i;

	clear_place();
	for (i = 0; i < N; i++) {
		snprintf(names[i], sizeof names[i], "r%zu@x.test", i);
		rcpts[i] = slice_text(names[i]);
	}
	d = delivery("x", 0);
	d.rcpts = rcpts;
	d.n_rcpts = N;
	stream(&d, "A: b\n\nlarge\n", 5);
	fail_call = "datasync";
	buf_clear(&verdicts);
	deliver_all(&d);
	ok(verdicts.len == N && buf_slice(&verdicts).at[0] == 'Z' &&
	       !memcmp(buf_slice(&verdicts).at + BATCH_FILES_MAX, "ZZZZZZ", 6),
	   "none is served from it: %.*s", (int)verdicts.len,
	   buf_slice(&verdicts).at);
	ok(!*complaint && count_in("x/tmp") == 0, "%s", complaint);
}

static void
test_loops(void)
{
	static const char streamed[] = "Received: x\nDelivered-To: "
				       "ann@a.test\n\n";
	struct delivery d;
	struct buf hops = {0};
	unsigned i;

	clear_place();
	d = delivery("x", 0);
	d.text = SLICE("Received: y\ndelivered-to:  Bob@A.test \nTo: "
		       "ann@a.test\n\nDelivered-To: ann@a.test\n");
	ok(batch_tells(&d, "KD"), "it loops for the second only");
	ok(slice_eq(verdict_status(&last_verdict), SLICE("5.4.6")), "5.4.6");
	d = delivery("x", 1);
	stream(&d, streamed, 1);
	ok(batch_tells(&d, "DK") && count_in("x/new") == 2 &&
	       count_in("x/tmp") == 0,
	   "it loops for the first only, streamed");
	for (i = 0; i < 101; i++)
		buf_text(&hops, "Delivered-To: x\n");
	d = delivery("x", 2);
	d.text = buf_slice(&hops);
	ok(batch_tells(&d, "DD"), "101 hops");
	d.loops = (struct loops){0};
	d.n_begun = d.n_told = 0;
	d.text = slice_from(d.text, 16);
	ok(batch_tells(&d, "KK"), "100 hops");
	buf_free(&hops);
}

static void
test_planted(void)
{
	static const struct slice odd[] = {{"a@b\nX: y", 8}, {"c@d", 3}};
	static const char *const links[] = {"x/new", "x/tmp", "x/cur", "x"};
	struct delivery d;
	char path[512];
	size_t i;

	for (i = 0; i < 4; i++) {
		clear_place();
		mkdir("elsewhere", 0700);
		mkdir("elsewhere/new", 0700);
		mkdir("elsewhere/tmp", 0700);
		mkdir("elsewhere/cur", 0700);
		if (i < 3)
			mkdir("x", 0700);
		ok(symlink(i < 3 ? "../elsewhere" : "elsewhere", links[i]) == 0,
		   "a link in place of %s", links[i]);
		d = delivery("x", 0);
		ok(batch_tells(&d, "ZZ"), "Z");
		d = delivery("x/y", 0);
		if (i == 3)
			ok(batch_tells(&d, "ZZ"), "also in front of the last");
		ok(count_in("elsewhere") == 3 && count_in("elsewhere/new") == 0,
		   "nothing was written elsewhere");
	}
	clear_place();
	d = delivery("x", 0);
	batch_tells(&d, "KK");
	path_of(path, sizeof path, &d, 0);
	ok(unlink(path) == 0 && symlink("/etc/passwd", path) == 0,
	   "a link under the name in new");
	d = delivery("x", 0);
	ok(batch_tells(&d, "ZK") && count_in("x/tmp") == 0, "Z");
	ok(unlink(path) == 0 && mkfifo(path, 0600) == 0, "a FIFO there");
	d = delivery("x", 0);
	ok(batch_tells(&d, "ZK"), "Z");
	ok(unlink(path) == 0 && close(creat(path, 0600)) == 0,
	   "a file that is not ours");
	d = delivery("x", 0);
	ok(batch_tells(&d, "ZK"), "Z");
	d = delivery("", 0);
	ok(batch_tells(&d, "ZZ"), "no path");
	d = delivery("x/../y", 0);
	ok(batch_tells(&d, "ZZ"), "..");
	d = delivery("x", 3);
	d.path = slice_of("x\0y", 3);
	ok(batch_tells(&d, "ZZ"), "NUL");
	d = delivery("x", 4);
	d.rcpts = odd;
	ok(batch_tells(&d, "DK"), "a recipient with a line end in it: D");
}

static void
test_absolute(void)
{
	struct delivery d;
	char path[128];

	clear_place();
	snprintf(path, sizeof path, "%s//deep/./x/", place);
	d = delivery(path, 0);
	ok(batch_tells(&d, "KK") && count_in("deep/x/new") == 2 && !*complaint,
	   "an absolute path: %s", complaint);
}

/* Fail the n-th call, for each n, until nothing is left to fail; then try
 * again without failure. */

enum { SMALL, STREAMED, MANY, BELT, KINDS };

/* BELT: more than SYNCS_EACH_MAX files in each of two batches, so that one
 * syncfs is for the names of one and the files of the other. */
enum { BELT_N = SYNCS_EACH_MAX + 2 };

static void
all_of_it(int kind, char *codes, size_t max)
{
	static struct delivery d[BELT_N];
	size_t n = kind == BELT ? BELT_N : kind == MANY ? 12 : 1;
	size_t i, from, len;

	buf_clear(&verdicts);
	for (i = 0; i < n; i++) {
		d[i] = delivery(kind >= MANY ? "m/x" : "x", (unsigned)i);
		d[i].next = i + 1 < n ? &d[i + 1] : NULL;
	}
	if (kind == STREAMED) {
		static const char text[] = "A: b\n\nstreamed text";

		d[0].text = SLICE("");
		for (from = 0; from < sizeof text - 1; from += len) {
			len = sizeof text - 1 - from < 10
				  ? sizeof text - 1 - from
				  : 10;
			if (delivery_stream(&d[0],
					    slice_of(text + from, len)) == 0)
				continue;
			delivery_abort(&d[0]);
			snprintf(codes, max, "ZZ");
			return;
		}
	}
	if (kind == BELT) {
		d[n / 2 - 1].next = NULL;
		add_all(d);
		write_now();
		add_all(&d[n / 2]);
		write_now();
		deliver_finish(&belt);
	} else {
		deliver_all(d);
	}
	snprintf(codes, max, "%.*s", (int)verdicts.len,
		 buf_slice(&verdicts).at);
}

/* May all be K although this call failed? */
static bool
is_harmless(const char *what, int error)
{
	static const char harmless[] = " close unlink stat kind ";
	static const char tried_again[] = " open create write read ";
	char word[32];

	snprintf(word, sizeof word, " %s ", what);
	return strstr(harmless, word) ||
	       (error == EINTR && strstr(tried_again, word));
}

static unsigned
count_of(const char *s, char c)
{
	unsigned n = 0;

	for (; *s; s++)
		n += *s == c;
	return n;
}

static void
test_failures(int kind, int error)
{
	char codes[128], again[128];
	size_t rcpts = kind == BELT ? 2 * BELT_N : kind == MANY ? 24 : 2;
	const char *dir = kind >= MANY ? "m/x/new" : "x/new";
	const char *tmp = kind >= MANY ? "m/x/tmp" : "x/tmp";
	unsigned n, places = 0;
	bool good = true;

	for (n = 1;; n++) {
		clear_place();
		fail_at = n;
		fail_errno = error;
		all_of_it(kind, codes, sizeof codes);
		if (!fail_what)
			break;
		places++;
		good &= ok_quiet(strlen(codes) == rcpts && !strchr(codes, 'D'),
				 "%u (%s): %s", n, fail_what, codes);
		good &= ok_quiet(!*complaint, "%u (%s): %s", n, fail_what,
				 complaint);
		good &= ok_quiet(count_in(dir) == count_of(codes, 'K'),
				 "%u (%s): %s, %u files in new", n, fail_what,
				 codes, count_in(dir));
		good &= ok_quiet(is_harmless(fail_what, error) ||
				     strchr(codes, 'Z'),
				 "%u (%s): all K", n, fail_what);
		good &= ok_quiet(
		    is_harmless(fail_what, error) || count_in(tmp) == 0 ||
			strcmp(fail_what, "open") == 0,
		    "%u (%s): something is left in tmp", n, fail_what);
		fail_at = 0;
		all_of_it(kind, again, sizeof again);
		good &= ok_quiet(!strpbrk(again, "ZD") && !*complaint &&
				     count_in(dir) == rcpts,
				 "%u (%s), again: %s, %u files; %s", n,
				 fail_what, again, count_in(dir), complaint);
	}
	ok(good && places > 20, "%s at each of %u calls: %s",
	   kind == SMALL      ? "small"
	   : kind == STREAMED ? "streamed"
	   : kind == MANY     ? "many"
			      : "the belt",
	   places, strerror(error));
}

/* Each write in turn is cut short, and then there is no room for the rest. */
static void
test_short_writes(int kind)
{
	char codes[128];
	const char *dir = kind >= MANY ? "m/x/new" : "x/new";
	const char *tmp = kind >= MANY ? "m/x/tmp" : "x/tmp";
	bool good = true;
	unsigned n;

	for (n = 0;; n++) {
		clear_place();
		fail_call = "write";
		skip_call = n;
		fail_errno = ENOSPC;
		is_cut_short = true;
		all_of_it(kind, codes, sizeof codes);
		if (!fail_what)
			break;
		good &=
		    ok_quiet(strchr(codes, 'Z') && !strchr(codes, 'D') &&
				 count_in(dir) == count_of(codes, 'K') &&
				 count_in(tmp) == 0 && !*complaint,
			     "write %u: %s, %u in new, %u in tmp; %s", n, codes,
			     count_in(dir), count_in(tmp), complaint);
	}
	skip_call = 0;
	ok(good && n > 1, "each of %u writes cut short", n);
}

/* The end before the n-th call, for each n; then all comes once more. */
static void
test_deaths(int kind)
{
	char codes[128];
	size_t rcpts = kind == BELT ? 2 * BELT_N : kind == MANY ? 24 : 2;
	const char *dir = kind >= MANY ? "m/x/new" : "x/new";
	bool good = true;
	unsigned n;
	int how;

	for (n = 1;; n++) {
		clear_place();
		fflush(stdout);
		if (fork() == 0) {
			die_at = n;
			all_of_it(kind, codes, sizeof codes);
			_exit(0);
		}
		if (wait(&how) < 0 || !WIFEXITED(how) || !WEXITSTATUS(how))
			break;
		good &= ok_quiet(WEXITSTATUS(how) == 9, "%u: an order", n);
		all_of_it(kind, codes, sizeof codes);
		good &= ok_quiet(!strpbrk(codes, "ZD") && !*complaint &&
				     count_in(dir) == rcpts,
				 "%u: %s, %u files; %s", n, codes,
				 count_in(dir), complaint);
	}
	ok(good && n > 20, "ended before each of %u calls", n - 1);
}

/* the belt */

static void
prepare(struct delivery *d, size_t n, const char *path, unsigned first)
{
	size_t i;

	for (i = 0; i < n; i++) {
		d[i] = delivery(path, first + (unsigned)i);
		d[i].next = i + 1 < n ? &d[i + 1] : NULL;
	}
}

static void
test_belt(void)
{
	enum { ROUNDS = 5, N = 10 };
	static struct delivery d[ROUNDS][N];
	unsigned i;

	clear_place();
	buf_clear(&verdicts);
	for (i = 0; i < ROUNDS; i++) {
		prepare(d[i], N, "x", i * N);
		add_all(d[i]);
		write_now();
		if (i == 0)
			continue;
		worker_wait(&belt.syncer);
		ok(verdicts.len == (i - 1) * 2 * N &&
		       count_in("x/new") == i * 2 * N &&
		       count_in("x/tmp") == 2 * N,
		   "%u: %zu told, %u in new, %u in tmp", i, verdicts.len,
		   count_in("x/new"), count_in("x/tmp"));
	}
	ok(n_syncfs == ROUNDS && n_data_syncs == 0, "one syncfs a batch: %u",
	   n_syncfs);
	i = n_dir_syncs;
	deliver_finish(&belt);
	ok(verdicts.len == ROUNDS * 2 * N && n_syncfs == ROUNDS &&
	       n_dir_syncs == i + 1,
	   "the last one's names: by their directory");
	ok(!memchr(buf_slice(&verdicts).at, 'Z', verdicts.len) && !*complaint,
	   "all K: %s", complaint);
}

/* The syncs of the names of one batch and the files of the next have failed:
 * both are Z, and what was gathered meanwhile is not. */
static void
test_belt_fails(void)
{
	enum { N = 10 };
	static struct delivery d[3][N];
	unsigned i;

	clear_place();
	buf_clear(&verdicts);
	for (i = 0; i < 3; i++)
		prepare(d[i], N, "x", i * N);
	add_all(d[0]);
	write_now();
	add_all(d[1]);
	write_now();
	fail_call = "syncfs";
	worker_wait(&belt.syncer);
	ok(fail_what && count_in("x/new") == 2 * N,
	   "linked; a sync has failed");
	add_all(d[2]);
	write_now();
	deliver_finish(&belt);
	ok(verdicts.len == 3 * 2 * N, "%zu told", verdicts.len);
	for (i = 0; i < verdicts.len; i++)
		if (buf_slice(&verdicts).at[i] != (i < 4 * N ? 'Z' : 'K'))
			complain("a wrong verdict");
	ok(!*complaint && count_in("x/new") == 2 * N && count_in("x/tmp") == 0,
	   "two batches Z, the third K: %s", complaint);
}

/* A sync each: the failed one alone is Z, whether a file's or a Maildir's. */
static void
test_belt_fails_one(void)
{
	static struct delivery d[2][2];
	unsigned i;

	for (i = 0; i < 2; i++) {
		clear_place();
		buf_clear(&verdicts);
		prepare(d[0], 2, "x", 0);
		prepare(d[1], 2, "y", 2);
		add_all(d[0]);
		write_now();
		add_all(d[1]);
		write_now();
		skip_call = i;
		fail_call = i ? "datasync" : "sync";
		deliver_finish(&belt);
		ok(slice_eq(buf_slice(&verdicts),
			    i ? SLICE("KKKKKZKK") : SLICE("ZZZZKKKK")) &&
		       count_in("x/new") + count_in("x/tmp") == (i ? 4 : 0) &&
		       count_in("y/new") + count_in("y/tmp") == (i ? 3 : 4) &&
		       !*complaint,
		   "%s: %.*s, %s", i ? "a file" : "a Maildir",
		   (int)verdicts.len, buf_slice(&verdicts).at, complaint);
	}
}

/* What one file system promises, another does not. */
static void
test_other_systems(void)
{
	static struct delivery d[20];
	char want[41];

	memset(want, 'K', 40);
	want[40] = 0;
	clear_place();
	fs_type = 0x65735546; /* FUSE */
	prepare(d, 20, "x", 0);
	ok(batch_tells(d, want) && n_syncfs == 0 && n_data_syncs == 40 &&
	       !*complaint,
	   "no syncfs where it is not known to be good: %s", complaint);
	fs_type = 0x58465342;
	prepare(d, 20, "y", 0);
	ok(batch_tells(d, want) && n_syncfs == 1 && n_data_syncs == 40,
	   "xfs: one");
	fs_type = 0xef53;
}

static void
test_releases(void)
{
	static const struct {
		const char *release;
		bool tells;
	} cases[] = {{"6.1.0-18-amd64", true},
		     {"5.17.0", true},
		     {"5.16.20", false},
		     {"5.8.0", false},
		     {"4.19.300", false},
		     {"10.0", true},
		     {"", false}};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(syncs_tells(cases[i].release) == cases[i].tells,
		   "Linux %s: syncfs is %s", cases[i].release,
		   cases[i].tells ? "believed" : "not believed");
}

/* The same file by two names of its Maildir: when the sync of the second one
 * fails, the first one has K, and keeps its file. */
static void
test_found(void)
{
	struct delivery a, b;

	clear_place();
	a = delivery("x", 0);
	b = delivery("x/", 0);
	a.n_rcpts = b.n_rcpts = 1;
	a.next = &b;
	buf_clear(&verdicts);
	add_all(&a);
	write_now();
	skip_call = 1;
	fail_call = "sync";
	deliver_finish(&belt);
	ok(slice_eq(buf_slice(&verdicts), SLICE("KZ")) && fail_what &&
	       count_in("x/new") == 1 && !*complaint,
	   "a name that was found is not ours to remove: %.*s, %s",
	   (int)verdicts.len, buf_slice(&verdicts).at, complaint);
}

static unsigned n_left;

static void
left(struct delivery *d, size_t rcpt, const struct verdict *v)
{
	(void)d;
	(void)rcpt;
	n_left += v->code == 'K';
}

/* The agent's connection is lost with files at every stage. */
static void
test_leave(void)
{
	struct delivery d;
	unsigned stage;

	for (stage = 0; stage < 4; stage++) {
		clear_place();
		buf_clear(&verdicts);
		d = delivery("x", stage);
		deliver_add(&belt, &d);
		if (stage > 0)
			write_now();
		if (stage > 1)
			worker_wait(&belt.syncer);
		if (stage > 2)
			worker_wait(&belt.syncer);
		if (stage == 3) {
			ok(verdicts.len == 2, "over");
			break;
		}
		ok(deliver_leave(&belt, &d) == (stage == 0), "it leaves at %u",
		   stage);
		d.path = d.sender = d.text = SLICE("?");
		d.rcpts = NULL;
		d.done = left;
		deliver_finish(&belt);
		ok(n_left == (stage == 0 ? 0 : 2) &&
		       count_in("x/new") == n_left && count_in("x/tmp") == 0,
		   "%u files are there", n_left);
		n_left = 0;
	}
}

/* With the thread, and without the model, which is not made for two. */
static void
test_thread(void)
{
	enum { N = 400 };
	static struct delivery d[N];
	struct buf want = {0};
	unsigned i;

	clear_place();
	fs_use(&fs_kernel);
	deliver_close(&belt);
	deliver_init(&belt, &loop, slice_text(me_text));
	buf_clear(&verdicts);
	for (i = 0; i < N; i++) {
		prepare(&d[i], 1, i % 3 ? "x" : "y", i);
		add_all(&d[i]);
		if (i % 40 == 39)
			loop_round(&loop, 0);
	}
	while (verdicts.len < 2 * N)
		loop_round(&loop, -1);
	for (i = 0; i < 2 * N; i++)
		buf_putc(&want, 'K');
	ok(slice_eq(buf_slice(&verdicts), buf_slice(&want)) &&
	       count_in("x/new") + count_in("y/new") == 2 * N &&
	       count_in("x/tmp") + count_in("y/tmp") == 0,
	   "%d files beside a thread that syncs", 2 * N);
	ok(belt.syncer.has_thread, "there was one");
	prepare(d, 1, "x", N);
	add_all(d);
	loop_round(&loop, 0);
	deliver_close(&belt); /* in the middle */
	ok(verdicts.len == 2 * N + 2, "what is under way is told at the end");
	belt_begin();
	fs_use(&model);
	buf_free(&want);
}

static int
no_links(int from_dir, const char *from, int to_dir, const char *to)
{
	(void)from_dir;
	(void)from;
	(void)to_dir;
	(void)to;
	errno = EPERM;
	return -1;
}

static int
no_moves(int from_dir, const char *from, int to_dir, const char *to)
{
	(void)no_links(from_dir, from, to_dir, to);
	errno = EINVAL;
	return -1;
}

static void
test_no_links(void)
{
	struct delivery d;

	clear_place();
	model.move = no_moves;
	model.link = no_links;
	d = delivery("x", 0);
	ok(batch_tells(&d, "KK") && count_in("x/new") == 2 && !*complaint,
	   "a file system without hard links: renamed");
	model.link = model_link;
	d = delivery("x", 1);
	ok(batch_tells(&d, "KK") && count_in("x/new") == 4 &&
	       count_in("x/tmp") == 0 && !*complaint,
	   "one that cannot rename without replacing: linked");
	d = delivery("x", 1);
	ok(batch_tells(&d, "KK") && count_in("x/new") == 4 &&
	       count_in("x/tmp") == 0,
	   "... and again");
	model.move = model_move;
}

static void
test_names(void)
{
	char a[NAME_SIZE], b[NAME_SIZE], me[300];
	uint64_t birth = BIRTH_S * UINT64_C(1000000) + 52077;

	name_put(a, birth, UINT64_C(0x69300001000000a1), two[0],
		 SLICE("hub.example"));
	ok(strncmp(a, "1795293611.M52077Q69300001000000a1R", 35) == 0 &&
	       strcmp(a + 35 + 16, ".hub.example") == 0,
	   "%s", a);
	name_put(a, birth, 1, two[0], SLICE("h/u:b\n"));
	ok(strcmp(a + strlen(a) - 13, ".h\\057u\\072b_") == 0, "%s", a);
	name_put(b, birth, 1, two[1], SLICE("h/u:b\n"));
	ok(strcmp(a, b) != 0, "another recipient, another name");
	name_put(b, birth, 2, two[0], SLICE("h/u:b\n"));
	ok(strcmp(a, b) != 0, "another message, another name");
	name_put(b, birth, 1, two[0], SLICE("h/u:b\n"));
	ok(strcmp(a, b) == 0, "the same, the same");
	memset(me, '/', sizeof me);
	name_put(a, UINT64_MAX, UINT64_MAX, two[0], slice_of(me, sizeof me));
	ok(strlen(a) < NAME_SIZE - 20, "a long name of ours is cut");
}

static void
test_troubles(void)
{
	static const struct {
		int e;
		const char *status;
	} cases[] = {{ENOSPC, "4.3.1"}, {EDQUOT, "4.2.2"}, {EIO, "4.3.0"},
		     {ELOOP, "4.3.5"},	{EACCES, "4.3.0"}, {EMFILE, "4.3.0"}};
	char path[VERDICT_TEXT_MAX];
	struct verdict v;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		trouble_verdict(&v, cases[i].e, SLICE("mail/a"));
		ok(v.code == 'Z' && slice_eq(verdict_status(&v),
					     slice_text(cases[i].status)),
		   "%s: %.*s", strerror(cases[i].e), (int)v.len, v.text);
	}
	trouble_verdict(&v, EROFS, SLICE("/srv/v/c"));
	ok(slice_eq(verdict_text(&v),
		    SLICE("may not write to the mailbox /srv/v/c: Read-only "
			  "file system (#4.3.0)")),
	   "which mailbox, and why");
	memset(path, 'x', sizeof path);
	trouble_verdict(&v, EACCES, slice_of(path, sizeof path));
	ok(slice_eq(verdict_status(&v), SLICE("4.3.0")),
	   "a long path has no room for all of it");
}

int
main(void)
{
	static const int errors[] = {EIO, ENOSPC, EDQUOT, EROFS, EMFILE, EINTR};
	const char *tmp = getenv("TMPDIR");
	size_t i;
	int kind;

	if (!tmp || strlen(tmp) >= 30) /* in memory: thousands of files */
		tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(place, sizeof place, "%s/quail-maildir-XXXXXX", tmp);
	if (!mkdtemp(place) || chdir(place) != 0)
		die_sys("making", place);
	model_use();
	loop_init(&loop);
	belt_begin();
	test_names();
	test_troubles();
	test_plain();
	test_again();
	test_same_recipient_twice();
	test_stream();
	test_many();
	test_stream_sync_fails();
	test_loops();
	test_planted();
	test_absolute();
	no_jumps = true; /* an old kernel */
	test_planted();
	test_absolute();
	no_jumps = false;
	test_no_links();
	test_belt();
	test_belt_fails();
	test_belt_fails_one();
	test_other_systems();
	test_releases();
	test_found();
	test_leave();
	test_thread();
	for (kind = 0; kind < KINDS; kind++) {
		for (i = 0; i < sizeof errors / sizeof *errors; i++)
			test_failures(kind, errors[i]);
		test_short_writes(kind);
		if (kind != STREAMED)
			test_deaths(kind);
	}
	deliver_close(&belt);
	loop_free(&loop);
	clear_place();
	rmdir(place);
	buf_free(&verdicts);
	return tap_done();
}
