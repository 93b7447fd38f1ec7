/* loop_turn.h - what loop.c and loop_turn.c share; for nobody else
 *
 * Test  tests/loop_test.c
 */
#ifndef QUAIL_LIB_LOOP_TURN_H
#define QUAIL_LIB_LOOP_TURN_H

#include "lib/loop.h"

/* loop_take_turns - let those run whose turn it is in this round */
void
loop_take_turns(struct loop *loop);

#endif
