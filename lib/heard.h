/* heard.h - has the other side of a socket heard all that was said to it?
 *
 * A reply is one only if it was said behind the words that it answers. What
 * is there before those have gone out, or have arrived, answers something
 * else.
 *
 * Source  ioctl: FIONREAD and SIOCOUTQ, tcp(7); SO_LINGER, socket(7)
 * Test    tests/heard_test.c
 */
#ifndef QUAIL_LIB_HEARD_H
#define QUAIL_LIB_HEARD_H

#include <stddef.h>

/* heard_waits - bytes that have come and wait to be read; 0 when the kernel
 * does not say */
size_t
heard_waits(int fd);

/* heard_left - bytes that were written, and of which the other side has not
 * said that it has them; 0 when the kernel does not say
 *
 * Whatever a TCP sends carries how much it has got. So when an answer to our
 * last byte can be read, nothing is left.
 */
size_t
heard_left(int fd);

/* heard_no_more - what is left now shall never arrive
 *
 * The kernel drops it when the socket is closed, or when the process ends, and
 * resets the connection.
 */
void
heard_no_more(int fd);

#endif
