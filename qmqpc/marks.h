/* marks.h - how the drain tells an owner that the spool takes no more of his
 *
 *   spool/full/        the drain's own directory (own.h); all may look a name
 *                      up in it
 *   spool/full/1000    who has this uid drops nothing more
 *
 * What is called full and is no directory of the
 * drain's says nothing: nobody can make, link or remove a mark but the drain.
 *
 * Test  tests/leafspool_test.c, tests/leaf_crowd.t
 */
#ifndef QUAIL_QMQPC_MARKS_H
#define QUAIL_QMQPC_MARKS_H

#include "qmqpc/spool.h"

/* marks_is_full - does the drain say so to this owner? */
bool
marks_is_full(const struct spool *s, uid_t uid);

/* marks_open - make the directory, or take it back
 *
 * Needs    as own_dir; and to be called before the drain's sandbox, in which
 *          no link or FIFO can be moved out of the way.
 * Returns  0; -1 with errno: nobody can be told, and is let go on.
 */
int
marks_open(const struct spool *s);

/* marks_recall - those that an earlier drain has left, into *shares */
void
marks_recall(const struct spool *s, struct shares *shares);

/* marks_set - mark and unmark each owner by what it has now; logs
 *
 * An owner that is marked has to come down to three quarters of what made it
 * full. What cannot be marked is tried again the next time.
 */
void
marks_set(const struct spool *s, struct shares *shares);

#endif
