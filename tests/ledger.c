#include "tests/ledger.h"

#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/netstring.h"
#include "lib/owner.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdio.h>

enum { FIRST_SESSION = 1 };

struct ledger ledger;

/* what is written and what is expected */

static char
text_byte(uint64_t id, size_t i)
{
	return i % 64 == 63 ? '\n'
			    : (char)('a' + (id * 7 + i * 13 + i / 64) % 26);
}

static void
make_text(struct buf *b, uint64_t id, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		buf_putc(b, text_byte(id, i));
}

static void
put_address(struct buf *b, const char *who, uint64_t id)
{
	buf_text(b, who);
	buf_hex(b, 8, id);
	buf_text(b, "@example.test");
}

/* the store under test */

static void
loaded(struct store *st)
{
	(void)st;
}

void
ledger_start(void)
{
	int i, j;

	/* outcomes that no sync has confirmed by now are nobody's promise */
	for (i = 0; i < ledger.n; i++)
		for (j = 0; j < RCPTS; j++)
			if (!ledger.entries[i].durable[j])
				ledger.entries[i].durable[j] = SIZE_MAX;
	ledger.store = (struct store){
	    .loaded = loaded,
	    .segment_size = 8192,
	    .keep_segments = 2,
	    .keep_cached = 6000,
	    .sync_way = ledger.is_late ? WORKER_LATE : WORKER_INLINE};
	store_open(&ledger.store, &ledger.loop, "queue");
}

void
ledger_open(void)
{
	ledger_start();
	while (!ledger.store.is_loaded && !ledger.store.failed)
		loop_round(&ledger.loop, 0);
}

/* the workload */

static void
key_of(const struct ledger_entry *e, uint8_t key[RECENT_KEY])
{
	memset(key, 0x5a, RECENT_KEY);
	memcpy(key, &e->id, sizeof e->id);
}

static void
acked(struct store_waiter *w, struct message *m, const struct verdict *v)
{
	struct ledger_entry *e = OWNER(w, struct ledger_entry, waiter);

	(void)v;
	if (m)
		e->acked = simfs_length(ledger.disk);
	else if (!ledger.store.failed) /* else nobody knows */
		e->refused = simfs_length(ledger.disk);
}

static void
acked_again(struct store_waiter *w, struct message *m, const struct verdict *v)
{
	struct ledger_entry *e = OWNER(w, struct ledger_entry, repeat);

	(void)m;
	e->repeat.done = NULL; /* it waits no more */
	if (v->code == 'K')
		e->again = simfs_length(ledger.disk);
}

/* Each time by another connection. */
static bool
is_known(const struct ledger_entry *e, uint64_t *of)
{
	static uint32_t session;
	struct incoming in = e->in;

	if (++session == FIRST_SESSION)
		session++;
	in.session = session;
	return e->in.has_key && store_taken(&ledger.store, &in, of);
}

static void
bad(const char *what, const struct ledger_entry *e, size_t prefix, int keep,
    uint64_t n)
{
	ledger.n_bad++;
	ok(false, "%s: entry %d, prefix %zu, keep %d/%llu", what,
	   (int)(e - ledger.entries), prefix, keep, (unsigned long long)n);
}

void
ledger_repeat(size_t prefix)
{
	int i;

	for (i = 0; i < ledger.n; i++) {
		struct ledger_entry *e = &ledger.entries[i];
		uint64_t of;

		e->again = 0;
		e->repeat.done = acked_again;
		if (is_known(e, &of)) {
			if (of != e->id && ledger.n_bad < 20)
				bad("another stands for a repeat", e, prefix,
				    301, of);
			store_wait(&ledger.store, of, &e->repeat);
		} else if (e->in.has_key && e->acked && e->acked <= prefix &&
			   !ledger.is_aged && ledger.n_bad < 20)
			bad("a repeat is not known before the load", e, prefix,
			    300, 0);
	}
	loop_round(&ledger.loop, 0);
	ledger_land();
}

/* A client that has had no answer yet asks again: what it is told of the
 * repeat it believes of the first. */
static void
acked_early(struct store_waiter *w, struct message *m, const struct verdict *v)
{
	struct ledger_entry *e = OWNER(w, struct ledger_entry, repeat);

	(void)m;
	if (v->code == 'K' && !e->acked)
		e->acked = simfs_length(ledger.disk);
}

static void
repeat_early(int entry)
{
	struct ledger_entry *e = &ledger.entries[entry];
	uint64_t of;

	e->repeat.done = acked_early;
	if (!ledger.store.failed && is_known(e, &of))
		store_wait(&ledger.store, of, &e->repeat);
}

static struct ledger_entry *
add(size_t text_len, const char *settles, int of)
{
	struct ledger_entry *e = &ledger.entries[ledger.n++];
	struct buf address = {0};
	int i;

	*e = (struct ledger_entry){
	    .id = ledger.next_id++, .text_len = text_len, .settles = of};
	e->is_bounce = of >= 0;
	e->in.id = e->id;
	e->in.birth_us = clock_us();
	e->in.has_key = true;
	e->in.session = FIRST_SESSION;
	key_of(e, e->in.key);
	put_address(&e->in.sender, "from", e->id);
	for (i = 0; i < RCPTS; i++) {
		buf_clear(&address);
		put_address(&address, i ? "two" : "one", e->id);
		incoming_rcpt(&e->in, buf_slice(&address));
	}
	make_text(&e->text, e->id, text_len);
	e->waiter.done = acked;
	if (ledger.store.failed ||
	    incoming_text(&e->in, ledger.store.big_dir, SMALL,
			  buf_slice(&e->text)) != 0 ||
	    store_add(&ledger.store, &e->in, slice_text(settles), &e->waiter) !=
		0)
		incoming_free(&e->in, ledger.store.big_dir);
	buf_free(&address);
	return e;
}

static void
round_once(void)
{
	int i, j;

	loop_round(&ledger.loop, 0);
	/* outcomes that were in the log's last batch are durable now */
	if (ledger.store.outcomes.len > 0 || ledger.store.late.len > 0 ||
	    ledger.store.syncer.is_busy || ledger.store.failed)
		return;
	for (i = 0; i < ledger.n; i++)
		for (j = 0; j < RCPTS; j++)
			if (ledger.entries[i].settled[j] &&
			    !ledger.entries[i].durable[j])
				ledger.entries[i].durable[j] =
				    simfs_length(ledger.disk);
}

void
ledger_land(void)
{
	while (ledger.store.syncer.is_busy)
		round_once();
}

static void
settle(int entry, int rcpt)
{
	struct ledger_entry *e = &ledger.entries[entry];
	struct message *m = idmap_get(&ledger.store.messages, e->id);

	if (m && !store_is_durable(&ledger.store, m)) { /* not ours yet */
		ledger_land();
		m = idmap_get(&ledger.store.messages, e->id);
	}
	if (!m || ledger.store.failed)
		return;
	e->settled[rcpt] = simfs_length(ledger.disk) + 1;
	store_settle(&ledger.store, m, (uint32_t)rcpt, rcpt ? 'D' : 'K',
		     SLICE("done"));
	loop_task_queue(&ledger.loop,
			&ledger.store.commit_task); /* do not wait 100 ms */
}

static void
bounce(int entry, int rcpt)
{
	struct ledger_entry *e = &ledger.entries[entry], *b;
	struct message *m;
	char settles[64];

	snprintf(settles, sizeof settles, "%016llx:%d",
		 (unsigned long long)e->id, rcpt);
	b = add(300, settles, entry);
	e->settled[rcpt] = simfs_length(ledger.disk) + 1;
	round_once();
	ledger_land();
	m = idmap_get(&ledger.store.messages, e->id);
	if (b->acked && m) {
		store_forget_settled(&ledger.store, m, (uint32_t)rcpt);
		e->durable[rcpt] = b->acked;
	} else if (!b->acked) {
		e->durable[rcpt] = 0;
		if (!ledger.store.failed) /* else nobody knows */
			e->settled[rcpt] = 0;
	}
}

/* Let most of what is older come to its end, so that segments empty. */
static void
finish_old(void)
{
	int i, j;

	for (i = 16; i < ledger.n - 10; i++)
		for (j = 0; i % 9 && j < RCPTS; j++)
			if (!ledger.entries[i].settled[j])
				settle(i, j);
	round_once();
}

void
ledger_work(void)
{
	int i, big;

	ledger.next_id = store_lease(&ledger.store);
	add(400, "", -1);
	round_once();
	add(700, "", -1);
	add(100, "", -1);
	add(0, "", -1);
	round_once();
	settle(0, 0);
	settle(1, 1);
	round_once();
	for (i = 0; i < 8; i++) /* a long batch, then a short one */
		add(50, "", -1);
	round_once();
	settle(3, 1);
	round_once();
	big = ledger.n;
	add(SMALL + 5000, "", -1); /* a file of its own */
	add(50, "", -1);
	round_once();
	bounce(1, 0);
	settle(0, 1);
	add(600, "", -1); /* with the outcome in one batch */
	round_once();
	for (i = 0; i < 60; i++) { /* roll through segments */
		int last = ledger.n;

		add(900, "", -1);
		add(1200 + (size_t)i * 30, "", -1);
		if (i % 10 == 5)
			add(SMALL + 500, "", -1);
		repeat_early(last);
		round_once();
		repeat_early(last + 1);
		settle(last, 0);
		settle(last, 1);
		if (i % 3 == 0)
			settle(last + 1, 0);
		else if (i % 3 == 1)
			bounce(last + 1, 0);
		if (i % 7 != 6)
			settle(last + 1, 1);
		round_once();
		finish_old();
		if (i % 4 == 3) {
			store_reclaim(&ledger.store);
			round_once();
		}
		if (ledger.n + 5 > LEDGER_MAX)
			break;
	}
	settle(big, 0);
	settle(big, 1);
	round_once();
	for (i = 0; i < 20; i++) { /* each call does a piece */
		store_reclaim(&ledger.store);
		round_once();
	}
}

/* what a recovery must have found */

static bool
right_envelope(const struct ledger_entry *e, struct message *m)
{
	struct buf room = {0}, want = {0};
	struct store_envelope env;
	struct slice rest, one;
	bool good = store_envelope(&ledger.store, m, &room, &env) == 0;
	int i;

	put_address(&want, "from", e->id);
	good = good && slice_eq(env.sender, buf_slice(&want));
	rest = good ? env.rcpts : SLICE("");
	for (i = 0; good && i < RCPTS; i++) {
		buf_clear(&want);
		put_address(&want, i ? "two" : "one", e->id);
		good = netstring_slice(&rest, &one) == 0 &&
		       slice_eq(one, buf_slice(&want));
	}
	buf_free(&room);
	buf_free(&want);
	return good;
}

static bool
right_text(const struct ledger_entry *e, struct message *m)
{
	static char text[65536];

	return m->text_len == e->text_len && m->text_len <= sizeof text &&
	       store_text(&ledger.store, m, 0, text, e->text_len) == 0 &&
	       memcmp(text, buf_slice(&e->text).at, e->text_len) == 0;
}

/* The bounce that settles this recipient, if there is one. */
static const struct ledger_entry *
bounce_of(int entry, int rcpt)
{
	int i;

	for (i = 0; i < ledger.n; i++)
		if (ledger.entries[i].is_bounce &&
		    ledger.entries[i].settles == entry && rcpt == 0)
			return &ledger.entries[i];
	return NULL;
}

/* Has each of its recipients been given an outcome by then? */
static bool
is_over(const struct ledger_entry *e, size_t prefix)
{
	int i;

	for (i = 0; i < RCPTS; i++)
		if (!e->settled[i] || e->settled[i] > prefix + 1)
			return false;
	return true;
}

static const char *
check_rcpt(const struct ledger_entry *e, struct message *m, int rcpt,
	   size_t prefix)
{
	const struct ledger_entry *b =
	    bounce_of((int)(e - ledger.entries), rcpt);
	bool done = !m || message_is_done(m, (uint32_t)rcpt);

	if (e->durable[rcpt] && e->durable[rcpt] <= prefix && !done)
		return "a finished recipient comes again";
	if (m && done && (!e->settled[rcpt] || e->settled[rcpt] > prefix + 1))
		return "a recipient is done that never was";
	if (b && m &&
	    done != (idmap_get(&ledger.store.messages, b->id) != NULL) &&
	    !(done && is_over(b, prefix)))
		return "a bounce and its failure are not one";
	return NULL;
}

static bool
is_promised(const struct ledger_entry *e, size_t prefix)
{
	return (e->acked && e->acked <= prefix) ||
	       (e->again && e->again <= ledger.again_prefix);
}

static const char *
check_entry(const struct ledger_entry *e, size_t prefix)
{
	struct message *m = idmap_get(&ledger.store.messages, e->id);
	bool over = is_over(e, prefix);
	const char *what;
	uint64_t of;
	int i;

	if (!m && is_promised(e, prefix) && !over)
		return e->acked && e->acked <= prefix
			   ? "an acknowledged message is lost"
			   : "a repeat got a K for nothing";
	if (m && e->refused && e->refused <= prefix)
		return "a refused message is there";
	if (!m && is_known(e, &of) && !is_promised(e, prefix) && !over)
		return "a repeat would get a K for nothing";
	if (!is_known(e, &of) && e->in.has_key && is_promised(e, prefix) &&
	    !ledger.is_aged)
		return "a repeat would be taken twice";
	if (m && (!right_envelope(e, m) || !right_text(e, m)))
		return "a message is not what it was";
	for (i = 0; i < RCPTS; i++)
		if ((m || over) && (what = check_rcpt(e, m, i, prefix)))
			return what;
	return NULL;
}

/* No crash may look like a damaged disk: that would be a false alarm. */
static bool
is_alarmed(void)
{
	struct buf names = {0};
	unsigned n_numbers = 0;
	bool damaged = ledger.store.n_alarms > 0;
	struct segment *s;
	struct slice rest;
	uint32_t segno;

	for (s = ledger.store.oldest; s; s = s->next)
		damaged = damaged || s->is_damaged;
	if (fs_list(ledger.store.seg_dir, &names) != 0)
		return true;
	for (rest = buf_slice(&names); rest.len > 0;
	     rest = slice_from(rest, strlen(rest.at) + 1))
		n_numbers += segment_number(rest.at, &segno) == 0;
	buf_free(&names);
	return damaged || n_numbers != ledger.store.n_segments;
}

void
ledger_check(size_t prefix, int keep, uint64_t n)
{
	size_t found = 0;
	const char *what;
	int i;

	if (is_alarmed())
		bad("a crash is taken for damage", &ledger.entries[0], prefix,
		    keep, n);
	if (ledger.n > 0 && ledger.entries[0].acked &&
	    ledger.entries[0].acked <= prefix &&
	    ledger.store.id_base <= ledger.entries[0].id >> 32)
		bad("ids come again", &ledger.entries[0], prefix, keep, n);

	for (i = 0; i < ledger.n; i++) {
		found += idmap_get(&ledger.store.messages,
				   ledger.entries[i].id) != NULL;
		what = check_entry(&ledger.entries[i], prefix);
		if (what && ledger.n_bad < 20)
			bad(what, &ledger.entries[i], prefix, keep, n);
	}
	if (found != ledger.store.messages.n && ledger.n_bad < 20)
		bad("a message out of nothing", &ledger.entries[0], prefix,
		    keep, n);
}

struct ledger_entry *
ledger_more(void)
{
	struct ledger_entry *e;

	/* none that the work would have come to */
	ledger.next_id = store_lease(&ledger.store) + STORE_LEASE / 2;
	e = add(10, "", -1);
	round_once();
	ledger_land();
	return e;
}

void
ledger_less(void)
{
	int i;

	ledger.n--;
	incoming_free(&ledger.entries[ledger.n].in, AT_FDCWD);
	buf_free(&ledger.entries[ledger.n].text);
	for (i = 0; i < ledger.n; i++)
		ledger.entries[i].again = 0;
}

void
ledger_clear(void)
{
	int i;

	for (i = 0; i < ledger.n; i++) {
		incoming_free(&ledger.entries[i].in, AT_FDCWD);
		buf_free(&ledger.entries[i].text);
	}
	ledger.n = 0;
}

/* random work */

static uint64_t
below(uint64_t *random, uint64_t n)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random % n;
}

static size_t
random_size(uint64_t *random)
{
	switch (below(random, 8)) {
	case 0: return SMALL + 1 + (size_t)below(random, 6000);
	case 1: return SMALL - (size_t)below(random, 3);
	case 2: return 0;
	default: return (size_t)below(random, 1500);
	}
}

/* An entry, rather a late one. */
static int
some(uint64_t *random)
{
	int i = (int)below(random, (uint64_t)ledger.n);
	int k = (int)below(random, (uint64_t)ledger.n);

	return i > k ? i : k;
}

static void
random_bounce(int entry)
{
	if (ledger.entries[entry].acked && !ledger.entries[entry].settled[0] &&
	    !bounce_of(entry, 0) &&
	    idmap_get(&ledger.store.messages, ledger.entries[entry].id))
		bounce(entry, 0);
}

/* What its client would do that has not heard of the first. */
static void
repeat(struct ledger_entry *e)
{
	uint64_t of;

	if (e->again || e->repeat.done || ledger.store.failed ||
	    !is_known(e, &of))
		return;
	e->repeat.done = acked_again;
	store_wait(&ledger.store, of, &e->repeat);
}

void
ledger_random(uint64_t *random)
{
	unsigned what = (unsigned)below(random, 100);
	int i;

	if (ledger.n == 0 || what < 35)
		add(random_size(random), "", -1);
	else if (what < 40)
		repeat(&ledger.entries[some(random)]);
	else if (what < 65)
		for (i = some(random), what = 0; what < RCPTS; what++)
			if (ledger.entries[i].acked &&
			    !ledger.entries[i].settled[what])
				settle(i, (int)what);
	if (what >= 65 && what < 72 && ledger.n > 0)
		random_bounce(some(random));
	else if (what >= 72 && what < 88)
		round_once();
	else if (what >= 88 && what < 95)
		store_reclaim(&ledger.store);
	else if (what >= 95)
		ledger_land();
}

static void
rebase(struct ledger_entry *e, size_t prefix)
{
	struct message *m = idmap_get(&ledger.store.messages, e->id);
	bool is_gone = !m && is_over(e, prefix);
	bool is_there = m || (is_promised(e, prefix) && is_gone);
	int i;

	e->refused = e->refused && e->refused <= prefix;
	e->acked = is_there;
	e->again = 0;
	e->repeat.done = NULL;
	for (i = 0; i < RCPTS; i++)
		e->settled[i] = e->durable[i] =
		    is_gone || (m && message_is_done(m, (uint32_t)i));
	if (!m && !is_gone) /* it has never been */
		e->settles = -1;
	incoming_free(&e->in, AT_FDCWD);
	e->in.id = e->id;
	e->in.has_key = true;
	key_of(e, e->in.key);
}

void
ledger_rebase(size_t prefix)
{
	int i;

	for (i = 0; i < ledger.n; i++)
		rebase(&ledger.entries[i], prefix);
	ledger.next_id = store_lease(&ledger.store);
}
