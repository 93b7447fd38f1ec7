/* log.h - one event a line on stderr, key=value
 *
 *   event=accept id=6930000100000001 from=a@b.test rcpts=2 size=4096
 *
 * No timestamps and no levels: the supervisor adds the first, the event's
 * name serves for the second. A value with bytes other than printable
 * ASCII, with a space, '"', '=' or '\', or of no length, is put in double
 * quotes with \xNN for the odd bytes: hostile text cannot forge a line or
 * reach a terminal. Lines collect in memory until log_flush, which the loop
 * calls once a round.
 *
 *	log_open("accept");
 *	log_bytes("from", sender);
 *	log_number("rcpts", n);
 *	log_close();
 *
 * Test  tests/lib_test.c
 */
#ifndef QUAIL_LIB_LOG_H
#define QUAIL_LIB_LOG_H

#include "lib/slice.h"

/* log_program - name the program; each line then starts with it */
void
log_program(const char *name);

void
log_open(const char *event);

void
log_text(const char *key, const char *value);

/* log_bytes - cut at 512 bytes with a "..." behind */
void
log_bytes(const char *key, struct slice value);

void
log_number(const char *key, int64_t value);

/* log_id - a message id, 16 hex digits */
void
log_id(const char *key, uint64_t id);

/* log_errno - error=TEXT for errno's value e */
void
log_errno(int e);

void
log_close(void);

/* log_flush - write out what has collected; errors are ignored, since there
 * is nobody to tell */
void
log_flush(void);

#endif
