/* drain_open.c - the first part of drain.h: how a drain begins */
#include "lib/fs.h"
#include "lib/log.h"
#include "qmqpc/drain.h"
#include "qmqpc/marks.h"
#include "qmqpc/own.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static int
refuse(struct buf *why, int code, const char *what, struct slice path)
{
	int e = errno;

	buf_clear(why);
	buf_text(why, what);
	if (path.len > 2) /* without what spool_path has put behind it */
		buf_put(why, path.at, path.len - 3);
	buf_text(why, code == EX_TEMPFAIL ? ": " : "");
	buf_text(why, code == EX_TEMPFAIL ? strerror(e) : "");
	return code;
}

static int
refuse_owner(struct buf *why, const struct spool *s, struct slice path)
{
	refuse(why, EX_NOPERM, "only its owner may drain the spool ", path);
	buf_text(why, ": that is user ");
	buf_number(why, s->owner);
	buf_text(why, ", this is ");
	buf_number(why, geteuid());
	buf_text(why, " (chown)");
	return EX_NOPERM;
}

/* Without them the mail goes all the same. */
static void
open_places(struct drain *d)
{
	if (marks_open(&d->spool) != 0)
		own_say_taken(SPOOL_FULL);
	if (failed_open(&d->failed, &d->spool) != 0)
		own_say_taken(SPOOL_FAILED);
	marks_recall(&d->spool, &d->waiting.shares);
	tried_open(&d->tried, d->failed.dir);
}

/* Where all may write and it is not sticky all could remove all mail. */
static void
mend_mode(const struct spool *s)
{
	struct stat st;

	if (fs_stat(s->sync_dir, &st) != 0 ||
	    (st.st_mode & (S_IWOTH | S_ISVTX)) != S_IWOTH)
		return;
	log_open("spool-mode");
	if (fs_chmod(s->sync_dir, (st.st_mode & 07777) | S_ISVTX) != 0)
		log_errno(errno);
	log_close();
}

static void
take_limit(const char *name, uint64_t max, uint64_t *value)
{
	const char *text = secure_getenv(name);
	uint64_t v;

	if (text && slice_number(slice_text(text), max, &v) == 0 && v > 0)
		*value = v;
}

/* From the tables, and the environment before them. */
void
drain_limits(struct drain *d)
{
	uint64_t lifetime_s = DRAIN_LIFETIME_S, try_s = DRAIN_TRY_MS / 1000;
	struct config_leaf leaf;

	config_leaf(&d->place.config, &leaf);
	if (leaf.lifetime_s > 0)
		lifetime_s = (uint64_t)leaf.lifetime_s;
	if (leaf.timeout_s > 0)
		try_s = (uint64_t)leaf.timeout_s;
	d->spool.bytes_max = SPOOL_BYTES_MAX;
	spool_limit(&d->spool, &d->place.config);
	take_limit("QUAIL_SPOOL_LIFETIME_S", 366 * 86400, &lifetime_s);
	take_limit("QUAIL_SPOOL_BYTES", INT64_MAX, &d->spool.bytes_max);
	take_limit("QUAIL_TIMEOUT_S", 3600, &try_s);
	d->lifetime_s = (int64_t)lifetime_s;
	d->try_ms = (int64_t)try_s * 1000;
}

int
drain_open(struct drain *d, const char *dir, struct buf *why)
{
	struct buf path = {0};
	int code = 0;

	d->spool.dir = d->spool.sync_dir = d->failed.dir = -1;
	if (place_open(&d->place, dir, why) != 0)
		return EX_TEMPFAIL;
	spool_path(&path, d->place.dir);
	if (spool_open_or_make(&d->spool, buf_slice(&path).at) != 0)
		code = refuse(why, EX_TEMPFAIL, "the spool ", buf_slice(&path));
	else if (d->spool.sync_dir < 0 ||
		 (geteuid() != 0 && geteuid() != d->spool.owner))
		code = refuse_owner(why, &d->spool, buf_slice(&path));
	else if (fs_lock(d->spool.sync_dir) != 0)
		code = refuse(why, EX_TEMPFAIL, "another drain has the spool ",
			      buf_slice(&path));
	drain_limits(d);
	if (code == 0) {
		mend_mode(&d->spool);
		open_places(d);
	}
	d->hubs = (struct hubs){.config = &d->place.config,
				.secure.dir = d->place.dir,
				.rest = d->rest};
	buf_free(&path);
	return code;
}

void
drain_close(struct drain *d)
{
	secure_forget(&d->hubs.secure);
	failed_close(&d->failed);
	spool_close(&d->spool);
	waiting_free(&d->waiting);
	tried_free(&d->tried);
	place_close(&d->place);
}
