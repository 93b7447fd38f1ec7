#include "qmqpc/spool_entry.h"

#include "lib/address.h"
#include "lib/limits.h"
#include "lib/netstring.h"
#include "lib/record.h"

enum {
	BIRTH_AT = 17,
	RCPTS_AT = 34,
	ENVELOPE_AT = 43,
	TEXT_AT = 52,
	CRC_AT = 69,
	WHERE_AT = 78
};

void
spool_entry_put(struct buf *b, struct spool_entry *e, struct slice sender,
		struct slice rcpts)
{
	size_t place = record_begin(b);
	struct buf env = {0};

	netstring_put(&env, sender);
	buf_puts(&env, rcpts);
	e->env_len = (uint32_t)env.len;
	buf_hex(b, 16, e->id);
	buf_putc(b, ' ');
	buf_hex(b, 16, (uint64_t)e->birth_us);
	buf_putc(b, ' ');
	buf_hex(b, 8, e->n_rcpts);
	buf_putc(b, ' ');
	buf_hex(b, 8, e->env_len);
	buf_putc(b, ' ');
	buf_hex(b, 16, e->text_len);
	buf_putc(b, ' ');
	buf_hex(b, 8, e->text_crc);
	buf_text(b, " f\n");
	buf_puts(b, buf_slice(&env));
	record_end(b, place, 'M', 0, 0, 0);
	buf_free(&env);
}

size_t
spool_entry_size(struct slice head)
{
	struct record r;

	if (record_head(head, &r) != 0 || r.type != 'M' ||
	    r.len < SPOOL_ENTRY_HEAD)
		return 0;
	return (size_t)r.len + RECORD_EXTRA;
}

static int
hex(struct slice s, size_t at, size_t n, uint64_t *r)
{
	return slice_hex(slice_of(s.at + at, n), r);
}

static int
parse_head(struct slice s, struct spool_entry *e)
{
	static const uint8_t gaps[] = {BIRTH_AT, RCPTS_AT, ENVELOPE_AT,
				       TEXT_AT,	 CRC_AT,   WHERE_AT};
	uint64_t birth, rcpts, env, crc;
	size_t i;

	for (i = 0; i < sizeof gaps; i++)
		if (s.at[gaps[i] - 1] != ' ')
			return -1;
	if (memcmp(s.at + WHERE_AT, "f\n", 2) != 0 ||
	    hex(s, 0, 16, &e->id) != 0 || hex(s, BIRTH_AT, 16, &birth) != 0 ||
	    hex(s, RCPTS_AT, 8, &rcpts) != 0 ||
	    hex(s, ENVELOPE_AT, 8, &env) != 0 ||
	    hex(s, TEXT_AT, 16, &e->text_len) != 0 ||
	    hex(s, CRC_AT, 8, &crc) != 0)
		return -1;
	if (birth > INT64_MAX || e->text_len > LIMIT_TEXT || rcpts == 0 ||
	    rcpts > LIMIT_RCPTS)
		return -1;
	e->birth_us = (int64_t)birth;
	e->n_rcpts = (uint32_t)rcpts;
	e->env_len = (uint32_t)env;
	e->text_crc = (uint32_t)crc;
	return 0;
}

int
spool_entry_parse(struct slice record, struct spool_entry *e,
		  struct slice *sender, struct slice *rcpts)
{
	struct slice payload, rest, rcpt;
	struct record r;
	uint32_t n = 0;

	if (record_whole(record, 0, &r, &payload) == 0 || r.type != 'M' ||
	    payload.len < SPOOL_ENTRY_HEAD || parse_head(payload, e) != 0)
		return -1;
	rest = slice_from(payload, SPOOL_ENTRY_HEAD);
	if (rest.len != e->env_len || netstring_slice(&rest, sender) != 0 ||
	    !address_fits(*sender))
		return -1;
	*rcpts = rest;
	for (; netstring_slice(&rest, &rcpt) == 0; n++)
		if (!address_fits(rcpt))
			return -1;
	return rest.len == 0 && n == e->n_rcpts ? 0 : -1;
}
