/* log_keep.h - lines of the log that nobody has read yet
 *
 * The second half of log.h: log_flush, log_waits, log_finish and log_child.
 * Not for others than log.c.
 *
 * Test  tests/log_test.c
 */
#ifndef QUAIL_LIB_LOG_KEEP_H
#define QUAIL_LIB_LOG_KEEP_H

#include "lib/buf.h"

/* log_keep_line - begin a line; one that was begun and not done is dropped
 *
 * Returns  the buffer to append it to, without its LF.
 */
struct buf *
log_keep_line(void);

/* log_keep_done - the line is there: keep it, or lose it and count that */
void
log_keep_done(void);

#endif
