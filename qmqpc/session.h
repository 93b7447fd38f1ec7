/* session.h - what sendmail does between its arguments and its exit code
 *
 * Test  tests/sendmail.t
 */
#ifndef QUAIL_QMQPC_SESSION_H
#define QUAIL_QMQPC_SESSION_H

#include "qmqpc/options.h"

/* session_run - send the message on stdin to a hub, or else spool it
 *
 * Reads DIR/config.cdb, DIR being QUAIL_DIR or /etc/quail.
 * Returns  0: a hub has the message, or the spool has; else a code of
 *          sysexits, with one line on stderr.
 */
int
session_run(const struct options *options);

/* session_print - write text to stdout, as it is
 *
 * Returns  0; 74 when it cannot be written.
 */
int
session_print(struct slice text);

/* session_clean - a byte of anybody's, or what stands for it on a terminal
 *
 * Some take bytes from 0x80 on for controls too, and char may have a sign or
 * none: printable ASCII is what stays.
 */
char
session_clean(char c);

/* session_complain - print a line on stderr, made safe for a terminal
 *
 * Returns  code.
 */
int
session_complain(int code, struct slice line);

#endif
