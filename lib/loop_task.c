/* The part of loop.h for work that is put off: tasks, and turns. */
#include "lib/loop_task.h"

#include "lib/owner.h"

static void
put_task(struct loop_task *task, struct loop_task ***last)
{
	if (task->queued)
		return;
	task->queued = true;
	task->next = NULL;
	**last = task;
	*last = &task->next;
}

void
loop_task_queue(struct loop *loop, struct loop_task *task)
{
	put_task(task, &loop->last_task);
}

void
loop_task_later(struct loop *loop, struct loop_task *task)
{
	put_task(task, &loop->last_later);
}

static bool
take_task(struct loop_task *task, struct loop_task **first,
	  struct loop_task ***last)
{
	struct loop_task **p = first;

	while (*p && *p != task)
		p = &(*p)->next;
	if (!*p)
		return false;
	*p = task->next;
	if (*last == &task->next)
		*last = p;
	return true;
}

void
loop_task_drop(struct loop *loop, struct loop_task *task)
{
	if (!task->queued)
		return;
	if (!take_task(task, &loop->first_task, &loop->last_task))
		take_task(task, &loop->first_later, &loop->last_later);
	task->queued = false;
}

/* What was left for this round. */
void
loop_take_later(struct loop *loop)
{
	if (!loop->first_later)
		return;
	*loop->last_task = loop->first_later;
	loop->last_task = loop->last_later;
	loop->first_later = NULL;
	loop->last_later = &loop->first_later;
}

void
loop_run_tasks(struct loop *loop)
{
	while (loop->first_task) {
		struct loop_task *task = loop->first_task;

		loop_task_drop(loop, task);
		task->run(task);
	}
}

/* turns */

void
loop_turn_queue(struct loop *loop, struct loop_turn *turn)
{
	list_put(turn->first ? &loop->turns_first : &loop->turns, &turn->waits);
}

void
loop_turn_drop(struct loop_turn *turn)
{
	list_drop(&turn->waits);
}

static struct link *
next_turn(const struct loop *loop)
{
	struct link *link = list_first(&loop->turns_first);

	return link ? link : list_first(&loop->turns);
}

void
loop_take_turns(struct loop *loop)
{
	struct link *link;
	int i;

	for (i = 0; i < LOOP_TURNS && (link = next_turn(loop)); i++) {
		struct loop_turn *turn = OWNER(link, struct loop_turn, waits);

		list_drop(link);
		turn->run(turn);
	}
}
