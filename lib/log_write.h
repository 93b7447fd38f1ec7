/* log_write.h - whole lines to descriptor 2, without ever waiting for it
 *
 * It is somebody else's: a pipe or terminal that other processes write to as
 * well, a socket of the journal's, a file. So it is never made non-blocking,
 * which would be so for all of them; each kind has its own way:
 *
 *   pipe      through a pipe of our own, from where the kernel moves a page to
 *             the other only if it has room (splice)
 *   socket    send, and not wait
 *   terminal  opened a second time, for us alone
 *   file      write: the disk is waited for, as by any other
 *
 * Where a kernel knows no splice, or we may not open the terminal: a little at
 * a time, after poll has said that there is room.
 *
 * Not for others than log.h.
 *
 * Test  tests/log_test.c
 */
#ifndef QUAIL_LIB_LOG_WRITE_H
#define QUAIL_LIB_LOG_WRITE_H

#include "lib/slice.h"

#include <sys/types.h>

enum { LOG_WRITE_MAX = 4096 /* to a pipe, at a time: it is not divided */ };

/* log_write - write as much of lines as there is room for now
 *
 * Returns  how many bytes; -1 with errno, EAGAIN when there is no room: poll
 *          descriptor 2 for writing.
 * Keeps    lines whole where they are shorter than LOG_WRITE_MAX, so that
 *          those of others come between them and never into them.
 */
ssize_t
log_write(struct slice lines);

/* log_write_look - descriptor 2 is another one now */
void
log_write_look(void);

/* log_write_prepare - see log_prepare */
void
log_write_prepare(void);

/* log_write_child - after a fork: use nothing that the parent uses too */
void
log_write_child(void);

#endif
