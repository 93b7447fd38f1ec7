#include "qmqpc/drain.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "qmqpc/drain_parts.h"
#include "qmqpc/marks.h"

#include <errno.h>
#include <sys/statvfs.h>

static void
recall(struct drain *d)
{
	size_t i;

	for (i = 0; i < d->waiting.n; i++)
		if (!d->waiting.items[i].is_known)
			tried_recall(&d->tried, &d->waiting.items[i]);
}

/* If it cannot be written the mail only waits for longer. */
static void
keep(struct drain *d)
{
	if (tried_keep(&d->tried, &d->waiting, d->lifetime_s) == 0)
		return;
	log_open("untold");
	log_text("file", "failed/tried");
	log_errno(errno);
	log_close();
}

/* What is never sent, by its owner: at once, and then a count a minute. */
static void
say_odd(struct shares_odd *odd, const char *event, uid_t uid)
{
	int64_t now_ms = clock_ms();

	if (odd->n == 0 ||
	    (odd->told_ms != 0 && now_ms - odd->told_ms < SHARES_SAY_MS))
		return;
	log_open(event);
	log_number("uid", uid);
	log_number("n", (int64_t)odd->n);
	log_text("why", odd->why);
	log_close();
	odd->n = 0;
	odd->told_ms = now_ms;
}

static void
say_all_odd(struct drain *d)
{
	struct shares *s = &d->waiting.shares;
	size_t i;

	for (i = 0; i < s->n; i++) {
		say_odd(&s->list[i].ignored, "ignored", s->list[i].uid);
		say_odd(&s->list[i].broken, "failed", s->list[i].uid);
	}
}

static int
scan(struct drain *d)
{
	int64_t begun_ms = clock_ms();

	if (waiting_scan(&d->waiting, &d->spool, begun_ms) != 0)
		return -1;
	failed_count(&d->failed, &d->waiting.shares, begun_ms);
	marks_set(&d->spool, &d->waiting.shares);
	recall(d);
	waiting_sort(&d->waiting, begun_ms);
	d->scan_ms = clock_ms();
	d->gap_ms = (d->scan_ms - begun_ms) * DRAIN_GAP_TIMES + DRAIN_GAP_MS;
	if (d->gap_ms > DRAIN_GAP_MAX_MS)
		d->gap_ms = DRAIN_GAP_MAX_MS;
	return 0;
}

/* Is it time to look for new mail? */
static bool
is_over(const struct drain *d)
{
	int64_t since_ms = clock_ms() - d->scan_ms;

	return since_ms >= DRAIN_SLICE_MS && since_ms >= d->gap_ms;
}

static int
try_all(struct drain *d)
{
	size_t i;

	for (i = 0; i < d->waiting.n && !*d->stopping; i++) {
		struct waiting_item *item = &d->waiting.items[i];

		if (!waiting_is_due(item, d->scan_ms))
			break;
		if (!item->is_sent && !drain_hub_ready(d))
			break;
		d->is_cut = is_over(d);
		if (d->is_cut)
			break;
		if (drain_try(d, item) != 0)
			return -1;
		log_flush();
	}
	return 0;
}

/* Where no name can be removed all would be sent again and again. */
static bool
can_be_written(struct drain *d)
{
	struct statvfs mount;

	if (fstatvfs(d->spool.dir, &mount) != 0 || !(mount.f_flag & ST_RDONLY))
		return true;
	d->gap_ms = DRAIN_GAP_MAX_MS;
	log_open("unwritable");
	log_text("what", "the spool");
	log_close();
	return false;
}

int
drain_slice(struct drain *d)
{
	d->n_tried = 0;
	d->is_cut = false;
	if (scan(d) != 0)
		return -1;
	secure_forget(&d->hubs.secure);
	if (can_be_written(d) && try_all(d) != 0)
		return -1;
	say_all_odd(d);
	keep(d);
	return drain_sync(d);
}

int64_t
drain_pause_ms(const struct drain *d)
{
	int64_t due_ms = waiting_due_ms(&d->waiting), hub_ms = INT64_MAX;
	int64_t now_ms = clock_ms();
	unsigned n = hubs_count(&d->place.config), i;

	for (i = 0; i < n; i++)
		if (d->rest[i].until_ms < hub_ms)
			hub_ms = d->rest[i].until_ms;
	if (due_ms < hub_ms)
		due_ms = hub_ms;
	if (due_ms > now_ms + DRAIN_LOOK_MS)
		return DRAIN_LOOK_MS;
	return due_ms > now_ms ? due_ms - now_ms : 0;
}

int64_t
drain_breaks_ms(const struct drain *d)
{
	int64_t now_ms = clock_ms(), least_ms = INT64_MAX;
	unsigned n = hubs_count(&d->place.config), i;

	for (i = 0; i < n; i++)
		if (d->rest[i].n_failures == 0 &&
		    d->rest[i].until_ms < least_ms)
			least_ms = d->rest[i].until_ms;
	return least_ms == INT64_MAX || least_ms < now_ms ? 0
							  : least_ms - now_ms;
}

int64_t
drain_gap_ms(const struct drain *d)
{
	int64_t left_ms = d->scan_ms + d->gap_ms - clock_ms();

	return left_ms > 0 ? left_ms : 0;
}
