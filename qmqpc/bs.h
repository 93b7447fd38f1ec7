/* bs.h - sendmail -bs: SMTP on stdin and stdout
 *
 * For programs that know no other way. What comes is treated as a message on
 * stdin is: missing fields are added, Bcc goes, the table rewrite holds.
 *
 * Test  tests/leaf_ways.t
 */
#ifndef QUAIL_QMQPC_BS_H
#define QUAIL_QMQPC_BS_H

#include "qmqpc/options.h"

enum { BS_ERRORS_MAX = 20 };

/* bs_run - speak until QUIT, the end of the input, or what is no SMTP
 *
 * Returns  0; 76 after what is no SMTP or too many errors, 75 without a
 *          configuration.
 */
int
bs_run(const struct options *options);

#endif
