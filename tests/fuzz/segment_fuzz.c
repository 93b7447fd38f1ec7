/* segment - a queue's directory as it may be found: segments of any bytes, and
 * of right records that say anything. Starting on it ends nothing and reads
 * nothing that is not there; what was loaded can be read, or is told to be
 * damaged, and a new message is taken. One in four is started on twice
 *
 * The input is a program: how to make the files, record by record.
 */
#include "lib/clock.h"
#include "lib/crc32c.h"
#include "lib/fs.h"
#include "lib/netstring.h"
#include "queue/segment.h"
#include "queue/store_damage.h"
#include "queue/store_load.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/quiet.h"
#include "tests/simfs.h"

#include <fcntl.h>

enum {
	SEGMENTS = 3,
	FIRST = 0x60000000,
	SIZE = 8192,
	SETTLED = 8,
	COUNTED = 64,
	BIRTH = 1700000000
};

static struct loop loop;
static struct store store;
static struct buf bytes; /* of a segment */
static struct simfs *disk;
static bool was_stored;

static void
on_stored(struct store_waiter *w, struct message *m, const struct verdict *v)
{
	(void)w, (void)m;
	was_stored = v->code == 'K';
}

static void
loaded(struct store *st)
{
	(void)st;
}

/* making the files */

static uint32_t
word(struct slice *in)
{
	uint32_t v = fuzz_byte(in);

	return v < 0xf0 ? v : v << 24 | (uint32_t)fuzz_byte(in) << 8;
}

static uint64_t
id_of(struct slice *in)
{
	return (uint64_t)(FIRST + fuzz_byte(in) % 4) << 32 | fuzz_byte(in) % 8;
}

/* A message whose numbers are right, but for some. */
static void
put_m(struct buf *b, struct slice *in)
{
	struct slice sender = fuzz_string(in), rcpt = fuzz_string(in);
	struct slice attr = fuzz_string(in), text = fuzz_string(in);
	uint8_t wrong = fuzz_byte(in);
	struct buf env = {0};
	struct entry_m m = {.id = id_of(in),
			    .birth_us = BIRTH * INT64_C(1000000),
			    .n_rcpts = 1 + wrong % 3,
			    .text_crc = crc32c(0, text)};
	uint32_t i;

	netstring_put(&env, sender);
	for (i = 0; i < m.n_rcpts; i++)
		netstring_put(&env, rcpt);
	if (attr.len > 0)
		netstring_put(&env, attr);
	m.env_len = (uint32_t)env.len;
	m.text_len = text.len;
	m.is_big = wrong & 0x10;
	if (wrong & 0x20)
		m.n_rcpts = word(in);
	if (wrong & 0x40)
		m.env_len = word(in);
	if (wrong & 0x80)
		m.text_len = word(in);
	entry_m_put(b, &m);
	buf_puts(b, buf_slice(&env));
	buf_puts(b, text);
	buf_free(&env);
}

static void
put_payload(struct buf *b, char type, struct slice *in)
{
	uint8_t how = fuzz_byte(in);

	if (type == 'M' && how < 0xc0)
		put_m(b, in);
	else if (type == 'S' && how < 0xc0)
		entry_s_put(b, &(struct entry_s){.id = id_of(in),
						 .index = word(in) % 5,
						 .code = how & 1 ? 'K' : 'D',
						 .text = fuzz_string(in)});
	else if (type == 'P' && how < 0xc0)
		entry_p_put(b, &(struct entry_p){.id = id_of(in),
						 .is_paused = how & 1});
	else if (type == 'B' && how < 0xc0)
		entry_b_put(b, word(in));
	else
		buf_puts(b, fuzz_string(in));
}

static void
put_record(struct buf *b, struct slice *in, uint32_t segno, uint32_t salt,
	   uint32_t batch)
{
	static const char types[] = "MSPBKEFHMSMSMS";
	char type = types[fuzz_byte(in) % (sizeof types - 1)];
	size_t place = record_begin(b);

	if (type == 'F') {
		buf_cut(b, place);
		segment_put_seal(
		    b, &(struct entry_f){word(in), word(in), word(in), salt},
		    segno, batch);
		return;
	}
	put_payload(b, type, in);
	record_end(b, place, type, segno, batch, salt);
}

static void
put_head(struct buf *b, uint32_t segno, uint32_t salt, struct slice *in)
{
	uint8_t how = fuzz_byte(in);
	size_t place = record_begin(b);

	entry_h_put(
	    b, &(struct entry_h){.salt = salt,
				 .created_us = BIRTH * INT64_C(1000000),
				 .after = how & 1 ? segno - 1 : 0,
				 .after_end = how & 1 ? word(in) * 16 : 0});
	record_end(b, place, 'H', segno, 0, how & 2 ? salt : 0);
}

/* Bytes that were changed, moved or lost since. */
static void
spoil(struct buf *b, struct slice *in)
{
	uint8_t how = fuzz_byte(in);
	size_t at = word(in) % (b->len + 1);

	if (how < 0x10 && at < b->len)
		b->mem[b->off + at] ^= (char)(1 << how % 8);
	else if (how < 0x18)
		buf_cut(b, at);
	else if (how < 0x20)
		buf_puts(b, fuzz_string(in));
	else if (how < 0x28)
		memset(buf_room(b, 512), 0, 512), buf_added(b, 512);
}

static void
make_segment(int seg, struct slice *in, unsigned i)
{
	uint32_t segno = FIRST + i, salt = 0x1234 + i, batch = 1;
	struct buf *b = &bytes;
	char name[SEGMENT_NAME];
	uint8_t n = fuzz_byte(in) % 9;
	int fd;

	if (n == 0)
		return;
	buf_clear(b);
	put_head(b, segno, salt, in);
	for (; n > 1; n--) {
		put_record(b, in, segno, salt, batch);
		batch += fuzz_byte(in) & 1;
	}
	spoil(b, in);
	segment_name(name, segno);
	fd = fs_open(seg, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	fuzz_check(fd >= 0 &&
		   fs_write_all(fd, buf_slice(b).at, b->len, 0) == 0);
	fs_close(fd);
}

static void
make_queue(struct slice *in)
{
	unsigned i;
	int queue, seg;

	fuzz_check(fs_mkdir(AT_FDCWD, "queue", 0700) == 0);
	queue = fs_open_dir(AT_FDCWD, "queue");
	fuzz_check(fs_mkdir(queue, "seg", 0700) == 0);
	seg = fs_open_dir(queue, "seg");
	for (i = 0; i < SEGMENTS; i++)
		make_segment(seg, in, i);
	fs_close(seg);
	fs_close(queue);
}

/* living on it */

static uint32_t
n_open(struct message *m)
{
	uint32_t i, n = 0;

	for (i = 0; i < m->n_rcpts; i++)
		n += !message_is_done(m, i);
	return n;
}

static void
check_message(struct message *m)
{
	struct store_envelope e;
	struct buf room = {0};
	struct slice rcpt;
	char text[512];
	uint32_t n = 0;

	fuzz_check(m->n_live > 0 && m->n_live <= m->n_rcpts &&
		   m->n_rcpts <= MESSAGE_RCPTS_MAX);
	fuzz_check(m->n_rcpts > COUNTED || n_open(m) == m->n_live);
	if (store_envelope(&store, m, &room, &e) == 0) {
		struct store_reader r = {.want = e.text_crc};
		size_t len = m->text_len < sizeof text ? (size_t)m->text_len
						       : sizeof text;

		while (netstring_slice(&e.rcpts, &rcpt) == 0)
			n++;
		fuzz_check(n >= 1);
		if (m->text_len <= sizeof text)
			store_text_next(&store, m, &r, text, len);
		store_check(&store, m, true);
	}
	buf_free(&room);
}

/* All of them; one has all its outcomes then, or some of very many. */
static void
check_all(void)
{
	struct message *first = NULL;
	size_t i;
	uint32_t n;

	for (i = 0; i < store.messages.cap; i++)
		if (store.messages.slots[i].value) {
			first = store.messages.slots[i].value;
			check_message(first);
		}
	if (!first || store_is_spoiled(&store, first))
		return;
	n = first->n_rcpts < SETTLED ? first->n_rcpts : SETTLED;
	for (i = 0; i < n; i++)
		if (!message_is_done(first, (uint32_t)i) &&
		    store_settle(&store, first, (uint32_t)i, 'K', SLICE("x")))
			break;
}

static void
add_one(void)
{
	struct store_waiter w = {.done = on_stored};
	struct incoming in = {.id = store_lease(&store),
			      .birth_us = clock_us()};

	was_stored = false;
	buf_text(&in.sender, "a@b.test");
	incoming_rcpt(&in, SLICE("c@d.test"));
	fuzz_check(incoming_text(&in, store.big_dir, 4096, SLICE("x\n")) == 0);
	fuzz_check(store_add(&store, &in, SLICE(""), &w) == 0);
	loop_round(&loop, 0);
	incoming_free(&in, store.big_dir);
	fuzz_check(was_stored);
}

static void
live(void)
{
	size_t rounds = 0;

	store = (struct store){.loaded = loaded, .segment_size = SIZE};
	store_open(&store, &loop, "queue");
	while (!store.is_loaded && !store.failed) {
		loop_round(&loop, 0);
		fuzz_check(rounds++ < 1000);
	}
	fuzz_check(!store.failed);
	check_all();
	add_one();
	store_reclaim(&store);
	store_close(&store);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	struct slice in = slice_of((const char *)at, n);

	if (!disk) {
		clock_set_for_tests((BIRTH + 5) * INT64_C(1000000));
		loop_init(&loop);
		buf_room(&bytes, 65536); /* no growth that looks like a leak */
	}
	disk = simfs_bare(disk);
	make_queue(&in);
	live();
	if (n % 4 == 0)
		live();
	fuzz_check(simfs_is_closed(disk));
	simfs_bare(disk);
	return 0;
}
