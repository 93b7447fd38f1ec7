/* run_home.h - what quail run makes in the node's directory, and whose it is
 *
 * Test  tests/run.t, tests/walls.t
 */
#ifndef QUAIL_QUEUE_RUN_HOME_H
#define QUAIL_QUEUE_RUN_HOME_H

#include "queue/run_sockets.h"
#include "queue/run_users.h"

/* run_home_make - queue/ and run/, and this directory for us alone
 *
 * Needs    the node's directory entered.
 * Does     ends the process, exit 111, when another quail run has it, or
 *          daemons serve it that another has started; nothing is changed then.
 */
void
run_home_make(void);

/* run_home_check - where daemons have users of their own: can those reach the
 * node and its programs? Else ends the process, exit 100 */
void
run_home_check(const struct run_users *u, const char *dir, const char *bin);

/* run_home_give - where daemons have users of their own, give them what they
 * write: queue/, mail/ and spool/, as far as the tables need them
 *
 * Takes    needs: CONFIG_NEEDS_ bits. is_leaf: a drain is to run.
 */
void
run_home_give(const struct run_users *u, unsigned needs, bool is_leaf);

/* run_home_share - likewise the sockets in run/ */
void
run_home_share(const struct run_users *u, const struct run_sockets *s);

/* run_home_return - run/ is its user's again, as the units want it */
void
run_home_return(const struct run_users *u, const struct run_sockets *s);

#endif
