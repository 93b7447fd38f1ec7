/* command.h - one SMTP command line, without its CR LF
 *
 * Test  tests/smtpd_test.c
 */
#ifndef QUAIL_SMTP_COMMAND_H
#define QUAIL_SMTP_COMMAND_H

#include "smtp-gateway/smtpd.h"

/* command_parse - read a line
 *
 * Takes    the n bytes at line, without NUL, CR or LF; changed in place.
 * Returns  *c, all of it.
 */
void
command_parse(struct smtpd_command *c, char *line, size_t n);

/* path_parse - read a path, from its '<' to its '>'
 *
 * Source routes are dropped, quoted local parts unquoted, domain literals
 * kept as they are.
 * Takes    *at and *n: moved behind the '>'. The address is put in place.
 * Returns  0 and *address; -1 when it is no path, or none that we take.
 */
int
path_parse(char **at, size_t *n, struct slice *address);

#endif
