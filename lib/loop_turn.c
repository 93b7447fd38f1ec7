/* The part of loop.h for work of which a round has time for little. */
#include "lib/loop_turn.h"

#include "lib/owner.h"

void
loop_turn_queue(struct loop *loop, struct loop_turn *turn)
{
	list_put(&loop->turns, &turn->waits);
}

void
loop_turn_drop(struct loop_turn *turn)
{
	list_drop(&turn->waits);
}

void
loop_take_turns(struct loop *loop)
{
	struct link *link;
	int i;

	for (i = 0; i < LOOP_TURNS && (link = list_first(&loop->turns)); i++) {
		struct loop_turn *turn = OWNER(link, struct loop_turn, waits);

		list_drop(link);
		turn->run(turn);
	}
}
