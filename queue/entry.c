#include "queue/entry.h"

#include "queue/message.h"

#include "lib/netstring.h"

void
entry_m_put(struct buf *b, const struct entry_m *m)
{
	buf_hex(b, 16, m->id);
	buf_putc(b, ' ');
	buf_hex(b, 16, (uint64_t)m->birth_us);
	buf_putc(b, ' ');
	buf_hex(b, 8, m->n_rcpts);
	buf_putc(b, ' ');
	buf_hex(b, 8, m->env_len);
	buf_putc(b, ' ');
	buf_hex(b, 16, m->text_len);
	buf_putc(b, ' ');
	buf_hex(b, 8, m->text_crc);
	buf_putc(b, ' ');
	buf_putc(b, m->is_big ? 'b' : 'i');
	buf_putc(b, '\n');
}

static int
field(struct slice *rest, size_t digits, uint64_t *r)
{
	if (rest->len < digits + 1 || rest->at[digits] != ' ' ||
	    slice_hex(slice_of(rest->at, digits), r) != 0)
		return -1;
	*rest = slice_from(*rest, digits + 1);
	return 0;
}

int
entry_m_parse_head(struct slice s, struct entry_m *m)
{
	uint64_t birth, rcpts, env, crc;

	if (s.len < ENTRY_M_HEAD)
		return -1;
	if (field(&s, 16, &m->id) || field(&s, 16, &birth) ||
	    field(&s, 8, &rcpts) || field(&s, 8, &env) ||
	    field(&s, 16, &m->text_len) || field(&s, 8, &crc))
		return -1;
	if (rcpts > MESSAGE_RCPTS_MAX || m->text_len > UINT32_MAX)
		return -1;
	if (s.len < 2 || (s.at[0] != 'i' && s.at[0] != 'b') ||
	    s.at[1] != '\n' || rcpts == 0 || m->id == 0 || birth > INT64_MAX)
		return -1;
	m->birth_us = (int64_t)birth;
	m->n_rcpts = (uint32_t)rcpts;
	m->env_len = (uint32_t)env;
	m->text_crc = (uint32_t)crc;
	m->is_big = s.at[0] == 'b';
	return 0;
}

int
entry_m_parse(struct slice s, struct entry_m *m)
{
	size_t left;

	if (entry_m_parse_head(s, m) != 0)
		return -1;
	left = s.len - ENTRY_M_HEAD;
	if (m->env_len > left ||
	    (!m->is_big && m->text_len != left - m->env_len))
		return -1;
	return 0;
}

void
entry_s_put(struct buf *b, const struct entry_s *s)
{
	buf_hex(b, 16, s->id);
	buf_putc(b, ' ');
	buf_hex(b, 8, s->index);
	buf_putc(b, ' ');
	buf_putc(b, s->code);
	buf_putc(b, ' ');
	buf_puts(b, s->text);
}

int
entry_s_parse(struct slice p, struct entry_s *s)
{
	uint64_t index;

	if (field(&p, 16, &s->id) || field(&p, 8, &index) || p.len < 2 ||
	    !memchr("KD", p.at[0], 2) || p.at[1] != ' ')
		return -1;
	s->index = (uint32_t)index;
	s->code = p.at[0];
	s->text = slice_from(p, 2);
	return 0;
}

void
entry_p_put(struct buf *b, const struct entry_p *p)
{
	buf_hex(b, 16, p->id);
	buf_text(b, p->is_paused ? " 1" : " 0");
}

int
entry_p_parse(struct slice s, struct entry_p *p)
{
	if (field(&s, 16, &p->id) || s.len != 1 ||
	    (s.at[0] != '0' && s.at[0] != '1'))
		return -1;
	p->is_paused = s.at[0] == '1';
	return 0;
}

void
entry_h_put(struct buf *b, const struct entry_h *h)
{
	buf_text(b, "version=");
	buf_number(b, ENTRY_VERSION);
	buf_text(b, " salt=");
	buf_hex(b, 8, h->salt);
	buf_text(b, " created_us=");
	buf_number(b, (uint64_t)h->created_us);
	if (h->after) {
		buf_text(b, " after=");
		buf_hex(b, 8, h->after);
		buf_text(b, " end=");
		buf_hex(b, 8, h->after_end);
	}
	buf_putc(b, '\n');
}

/* The next word of a line, if it is KEY and eight digits; else -1, and it is
 * still there. */
static int
hex_word(struct slice *line, struct slice key, uint32_t *r)
{
	struct slice rest = *line, word = slice_word(&rest);
	uint64_t v;

	if (word.len != key.len + 8 || !slice_starts(word, key) ||
	    slice_hex(slice_from(word, key.len), &v) != 0)
		return -1;
	*line = rest;
	*r = (uint32_t)v;
	return 0;
}

int
entry_h_parse(struct slice p, struct entry_h *h)
{
	struct slice line = slice_trim(p), version = slice_word(&line);

	*h = (struct entry_h){0};
	if (!slice_eq(version, SLICE("version=1")) ||
	    hex_word(&line, SLICE("salt="), &h->salt) != 0)
		return -1;
	slice_word(&line); /* created_us= */
	if (hex_word(&line, SLICE("after="), &h->after) == 0)
		hex_word(&line, SLICE("end="), &h->after_end);
	return 0;
}

void
entry_b_put(struct buf *b, uint64_t synced)
{
	buf_hex(b, ENTRY_B, synced);
}

int
entry_b_parse(struct slice p, uint64_t *synced)
{
	return p.len == ENTRY_B ? slice_hex(p, synced) : -1;
}

struct slice
entry_attrs(struct slice env, uint32_t n_rcpts)
{
	struct slice one;
	uint64_t i;

	for (i = 0; i < (uint64_t)n_rcpts + 1; i++)
		if (netstring_slice(&env, &one) != 0)
			return SLICE("");
	return env;
}

bool
entry_attr(struct slice attrs, const char *key, struct slice *value)
{
	struct slice want = slice_text(key), one;

	while (netstring_slice(&attrs, &one) == 0) {
		if (!slice_starts(one, want) || one.len == want.len ||
		    one.at[want.len] != '=')
			continue;
		*value = slice_from(one, want.len + 1);
		return true;
	}
	return false;
}

int
entry_settles(struct slice *value, uint64_t *id)
{
	if (value->len < 17 || value->at[16] != ':' ||
	    slice_hex(slice_of(value->at, 16), id) != 0)
		return -1;
	*value = slice_from(*value, 17);
	return 0;
}

bool
entry_next_index(struct slice *list, uint64_t *index)
{
	size_t comma = slice_find(*list, ',');

	if (slice_number(slice_of(list->at, comma), UINT32_MAX, index) != 0)
		return false;
	*list = slice_from(*list, comma < list->len ? comma + 1 : comma);
	return true;
}

void
entry_key_put(struct buf *b, const struct entry_key *k)
{
	size_t i;

	for (i = 0; i < ENTRY_KEY; i++)
		buf_hex(b, 2, k->key[i]);
	buf_putc(b, ' ');
	buf_hex(b, 8, (uint64_t)k->taken_s);
	buf_putc(b, ' ');
	buf_hex(b, 16, k->id);
	buf_putc(b, '\n');
}

int
entry_key_hex(struct slice hex, uint8_t key[ENTRY_KEY])
{
	uint64_t byte;
	size_t i;

	if (hex.len != 2 * ENTRY_KEY)
		return -1;
	for (i = 0; i < ENTRY_KEY; i++) {
		if (slice_hex(slice_of(hex.at + 2 * i, 2), &byte) != 0)
			return -1;
		key[i] = (uint8_t)byte;
	}
	return 0;
}

int
entry_key_parse(struct slice line, struct entry_key *k)
{
	uint64_t taken;

	k->id = 0;
	if (line.len < ENTRY_OLD_KEY_LINE ||
	    entry_key_hex(slice_of(line.at, 2 * ENTRY_KEY), k->key) != 0 ||
	    slice_hex(slice_of(line.at + 25, 8), &taken) != 0)
		return -1;
	k->taken_s = (int64_t)taken;
	if (line.len < ENTRY_KEY_LINE)
		return 0;
	return slice_hex(slice_of(line.at + 34, 16), &k->id);
}

void
entry_f_put(struct buf *b, const struct entry_f *f)
{
	buf_text(b, "index_at=");
	buf_hex(b, 16, f->index_at);
	buf_text(b, " keys_at=");
	buf_hex(b, 16, f->keys_at);
	buf_text(b, " n_keys=");
	buf_hex(b, 8, f->n_keys);
	buf_text(b, " salt=");
	buf_hex(b, 8, f->salt);
	buf_putc(b, '\n');
}

int
entry_f_parse(struct slice p, struct entry_f *f)
{
	uint64_t n_keys, salt;

	if (p.len != ENTRY_F || !slice_starts(p, SLICE("index_at=")) ||
	    slice_hex(slice_of(p.at + 9, 16), &f->index_at) != 0 ||
	    slice_hex(slice_of(p.at + 34, 16), &f->keys_at) != 0 ||
	    slice_hex(slice_of(p.at + 58, 8), &n_keys) != 0 ||
	    slice_hex(slice_of(p.at + 72, 8), &salt) != 0)
		return -1;
	f->n_keys = (uint32_t)n_keys;
	f->salt = (uint32_t)salt;
	return 0;
}
