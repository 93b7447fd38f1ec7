#include "qmqpc/drain.h"

#include "lib/clock.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "qmqpc/failure.h"

#include <errno.h>
#include <fcntl.h>

/* one message */

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

static int
sync_names(struct drain *d)
{
	if (d->n_unsynced == 0)
		return 0;
	d->n_unsynced = 0;
	return fs_sync(d->spool.sync_dir);
}

/* If the name stays, at least we do not send it again. */
static int
remove_name(struct drain *d, struct waiting_item *item)
{
	char name[SPOOL_NAME];

	item->is_sent = true;
	spool_name(name, "m.", item->id);
	if (fs_unlink(d->spool.dir, name) != 0 && errno != ENOENT)
		return -1;
	item->is_there = false;
	return ++d->n_unsynced < DRAIN_UNSYNCED_MAX ? 0 : sync_names(d);
}

static int
move_to_failed(struct drain *d, struct waiting_item *item, const char *reason)
{
	char name[SPOOL_NAME];

	say("failed", item);
	log_text("why", reason);
	log_close();
	spool_name(name, "m.", item->id);
	if (fs_rename(d->spool.dir, name, d->failed_dir, name) != 0)
		return -1;
	item->is_there = false;
	d->n_failed++;
	d->n_unsynced++;
	return fs_sync(d->failed_dir) == 0 ? sync_names(d) : -1;
}

static void
send_package(struct drain *d, struct package *p, struct verdict *v,
	     struct slice *hub, struct buf *why)
{
	int64_t until_ms =
	    clock_ms() + d->try_ms + (int64_t)(p->size / DRAIN_BYTES_PER_MS);

	hubs_send(&d->hubs, p, until_ms, v, hub, why);
}

static bool
hub_ready(const struct drain *d)
{
	unsigned n = hubs_count(&d->place.config), i;

	for (i = 0; i < n; i++)
		if (backoff_ready(&d->rest[i], clock_ms()))
			return true;
	return false;
}

/* A hub that lives and says Z means this message: it waits by itself. If no
 * hub lives, it goes as soon as one does. */
static void
put_off(struct drain *d, struct waiting_item *item, struct slice why)
{
	item->n_tries++;
	if (hub_ready(d)) {
		item->n_answers++;
		item->due_ms =
		    clock_ms() + backoff_pause_ms(item->n_tries, DRAIN_Z_MIN_MS,
						  DRAIN_Z_MAX_MS);
	}
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
		if (is_old(d, item, d->lifetime_s) && hub_ready(d)) {
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

static int
try_item(struct drain *d, struct waiting_item *item)
{
	char name[SPOOL_NAME];
	struct letter l;
	const char *why;
	int r = 0;

	if (item->is_sent)
		return remove_name(d, item);
	spool_name(name, "m.", item->id);
	switch (letter_open(&l, &d->spool, name, &why)) {
	case LETTER_GOOD: r = send_letter(d, item, &l); break;
	case LETTER_BROKEN: r = move_to_failed(d, item, why); break;
	case LETTER_TROUBLE:
		put_off(d, item, slice_text(strerror(errno)));
		break;
	case LETTER_GONE:
		if (errno == ENOENT) {
			item->is_there = false;
			break;
		}
		/* fall through */
	case LETTER_FOREIGN:
		item->is_ignored = true;
		say("ignored", item);
		log_text("why", why);
		log_close();
		break;
	}
	letter_close(&l);
	return r;
}

/* the whole */

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

/* Tell those who drop that there is too much already, or no longer. */
static void
mark_full(struct drain *d)
{
	uint64_t max = d->spool.bytes_max;
	bool full = d->waiting.bytes > (d->is_full ? max / 4 * 3 : max);
	int fd;

	if (full == d->is_full)
		return;
	log_open(full ? "full" : "room");
	log_number("bytes", (int64_t)d->waiting.bytes);
	log_close();
	fs_unlink(d->spool.dir, SPOOL_FULL); /* perhaps somebody else's */
	d->is_full = false;
	if (!full)
		return;
	fd = fs_open(d->spool.dir, SPOOL_FULL, O_WRONLY | O_CREAT | O_EXCL,
		     0600);
	if (fd >= 0) {
		fs_close(fd);
		d->is_full = true;
	}
}

int
drain_once(struct drain *d)
{
	int64_t now_ms = clock_ms();
	size_t i;

	if (waiting_scan(&d->waiting, &d->spool, now_ms) != 0)
		return -1;
	secure_forget(&d->hubs.secure);
	recall(d);
	mark_full(d);
	waiting_sort(&d->waiting);
	for (i = 0; i < d->waiting.n && !*d->stopping; i++) {
		struct waiting_item *item = &d->waiting.items[i];

		if (item->is_ignored || item->due_ms > now_ms)
			continue;
		if (!item->is_sent && !hub_ready(d))
			break;
		if (try_item(d, item) != 0)
			return -1;
		log_flush();
	}
	keep(d);
	return sync_names(d);
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
