/* record.h - one record of the queue's log and of the leaf's spool
 *
 *   QL1 M 69300001 0000002a 00000123 9ae0daaf\n<payload>\n
 *       |  segment  batch   length   CRC-32C
 *       type
 *
 * The numbers are lower-case hex of fixed width, so that grep and less can
 * read a log; length counts the payload. The CRC covers the head up to it
 * and the payload, and starts from the segment's salt: bytes of another
 * segment, of a recycled file's former life, or of a message that imitates
 * a record are not valid.
 *
 * Source  doc/queue.md
 * Test    tests/record_test.c
 */
#ifndef QUAIL_LIB_RECORD_H
#define QUAIL_LIB_RECORD_H

#include "lib/buf.h"

enum {
	RECORD_HEAD = 42,
	RECORD_EXTRA = RECORD_HEAD + 1, /* what a record adds to its payload */
	RECORD_PAYLOAD_MAX = 32 * 1024 * 1024
};

#define RECORD_MARK "QL1 "

struct record {
	char type;
	uint32_t segno, batch, len, crc;
};

/* record_begin - make room for the head at the end of *b
 *
 * Returns  the place, for record_end. Append the payload then.
 */
size_t
record_begin(struct buf *b);

/* record_end - close the record that begins at place
 *
 * Needs    a payload of at most RECORD_PAYLOAD_MAX bytes.
 * Takes    salt: the segment's.
 */
void
record_end(struct buf *b, size_t place, char type, uint32_t segno,
	   uint32_t batch, uint32_t salt);

/* record_end_summed - the same, of a payload whose end has a known checksum
 *
 * Takes    text_crc: crc32c, from 0, of the payload's last text_len bytes:
 *          they are not read again.
 */
void
record_end_summed(struct buf *b, size_t place, char type, uint32_t segno,
		  uint32_t batch, uint32_t salt, uint32_t text_crc,
		  size_t text_len);

/* record_head - read the head at the front of s
 *
 * Returns  0 and *r; -1 when s is shorter than a head or is no head.
 */
int
record_head(struct slice s, struct record *r);

/* record_sum - the checksum of a record, or of its beginning
 *
 * Needs    the head and len bytes of payload at the front of record.
 */
uint32_t
record_sum(struct slice record, size_t len, uint32_t salt);

/* record_whole - is a whole valid record at the front of s?
 *
 * Returns  its size in the file with *r and *payload (borrowed); 0 when the
 *          head is none, s is too short, or the CRC is wrong.
 */
size_t
record_whole(struct slice s, uint32_t salt, struct record *r,
	     struct slice *payload);

#endif
