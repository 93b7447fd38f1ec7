#include "queue/store_keys.h"

#include "lib/clock.h"
#include "lib/die.h"
#include "lib/fs.h"
#include "lib/salvage.h"
#include "lib/siphash.h"
#include "queue/damaged.h"
#include "queue/store_damage.h"
#include "queue/store_index.h"
#include "queue/store_recent.h"

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

int
store_keys_read(struct store *st)
{
	int fd = fs_open(st->dir, "key", O_RDONLY, 0), r, e;

	if (fd < 0)
		return -1;
	r = fs_read_all(fd, st->key, sizeof st->key, 0);
	e = errno;
	fs_close(fd);
	errno = e;
	return r;
}

/* With another key repeats of the last ten minutes are not known: no harm. */
void
store_keys_open(struct store *st)
{
	if (store_keys_read(st) == 0)
		return;
	if (errno != ENOENT && !salvage_is_damage(errno))
		die_sys("opening the queue's hash key", "queue/key");
	if (errno != ENOENT)
		store_alarm(st, "queue/key cannot be read; repeats of the last "
				"minutes are not known");
	make_key(st);
}

uint32_t
store_salt(const struct store *st, uint32_t segno)
{
	uint8_t bytes[4] = {(uint8_t)(segno >> 24), (uint8_t)(segno >> 16),
			    (uint8_t)(segno >> 8), (uint8_t)segno};
	uint8_t result[SIPHASH_SIZE];
	struct siphash h;

	siphash_init(&h, st->key);
	siphash_push(&h, SLICE("salt of a segment"));
	siphash_push(&h, slice_of((const char *)bytes, sizeof bytes));
	siphash_end(&h, result);
	return (uint32_t)result[0] << 24 | (uint32_t)result[1] << 16 |
	       (uint32_t)result[2] << 8 | result[3];
}

/* every key of a segment */

struct visit {
	struct store *st;
	struct recent_now now;
};

static struct visit
visit(struct store *st)
{
	return (struct visit){st, recent_clock()};
}

static void
take_key(struct visit *v, const struct entry_key *k)
{
	recent_put(&v->st->recent, k->key, k->id, k->taken_s, 0, &v->now);
}

static void
visit_m(struct visit *v, struct slice payload)
{
	struct entry_m entry;
	struct entry_key k;
	struct slice value;

	if (entry_m_parse(payload, &entry) != 0 ||
	    !entry_attr(
		entry_attrs(slice_of(payload.at + ENTRY_M_HEAD, entry.env_len),
			    entry.n_rcpts),
		"key", &value) ||
	    entry_key_hex(value, k.key) != 0)
		return;
	k.taken_s = entry.birth_us / 1000000;
	k.id = entry.id;
	take_key(v, &k);
}

static void
visit_record(struct visit *v, const struct record *r, struct slice payload)
{
	struct entry_key k;

	if (r->type == 'M')
		visit_m(v, payload);
	for (; r->type == 'K' && payload.len >= ENTRY_OLD_KEY_LINE;
	     payload = slice_from(payload, ENTRY_OLD_KEY_LINE))
		if (entry_key_parse(slice_of(payload.at, ENTRY_OLD_KEY_LINE),
				    &k) == 0)
			take_key(v, &k);
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
	struct buf b = {0};
	struct slice lines;
	struct entry_key k;
	uint64_t at;

	if (store_index_read(s, &b, &lines, &at) == 0)
		while (store_index_keys(&lines, &k))
			take_key(v, &k);
	else {
		/* a repeat gets its K at once because of what is read here */
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

void
store_keys_load(struct store *st)
{
	struct visit v = visit(st);
	struct segment *s;

	/* a sealed segment is asked in its file until it is loaded */
	for (s = st->oldest; s; s = s->next)
		if (is_young(s, v.now.wall_s) && store_index_ask(s) != 0)
			visit_segment(&v, s);
	/* also because a spare may be a segment whose new name is not on
	 * disk yet: writing over it then would damage the old one */
	if (fs_sync(st->seg_dir) != 0 || fs_sync(st->big_dir) != 0)
		die_sys("syncing the queue's directories", NULL);
}

void
store_keys_take(struct store *st, struct slice lines)
{
	struct visit v = visit(st);
	struct entry_key k;

	while (store_index_keys(&lines, &k))
		take_key(&v, &k);
}

void
store_keys_record(struct store *st, const struct record *r,
		  struct slice payload)
{
	struct visit v = visit(st);

	visit_record(&v, r, payload);
}

/* Until a segment is loaded it is asked in its file. */
static void
take_from_file(struct store *st, const uint8_t key[RECENT_KEY])
{
	struct visit v = visit(st);
	struct segment *s;
	struct entry_key k;

	for (s = st->is_loaded ? NULL : st->oldest; s; s = s->next)
		if (s->n_keys > 0 && store_index_has(s, key, &k))
			take_key(&v, &k);
}

/* It is in the queue: are its bytes what was taken? */
static bool
is_whole(struct store *st, struct message *m)
{
	bool is_whole;

	if (!store_is_durable(st, m))
		return true;
	if (store_is_spoiled(st, m))
		return false;
	is_whole = store_check_some(st, m) == 0;
	if (store_is_spoiled(st, m) && st->spoils)
		st->spoils(st, m);
	return is_whole;
}

/* May a client be told that what it repeats is here, as this message? */
static bool
stands(struct store *st, uint64_t id)
{
	struct message *m;

	if (id == 0)
		return true;
	if (damaged_has(st->dir, id) != 0)
		return false;
	m = idmap_get(&st->messages, id);
	return !m || is_whole(st, m);
}

bool
store_taken(struct store *st, const struct incoming *in, uint64_t *of)
{
	struct recent_now now = recent_clock();

	if (!st->is_loaded && !recent_knows(&st->recent, in->key))
		take_from_file(st, in->key);
	return recent_find(&st->recent, in->key, in->session, &now, of) &&
	       stands(st, *of);
}
