/* spool_entry.h - what is in a file of the leaf's spool
 *
 * One record of the log's format (lib/record.h), type M, and behind it the
 * text, raw, to the file's end. The record's payload is
 *
 *   ID BIRTH_US RCPTS ENVELOPE TEXT CRC f\n   (hex of 16 16 8 8 16 8 digits)
 *   ENVELOPE bytes: netstrings of the sender and of RCPTS recipients
 *
 * the form of the queue's M, but for the letter, which says where the
 * text is: it follows. CRC is the text's, so a file is whole or it is none.
 * What a drain sends is made of these fields alone: every try of a message
 * sends the same bytes, and a hub that has them already takes them once.
 *
 * Test  tests/leaf_test.c
 */
#ifndef QUAIL_QMQPC_SPOOL_ENTRY_H
#define QUAIL_QMQPC_SPOOL_ENTRY_H

#include "lib/buf.h"

enum { SPOOL_ENTRY_HEAD = 80 };

struct spool_entry {
	uint64_t id, text_len;
	int64_t birth_us;
	uint32_t n_rcpts, env_len, text_crc;
};

/* spool_entry_put - append the record
 *
 * Takes    rcpts: a netstring for each; e->env_len is set here.
 */
void
spool_entry_put(struct buf *b, struct spool_entry *e, struct slice sender,
		struct slice rcpts);

/* spool_entry_size - of the record that begins with this head
 *
 * Returns  its bytes in the file; 0 when head begins no record of ours.
 */
size_t
spool_entry_size(struct slice head);

/* spool_entry_parse - read a whole record
 *
 * Returns  0 with *e, *sender and *rcpts (borrowed); -1 when anything is
 *          not as spool_entry_put would have written it: numbers, CRC, an
 *          address that is not sane, a recipient too many, none at all.
 */
int
spool_entry_parse(struct slice record, struct spool_entry *e,
		  struct slice *sender, struct slice *rcpts);

#endif
