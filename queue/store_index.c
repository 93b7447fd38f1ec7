#include "queue/store_index.h"

#include "queue/store_keys.h"

#include "lib/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	M_LINE = 11 + ENTRY_M_HEAD,
	S_LINE = 2 + 16 + 1 + 8 + 1,
	P_LINE = 2 + 16 + 1 + 1 + 1,
	K_LINE = 2 + ENTRY_OLD_KEY_LINE,
	R_LINE = STORE_INDEX_KEY
};

/* writing */

static size_t
line_length(char type)
{
	switch (type) {
	case 'M': return M_LINE;
	case 'P': return P_LINE;
	case 'K': return K_LINE;
	case 'R': return R_LINE;
	default: return S_LINE;
	}
}

void
store_index_s(struct buf *index, uint64_t id, uint64_t rcpt)
{
	buf_text(index, "S ");
	buf_hex(index, 16, id);
	buf_putc(index, ' ');
	buf_hex(index, 8, rcpt);
	buf_putc(index, '\n');
}

void
store_index_p(struct buf *index, uint64_t id, bool is_paused)
{
	struct entry_p p = {id, is_paused};

	buf_text(index, "P ");
	entry_p_put(index, &p);
	buf_putc(index, '\n');
}

static void
put_list(struct buf *index, uint64_t id, struct slice list)
{
	uint64_t rcpt;

	while (entry_next_index(&list, &rcpt))
		store_index_s(index, id, rcpt);
}

void
store_index_m(struct buf *index, uint64_t offset, const struct entry_m *entry,
	      struct slice env)
{
	struct slice attrs = entry_attrs(env, entry->n_rcpts), value;
	struct entry_key k = {.taken_s = entry->birth_us / 1000000,
			      .id = entry->id};
	uint64_t id;

	buf_text(index, "M ");
	buf_hex(index, 8, offset);
	buf_putc(index, ' ');
	entry_m_put(index, entry);
	if (entry_attr(attrs, "settles", &value) &&
	    entry_settles(&value, &id) == 0)
		put_list(index, id, value);
	if (entry_attr(attrs, "done", &value))
		put_list(index, entry->id, value);
	if (entry_attr(attrs, "paused", &value))
		store_index_p(index, entry->id, true);
	if (entry_attr(attrs, "key", &value) &&
	    entry_key_hex(value, k.key) == 0) {
		buf_text(index, "R ");
		entry_key_put(index, &k);
	}
}

static int
by_key(const void *a, const void *b)
{
	return memcmp(a, b, R_LINE);
}

uint32_t
store_index_put(struct buf *b, struct slice lines)
{
	struct buf keys = {0};
	size_t n;

	for (; lines.len > 0; lines = slice_from(lines, n)) {
		n = line_length(lines.at[0]);
		buf_put(lines.at[0] == 'R' ? &keys : b, lines.at, n);
	}
	if (keys.len > 0)
		qsort(keys.mem + keys.off, keys.len / R_LINE, R_LINE, by_key);
	buf_puts(b, buf_slice(&keys));
	n = keys.len / R_LINE;
	buf_free(&keys);
	return (uint32_t)n;
}

/* reading */

static void
load_m(struct store *st, struct segment *s, struct slice line)
{
	struct entry_m entry;
	uint64_t offset;

	if (slice_hex(slice_of(line.at + 2, 8), &offset) == 0 &&
	    entry_m_parse_head(slice_from(line, 11), &entry) == 0)
		store_load_m(st, s, offset, &entry);
}

static void
load_s(struct store *st, struct slice line)
{
	uint64_t id, rcpt;

	if (slice_hex(slice_of(line.at + 2, 16), &id) == 0 &&
	    slice_hex(slice_of(line.at + 19, 8), &rcpt) == 0)
		store_load_s(st, id, (uint32_t)rcpt);
}

static void
load_p(struct store *st, struct slice line)
{
	struct entry_p p;

	if (entry_p_parse(slice_of(line.at + 2, P_LINE - 3), &p) == 0)
		store_load_p(st, p.id, p.is_paused);
}

static void
load_line(struct store *st, struct segment *s, struct slice line)
{
	if (line.at[0] == 'M')
		load_m(st, s, line);
	else if (line.at[0] == 'S')
		load_s(st, line);
	else if (line.at[0] == 'P')
		load_p(st, line);
	else
		store_keys_take(st, line);
}

int
store_index_read(const struct segment *s, struct buf *b, struct slice *lines,
		 uint64_t *at)
{
	struct record r;
	struct entry_f f;
	uint64_t size;
	size_t n;

	if (segment_seal(s, &f, &size) != 0 || f.salt != s->salt)
		return -1;
	*at = f.index_at;
	n = (size_t)(size - SEGMENT_SEAL - *at);
	if (n > RECORD_EXTRA + (size_t)RECORD_PAYLOAD_MAX ||
	    fs_read_all(s->fd, buf_room(b, n), n, (off_t)*at) != 0)
		return -1;
	buf_added(b, n);
	if (record_whole(buf_slice(b), s->salt, &r, lines) != n ||
	    r.type != 'E' || r.segno != s->segno)
		return -1;
	return 0;
}

bool
store_index_keys(struct slice *lines, struct entry_key *k)
{
	while (lines->len > 0) {
		struct slice line = *lines;
		size_t n = line_length(line.at[0]);

		if (n > line.len)
			return false;
		*lines = slice_from(*lines, n);
		if ((line.at[0] == 'K' || line.at[0] == 'R') &&
		    entry_key_parse(slice_of(line.at + 2, n - 2), k) == 0)
			return true;
	}
	return false;
}

/* The walks through an index, by the type of their lines. All M lines first,
 * then the S and the P lines: an outcome may stand before the copy of its
 * message that reclaim has made, and must not be lost for it. */
static const char walk_types[] = "MSPKR";

/* One piece of one walk; true when the walk is over. */
static bool
walk_on(struct store *st, struct segment *s, struct index_walk *w)
{
	int i;

	for (i = 0; i < INDEX_LINES_A_ROUND && w->rest.len > 0; i++) {
		size_t n = line_length(w->rest.at[0]);

		if (n > w->rest.len)
			return true;
		if (w->rest.at[0] == *w->type)
			load_line(st, s, slice_of(w->rest.at, n));
		w->rest = slice_from(w->rest, n);
	}
	return w->rest.len == 0;
}

int
store_index_load(struct store *st, struct segment *s)
{
	struct index_walk *w = &st->walk;
	uint64_t at;

	if (!w->type) {
		buf_clear(&w->index);
		if (store_index_read(s, &w->index, &w->lines, &at) != 0)
			return -1;
		s->end = s->synced = at;
		w->type = walk_types;
		w->rest = w->lines;
		return 0;
	}
	if (!walk_on(st, s, w))
		return 0;
	w->rest = w->lines;
	if (*++w->type != '\0')
		return 0;
	s->n_keys = 0;
	w->type = NULL;
	return 1;
}

int
store_index_ask(struct segment *s)
{
	struct entry_f f;
	uint64_t size;
	char letter = 'R';

	if (segment_seal(s, &f, &size) != 0 || f.salt != s->salt ||
	    (f.n_keys > 0 &&
	     fs_read_all(s->fd, &letter, 1, (off_t)f.keys_at) != 0) ||
	    (letter != 'K' && letter != 'R'))
		return -1;
	s->keys_at = f.keys_at;
	s->n_keys = f.n_keys;
	s->key_line = (uint8_t)line_length(letter);
	return 0;
}

bool
store_index_has(const struct segment *s, const uint8_t key[ENTRY_KEY],
		struct entry_key *k)
{
	char want[2 * ENTRY_KEY], line[R_LINE];
	uint32_t from = 0, to = s->n_keys, i;
	bool has = false;

	for (i = 0; i < ENTRY_KEY; i++)
		hex_put(want + 2 * i, 2, key[i]);
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;
		uint64_t at = s->keys_at + (uint64_t)middle * s->key_line;
		int order;

		if (fs_read_all(s->fd, line, s->key_line, (off_t)at) != 0)
			return false;
		order = memcmp(want, line + 2, sizeof want);
		if (order == 0)
			has = entry_key_parse(
				  slice_of(line + 2, s->key_line - 2u), k) == 0;
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return has;
}
