/* mailq.h - the caller's own messages in the spool
 *
 * Test  tests/leaf.t
 */
#ifndef QUAIL_QMQPC_MAILQ_H
#define QUAIL_QMQPC_MAILQ_H

/* mailq_run - print them: id, size, when, from and to whom
 *
 * Root and the spool's owner see all. Most users may not list the spool:
 * then it says so.
 * Returns  0; else a code of sysexits with one line on stderr: 69 no spool,
 *          77 not permitted.
 */
int
mailq_run(void);

#endif
