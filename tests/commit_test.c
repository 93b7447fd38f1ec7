/* commit_test - what happens beside the sync of a batch: who comes meanwhile
 * waits for the next, a repeat too, and nobody sees what is not synced */
#include "queue/store_load.h"
#include "queue/store_seal.h"

#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "queue/control_run.h"
#include "tests/tables.h"
#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { LARGE = STORE_SHORT + 1000, SMALL = 100 };

static struct loop loop;
static struct store store;
static struct buf story;
static uint64_t next_id;
static unsigned n_spoiled;

struct mail {
	struct store_waiter waiter;
	struct incoming in;
	char name;
};

static void
loaded(struct store *st)
{
	(void)st;
}

static void
told(struct store_waiter *w, struct message *m, const struct verdict *v)
{
	struct mail *mail = OWNER(w, struct mail, waiter);

	(void)m;
	buf_putc(&story, mail->name);
	buf_putc(&story, v->code);
	buf_putc(&story, ' ');
}

static bool
is_told(const char *what)
{
	bool good = slice_eq(buf_slice(&story), slice_text(what));

	if (!good)
		fprintf(stderr, "# told: %.*s\n# not:  %s\n", (int)story.len,
			buf_slice(&story).at, what);
	buf_clear(&story);
	return good;
}

static void
begin(enum worker_way way)
{
	store = (struct store){.loaded = loaded, .sync_way = way};
	store_open(&store, &loop, "queue");
	while (!store.is_loaded)
		loop_round(&loop, 0);
	next_id = store_lease(&store);
}

static void
finish(void)
{
	store_close(&store);
	if (system("rm -rf queue") != 0)
		perror("queue");
}

static void
add(struct mail *mail, char name, size_t size)
{
	struct buf text = {0};

	memset(buf_room(&text, size), 'x', size);
	buf_added(&text, size);
	*mail = (struct mail){.name = name, .waiter.done = told};
	mail->in.id = next_id++;
	mail->in.birth_us = clock_us();
	mail->in.has_key = true;
	mail->in.session = 1;
	memcpy(mail->in.key, &mail->in.id, sizeof mail->in.id);
	buf_text(&mail->in.sender, "a@b.test");
	incoming_rcpt(&mail->in, SLICE("c@d.test"));
	incoming_rcpt(&mail->in, SLICE("e@f.test"));
	if (incoming_text(&mail->in, store.big_dir, INCOMING_SMALL,
			  buf_slice(&text)) != 0 ||
	    store_add(&store, &mail->in, SLICE(""), &mail->waiter) != 0)
		exit(1);
	buf_free(&text);
}

/* The same bytes as of's, by another connection: do they wait for it? */
static bool
repeats(const struct mail *of, struct mail *repeat)
{
	static uint32_t session = 100;
	struct incoming in = of->in;
	uint64_t id;

	in.session = ++session;
	if (!store_taken(&store, &in, &id))
		return false;
	store_wait(&store, id, &repeat->waiter);
	return id == of->in.id;
}

static void
forget(struct mail *mail)
{
	incoming_free(&mail->in, store.big_dir);
}

/* How many messages an operator's list has. */
static uint64_t
listed(void)
{
	struct control_source source = {.store = &store};
	struct control_run run = {.source = &source};
	struct buf out = {0}, ask = {0};
	struct holds holds = {0};
	uint64_t n;

	source.holds = &holds;
	netstring_put(&ask, SLICE("count"));
	netstring_put(&ask, SLICE("all=1"));
	control_run_start(&run, buf_slice(&ask), &out);
	while (!control_run_slice(&run, &out))
		;
	n = run.n_told;
	control_run_free(&run);
	buf_free(&out);
	buf_free(&ask);
	return n;
}

static void
test_meanwhile(void)
{
	struct mail a, b, c, repeat = {.name = 'r', .waiter.done = told};

	begin(WORKER_LATE);
	add(&a, 'a', LARGE);
	add(&b, 'b', SMALL);
	loop_round(&loop, 0);
	ok(store.syncer.is_busy && is_told(""), "the sync is under way");
	ok(!store_is_durable(&store, a.waiter.message) && listed() == 0,
	   "nobody sees what may still be refused");
	add(&c, 'c', SMALL);
	ok(repeats(&a, &repeat), "a repeat is known meanwhile");
	loop_round(&loop, 0);
	ok(store.syncer.is_busy && is_told(""), "the next batch waits for it");
	loop_round(&loop, 0);
	ok(is_told("aK bK rK "), "its end is told to those who waited for it, "
				 "the repeat too");
	ok(store_is_durable(&store, a.waiter.message) &&
	       !store_is_durable(&store, c.waiter.message) && listed() == 2,
	   "and what it was for is there");
	loop_round(&loop, 0);
	loop_round(&loop, 0);
	ok(is_told("cK ") && listed() == 3,
	   "who came meanwhile was in the next");
	forget(&a);
	forget(&b);
	forget(&c);
	finish();
}

/* What must not be done beside a sync waits for its end. */
static void
test_waits(void)
{
	struct mail a, b;

	begin(WORKER_LATE);
	add(&a, 'a', LARGE);
	loop_round(&loop, 0);
	add(&b, 'b', SMALL);
	ok(store_commit(&store) == 0 && !store.syncer.is_busy &&
	       is_told("aK bK "),
	   "a commit ends what is under way first");
	forget(&a);
	forget(&b);
	add(&a, 'a', LARGE);
	loop_round(&loop, 0);
	ok(store_make_room(&store, store.segment_size) == 0 &&
	       !store.syncer.is_busy && is_told("aK "),
	   "so does a new segment");
	forget(&a);
	add(&a, 'a', LARGE);
	loop_round(&loop, 0);
	store_end(&store);
	ok(is_told("aK "), "so does the end");
	forget(&a);
	finish();
}

/* An empty one, without keys of repeats that must be kept apart first. */
static void
test_given_back(void)
{
	struct mail a;
	int i;

	begin(WORKER_LATE);
	ok(store_make_room(&store, store.segment_size) == 0 &&
	       store.n_segments == 2,
	   "an empty segment behind the current one");
	store_reclaim(&store);
	ok(store.seal.segment == store.oldest && store.n_segments == 2,
	   "it stays until it is sealed");
	for (i = 0; i < 4; i++)
		loop_round(&loop, 0);
	ok(store.n_segments == 1, "and is given back then");
	store_make_room(&store, store.segment_size);
	store_seal_wait(&store);
	add(&a, 'a', LARGE);
	loop_round(&loop, 0);
	ok(store.syncer.is_busy, "a sync is under way");
	store_reclaim(&store);
	ok(store.n_segments == 2 && store.syncer.is_busy && is_told(""),
	   "nothing is given back beside it, and nobody waits for it");
	for (i = 0; i < 4; i++)
		loop_round(&loop, 0);
	ok(store.n_segments == 1 && is_told("aK "), "but behind it");
	forget(&a);
	finish();
}

static void
test_outcomes(void)
{
	struct mail a, b;
	uint32_t batch;
	int i;

	begin(WORKER_LATE);
	add(&a, 'a', SMALL);
	loop_round(&loop, 0);
	store_synced(&store);
	add(&b, 'b', LARGE);
	loop_round(&loop, 0);
	store_settle(&store, a.waiter.message, 0, 'K', SLICE("x"));
	batch = store.batch;
	loop_task_queue(&loop, &store.commit_task);
	for (i = 0; i < 5; i++) /* long before its own timer */
		loop_round(&loop, 0);
	ok(is_told("aK bK ") && store.outcomes.len == 0 &&
	       !store.syncer.is_busy && store.batch == batch + 1,
	   "an outcome that came meanwhile is in the next batch");
	forget(&a);
	forget(&b);
	finish();
}

static int
no_new_file(int dir, const char *name, int flags, mode_t mode)
{
	if (flags & O_CREAT) {
		errno = EMFILE;
		return -1;
	}
	return fs_kernel.open(dir, name, flags, mode);
}

/* An outcome finds no room, and no new segment can be made; then one can. */
static void
test_late_outcomes(void)
{
	struct fs_calls calls = fs_kernel;
	struct mail a;

	calls.open = no_new_file;
	begin(WORKER_INLINE);
	add(&a, 'a', SMALL);
	loop_round(&loop, 0);
	forget(&a);
	store.segment_size = store.current->end + 10;
	fs_use(&calls);
	store_settle(&store, a.waiter.message, 0, 'K', SLICE("x"));
	ok(store.late.len > 0, "an outcome waits for a segment");
	fs_use(&fs_kernel);
	store_close(&store);
	begin(WORKER_INLINE);
	ok(is_told("aK ") && listed() == 1 &&
	       ((struct message *)idmap_any(&store.messages))->n_live == 1,
	   "an orderly stop writes it");
	finish();
}

static void
fail_sync(struct worker *syncer)
{
	OWNER(syncer, struct store, syncer)->sync_error = EIO;
}

static void
test_failure(void)
{
	struct mail a, b;

	begin(WORKER_LATE);
	store.syncer.work = fail_sync;
	add(&a, 'a', LARGE);
	loop_round(&loop, 0);
	add(&b, 'b', LARGE);
	loop_round(&loop, 0);
	loop_round(&loop, 0);
	ok(store.failed && is_told("aZ bZ "),
	   "a failed sync: Z to its own, and to those behind");
	loop.stopping = false;
	forget(&a);
	forget(&b);
	finish();
}

static void
put_damaged(uint64_t id)
{
	char name[64] = "queue/damaged/";
	FILE *f;

	big_name(name + strlen(name), id);
	f = fopen(name, "w");
	if (!f)
		exit(1);
	fclose(f);
}

/* Who left otherwise than by delivery stands for nothing any more: what its
 * client sends again is a new message. */
static void
test_left(void)
{
	struct mail a, b, c, d, repeat = {.name = 'r', .waiter.done = told},
				second = repeat, third = repeat,
				fourth = repeat;

	begin(WORKER_INLINE);
	add(&a, 'a', SMALL);
	add(&b, 'b', SMALL);
	add(&c, 'c', SMALL);
	add(&d, 'd', SMALL);
	loop_round(&loop, 0);
	store_settle(&store, a.waiter.message, 0, 'K', SLICE("x"));
	store_settle(&store, a.waiter.message, 1, 'K', SLICE("x"));
	store_settle(&store, b.waiter.message, 0, 'D', SLICE("removed"));
	store_settle(&store, b.waiter.message, 1, 'D', SLICE("removed"));
	store_forget_settled(&store, c.waiter.message, 0);
	ok(repeats(&a, &repeat), "what was delivered stands for a repeat");
	ok(repeats(&b, &second), "so does what an operator removed");
	ok(repeats(&c, &third), "and what was returned: its sender was told");
	if (system("mkdir -p queue/damaged") != 0)
		exit(1);
	ok(repeats(&d, &fourth), "and what is in the queue");
	put_damaged(d.in.id);
	ok(!repeats(&d, &repeat), "not what is in queue/damaged");
	loop_round(&loop, 0);
	ok(is_told("aK bK cK dK rK rK rK rK "), "each that does is told K");
	forget(&a);
	forget(&b);
	forget(&c);
	forget(&d);
	finish();
}

/* Turn a bit of what mail has at from its text's begin. */
static void
turn_bit(const struct mail *mail, bool is_big, off_t from)
{
	struct message *m = idmap_get(&store.messages, mail->in.id);
	char name[64] = "queue/big/", c;
	int fd = m->segment->fd;

	if (is_big) {
		big_name(name + strlen(name), m->id);
		fd = open(name, O_RDWR);
	} else {
		from += (off_t)(m->offset + RECORD_HEAD + ENTRY_M_HEAD +
				m->env_len);
	}
	if (pread(fd, &c, 1, from) != 1)
		exit(1);
	c ^= 1;
	if (pwrite(fd, &c, 1, from) != 1)
		exit(1);
	if (is_big)
		close(fd);
}

static void
cut_big(const struct mail *mail, off_t size)
{
	char name[64] = "queue/big/";

	big_name(name + strlen(name), mail->in.id);
	if (truncate(name, size) != 0)
		exit(1);
}

static void
on_spoiled(struct store *st, struct message *m)
{
	(void)st;
	n_spoiled += m != NULL;
}

/* The first is in the queue, but its bytes are not what was taken. */
static void
test_first_is_damaged(void)
{
	struct mail a, b, c, d, e, repeat = {.name = 'r', .waiter.done = told},
				   second = repeat, third = repeat;

	begin(WORKER_INLINE);
	add(&a, 'a', SMALL);
	add(&b, 'b', SMALL);
	add(&c, 'c', 2 * INCOMING_SMALL);
	add(&d, 'd', STORE_REREAD_MAX + 1);
	add(&e, 'e', 2 * INCOMING_SMALL);
	loop_round(&loop, 0);
	store_close(&store);
	begin(WORKER_INLINE);
	store.spoils = on_spoiled;
	turn_bit(&b, false, SMALL - 1);
	turn_bit(&c, true, INCOMING_SMALL);
	turn_bit(&d, true, STORE_REREAD_MAX);
	ok(repeats(&a, &repeat) && repeats(&e, &second),
	   "the neighbours stand for their repeats");
	ok(!repeats(&b, &repeat), "one whose text is damaged does not");
	ok(!repeats(&b, &repeat) && n_spoiled == 1,
	   "nor ever, and it is tried, to be set aside");
	ok(!repeats(&c, &repeat), "nor one with such a file");
	ok(repeats(&d, &third), "a very large file is not read");
	cut_big(&d, STORE_REREAD_MAX);
	ok(!repeats(&d, &repeat), "but must have its size");
	loop_round(&loop, 0);
	ok(is_told("aK bK cK dK eK rK rK rK "), "each got its answer");
	forget(&a);
	forget(&b);
	forget(&c);
	forget(&d);
	forget(&e);
	finish();
}

static bool no_room;

static ssize_t
write_little(int fd, const void *at, size_t n, off_t where)
{
	if (!no_room || n < LARGE)
		return fs_kernel.pwrite(fd, at, n, where);
	errno = ENOSPC;
	return -1;
}

/* What cannot be written was never there, from that moment on: though its
 * waiters are told behind the sync of the outcomes that could. */
static void
test_failed_write(void)
{
	struct mail a, b, c, first = {.name = 'r', .waiter.done = told},
			     second = first;
	struct fs_calls calls = fs_kernel;

	calls.pwrite = write_little;
	fs_use(&calls);
	begin(WORKER_LATE);
	add(&c, 'c', SMALL);
	loop_round(&loop, 0);
	store_synced(&store);
	add(&a, 'a', LARGE);
	ok(repeats(&a, &first), "a repeat waits with its first");
	store_settle(&store, c.waiter.message, 0, 'K', SLICE("x"));
	no_room = true;
	loop_round(&loop, 0);
	no_room = false;
	ok(store.syncer.is_busy && is_told("cK "), "the write has failed, a "
						   "sync is under way");
	ok(!repeats(&a, &second), "the same package is a new one now");
	add(&b, 'b', SMALL);
	while (store.syncer.is_busy || store.waiting.first)
		loop_round(&loop, 0);
	ok(is_told("aZ rZ bK "), "Z to both, and K to what came meanwhile");
	fs_use(&fs_kernel);
	forget(&a);
	forget(&b);
	forget(&c);
	finish();
}

static uint64_t given_up; /* bytes of the log, from its begin */
static bool has_hole;

static void
note_uncache(int fd, uint64_t from, uint64_t n)
{
	(void)fd;
	has_hole |= from != given_up;
	given_up = from + n;
}

static void
test_cache(void)
{
	enum { KEPT = 80000, EACH = 30000 };
	struct fs_calls calls = fs_kernel;
	struct mail mail;
	unsigned i;

	calls.uncache = note_uncache;
	fs_use(&calls);
	begin(WORKER_INLINE);
	store.keep_cached = KEPT;
	for (i = 0; i < 9; i++) {
		add(&mail, 'a', EACH);
		loop_round(&loop, 0);
		forget(&mail);
		if (i == 1)
			ok(given_up == 0, "the last pages of the log stay");
		else if (i == 8)
			ok(given_up + KEPT <= store.current->end &&
			       given_up + KEPT + KEPT / 8 + EACH >
				   store.current->end &&
			       !has_hole,
			   "older ones are given up, each once");
	}
	fs_use(&fs_kernel);
	buf_clear(&story);
	finish();
}

static void
test_thread(void)
{
	enum { N = 200 };
	static struct mail mails[N];
	unsigned i, beside = 0;

	begin(WORKER_THREAD);
	add(&mails[0], 'a', SMALL);
	loop_round(&loop, 0);
	ok(is_told("aK ") && !store.syncer.has_thread,
	   "a short batch is synced at once, without a thread");
	forget(&mails[0]);
	for (i = 0; i < N; i++) {
		add(&mails[i], 'a', LARGE);
		loop_round(&loop, 0);
		beside += store.syncer.is_busy;
	}
	while (store.syncer.is_busy || store.waiting.first)
		loop_round(&loop, -1);
	ok(store.syncer.has_thread && beside > 0, "one does the others'");
	ok(story.len == 3 * N && listed() == N + 1, "all of them are told");
	ok(!memchr(buf_slice(&story).at, 'Z', story.len), "K");
	buf_clear(&story);
	for (i = 0; i < N; i++)
		forget(&mails[i]);
	finish();
}

int
main(void)
{
	tables_begin();
	loop_init(&loop);
	test_meanwhile();
	test_waits();
	test_given_back();
	test_outcomes();
	test_late_outcomes();
	test_left();
	test_first_is_damaged();
	test_failure();
	test_failed_write();
	test_cache();
	test_thread();
	loop_free(&loop);
	buf_free(&story);
	tables_end();
	return tap_done();
}
