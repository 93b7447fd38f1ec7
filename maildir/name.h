/* name.h - the name of a message in a Maildir
 *
 *   1795293611.M52077Q69300001000000a1R3b9aca00f00dfeed.hub.example
 *   arrival, its microseconds, message id, recipient's hash, our name
 *
 * All of it is the message's, nothing the delivery's: a second delivery
 * after a crash makes the same name, and finds that it is there.
 *
 * Source  https://cr.yp.to/proto/maildir.html
 * Test    tests/maildir_test.c
 */
#ifndef QUAIL_MAILDIR_NAME_H
#define QUAIL_MAILDIR_NAME_H

#include "lib/slice.h"

enum { NAME_ME_MAX = 128, NAME_SIZE = 256 };

/* name_put - write the name and a NUL at out
 *
 * Takes    me: "/" and ":" in it become \057 and \072, other bytes that are
 *          not printable ASCII "_"; cut at NAME_ME_MAX bytes.
 * Differs  nothing of a process or a counter is in it, as Maildir's page
 *          has it; what makes it unique is the queue's id.
 */
void
name_put(char out[NAME_SIZE], uint64_t birth_us, uint64_t id, struct slice rcpt,
	 struct slice me);

#endif
