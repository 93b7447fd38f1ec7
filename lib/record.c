#include "lib/record.h"

#include "lib/crc32c.h"
#include "lib/die.h"

enum {
	TYPE_AT = 4,
	SEGNO_AT = 6,
	BATCH_AT = 15,
	LEN_AT = 24,
	CRC_AT = 33,
	COVERED = 33 /* bytes of the head that the CRC covers */
};

size_t
record_begin(struct buf *b)
{
	size_t place = b->len;

	memset(buf_room(b, RECORD_HEAD), ' ', RECORD_HEAD);
	buf_added(b, RECORD_HEAD);
	return place;
}

uint32_t
record_sum(struct slice record, size_t len, uint32_t salt)
{
	uint32_t crc = crc32c(salt, slice_of(record.at, COVERED));

	return crc32c(crc, slice_of(record.at + RECORD_HEAD, len));
}

void
record_end_summed(struct buf *b, size_t place, char type, uint32_t segno,
		  uint32_t batch, uint32_t salt, uint32_t text_crc,
		  size_t text_len)
{
	char *head = b->mem + b->off + place;
	size_t len = b->len - place - RECORD_HEAD;
	uint32_t crc;

	if (len > RECORD_PAYLOAD_MAX) /* nobody could read it again */
		die_bug("a record is too long");
	memcpy(head, RECORD_MARK, 4);
	head[TYPE_AT] = type;
	hex_put(head + SEGNO_AT, 8, segno);
	hex_put(head + BATCH_AT, 8, batch);
	hex_put(head + LEN_AT, 8, len);
	crc = record_sum(slice_of(head, RECORD_HEAD + len - text_len),
			 len - text_len, salt);
	hex_put(head + CRC_AT, 8, crc32c_join(crc, text_crc, text_len));
	head[RECORD_HEAD - 1] = '\n';
	buf_putc(b, '\n');
}

void
record_end(struct buf *b, size_t place, char type, uint32_t segno,
	   uint32_t batch, uint32_t salt)
{
	record_end_summed(b, place, type, segno, batch, salt, 0, 0);
}

static int
number(struct slice s, size_t at, uint32_t *r)
{
	uint64_t v;

	if (slice_hex(slice_of(s.at + at, 8), &v) != 0)
		return -1;
	*r = (uint32_t)v;
	return 0;
}

int
record_head(struct slice s, struct record *r)
{
	if (s.len < RECORD_HEAD || memcmp(s.at, RECORD_MARK, 4) != 0)
		return -1;
	r->type = s.at[TYPE_AT];
	if (r->type < 'A' || r->type > 'Z' || s.at[5] != ' ' ||
	    s.at[14] != ' ' || s.at[23] != ' ' || s.at[32] != ' ' ||
	    s.at[RECORD_HEAD - 1] != '\n')
		return -1;
	if (number(s, SEGNO_AT, &r->segno) || number(s, BATCH_AT, &r->batch) ||
	    number(s, LEN_AT, &r->len) || number(s, CRC_AT, &r->crc))
		return -1;
	return r->len <= RECORD_PAYLOAD_MAX ? 0 : -1;
}

size_t
record_whole(struct slice s, uint32_t salt, struct record *r,
	     struct slice *payload)
{
	size_t size;

	if (record_head(s, r) != 0)
		return 0;
	size = RECORD_EXTRA + (size_t)r->len;
	if (s.len < size || s.at[size - 1] != '\n' ||
	    record_sum(s, r->len, salt) != r->crc)
		return 0;
	*payload = slice_of(s.at + RECORD_HEAD, r->len);
	return size;
}
