#include "queue/store_damage.h"

#include "lib/die.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "queue/damaged.h"
#include "queue/store_load.h"

#include <errno.h>
#include <stdlib.h>

/* saying it */

static void
alarm_open(struct store *st)
{
	st->n_alarms++;
	log_open("damaged");
}

static void
alarm_close(const char *what)
{
	log_text("what", what);
	log_close();
}

void
store_alarm(struct store *st, const char *what)
{
	alarm_open(st);
	alarm_close(what);
}

void
store_alarm_segment(struct store *st, uint32_t segno, const char *what)
{
	char name[SEGMENT_NAME];

	segment_name(name, segno);
	alarm_open(st);
	log_text("segment", name);
	alarm_close(what);
}

/* spoiled messages */

struct spoil {
	const char *what;
};

bool
store_is_spoiled(const struct store *st, const struct message *m)
{
	return st->spoiled.n > 0 && idmap_get(&st->spoiled, m->id);
}

int
store_spoil(struct store *st, struct message *m, const char *what)
{
	int e = errno;
	struct spoil *s;

	if (!store_is_spoiled(st, m)) {
		s = calloc(1, sizeof *s);
		if (!s)
			die_nomem();
		s->what = what;
		idmap_put(&st->spoiled, m->id, s);
		alarm_open(st);
		log_id("id", m->id);
		if (e != EBADMSG)
			log_errno(e);
		alarm_close(what);
	}
	errno = e;
	return -1;
}

void
store_unspoil(struct store *st, const struct message *m)
{
	if (!store_is_spoiled(st, m))
		return;
	free(idmap_get(&st->spoiled, m->id));
	idmap_drop(&st->spoiled, m->id);
}

/* setting one aside */

void
store_put_done(struct buf *list, struct message *m)
{
	uint32_t i;

	for (i = 0; i < m->n_rcpts; i++) {
		if (!message_is_done(m, i))
			continue;
		if (list->len > 0)
			buf_putc(list, ',');
		buf_number(list, i);
	}
}

static int
put_aside(struct store *st, struct message *m, const char *what,
	  char name[DAMAGED_NAME])
{
	char big[BIG_NAME];
	struct buf done = {0};
	struct damaged_piece p = {.what = what,
				  .id = m->id,
				  .segno = m->segment->segno,
				  .offset = m->offset,
				  .size = store_footprint(m),
				  .fd = m->segment->fd,
				  .big_dir = st->big_dir};
	int r;

	big_name(big, m->id);
	if (m->is_big)
		p.big_name = big;
	store_put_done(&done, m);
	p.done = buf_slice(&done);
	r = damaged_put(st->dir, &p, name);
	buf_free(&done);
	return r;
}

/* Its recipients have their outcome, so that no start finds it again. */
static bool
settle_all(struct store *st, struct message *m)
{
	uint32_t i, n = m->n_rcpts;
	bool is_gone = false;

	for (i = 0; i < n && !is_gone; i++)
		if (!message_is_done(m, i))
			is_gone = store_settle(st, m, i, 'D',
					       SLICE("set aside as damaged"));
	return is_gone;
}

bool
store_set_aside(struct store *st, struct message *m)
{
	const struct spoil *s = idmap_get(&st->spoiled, m->id);
	char name[DAMAGED_NAME];

	if (!s || st->is_readonly || st->failed)
		return false;
	if (store_check(st, m, true) == 0) {
		store_unspoil(st, m);
		return false;
	}
	if (put_aside(st, m, s->what, name) != 0) {
		log_open("damaged");
		log_id("id", m->id);
		log_errno(errno);
		log_text("what", "it cannot be set aside now");
		log_close();
		return false;
	}
	m->segment->is_damaged = true;
	log_open("set-aside");
	log_id("id", m->id);
	log_number("rcpts", m->n_live);
	log_text("file", name);
	log_text("why", s->what);
	log_close();
	return settle_all(st, m);
}
