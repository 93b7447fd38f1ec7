/* loop_task.h - what loop.c and loop_task.c share; for nobody else
 *
 * Test  tests/loop_test.c
 */
#ifndef QUAIL_LIB_LOOP_TASK_H
#define QUAIL_LIB_LOOP_TASK_H

#include "lib/loop.h"

/* loop_take_later - a round begins: its tasks are those put off to it */
void
loop_take_later(struct loop *loop);

/* loop_run_tasks - all, and what they queue */
void
loop_run_tasks(struct loop *loop);

/* loop_take_turns - let those run whose turn it is in this round */
void
loop_take_turns(struct loop *loop);

#endif
