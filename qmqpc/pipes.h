/* pipes.h - the caller's stdin and stdout, whatever he has made of them
 *
 * He may have made them non-blocking, for himself or for another that shares
 * them: that is no error, and is waited for like any pipe.
 *
 * Test  tests/pipes.t
 */
#ifndef QUAIL_QMQPC_PIPES_H
#define QUAIL_QMQPC_PIPES_H

#include <stddef.h>
#include <sys/types.h>

/* pipes_read - read(2), once there is something
 *
 * Returns  0 at the end; -1 with errno, never EINTR or EAGAIN. Blocks.
 */
ssize_t
pipes_read(int fd, void *room, size_t n);

/* pipes_write - write(2), once there is room; the same */
ssize_t
pipes_write(int fd, const void *at, size_t n);

#endif
