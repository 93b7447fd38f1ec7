/* entry.h - the payloads of the log's records
 *
 *   H  "version=1 salt=9ae0daaf created_us=0006...\n"; where the same run
 *      had a segment before, " after=6b020939 end=03fffe10": all of that one
 *      up to there was synced
 *   M  ID BIRTH_US RCPTS ENVELOPE TEXT CRC P\n   (hex of 16 16 8 8 16 8
 *      digits and one letter), then ENVELOPE bytes: netstrings of the
 *      sender, RCPTS recipients, and any attributes "key=value"; then TEXT
 *      bytes of text when P is i (inline); when P is b they are in the
 *      file big/ID with this CRC
 *   S  ID INDEX CODE TEXT   an outcome: recipient INDEX (hex, 8 digits)
 *      has got K or D
 *   P  ID 1|0   an operator holds the message, or releases it; the last one
 *      for an id counts
 *   K  lines "KEY TIME\n" (hex, 24 and 8 digits): packages that were taken at
 *      TIME, carried on from a segment that was given back. Written by older
 *      versions; now they are kept apart (queue/store_recent.h). An M carries
 *      its own as the attribute key=KEY
 *   B  "OFFSET" (hex, 8 digits), a batch's last record: what stands before
 *      OFFSET, where the batch began, had been synced when this was written.
 *      One alone says it of all before it
 *   E, F  the index of a sealed segment: queue/store_index.h
 *
 * A second M for an id replaces all that was said of it before (done= and
 * paused=1 among its attributes say it again). A bounce's
 * M carries the attribute settles=ID:INDEX,INDEX...: these recipients have
 * got their D by this very record, so a bounce and the failure it reports
 * are one.
 *
 * Source  doc/queue.md
 * Test    tests/replay_test.c, tests/fault_test.c
 */
#ifndef QUAIL_QUEUE_ENTRY_H
#define QUAIL_QUEUE_ENTRY_H

#include "lib/buf.h"

enum { ENTRY_M_HEAD = 80, ENTRY_VERSION = 1 };

struct entry_m {
	uint64_t id, text_len;
	int64_t birth_us;
	uint32_t n_rcpts, env_len, text_crc;
	bool is_big;
};

/* entry_m_put - append an M's head line */
void
entry_m_put(struct buf *b, const struct entry_m *m);

/* entry_m_parse - read a whole payload; -1 when it is none */
int
entry_m_parse(struct slice payload, struct entry_m *m);

/* entry_m_parse_head - the same when only the head line need be there */
int
entry_m_parse_head(struct slice payload, struct entry_m *m);

struct entry_s {
	uint64_t id;
	uint32_t index;
	char code;
	struct slice text;
};

void
entry_s_put(struct buf *b, const struct entry_s *s);

int
entry_s_parse(struct slice payload, struct entry_s *s);

struct entry_p {
	uint64_t id;
	bool is_paused;
};

void
entry_p_put(struct buf *b, const struct entry_p *p);

int
entry_p_parse(struct slice payload, struct entry_p *p);

struct entry_h {
	uint32_t salt;
	int64_t created_us;
	uint32_t after, after_end; /* 0: the first of its run */
};

/* entry_h_put, entry_h_parse - a segment's first record */
void
entry_h_put(struct buf *b, const struct entry_h *h);

int
entry_h_parse(struct slice payload, struct entry_h *h);

/* entry_b_put, entry_b_parse - a batch's last record */
void
entry_b_put(struct buf *b, uint64_t synced);

int
entry_b_parse(struct slice payload, uint64_t *synced);

enum { ENTRY_B = 8 };

/* entry_attrs - the attributes of an envelope: what stands behind its sender
 * and recipients, whose bytes are the client's and may look like any attribute
 *
 * Returns  a list of netstrings; an empty one when the envelope is none.
 */
struct slice
entry_attrs(struct slice env, uint32_t n_rcpts);

/* entry_attr - find an attribute in a list of netstrings (entry_attrs)
 *
 * Returns  true and *value for the first "key=..."; false for none.
 */
bool
entry_attr(struct slice attrs, const char *key, struct slice *value);

/* entry_settles - the id of a settles= value, which then is the list */
int
entry_settles(struct slice *value, uint64_t *id);

/* entry_next_index - take the next number off "INDEX,INDEX,..."
 *
 * Returns  false at the end, or where it is no list any more.
 */
bool
entry_next_index(struct slice *list, uint64_t *index);

enum {
	ENTRY_KEY = 12,
	ENTRY_OLD_KEY_LINE = 24 + 1 + 8 + 1, /* without the id */
	ENTRY_KEY_LINE = ENTRY_OLD_KEY_LINE + 1 + 16
};

/* A package that was taken: "KEY TIME ID\n" in an index. */
struct entry_key {
	uint8_t key[ENTRY_KEY];
	int64_t taken_s;
	uint64_t id; /* 0: an older version has not said it */
};

void
entry_key_put(struct buf *b, const struct entry_key *k);

/* entry_key_parse - read a line, or an older version's "KEY TIME\n"; -1 for
 * neither */
int
entry_key_parse(struct slice line, struct entry_key *k);

/* entry_key_hex - read 24 hex digits; -1 when they are none */
int
entry_key_hex(struct slice hex, uint8_t key[ENTRY_KEY]);

/* The record F, a sealed segment's last one. Its CRC starts from 0 and it
 * repeats the salt, so that a segment whose head is damaged can be read. */
enum { ENTRY_F = 9 + 16 + 9 + 16 + 8 + 8 + 6 + 8 + 1 };

struct entry_f {
	uint64_t index_at; /* where E is */
	uint64_t keys_at;  /* where its K lines begin, in order of the key */
	uint32_t n_keys;
	uint32_t salt;
};

void
entry_f_put(struct buf *b, const struct entry_f *f);

int
entry_f_parse(struct slice payload, struct entry_f *f);

#endif
