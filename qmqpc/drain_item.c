/* drain_item.c - the part of drain.h that is about one message */
#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "qmqpc/drain_parts.h"
#include "qmqpc/failure.h"

#include <errno.h>

static void
say(const char *event, const struct waiting_item *item)
{
	log_open(event);
	log_id("id", item->id);
}

static void
say_letter(const char *event, const struct waiting_item *item,
	   const struct letter *l)
{
	say(event, item);
	log_number("uid", l->owner);
	log_bytes("from", l->sender);
	log_number("rcpts", l->entry.n_rcpts);
}

/* Where they went comes before where they were. */
int
drain_sync(struct drain *d)
{
	unsigned n = d->n_unsynced;

	d->n_unsynced = 0;
	if (failed_sync(&d->failed, &n) != 0)
		return -1;
	return n == 0 ? 0 : fs_sync(d->spool.sync_dir);
}

static void
say_stuck(const struct waiting_item *item, int error)
{
	say("stuck", item);
	log_errno(error);
	log_close();
}

/* If the name stays, at least we do not send it again. */
static int
remove_name(struct drain *d, struct waiting_item *item)
{
	char name[SPOOL_NAME];

	spool_name(name, "m.", item->id);
	if (fs_unlink(d->spool.dir, name) != 0 && errno != ENOENT) {
		if (!item->is_sent)
			say_stuck(item, errno);
		item->is_sent = true;
		item->due_ms = clock_ms() + DRAIN_STUCK_MS;
		return 0;
	}
	item->is_sent = true;
	item->is_there = false;
	return ++d->n_unsynced < DRAIN_UNSYNCED_MAX ? 0 : drain_sync(d);
}

static void
ignore(struct drain *d, struct waiting_item *item, const char *why)
{
	waiting_ignore(&d->waiting, item, why, clock_ms());
}

/* What cannot be moved there stays, and holds up nothing. */
static int
move_to_failed(struct drain *d, struct waiting_item *item, const char *reason)
{
	if (failed_take(&d->failed, &d->spool, &d->waiting.shares, item) != 0) {
		say_stuck(item, errno);
		item->due_ms = clock_ms() + WAITING_AGAIN_MS;
		return 0;
	}
	say("failed", item);
	log_text("why", reason);
	log_close();
	item->is_there = false;
	d->n_failed++;
	return ++d->n_unsynced < DRAIN_UNSYNCED_MAX ? 0 : drain_sync(d);
}

/* Anybody can make any number of these: no line and no sync for each. */
static void
move_broken(struct drain *d, struct waiting_item *item, const char *reason)
{
	struct share *owner = shares_of(&d->waiting.shares, item->uid);

	if (owner->is_full || owner->n_failed >= FAILED_EACH ||
	    failed_take(&d->failed, &d->spool, &d->waiting.shares, item) != 0) {
		ignore(d, item, reason);
		return;
	}
	owner->broken.n++;
	owner->broken.why = reason;
	item->is_there = false;
	d->n_failed++;
}

static void
send_package(struct drain *d, struct package *p, struct verdict *v,
	     struct slice *hub, struct buf *why)
{
	int64_t until_ms =
	    clock_ms() + d->try_ms + (int64_t)(p->size / DRAIN_BYTES_PER_MS);

	hubs_send(&d->hubs, p, until_ms, v, hub, why);
}

bool
drain_hub_ready(const struct drain *d)
{
	unsigned n = hubs_count(&d->place.config), i;

	for (i = 0; i < n; i++)
		if (backoff_ready(&d->rest[i], clock_ms()))
			return true;
	return false;
}

/* A hub that breaks off at one message after the other says nothing. */
static bool
hub_lives(const struct drain *d)
{
	unsigned n = hubs_count(&d->place.config), i;

	for (i = 0; i < n; i++)
		if (backoff_lives(&d->rest[i], clock_ms()))
			return true;
	return false;
}

/* A hub that lives and says Z, or breaks off, means this message: it waits by
 * itself. If no hub can be reached, it goes as soon as one can. */
static void
put_off(struct drain *d, struct waiting_item *item, struct slice why)
{
	item->n_tries++;
	if (hub_lives(d))
		item->n_answers++;
	if (d->hubs.is_broken || drain_hub_ready(d)) {
		item->due_ms =
		    clock_ms() + backoff_pause_ms(item->n_tries, DRAIN_Z_MIN_MS,
						  DRAIN_Z_MAX_MS);
	}
	if (d->is_once)
		item->due_ms = INT64_MAX;
	say("deferred", item);
	log_number("try", item->n_tries);
	log_bytes("why", why);
	log_close();
}

/* Whatever date it bears: its owner may claim anything, and so may a clock that
 * has not been set yet. */
static bool
is_old(const struct drain *d, const struct waiting_item *item,
       int64_t lifetime_s)
{
	return tried_age_s(&d->tried, item) > lifetime_s &&
	       item->n_answers + 1 >= DRAIN_TRIES;
}

/* It goes back to its sender; for that a hub must take the bounce. */
static int
give_back(struct drain *d, struct waiting_item *item, const struct letter *l,
	  const struct verdict *v)
{
	struct verdict answer;
	struct package p = {0};
	struct buf why = {0};
	struct slice hub;
	int r = 0;

	if (!failure_returnable(l))
		return move_to_failed(d, item, "nobody to return it to");
	if (failure_package(&p, l, &d->place.config, v) != 0) {
		put_off(d, item, slice_text(strerror(errno)));
		package_free(&p);
		return 0;
	}
	send_package(d, &p, &answer, &hub, &why);
	if (answer.code == 'K') {
		say_letter("bounced", item, l);
		log_bytes("why", verdict_text(v));
		log_bytes("hub", hub);
		log_close();
		r = remove_name(d, item);
	} else if (answer.code == 'D' || is_old(d, item, 2 * d->lifetime_s)) {
		r = move_to_failed(d, item, "its bounce was refused");
	} else {
		put_off(d, item, buf_slice(&why));
	}
	buf_free(&why);
	package_free(&p);
	return r;
}

static int
answered(struct drain *d, struct waiting_item *item, const struct letter *l,
	 const struct verdict *v, struct slice hub, struct slice why)
{
	struct verdict late;

	switch (v->code) {
	case 'K':
		say_letter("sent", item, l);
		log_bytes("hub", hub);
		log_bytes("answer", verdict_text(v));
		log_close();
		return remove_name(d, item);
	case 'D': return give_back(d, item, l, v);
	default:
		if (is_old(d, item, d->lifetime_s) && hub_lives(d)) {
			verdict_say(&late, 'D',
				    "no hub has taken it for too long "
				    "(#5.4.7)");
			return give_back(d, item, l, &late);
		}
		put_off(d, item, why);
		return 0;
	}
}

static int
send_letter(struct drain *d, struct waiting_item *item, const struct letter *l)
{
	struct package p = {0};
	struct buf why = {0};
	struct verdict v;
	struct slice hub;
	int r = 0;

	if (letter_package(l, &p) != 0) {
		put_off(d, item, slice_text(strerror(errno)));
	} else {
		send_package(d, &p, &v, &hub, &why);
		r = answered(d, item, l, &v, hub, buf_slice(&why));
	}
	buf_free(&why);
	package_free(&p);
	return r;
}

int
drain_try(struct drain *d, struct waiting_item *item)
{
	char name[SPOOL_NAME];
	struct letter l;
	const char *why;
	int r = 0;

	shares_of(&d->waiting.shares, item->uid)->served = ++d->n_turns;
	d->n_tried++;
	d->hubs.is_broken = false;
	if (item->is_sent)
		return remove_name(d, item);
	spool_name(name, "m.", item->id);
	switch (letter_open(&l, &d->spool, name, &why)) {
	case LETTER_GOOD: r = send_letter(d, item, &l); break;
	case LETTER_BROKEN: move_broken(d, item, why); break;
	case LETTER_TROUBLE:
		put_off(d, item, slice_text(strerror(errno)));
		break;
	case LETTER_GONE: item->is_there = false; break;
	case LETTER_FOREIGN: ignore(d, item, why); break;
	}
	letter_close(&l);
	return r;
}
