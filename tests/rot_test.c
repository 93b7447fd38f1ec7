/* rot_test.c - each bit of a log goes bad in turn, and each sector
 *
 * A log with mail of all kinds is made on a disk in memory (tests/simfs.h):
 * sealed; killed when it had rested; killed in the midst of work. One bit is
 * turned, or one sector gives EIO; the queue is started and everything is
 * delivered.
 *
 *   - what is delivered is what was taken, text and envelope;
 *   - all is delivered but the message that was hit, and that one is set
 *     aside;
 *   - what is over does not come again, but for the recipient whose outcome
 *     was hit;
 *   - there is an alarm;
 *   - nothing is left that pins a segment.
 *
 * No alarm can come from bytes that nobody needs: in a sealed segment all
 * but its first record, its index, and the records of messages that live,
 * without the newline behind them; the mark at the end of one that was not
 * sealed, or without a mark its last batch, which nothing tells from one that
 * was never finished; zeros; spares. Nothing may be lost or changed there
 * either, but for that batch.
 *
 * LONG=1: a log of some hundred messages. ROT_LOG=1 shows the store's log,
 * STOP_EARLY=1 ends at the first that is bad (for tests/mutants.t).
 */
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/netstring.h"
#include "queue/damaged.h"
#include "queue/store_commit.h"
#include "queue/store_damage.h"
#include "tests/ledger.h"
#include "tests/simfs.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 320, INLINE = 400, WORKERS = 2, SECTOR = 512, FILES = 200 };

/* what was taken */

struct sent {
	uint64_t id;
	size_t text_len;
	bool done[RCPTS];
	bool is_big;
	/* of one try: */
	bool delivered, again;
};

static struct sent sent[MOST];
static int n_sent, n_wanted;
static unsigned long enough_bad = 20;
static struct loop loop;
static struct store store;

static struct {
	unsigned long n_tried, n_alarms, n_aside, n_again, n_bad;
} * shares, *share;

static char
text_byte(uint64_t id, size_t i)
{
	return i % 64 == 63 ? '\n' : (char)('a' + (id * 7 + i * 13) % 26);
}

static void
put_text(struct buf *b, const struct sent *e)
{
	size_t i;

	for (i = 0; i < e->text_len; i++)
		buf_putc(b, text_byte(e->id, i));
}

static void
put_address(struct buf *b, const char *who, uint64_t id)
{
	buf_text(b, who);
	buf_hex(b, 8, id);
	buf_text(b, "@x.test");
}

static void
taken(struct store_waiter *w, struct message *m, const struct verdict *v)
{
	(void)w, (void)v;
	if (!m)
		abort();
}

static void
add(uint64_t id, size_t text_len, const char *settles)
{
	struct sent *e = &sent[n_sent++];
	struct store_waiter w = {.done = taken};
	struct incoming in = {.id = id, .birth_us = clock_us()};
	struct buf address = {0}, text = {0};
	int i;

	*e = (struct sent){
	    .id = id, .text_len = text_len, .is_big = text_len > INLINE};
	put_address(&in.sender, "from", id);
	for (i = 0; i < RCPTS; i++) {
		buf_clear(&address);
		put_address(&address, i ? "two" : "one", id);
		incoming_rcpt(&in, buf_slice(&address));
	}
	put_text(&text, e);
	if (incoming_text(&in, store.big_dir, INLINE, buf_slice(&text)) != 0 ||
	    store_add(&store, &in, slice_text(settles), &w) != 0)
		abort();
	loop_round(&loop, 0);
	incoming_free(&in, store.big_dir);
	buf_free(&address);
	buf_free(&text);
}

static void
settle(int i, int rcpt)
{
	struct message *m = idmap_get(&store.messages, sent[i].id);

	sent[i].done[rcpt] = true;
	store_settle(&store, m, (uint32_t)rcpt, rcpt ? 'D' : 'K',
		     SLICE("done"));
	loop_task_queue(&loop, &store.commit_task);
	loop_round(&loop, 0);
}

static void
bounce(uint64_t id, int of)
{
	char settles[64];

	snprintf(settles, sizeof settles, "%016llx:0",
		 (unsigned long long)sent[of].id);
	add(id, 150, settles);
	sent[of].done[0] = true;
	store_forget_settled(&store, idmap_get(&store.messages, sent[of].id),
			     0);
}

static void
loaded(struct store *st)
{
	(void)st;
}

static void
start(void)
{
	store = (struct store){.loaded = loaded,
			       .segment_size = n_wanted > 50 ? 8192 : 2048,
			       .keep_segments = 1000};
	store_open(&store, &loop, "queue");
	while (!store.is_loaded && !store.failed)
		loop_round(&loop, 0);
}

static void
work(void)
{
	uint64_t id = store_lease(&store);
	int i;

	for (i = 0; n_sent < n_wanted; i++) {
		int last = n_sent;

		add(id++, (size_t)(i * 37) % 300, "");
		if (i % 5 == 1)
			add(id++, INLINE + 100 + (size_t)i, "");
		if (i % 4 == 1)
			settle(last, 0);
		if (i % 3 == 2)
			settle(last, 1);
		if (i % 6 == 2)
			settle(last, 0);
		if (i % 8 == 3)
			bounce(id++, last);
	}
	add(id++, INLINE + 50, ""); /* in what is not sealed yet */
	add(id, 10, "");
}

/* where it stands */

/* Which message has bytes in that part of a file? -1: none that lives. */
struct place {
	int file, sent;
	uint64_t from, to;
	char type;
	bool is_quiet; /* nobody needs it */
};

struct log {
	struct simfs *disk;
	const char *what;
	int files[FILES], n_files;
	struct place places[MOST * 8];
	int n_places;
	bool is_rested;
};

static bool
is_over(const struct sent *e)
{
	return e->done[0] && e->done[1];
}

static int
sent_of(uint64_t id)
{
	int i;

	for (i = 0; i < n_sent; i++)
		if (sent[i].id == id)
			return i;
	return -1;
}

static uint32_t
salt_of(struct slice bytes)
{
	struct slice payload;
	struct entry_h h;
	struct record r;

	if (!record_whole(bytes, 0, &r, &payload) ||
	    entry_h_parse(payload, &h) != 0)
		abort();
	return h.salt;
}

/* In a sealed segment the index says what became of messages. */
static void
set_quiet(struct place *p, bool is_sealed)
{
	if (!is_sealed)
		return;
	p->is_quiet = (p->type == 'M' && is_over(&sent[p->sent])) ||
		      memchr("SPKB", p->type, 4);
}

static void
note_records(struct log *log, int file)
{
	struct slice bytes = simfs_bytes(log->disk, file), payload;
	uint32_t salt = salt_of(bytes), last_batch = 0;
	struct record r;
	struct entry_m m;
	size_t at = 0, n;
	int first = log->n_places, i;
	bool is_sealed = false;

	while ((n = record_whole(slice_from(bytes, at), at ? salt : 0, &r,
				 &payload)) > 0 ||
	       (n = record_whole(slice_from(bytes, at), 0, &r, &payload)) > 0) {
		struct place *p = &log->places[log->n_places++];

		*p = (struct place){.file = file,
				    .sent = -1,
				    .from = at,
				    .to = at + n,
				    .type = r.type};
		if (r.type == 'M' && entry_m_parse(payload, &m) == 0)
			p->sent = sent_of(m.id);
		is_sealed = is_sealed || r.type == 'F';
		last_batch = r.batch;
		at += n;
	}
	for (i = first; i < log->n_places; i++)
		set_quiet(&log->places[i], is_sealed);
	if (is_sealed)
		return;
	/* its last batch may be an unfinished one, for all we know; in a rest
	 * that is a mark alone */
	log->places[log->n_places - 1].is_quiet = true;
	for (i = log->n_places - 1; i > first && !log->is_rested; i--) {
		if (!record_head(slice_from(bytes, log->places[i].from), &r) &&
		    r.batch == last_batch)
			log->places[i].is_quiet = true;
	}
}

static void
note_files(struct log *log)
{
	struct buf names = {0};
	struct slice rest;
	uint32_t segno;
	int file, i;
	char name[BIG_NAME];

	fs_list(store.seg_dir, &names);
	for (rest = buf_slice(&names); rest.len > 0;
	     rest = slice_from(rest, strlen(rest.at) + 1)) {
		file = simfs_file(log->disk, "seg", rest.at);
		log->files[log->n_files++] = file;
		if (segment_number(rest.at, &segno) == 0)
			note_records(log, file);
	}
	buf_free(&names);
	for (i = 0; i < n_sent; i++) {
		big_name(name, sent[i].id);
		file = simfs_file(log->disk, "big", name);
		if (file < 0)
			continue;
		log->files[log->n_files++] = file;
		log->places[log->n_places++] =
		    (struct place){.file = file,
				   .sent = i,
				   .to = sent[i].text_len,
				   .type = 'b'};
	}
}

/* what comes of it */

static bool
right_envelope(const struct sent *e, const struct store_envelope *env)
{
	struct slice rest = env->rcpts, one;
	struct buf want = {0};
	bool good;
	int i;

	put_address(&want, "from", e->id);
	good = slice_eq(env->sender, buf_slice(&want));
	for (i = 0; i < RCPTS; i++) {
		buf_clear(&want);
		put_address(&want, i ? "two" : "one", e->id);
		good = good && netstring_slice(&rest, &one) == 0 &&
		       slice_eq(one, buf_slice(&want));
	}
	buf_free(&want);
	return good && rest.len == 0;
}

/* As an agent gets it: in pieces, until one is withheld. */
static int
read_text(struct message *m, uint32_t want, struct buf *text)
{
	struct store_reader r = {.want = want};

	while (r.at < m->text_len) {
		size_t n = m->text_len - (size_t)r.at;

		n = n < 160 ? n : 160;
		if (store_text_next(&store, m, &r, buf_room(text, n), n) != 0)
			return -1;
		buf_added(text, n);
	}
	return 0;
}

static bool
is_bad(const char *what, const struct log *log, int file, uint64_t from)
{
	share->n_bad++;
	return ok(false, "%s: %s, file %d, byte %llu bit %llu", what, log->what,
		  file, (unsigned long long)from / 8,
		  (unsigned long long)from % 8);
}

/* Delivers m, or lets it be set aside. NULL, or what is wrong. */
static const char *
deliver(struct message *m)
{
	int i = sent_of(m->id), k;
	struct sent *e = &sent[i];
	struct buf room = {0}, text = {0}, want = {0};
	struct store_envelope env;
	const char *wrong = NULL;

	if (i < 0)
		return "a message out of nothing";
	if (store_envelope(&store, m, &room, &env) == 0 &&
	    read_text(m, env.text_crc, &text) == 0) {
		put_text(&want, e);
		if (!right_envelope(e, &env))
			wrong = "a changed envelope";
		else if (!slice_eq(buf_slice(&text), buf_slice(&want)))
			wrong = "a changed text";
		e->delivered = true;
		for (k = 0; k < RCPTS; k++) {
			bool was_done = message_is_done(m, (uint32_t)k);

			e->again = e->again || (e->done[k] && !was_done);
			if (!e->done[k] && was_done)
				wrong = "a recipient is done that never was";
		}
		for (k = 0; k < RCPTS; k++)
			if (!message_is_done(m, (uint32_t)k) &&
			    store_settle(&store, m, (uint32_t)k, 'K',
					 SLICE("")))
				break;
	} else if (!store_is_spoiled(&store, m)) {
		wrong = "unreadable, and nobody is told";
	} else if (!store_set_aside(&store, m)) {
		wrong = "it is not set aside";
	}
	buf_free(&room);
	buf_free(&text);
	buf_free(&want);
	return wrong;
}

static const char *
deliver_all(void)
{
	const char *wrong = NULL, *w;
	struct message *m;
	uint64_t ids[MOST];
	size_t i, n = 0;

	for (i = 0; i < store.messages.cap; i++)
		if (store.messages.slots[i].value && n < MOST)
			ids[n++] = store.messages.slots[i].id;
	for (i = 0; i < n; i++) {
		m = idmap_get(&store.messages, ids[i]);
		if (m && (w = deliver(m)))
			wrong = w;
	}
	loop_task_queue(&loop, &store.commit_task);
	loop_round(&loop, 0);
	for (i = 0; i < n + 4 && store.oldest != store.current; i++) {
		store_reclaim(&store);
		loop_round(&loop, 0);
	}
	return wrong;
}

static bool
hits(const struct log *log, int sent_no, int file, uint64_t from, uint64_t to)
{
	int i;

	for (i = 0; i < log->n_places; i++) {
		const struct place *p = &log->places[i];

		if (p->sent == sent_no && p->file == file && p->from < to &&
		    p->to > from)
			return true;
	}
	return false;
}

/* Is nothing that anybody needs in these bytes? */
static bool
is_quiet(const struct log *log, int file, uint64_t from, uint64_t to)
{
	int i;

	for (i = 0; i < log->n_places; i++) {
		const struct place *p = &log->places[i];

		if (p->file != file || p->from >= to || p->to <= from)
			continue;
		if (!p->is_quiet && !(p->type == 'M' && from == p->to - 1))
			return false;
	}
	return true;
}

/* A big message whose record is lost has its text in one of two places. */
static bool
has_text(const struct simfs *disk, const struct sent *e)
{
	char name[DAMAGED_NAME + 8];
	struct buf want = {0};
	bool good;
	int file;

	snprintf(name, sizeof name, "%016llx", (unsigned long long)e->id);
	file = simfs_file(disk, "lost", name);
	if (file < 0) {
		snprintf(name, sizeof name, "%016llx.text",
			 (unsigned long long)e->id);
		file = simfs_file(disk, "damaged", name);
	}
	if (file < 0)
		return false;
	put_text(&want, e);
	good = simfs_bytes(disk, file).len == want.len;
	buf_free(&want);
	return good;
}

static size_t
n_aside(void)
{
	struct buf names = {0};
	struct slice rest;
	size_t n = 0;

	damaged_list(store.dir, &names);
	for (rest = buf_slice(&names); rest.len > 0;
	     rest = slice_from(rest, strlen(rest.at) + 1))
		n++;
	buf_free(&names);
	return n;
}

static const char *
check(const struct log *log, const struct simfs *disk, int file, uint64_t from,
      uint64_t to, bool may_be_unfinished)
{
	int i, n_again = 0, n_lost = 0;

	for (i = 0; i < n_sent; i++) {
		const struct sent *e = &sent[i];

		n_again += e->again || (is_over(e) && e->delivered);
		if (e->delivered || is_over(e))
			continue;
		n_lost++;
		if (!hits(log, i, file, from, to))
			return "a neighbour is lost";
		if (e->is_big && !may_be_unfinished && !has_text(disk, e))
			return "a large text is removed";
	}
	share->n_again += (unsigned long)n_again;
	share->n_aside += n_aside();
	if (n_again > 1 && to - from == 1)
		return "others come again";
	if (n_lost > 0 && n_aside() == 0 && !may_be_unfinished)
		return "what is lost is nowhere";
	if (store.n_alarms == 0 && !is_quiet(log, file, from, to))
		return "no alarm";
	if (store.oldest != store.current)
		return "a segment is pinned";
	return NULL;
}

/* Bytes from..to of a file are bad: the bit, or all of them. */
static void
try_one(const struct log *log, int file, uint64_t from, uint64_t to, int bit)
{
	struct simfs *disk = simfs_copy(log->disk);
	uint64_t place = from * 8 + (uint64_t)(bit > 0 ? bit : 0);
	bool quiet = is_quiet(log, file, from, to);
	const char *wrong, *also;
	int i;

	if (bit >= 0)
		simfs_flip(disk, file, place);
	else
		simfs_unreadable(disk, file, from, to);
	for (i = 0; i < n_sent; i++)
		sent[i].delivered = sent[i].again = false;
	simfs_use(disk);
	start();
	wrong = deliver_all();
	also = check(log, disk, file, from, to, quiet);
	wrong = wrong ? wrong : also;
	share->n_tried++;
	share->n_alarms += store.n_alarms > 0;
	store_close(&store);
	simfs_use(NULL);
	simfs_free(disk);
	if (wrong)
		is_bad(wrong, log, file, place);
}

/* Under a sanitizer, which looks for other things and is slow, every
 * fortieth. */
static bool
is_mine(uint64_t n, int worker)
{
	return n % LEDGER_STRIDE == 0 &&
	       n / LEDGER_STRIDE % WORKERS == (uint64_t)worker;
}

static void
try_all(const struct log *log, int worker)
{
	uint64_t at, size, n = 0;
	int i, bit;

	for (i = 0; i < log->n_files; i++) {
		size = simfs_bytes(log->disk, log->files[i]).len;
		for (at = 0; at < size && share->n_bad < enough_bad; at++)
			for (bit = 0; bit < 8; bit++)
				if (is_mine(n++, worker))
					try_one(log, log->files[i], at, at + 1,
						bit);
		for (at = 0; at < size && share->n_bad < enough_bad;
		     at += SECTOR)
			if (is_mine(n++, worker))
				try_one(log, log->files[i], at,
					at + SECTOR < size ? at + SECTOR : size,
					-1);
	}
}

static void
rot(const struct log *log)
{
	unsigned long n_tried = 0, n_alarms = 0, n_set = 0, n_again = 0;
	int i, status;
	pid_t pids[WORKERS];
	bool good = true;

	memset(shares, 0, WORKERS * sizeof *shares);
	fflush(stdout);
	for (i = 0; i < WORKERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			share = &shares[i];
			try_all(log, i);
			fflush(stdout);
			_exit(share->n_bad > 0);
		}
	}
	for (i = 0; i < WORKERS; i++) {
		if (waitpid(pids[i], &status, 0) != pids[i] || status != 0)
			good = false;
		n_tried += shares[i].n_tried;
		n_alarms += shares[i].n_alarms;
		n_set += shares[i].n_aside;
		n_again += shares[i].n_again;
	}
	ok(good,
	   "%s: %lu bits and sectors of %d messages in %d files: %lu "
	   "alarms, %lu set aside, %lu twice",
	   log->what, n_tried, n_sent, log->n_files, n_alarms, n_set, n_again);
}

/* usage: rot_test [LOG], one of them only */
int
main(int argc, char **argv)
{
	static struct log logs[3] = {{.what = "sealed"},
				     {.what = "rested", .is_rested = true},
				     {.what = "killed"}};
	struct simfs *disk;
	int i;

	if (!getenv("ROT_LOG"))
		dup2(open("/dev/null", O_WRONLY), 2);
	shares = mmap(NULL, WORKERS * sizeof *shares, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shares == MAP_FAILED)
		return 111;
	if (getenv("STOP_EARLY"))
		enough_bad = 1;
	n_wanted = getenv("LONG") && *getenv("LONG") ? 150 : 14;
	loop_init(&loop);
	disk = simfs_new();
	simfs_use(disk);
	start();
	work();
	logs[2].disk = simfs_copy(disk);
	note_files(&logs[2]);
	store_rest(&store);
	store_rest(&store);
	logs[1].disk = simfs_copy(disk);
	note_files(&logs[1]);
	store_end(&store);
	logs[0].disk = simfs_copy(disk);
	note_files(&logs[0]);
	store_close(&store);
	simfs_use(NULL);
	simfs_free(disk);
	for (i = 0; i < 3; i++) {
		if (argc < 2 || strcmp(argv[1], logs[i].what) == 0)
			rot(&logs[i]);
		simfs_free(logs[i].disk);
	}
	loop_free(&loop);
	return tap_done();
}
