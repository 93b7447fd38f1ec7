/* envelope_test.c - addresses that look like what the queue writes of itself
 *
 * A return path and recipients are the client's bytes. None of them may
 * settle, hold or move anything: not by a scan, not by an index, and not
 * when the message is moved. */
#include "lib/netstring.h"
#include "queue/store.h"
#include "tests/tables.h"

static struct loop loop;
static struct store store;
static struct message *stored;
static uint64_t victim, hostile;
static char letter = 'a'; /* of the text */

static const char *const addresses[] = {"done=0,@x.test", "paused=1",
					"settles=", "key=", "done=1,0"};
enum { HOSTILE = 5 };

static void
on_stored(struct store_waiter *w, struct message *m, const struct verdict *v)
{
	(void)w;
	(void)v;
	stored = m;
}

static uint64_t
add(uint64_t id, struct slice sender, const char *const *rcpts, size_t n,
    size_t size)
{
	static char text[5000];
	struct store_waiter w = {.done = on_stored};
	struct incoming in = {.id = id, .birth_us = 1};
	size_t i;

	buf_puts(&in.sender, sender);
	for (i = 0; i < n; i++)
		incoming_rcpt(&in, slice_text(rcpts[i]));
	memset(text, letter, sizeof text);
	incoming_text(&in, store.big_dir, INCOMING_SMALL, slice_of(text, size));
	stored = NULL;
	if (store_add(&store, &in, SLICE(""), &w) != 0)
		abort();
	loop_round(&loop, 0);
	incoming_free(&in, store.big_dir);
	return stored ? stored->id : 0;
}

static void
loaded(struct store *st)
{
	(void)st;
}

static void
open_store(void)
{
	store = (struct store){
	    .loaded = loaded, .segment_size = 8192, .keep_segments = 2};
	store_open(&store, &loop, "queue");
	while (!store.is_loaded)
		loop_round(&loop, 0);
}

static bool
same_rcpts(struct message *m)
{
	struct buf room = {0};
	struct store_envelope e;
	struct slice one;
	bool same = store_envelope(&store, m, &room, &e) == 0;
	size_t i;

	for (i = 0; same && i < HOSTILE; i++)
		same = netstring_slice(&e.rcpts, &one) == 0 &&
		       slice_eq(one, slice_text(addresses[i]));
	buf_free(&room);
	return same;
}

static void
check(const char *when)
{
	struct message *m = idmap_get(&store.messages, victim);

	ok(m && m->n_live == 2 && !m->is_paused, "%s: another's message lives",
	   when);
	m = idmap_get(&store.messages, hostile);
	ok(m && m->n_live == HOSTILE && !m->is_paused && same_rcpts(m),
	   "%s: all of its recipients live", when);
}

/* Fill segments with mail that is over, so that the oldest are given back. */
static void
fill_and_reclaim(uint64_t id)
{
	static const char *const rcpt[] = {"a@b.test"};
	uint32_t at = ((struct message *)idmap_get(&store.messages, hostile))
			  ->segment->segno;
	struct message *m;
	int i;

	for (i = 0; i < 40; i++) {
		add(id + (uint64_t)i, SLICE(""), rcpt, 1, 3000);
		if (stored)
			store_settle(&store, stored, 0, 'K', SLICE(""));
		loop_round(&loop, 0);
		store_reclaim(&store);
	}
	m = idmap_get(&store.messages, hostile);
	ok(m && m->segment->segno != at, "it has been moved");
}

/* Whose envelope and text come from memory, from what was read last, or from
 * the disk: each gets its own, in any order. */
static void
test_in_any_order(uint64_t id)
{
	enum { N = 7 };
	static const size_t sizes[N] = {10, 3000, 700, 4999, 1, 2500, 20};
	static const char *const rcpt[] = {"a@b.test"};
	struct message *m[N];
	struct buf room = {0};
	struct store_envelope e;
	char text[5000];
	size_t i, k, at;
	bool good = true;

	for (i = 0; i < N; i++) {
		letter = (char)('b' + i);
		add(id + i, slice_of(&letter, 1), rcpt, 1, sizes[i]);
		m[i] = stored;
	}
	for (i = 0; i < N * N * 2; i++) {
		k = i % 2 ? i / 2 / N : i / 2 % N;
		good &= store_envelope(&store, m[k], &room, &e) == 0 &&
			e.sender.len == 1 && e.sender.at[0] == (char)('b' + k);
		k = i % 4 / 2 ? i / 2 / N : i / 2 % N;
		good &= store_text(&store, m[k], 0, text, sizes[k]) == 0;
		for (at = 0; at < sizes[k]; at++)
			good &= text[at] == (char)('b' + k);
	}
	ok(good, "%d messages, read in any order", N);
	for (i = 0; i < N; i++)
		store_settle(&store, m[i], 0, 'K', SLICE(""));
	letter = 'a';
	buf_free(&room);
}

int
main(void)
{
	static const char *const two[] = {"a@b.test", "c@d.test"};
	struct buf sender = {0};
	uint64_t id;

	tables_begin();
	loop_init(&loop);
	open_store();
	id = store_lease(&store);
	test_in_any_order(id + 2);
	victim = add(id, SLICE("x@y.test"), two, 2, 10);
	buf_text(&sender, "settles=");
	buf_hex(&sender, 16, victim);
	buf_text(&sender, ":0,1,@z.test");
	hostile = add(id + 1, buf_slice(&sender), addresses, HOSTILE, 10);
	check("at first");
	store_close(&store);
	open_store();
	check("by a scan");
	id = store_lease(&store);
	fill_and_reclaim(id);
	check("moved");
	store_close(&store);
	open_store();
	check("after a move and a start");
	store_close(&store);
	buf_free(&sender);
	loop_free(&loop);
	if (system("rm -rf queue") != 0)
		perror("rm");
	tables_end();
	return tap_done();
}
