#include "queue/store_keys.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/fs.h"
#include "queue/store_index.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>

/* the hash key */

static void
make_key(struct store *st)
{
	int fd;

	if (getrandom(st->key, sizeof st->key, 0) != (ssize_t)sizeof st->key)
		die_sys("reading random bytes", NULL);
	fs_unlink(st->dir, "key.new");
	fd = fs_open(st->dir, "key.new", O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || fs_write_all(fd, st->key, sizeof st->key, 0) != 0 ||
	    fs_sync(fd) != 0 ||
	    fs_rename(st->dir, "key.new", st->dir, "key") != 0 ||
	    fs_sync(st->dir) != 0)
		die_sys("making the queue's hash key", "queue/key");
	fs_close(fd);
}

void
store_keys_open(struct store *st)
{
	int fd = fs_open(st->dir, "key", O_RDONLY, 0);
	bool good;

	if (fd < 0 && errno != ENOENT)
		die_sys("opening the queue's hash key", "queue/key");
	good = fd >= 0 && fs_read_all(fd, st->key, sizeof st->key, 0) == 0;
	if (fd >= 0)
		fs_close(fd);
	if (!good)
		make_key(st);
}

/* every key of a segment */

struct visit {
	struct store *st;
	int64_t now_s;
	struct buf *carried; /* NULL: they are to be remembered */
};

static void
take_key(struct visit *v, const uint8_t key[ENTRY_KEY], int64_t taken_s)
{
	if (taken_s + RECENT_S < v->now_s)
		return;
	if (v->carried)
		entry_key_put(v->carried, key, taken_s);
	else
		recent_put(&v->st->recent, key, taken_s, v->now_s);
}

static void
visit_record(struct visit *v, const struct record *r, struct slice payload)
{
	uint8_t key[ENTRY_KEY];
	struct entry_m entry;
	struct slice value;
	int64_t taken_s;

	if (r->type == 'M' && entry_m_parse(payload, &entry) == 0 &&
	    entry_attr(
		entry_attrs(slice_of(payload.at + ENTRY_M_HEAD, entry.env_len),
			    entry.n_rcpts),
		"key", &value) &&
	    entry_key_hex(value, key) == 0)
		take_key(v, key, entry.birth_us / 1000000);
	for (; r->type == 'K' && payload.len >= ENTRY_KEY_LINE;
	     payload = slice_from(payload, ENTRY_KEY_LINE))
		if (entry_key_parse(payload, key, &taken_s) == 0)
			take_key(v, key, taken_s);
}

static void
visit_scan(struct visit *v, struct segment *s)
{
	struct segment_scan scan;
	struct slice payload;
	struct record r;
	uint64_t offset, end = s->end;

	segment_scan_init(&scan, s);
	while (segment_scan_next(&scan, &r, &payload, &offset) > 0)
		visit_record(v, &r, payload);
	segment_scan_free(&scan);
	s->end = end;
}

static void
visit_segment(struct visit *v, struct segment *s)
{
	uint8_t key[ENTRY_KEY];
	struct buf b = {0};
	struct slice lines;
	int64_t taken_s;
	uint64_t at;

	if (store_index_read(s, &b, &lines, &at) == 0)
		while (store_index_keys(&lines, key, &taken_s))
			take_key(v, key, taken_s);
	else {
		/* a repeat gets its K at once because of what is read here */
		if (!v->carried)
			store_load_true(s);
		visit_scan(v, s);
	}
	buf_free(&b);
}

/* Was it written to lately enough to hold a young key? */
static bool
is_young(const struct segment *s, int64_t now_s)
{
	struct stat file;

	return fs_stat(s->fd, &file) != 0 || file.st_mtime + RECENT_S >= now_s;
}

/* A sealed segment is asked in its file until it is loaded. */
static bool
can_be_asked(struct segment *s)
{
	struct entry_f f;
	uint64_t size;

	if (segment_seal(s, &f, &size) != 0 || f.salt != s->salt)
		return false;
	s->keys_at = f.keys_at;
	s->n_keys = f.n_keys;
	return true;
}

void
store_keys_load(struct store *st)
{
	struct visit v = {st, clock_s(), NULL};
	struct segment *s;

	for (s = st->oldest; s; s = s->next)
		if (is_young(s, v.now_s) && !can_be_asked(s))
			visit_segment(&v, s);
	/* also because a spare may be a segment whose new name is not on
	 * disk yet: writing over it then would damage the old one */
	if (fs_sync(st->seg_dir) != 0 || fs_sync(st->big_dir) != 0)
		die_sys("syncing the queue's directories", NULL);
}

void
store_keys_take(struct store *st, struct slice lines)
{
	struct visit v = {st, clock_s(), NULL};
	uint8_t key[ENTRY_KEY];
	int64_t taken_s;

	while (store_index_keys(&lines, key, &taken_s))
		take_key(&v, key, taken_s);
}

void
store_keys_record(struct store *st, const struct record *r,
		  struct slice payload)
{
	struct visit v = {st, clock_s(), NULL};

	visit_record(&v, r, payload);
}

bool
store_has_taken(struct store *st, const uint8_t key[RECENT_KEY])
{
	struct segment *s;
	int64_t taken_s;

	if (recent_has(&st->recent, key))
		return true;
	for (s = st->is_loaded ? NULL : st->oldest; s; s = s->next)
		if (s->n_keys > 0 && store_index_has(s, key, &taken_s) &&
		    taken_s + RECENT_S >= clock_s())
			return true;
	return false;
}

int
store_keys_carry(struct store *st, struct segment *s)
{
	struct buf lines = {0};
	struct visit v = {st, clock_s(), &lines};
	int r = 0;

	if (is_young(s, v.now_s))
		visit_segment(&v, s);
	if (lines.len > 0)
		r = store_put_k(st, buf_slice(&lines)) == 0 &&
			    store_commit(st) == 0 && st->outcomes.len == 0
			? 0
			: -1;
	buf_free(&lines);
	return r;
}
