/* diff_cmd.h - quail build --diff: what would the tables change?
 *
 * Source  doc/quail.1
 * Test    tests/routing.t
 */
#ifndef QUAIL_QUEUE_DIFF_CMD_H
#define QUAIL_QUEUE_DIFF_CMD_H

/* diff_tables - compile DIR's tables beside config.cdb, compare the two, and
 * print whose decision changes; nothing is replaced
 *
 * Takes    sample: a file of addresses, one a line, each perhaps with a sender
 *          behind it; NULL: whatever stands in either's tables.
 * Returns  COMMAND_DONE, COMMAND_WRONG or COMMAND_LATER.
 */
int
diff_tables(const char *dir, const char *sample);

#endif
