/* schedule_large.c - routing a message, one of many recipients in pieces */
#include "lib/die.h"
#include "lib/owner.h"
#include "queue/schedule_plan.h"

#include <stdlib.h>

static void
put_large(struct schedule *s, struct message *m)
{
	m->n_busy = 1; /* so that nobody frees it */
	m->next = NULL;
	*s->last_large = m;
	s->last_large = &m->next;
	loop_task_later(s->loop, &s->large_task);
}

unsigned
schedule_try(struct schedule *s, struct message *m)
{
	unsigned n = m->n_rcpts;
	struct plan p;

	if (n > SCHEDULE_SMALL) {
		put_large(s, m);
		return 1;
	}
	if (plan_begin(&p, s, m)) {
		plan_go_on(&p, n);
		plan_finish(&p);
	}
	return n > 0 ? n : 1;
}

/* The first of those that wait. */
static struct plan *
next_large(struct schedule *s)
{
	struct message *m = s->large;
	struct plan *p;

	s->large = m->next;
	if (!s->large)
		s->last_large = &s->large;
	m->n_busy = 0;
	p = malloc(sizeof *p);
	if (!p)
		die_nomem();
	if (plan_begin(p, s, m))
		return p;
	free(p);
	return NULL;
}

/* An operator may have stopped it meanwhile. */
static void
go_on_large(struct loop_task *task)
{
	struct schedule *s = OWNER(task, struct schedule, large_task);
	struct plan *p = s->plan;

	if (!p && s->large)
		s->plan = p = next_large(s);
	if (p && (schedule_is_stopped(p->m) || plan_go_on(p, SCHEDULE_STEPS))) {
		schedule_plan_settle(s);
		s->plan = NULL;
		plan_finish(p);
		free(p);
	}
	if (s->plan || s->large)
		loop_task_later(s->loop, &s->large_task);
}

static void
give_up(struct plan *p)
{
	for (; p->n > 0; p->m->n_busy--)
		free(p->attempts[--p->n]);
}

void
schedule_plan_settle(struct schedule *s)
{
	if (!s->plan)
		return;
	if (schedule_is_stopped(s->plan->m))
		give_up(s->plan);
	plan_send(s->plan);
}

void
schedule_plan_init(struct schedule *s)
{
	s->large_task.run = go_on_large;
	s->last_large = &s->large;
}

void
schedule_plan_stop(struct schedule *s)
{
	loop_task_drop(s->loop, &s->large_task);
	if (!s->plan)
		return;
	give_up(s->plan);
	buf_free(&s->plan->room);
	free(s->plan);
	s->plan = NULL;
}
