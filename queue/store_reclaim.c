/* Giving segments back: only ever the oldest one, so that a record about a
 * message is never removed before the message itself. */
#include "queue/store_damage.h"
#include "queue/store_load.h"
#include "queue/store_recent.h"

#include "lib/crc32c.h"
#include "lib/die.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/netstring.h"
#include "lib/owner.h"

#include <errno.h>
#include <stdlib.h>

enum {
	LIVE_FACTOR = 4, /* the log may be so many times what lives */
	/* in one piece, so that nobody else waits long: */
	MOVES_A_CALL = 4096,
	MOVED_A_CALL = 1024 * 1024,
	SCANNED_A_CALL = 4 * 1024 * 1024,
	MOVE_PAUSE_MS = 50
};

static unsigned
n_bits(unsigned v)
{
	return (unsigned)__builtin_popcount(v);
}

static unsigned
lowest_free(unsigned v)
{
	return (unsigned)__builtin_ctz(~v);
}

/* Rename it for reuse, or remove it, and make that durable before the next
 * one is touched. */
static int
drop_oldest(struct store *st)
{
	struct segment *s = st->oldest;
	char name[SEGMENT_NAME], spare[] = "spare0",
				 aside[] = "damaged-01234567";
	int r;

	segment_name(name, s->segno);
	if (s->is_damaged) {
		memcpy(aside + 8, name, 8);
		r = fs_rename(st->seg_dir, name, st->seg_dir, aside);
	} else if (n_bits(st->spares) < STORE_SPARES) {
		unsigned n = lowest_free(st->spares);

		spare[5] = (char)('0' + n);
		r = fs_rename(st->seg_dir, name, st->seg_dir, spare);
		st->spares |= r == 0 ? 1u << n : 0;
	} else {
		r = fs_unlink(st->seg_dir, name);
	}
	if (r != 0)
		return -1;
	if (fs_sync(st->seg_dir) != 0) {
		store_fail(st, "syncing the directory of segments");
		return -1;
	}
	st->oldest = s->next;
	if (st->cached == s)
		st->cached = s->next;
	st->n_segments--;
	st->moved_until = 0;
	segment_close(s);
	return 0;
}

/* Is so little of the log alive that moving it pays? */
static bool
is_thin(const struct store *st)
{
	const struct segment *s;
	uint64_t live = 0, total = 0;

	if (st->n_segments <= st->keep_segments)
		return false;
	for (s = st->oldest; s; s = s->next) {
		live += s->live_bytes;
		total += s->end;
	}
	return total > live * LIVE_FACTOR;
}

struct move {
	struct message *m;
	size_t place;
	uint32_t env_len;
};

static void
put_done(struct buf *env, struct message *m)
{
	struct buf attr = {0};
	uint32_t i;

	if (m->n_live == m->n_rcpts)
		return;
	buf_text(&attr, "done=");
	for (i = 0; i < m->n_rcpts; i++) {
		if (!message_is_done(m, i))
			continue;
		if (attr.len > 5)
			buf_putc(&attr, ',');
		buf_number(&attr, i);
	}
	netstring_put(env, buf_slice(&attr));
	buf_free(&attr);
}

static void
put_paused(struct buf *env, const struct message *m)
{
	if (m->is_paused)
		netstring_put(env, SLICE("paused=1"));
}

/* The old envelope, of its attributes all but what an earlier move said, then
 * what is so now. */
static void
copy_envelope(struct buf *env, struct slice old, struct message *m)
{
	struct slice attrs = entry_attrs(old, m->n_rcpts), one;

	buf_puts(env, slice_of(old.at, old.len - attrs.len));
	while (netstring_slice(&attrs, &one) == 0)
		if (!slice_starts(one, SLICE("done=")) &&
		    !slice_starts(one, SLICE("paused=")))
			netstring_put(env, one);
	put_done(env, m);
	put_paused(env, m);
}

static int
move_one(struct store *st, struct message *m, struct slice payload,
	 struct move *move)
{
	struct entry_m entry;
	struct buf env = {0};
	struct slice text;

	if (entry_m_parse(payload, &entry) != 0)
		return -1;
	text = slice_from(payload, ENTRY_M_HEAD + entry.env_len);
	copy_envelope(&env, slice_of(payload.at + ENTRY_M_HEAD, entry.env_len),
		      m);
	entry.env_len = (uint32_t)env.len;
	if (!entry.is_big) /* older versions did not say it */
		entry.text_crc = crc32c(0, text);
	move->m = m;
	move->env_len = entry.env_len;
	move->place = store_put_m(st, &entry, buf_slice(&env), text);
	buf_free(&env);
	return 0;
}

/* The moved records are synced: their messages live there now. */
static void
settle_moves(struct move *moves, size_t n, struct segment *s, uint64_t base)
{
	size_t i;

	for (i = 0; i < n; i++)
		store_place(moves[i].m, s, base + moves[i].place,
			    moves[i].env_len);
}

/* The message whose record this is, if it lives and is still there. */
static struct message *
lives_here(struct store *st, const struct record *r, struct slice payload,
	   uint64_t offset)
{
	struct entry_m entry;
	struct message *m;

	if (r->type != 'M' || entry_m_parse(payload, &entry) != 0)
		return NULL;
	m = idmap_get(&st->messages, entry.id);
	return m && m->segment == st->oldest && m->offset == offset ? m : NULL;
}

/* All of it was read, and these were not found: what is damaged is to be set
 * aside, not to stay in the way. */
static void
spoil_rest(struct store *st)
{
	size_t i;

	for (i = 0; i < st->messages.cap; i++) {
		struct message *m = st->messages.slots[i].value;

		if (m && m->segment == st->oldest && st->spoils &&
		    store_check(st, m, false) != 0 && store_is_spoiled(st, m))
			st->spoils(st, m);
	}
}

/* Does the next record fit, where others have been put already? */
static bool
fits(struct store *st, const struct message *m, size_t len, size_t n)
{
	/* with a done= of at most 8 bytes a recipient */
	size_t size = RECORD_EXTRA + len + m->n_rcpts * 8u + 32;

	if (st->current->end + st->news.len + size + STORE_MARK <=
	    st->segment_size)
		return true;
	return n == 0 && store_make_room(st, size) == 0;
}

/* Copy living records of the oldest segment into the next batch, as many as
 * fit, from where the last call came to. Returns how many. */
static size_t
collect_moves(struct store *st, struct move *moves)
{
	uint64_t offset, until = st->moved_until + SCANNED_A_CALL,
			 end = st->oldest->end;
	struct segment_scan scan;
	struct slice payload;
	struct record r;
	size_t n = 0;
	int got = 1;

	segment_scan_init(&scan, st->oldest);
	scan.at = st->moved_until;
	while (n < MOVES_A_CALL && st->news.len < MOVED_A_CALL &&
	       scan.at < until &&
	       (got = segment_scan_next(&scan, &r, &payload, &offset)) > 0) {
		struct message *m = lives_here(st, &r, payload, offset);

		st->moved_until = scan.at;
		if (!m)
			continue;
		if (!fits(st, m, payload.len, n)) {
			st->moved_until = offset;
			break;
		}
		if (move_one(st, m, payload, &moves[n]) == 0)
			n++;
	}
	segment_scan_free(&scan);
	st->oldest->end = end;
	if (n == 0 && got == 0)
		spoil_rest(st);
	return n;
}

/* The moved records are synced, or none of them is there. */
static void
commit_moves(struct store *st, struct move *moves, size_t n, uint64_t from)
{
	struct segment *s = st->current;
	uint64_t base = s->end;

	if (store_commit(st) == 0)
		settle_moves(moves, n, s, base);
	else
		st->moved_until = from;
}

/* One batch of moves. Returns whether it came on; what is not moved is moved
 * by the next call. */
static bool
move_some(struct store *st)
{
	uint64_t from = st->moved_until;
	struct move *moves;
	size_t n;

	/* no outcome may stand between a message's old and new record */
	if (store_commit(st) != 0 || st->outcomes.len > 0 || st->news.len > 0 ||
	    st->late.len > 0)
		return false;
	moves = calloc(MOVES_A_CALL, sizeof *moves);
	if (!moves)
		die_nomem();
	n = collect_moves(st, moves);
	if (n > 0)
		commit_moves(st, moves, n, from);
	free(moves);
	if (st->moved_until > from)
		return true;
	st->moved_until = 0; /* anew, at another time */
	return false;
}

/* Is the oldest another than the one that is being written? */
static bool
is_old(const struct store *st)
{
	return st->oldest && st->oldest != st->current;
}

/* One piece of it. Returns after how many milliseconds to go on; -1: there is
 * no more to do now. */
static int
reclaim_some(struct store *st)
{
	if (!is_old(st))
		return -1;
	if (st->oldest->n_live == 0)
		return store_recent_keep(st, st->oldest) && drop_oldest(st) == 0
			   ? 0
			   : -1;
	return st->current != &st->none && is_thin(st) && move_some(st)
		   ? MOVE_PAUSE_MS
		   : -1;
}

void
store_reclaim(struct store *st)
{
	int more_ms;

	if (!st->is_loaded || st->failed)
		return;
	store_recent_turn(st);
	st->wants_reclaim =
	    st->syncer.is_busy || st->seal.segment == st->oldest;
	if (st->wants_reclaim)
		return;
	more_ms = reclaim_some(st);
	if (more_ms >= 0)
		loop_timer_set(st->loop, &st->reclaim_timer, more_ms);
}

static void
go_on(struct loop_timer *timer)
{
	store_reclaim(OWNER(timer, struct store, reclaim_timer));
}

void
store_reclaim_init(struct store *st)
{
	st->reclaim_timer.expired = go_on;
}
