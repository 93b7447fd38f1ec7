#include "maildir/deliver.h"

#include "lib/descriptors.h"
#include "lib/owner.h"

/* What three batches of them may need. */
enum { FILES_ALL = 8 * BATCH_FILES_MAX };

static void
write_waiting(struct deliver *v)
{
	struct delivery *d;

	while ((d = v->first)) {
		if (!v->gathered)
			v->gathered = batch_new();
		if (v->gathered->n_files >= v->files_max)
			return;
		if (d->n_begun == 0 && !d->is_streamed)
			loops_find(&d->loops, d->text, d->rcpts, d->n_rcpts);
		batch_add(v->gathered, d, v->me, &v->image);
		if (d->n_begun < d->n_rcpts)
			continue;
		v->first = d->next;
		if (!v->first)
			v->last = &v->first;
		if (d->written)
			d->written(d);
	}
}

/* The items are in the order of the age of their descriptors: the linked
 * batch was there before the other. One sync alone, when nobody waits for us
 * meanwhile, is done without the thread. */
static void
start(struct deliver *v, bool may_wait)
{
	size_t n = v->linked ? batch_names(v->linked, v->items) : 0;

	v->n_names = n;
	v->written = v->gathered;
	v->gathered = NULL;
	if (v->written)
		n += batch_files(v->written, v->items + n);
	v->n_items = n;
	worker_start(&v->syncer, n == 0 || (n == 1 && may_wait));
}

/* By the thread. */
static void
sync_all(struct worker *syncer)
{
	struct deliver *v = OWNER(syncer, struct deliver, syncer);

	syncs_all(v->items, v->n_items);
}

static void
synced(struct worker *syncer)
{
	struct deliver *v = OWNER(syncer, struct deliver, syncer);
	struct batch *over = v->linked;

	/* In this order: a name that failed is gone before another file of
	 * the same message finds it. */
	if (over)
		batch_took_names(over, v->items);
	if (v->written) {
		batch_took_files(v->written, v->items + v->n_names);
		batch_link(v->written);
	}
	v->linked = v->written;
	v->written = NULL;
	if (v->linked || v->gathered)
		start(v, !over);
	else
		buf_free(&v->image);
	if (over)
		batch_tell(over);
	if (v->first)
		loop_task_queue(v->loop, &v->write);
}

static void
write_task(struct loop_task *task)
{
	struct deliver *v = OWNER(task, struct deliver, write);

	write_waiting(v);
	if (v->gathered && !v->syncer.is_busy)
		start(v, true);
}

void
deliver_init(struct deliver *v, struct loop *loop, struct slice me)
{
	*v = (struct deliver){.loop = loop, .me = me};
	v->last = &v->first;
	v->write.run = write_task;
	v->files_max =
	    descriptors_left(FILES_ALL) / (FILES_ALL / BATCH_FILES_MAX);
	worker_init(&v->syncer, loop, WORKER_THREAD, sync_all, synced);
}

void
deliver_add(struct deliver *v, struct delivery *d)
{
	d->next = NULL;
	*v->last = d;
	v->last = &d->next;
	loop_task_queue(v->loop, &v->write);
}

static void
unlist(struct deliver *v, const struct delivery *d)
{
	struct delivery **p;

	for (p = &v->first; *p && *p != d; p = &(*p)->next)
		;
	if (!*p)
		return;
	*p = d->next;
	if (!*p)
		v->last = p;
}

bool
deliver_leave(struct deliver *v, struct delivery *d)
{
	unlist(v, d);
	d->n_rcpts = d->n_begun;
	return d->n_told == d->n_begun;
}

void
deliver_finish(struct deliver *v)
{
	while (v->first || v->gathered || v->syncer.is_busy) {
		loop_task_drop(v->loop, &v->write);
		write_task(&v->write);
		worker_wait(&v->syncer);
	}
}

void
deliver_close(struct deliver *v)
{
	deliver_finish(v);
	loop_task_drop(v->loop, &v->write);
	worker_close(&v->syncer);
	buf_free(&v->image);
}
