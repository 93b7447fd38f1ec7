/* log.h - one event a line on stderr, key=value
 *
 *   event=accept id=6930000100000001 from=a@b.test rcpts=2 size=4096
 *
 * No timestamps and no levels: the supervisor adds the first, the event's
 * name serves for the second. A value with bytes other than printable
 * ASCII, with a space, '"', '=' or '\', or of no length, is put in double
 * quotes with \xNN for the odd bytes: hostile text cannot forge a line or
 * reach a terminal.
 *
 * Mail comes first: nobody waits for whoever reads the log. Lines collect in
 * memory until log_flush, which the loop calls once a round and as soon as
 * there is room where they go; up to LOG_MAX bytes. When that is full new lines
 * are lost, whole ones, and counted; event=log-lost n=COUNT stands where they
 * would have been.
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

enum { LOG_MAX = 1000 * 1000 };

/* log_guard - of descriptors 0 to 2, open as /dev/null those that whoever
 * started us has closed; first of all in main
 *
 * Else the next file opened would be descriptor 2, and get the log. Reading
 * from a descriptor 0 that was closed stays an error: EBADF.
 */
void
log_guard(void);

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

/* log_lines - lines of another form, as they are; each ends in LF
 *
 * Takes    none that hold bytes of strangers.
 */
void
log_lines(struct slice text);

/* log_flush - write what has collected, as far as there is room for it now
 *
 * Never waits. Where nobody can read it any more it is dropped: there is
 * nobody to tell.
 */
void
log_flush(void);

/* log_waits - is something left, for which there was no room?
 *
 * Returns  true: call log_flush when descriptor 2 can be written to.
 */
bool
log_waits(void);

/* log_prepare - open what descriptor 2 asks for, so that nothing is to be
 * opened later: for a sandbox */
void
log_prepare(void);

/* log_finish - log_flush before the process ends: tries for a second */
void
log_finish(void);

/* log_at_end - let the next log_finish begin with this, once: there are lines
 * still to be made */
void
log_at_end(void (*say)(void));

/* log_child - after a fork: what waits is the parent's to write */
void
log_child(void);

#endif
