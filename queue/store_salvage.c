/* store_salvage.c - what is kept of a damaged log that no message is known of
 */
#include "lib/die.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/salvage.h"
#include "queue/damaged.h"
#include "queue/store_damage.h"
#include "queue/store_load.h"

#include <errno.h>
#include <stdlib.h>

enum {
	LOOK = RECORD_HEAD + ENTRY_M_HEAD,
	RAW_MAX = 1000, /* bytes that say nothing: so many pieces at the most */
	S_SHAPE = 16 + 1 + 8 + 1 + 1 + 1
};

static const char bad_record[] = "a record of its segment is damaged";

/* what a hole holds */

/* One piece of a hole: its size, and the message's head if it seems one. */
struct piece {
	uint64_t at, size;
	bool is_message,
	    is_known; /* some other record, whose loss costs little */
	struct entry_m entry;
};

static bool
is_hex(struct slice s)
{
	uint64_t v;

	return slice_hex(s, &v) == 0;
}

/* Does a payload begin as one of an outcome does? */
static bool
is_outcome(struct slice p)
{
	return p.len >= S_SHAPE && is_hex(slice_of(p.at, 16)) &&
	       p.at[16] == ' ' && is_hex(slice_of(p.at + 17, 8)) &&
	       p.at[25] == ' ' && memchr("KD", p.at[26], 2) && p.at[27] == ' ';
}

/* By what stands there, not by the type: that may be what is wrong. */
static void
look(const struct segment *s, struct piece *p, uint64_t left)
{
	char bytes[LOOK];
	uint64_t n_bad = 0;
	ssize_t n =
	    salvage_read(s->fd, bytes, sizeof bytes, (off_t)p->at, &n_bad);
	struct slice all = slice_of(bytes, n > 0 ? (size_t)n : 0), payload;
	bool has_head;
	struct record r;

	if (all.len > left)
		all.len = (size_t)left;
	has_head = record_head(all, &r) == 0;
	payload =
	    slice_from(all, all.len < RECORD_HEAD ? all.len : RECORD_HEAD);
	p->size = left;
	if (entry_m_parse_head(payload, &p->entry) == 0) {
		p->is_message = true;
		p->size = RECORD_EXTRA + ENTRY_M_HEAD + p->entry.env_len;
		p->size += p->entry.is_big ? 0 : p->entry.text_len;
	} else if (has_head && memchr("SPKBEH", r.type, 6)) {
		p->is_known = true;
		p->size = RECORD_EXTRA + r.len;
	} else if (is_outcome(payload)) {
		p->is_known = true;
	}
	if (p->size > left)
		p->size = left;
}

/* messages, as it seems */

static struct message *
suspect_new(struct segment *s, const struct piece *p)
{
	struct message *m = message_new();

	m->id = p->entry.id;
	m->birth_us = p->entry.birth_us;
	m->segment = s;
	m->offset = (uint32_t)p->at;
	m->env_len = p->entry.env_len;
	m->text_len = (uint32_t)p->entry.text_len;
	m->n_rcpts = m->n_live = (uint16_t)p->entry.n_rcpts;
	m->is_big = p->entry.is_big;
	if (m->n_rcpts > MESSAGE_INLINE_BITS) {
		m->done.words = calloc(((size_t)m->n_rcpts + 63) / 64, 8);
		if (!m->done.words)
			die_nomem();
	}
	return m;
}

static void
suspect_free(struct store *st, struct message *m)
{
	idmap_drop(&st->suspects, m->id);
	if (m->n_rcpts > MESSAGE_INLINE_BITS)
		free(m->done.words);
	message_free(m);
}

void
store_salvage_s(struct store *st, uint64_t id, uint32_t rcpt)
{
	struct message *m =
	    st->suspects.n > 0 ? idmap_get(&st->suspects, id) : NULL;

	if (m)
		store_mark(m, rcpt);
}

static void
log_set_aside(const char *name, const char *why)
{
	log_open("set-aside");
	log_text("file", name);
	log_text("why", why);
	log_close();
}

static void
put_piece(struct store *st, const struct damaged_piece *p)
{
	char name[DAMAGED_NAME];

	if (st->is_readonly) {
		store_found_keep(st, p);
		return;
	}
	if (damaged_put(st->dir, p, name) == 0) {
		log_set_aside(name, p->what);
		if (p->big_name) /* it has another name now */
			fs_unlink(st->big_dir, p->big_name);
		return;
	}
	log_open("damaged");
	log_number("offset", (int64_t)p->offset);
	log_errno(errno);
	log_text("what", "it cannot be set aside; it is in its segment only");
	log_close();
}

static void
put_raw(struct store *st, const struct segment *s, uint64_t at, uint64_t size)
{
	struct damaged_piece p = {.what = bad_record,
				  .segno = s->segno,
				  .offset = at,
				  .size = size,
				  .fd = s->fd};

	if (st->n_raw++ < RAW_MAX)
		put_piece(st, &p);
}

/* Is that message of the queue's what the head in the hole says, or has its
 * id come out of a damaged one? */
static bool
is_same(const struct message *m, const struct message *known)
{
	return known->birth_us == m->birth_us && known->n_rcpts == m->n_rcpts &&
	       known->text_len == m->text_len;
}

/* A segment's first record is no mail; there is an alarm for it. */
static bool
is_first(const struct piece *p)
{
	struct entry_h h = {0};
	struct buf b = {0};
	bool is_it;

	entry_h_put(&b, &h);
	is_it = p->at == 0 && p->size == RECORD_EXTRA + b.len;
	buf_free(&b);
	return is_it;
}

static void
salvage_piece(struct store *st, struct segment *s, const struct piece *p)
{
	struct message *m;

	if (p->is_known || is_first(p))
		return;
	if (!p->is_message || idmap_get(&st->suspects, p->entry.id)) {
		put_raw(st, s, p->at, p->size);
		return;
	}
	m = suspect_new(s, p);
	idmap_put(&st->suspects, m->id, m);
}

void
store_salvage_begin(struct store *st, struct segment *s,
		    const struct segment_scan *scan)
{
	unsigned i;

	for (i = 0; i < scan->n_holes; i++) {
		struct piece p = {.at = scan->holes[i].from};
		uint64_t to = scan->holes[i].to;

		if (scan->seal_at && p.at >= scan->seal_at)
			break; /* what stands behind an index is no mail */
		for (; p.at < to; p.at += p.size) {
			p.is_message = p.is_known = false;
			look(s, &p, to - p.at);
			salvage_piece(st, s, &p);
		}
	}
}

static void
put_suspect(struct store *st, struct message *m)
{
	char big[BIG_NAME];
	struct buf done = {0};
	struct damaged_piece p = {.what = bad_record,
				  .id = m->id,
				  .segno = m->segment->segno,
				  .offset = m->offset,
				  .size = store_footprint(m),
				  .fd = m->segment->fd,
				  .big_dir = st->big_dir};
	const struct message *known = idmap_get(&st->messages, m->id);

	if (m->n_live == 0 || (known && is_same(m, known)))
		return;
	big_name(big, m->id);
	if (known) /* by its place: the id is another's */
		p.id = 0;
	else if (m->is_big)
		p.big_name = big;
	store_put_done(&done, m);
	p.done = buf_slice(&done);
	put_piece(st, &p);
	buf_free(&done);
}

void
store_salvage_end(struct store *st)
{
	struct message *m;

	while ((m = idmap_any(&st->suspects))) {
		put_suspect(st, m);
		suspect_free(st, m);
	}
	idmap_free(&st->suspects);
}

/* files */

static int
move_to_lost(struct store *st, const char *name)
{
	int dir, r, e;

	if (fs_mkdir(st->big_dir, "lost", 0700) != 0 && errno != EEXIST)
		return -1;
	if (fs_sync(st->big_dir) != 0)
		return -1;
	dir = fs_open_dir(st->big_dir, "lost");
	if (dir < 0)
		return -1;
	r = damaged_move(st->big_dir, name, dir, name, false);
	e = errno;
	fs_close(dir);
	errno = e;
	return r;
}

void
store_salvage_big(struct store *st, const char *name)
{
	if (st->n_alarms == 0) {
		fs_unlink(st->big_dir, name);
		return;
	}
	log_open("unnamed");
	log_text("file", name);
	if (move_to_lost(st, name) != 0) {
		log_errno(errno);
		log_text("what", "no message names it, but one that is damaged "
				 "may have; it stays in queue/big");
	} else {
		log_text("what", "no message names it, but one that is damaged "
				 "may have; it is in queue/big/lost now");
	}
	log_close();
}
