/* watch.h - the drain as a program: once, or for as long as the node runs
 *
 * Test  tests/leaf.t
 */
#ifndef QUAIL_QMQPC_WATCH_H
#define QUAIL_QMQPC_WATCH_H

#include "qmqpc/options.h"

/* watch_run - drain the spool
 *
 * With o->is_watch it tells its starter when it is ready, follows the
 * directory by inotify and ends on TERM or INT, at the latest a few seconds
 * after: what is under way may be broken off anywhere. Logs.
 * Returns  0: the spool is empty, or it was told to end; 75: something
 *          waits; else a code of sysexits with one line on stderr.
 */
int
watch_run(const struct options *o);

#endif
