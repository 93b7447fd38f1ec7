#include "qmqpc/failed.h"

#include "lib/fs.h"
#include "qmqpc/own.h"

#include <errno.h>

int
failed_open(struct failed *f, const struct spool *s)
{
	*f = (struct failed){.dir = own_dir(s, SPOOL_FAILED, 0700)};
	if (f->dir < 0)
		return -1;
	return fs_sync(s->sync_dir);
}

void
failed_close(struct failed *f)
{
	if (f->dir >= 0)
		fs_close(f->dir);
	f->dir = -1;
}

struct tally {
	int dir;
	struct shares *shares;
};

static void
add(struct shares *shares, uid_t uid, uint64_t bytes)
{
	struct share *owner = shares_of(shares, uid);

	owner->failed += bytes;
	owner->n_failed++;
}

static bool
count_one(void *arg, const char *name)
{
	const struct tally *tally = arg;
	struct stat st;
	uint64_t id;

	if (spool_id(name, "m.", &id) && spool_stat(tally->dir, name, &st) == 0)
		add(tally->shares, st.st_uid, shares_weight(&st));
	return true;
}

static bool
same(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

void
failed_count(struct failed *f, struct shares *shares, int64_t now_ms)
{
	struct tally tally = {f->dir, shares};
	struct stat st;

	if (f->dir < 0 || fs_stat(f->dir, &st) != 0 ||
	    (f->is_counted && (same(&st.st_mtim, &f->changed) ||
			       now_ms - f->counted_ms < FAILED_COUNT_MS)))
		return;
	f->is_counted = true;
	f->counted_ms = now_ms;
	f->changed = st.st_mtim;
	shares_recount(shares, true);
	fs_each(f->dir, count_one, &tally);
}

int
failed_take(struct failed *f, const struct spool *s, struct shares *shares,
	    const struct waiting_item *item)
{
	char name[SPOOL_NAME];

	spool_name(name, "m.", item->id);
	if (f->dir < 0) {
		errno = ENOENT;
		return -1;
	}
	if (fs_rename(s->dir, name, f->dir, name) != 0)
		return -1;
	add(shares, item->uid, item->size);
	f->is_unsynced = true;
	return 0;
}

int
failed_sync(struct failed *f, unsigned *n_unsynced)
{
	if (!f->is_unsynced)
		return 0;
	f->is_unsynced = false;
	++*n_unsynced;
	return fs_sync(f->dir);
}
