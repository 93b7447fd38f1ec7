#include "queue/offline.h"

#include "lib/die.h"
#include "lib/fs.h"
#include "lib/home.h"
#include "queue/store_damage.h"
#include "queue/store_keys.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int
directory(int dir, const char *name)
{
	int fd = fs_open_dir(dir, name);

	if (fd < 0)
		die_sys("opening the queue", name);
	return fd;
}

/* All segments are old ones here. */
static void
load(struct offline *o)
{
	struct store *st = &o->store;

	st->loop = &o->loop;
	st->is_readonly = true;
	st->dir = directory(AT_FDCWD, HOME_QUEUE);
	st->lock_fd = -1;
	st->seg_dir = directory(st->dir, "seg");
	st->big_dir = directory(st->dir, "big");
	store_keys_read(st); /* for a segment whose head is damaged */
	store_load_find(st);
	st->id_base = UINT32_MAX;
	store_load_start(st);
	while (!st->is_loaded)
		loop_round(&o->loop, 0);
}

void
offline_open(struct offline *o)
{
	struct buf why = {0};

	*o = (struct offline){0};
	loop_init(&o->loop);
	load(o);
	holds_load_safely(&o->holds, o->store.dir);
	o->source = (struct control_source){
	    .store = &o->store,
	    .holds = &o->holds,
	};
	/* which writes nothing; without a file the wall's clock must do */
	if (faccessat(o->store.dir, "clock", F_OK, 0) == 0) {
		ages_open(&o->ages, o->store.dir, UINT32_MAX);
		o->source.ages = &o->ages;
	}
	if (config_open(&o->config, HOME_CONFIG, &why) == 0)
		o->source.config = &o->config;
	buf_free(&why);
}

void
offline_close(struct offline *o)
{
	struct store *st = &o->store;
	struct message *m;
	struct segment *s;

	if (o->source.config)
		config_close(&o->config);
	holds_free(&o->holds);
	while ((m = idmap_any(&st->messages)))
		store_leave(st, m);
	idmap_free(&st->messages);
	idmap_free(&st->spoiled);
	store_found_free(st);
	while ((s = st->oldest)) {
		st->oldest = s->next;
		segment_close(s);
	}
	buf_free(&st->ahead);
	recent_free(&st->recent);
	fs_close(st->big_dir);
	fs_close(st->seg_dir);
	fs_close(st->dir);
	loop_free(&o->loop);
}
