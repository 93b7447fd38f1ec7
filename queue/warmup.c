#include "queue/warmup.h"

#include "lib/die.h"
#include "lib/fs.h"
#include "lib/log.h"
#include "lib/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { DAY_S = 86400, STEPS = 100 };

static const char file[] = "warmup";

struct warmup_count {
	struct names_link link;
	uint64_t n, ceiling; /* n <= ceiling, which is on the disk */
	size_t address_len, len;
	char key[]; /* address and group */
};

/* counts */

static bool
is_of(const struct warmup_count *c, struct slice address, struct slice group)
{
	return slice_eq(slice_of(c->key, c->address_len), address) &&
	       slice_eq(
		   slice_of(c->key + c->address_len, c->len - c->address_len),
		   group);
}

static struct warmup_count *
find(struct warmup *w, uint64_t hash, struct slice address, struct slice group)
{
	struct names_link *l = names_find(&w->counts, hash);
	struct warmup_count *c;

	for (; l; l = names_more(l)) {
		c = OWNER(l, struct warmup_count, link);
		if (is_of(c, address, group))
			return c;
	}
	return NULL;
}

static struct warmup_count *
known(struct warmup *w, struct slice address, struct slice group)
{
	return find(w, names_hash_two(&w->counts, address, group), address,
		    group);
}

static struct warmup_count *
count_of(struct warmup *w, struct slice address, struct slice group)
{
	uint64_t hash = names_hash_two(&w->counts, address, group);
	struct warmup_count *c = find(w, hash, address, group);

	if (c)
		return c;
	c = calloc(1, sizeof *c + address.len + group.len);
	if (!c)
		die_nomem();
	c->address_len = address.len;
	c->len = address.len + group.len;
	memcpy(c->key, address.at, address.len);
	memcpy(c->key + address.len, group.at, group.len);
	names_put(&w->counts, &c->link, hash);
	return c;
}

static void
forget(struct warmup *w)
{
	struct names_walk walk = {0};
	struct names_link *l;

	while ((l = names_next(&w->counts, &walk)))
		free(OWNER(l, struct warmup_count, link));
	names_free(&w->counts);
}

/* the file */

static void
put_line(struct warmup *w, const struct warmup_count *c, uint64_t ceiling)
{
	buf_clear(&w->line);
	buf_number(&w->line, (uint64_t)w->day);
	buf_putc(&w->line, ' ');
	buf_put(&w->line, c->key, c->address_len);
	buf_putc(&w->line, ' ');
	buf_put(&w->line, c->key + c->address_len, c->len - c->address_len);
	buf_putc(&w->line, ' ');
	buf_number(&w->line, ceiling);
	buf_text(&w->line, ".\n");
}

static int
raise_to(struct warmup *w, struct warmup_count *c, uint64_t ceiling)
{
	put_line(w, c, ceiling);
	if (fs_write_all(w->fd, buf_slice(&w->line).at, w->line.len,
			 (off_t)w->end) != 0 ||
	    fs_datasync(w->fd) != 0)
		return -1; /* written over by the next */
	w->end += w->line.len;
	c->ceiling = ceiling;
	return 0;
}

/* The group may have any bytes but line ends: numbers stand outside. Of a day
 * to come: the clock has been set back since, which makes no room. */
static void
take_line(struct warmup *w, struct slice line)
{
	struct slice rest = line, day = slice_word(&rest),
		     address = slice_word(&rest);
	size_t blank = slice_find_last(rest, ' ');
	struct warmup_count *c;
	uint64_t n, of;

	if (blank == rest.len || rest.at[0] != ' ' || blank == 0 ||
	    rest.at[rest.len - 1] != '.' ||
	    slice_number(slice_of(rest.at + blank + 1, rest.len - blank - 2),
			 UINT32_MAX, &n) != 0 ||
	    slice_number(day, UINT32_MAX, &of) != 0 || (int64_t)of < w->day)
		return;
	c = count_of(w, address, slice_of(rest.at + 1, blank - 1));
	c->n = c->ceiling = n;
}

static void
take_lines(struct warmup *w, struct slice all)
{
	while (all.len > 0) {
		size_t end = slice_find(all, '\n');

		if (end == all.len)
			return; /* torn */
		take_line(w, slice_of(all.at, end));
		all = slice_from(all, end + 1);
		w->end += end + 1;
	}
}

/* Whatever stands behind the last whole line is written over; until then a
 * cut takes it away, or it would be the end of the next line. */
static int
load(struct warmup *w)
{
	struct buf all = {0};
	struct stat st;
	int r;

	if (fs_stat(w->fd, &st) != 0)
		return -1;
	r = fs_read_all(w->fd, buf_room(&all, (size_t)st.st_size + 1),
			(size_t)st.st_size, 0);
	if (r == 0) {
		buf_added(&all, (size_t)st.st_size);
		take_lines(w, buf_slice(&all));
		if (w->end < (uint64_t)st.st_size)
			r = fs_truncate(w->fd, (off_t)w->end);
		if (r == 0) /* what was read must not be lost later */
			r = fs_datasync(w->fd);
	}
	buf_free(&all);
	return r;
}

static int
open_file(struct warmup *w)
{
	w->fd = fs_open(w->dir, file, O_RDWR | O_CREAT, 0600);
	if (w->fd < 0)
		return -1;
	return load(w) == 0 && fs_sync(w->dir) == 0 ? 0 : -1;
}

void
warmup_open(struct warmup *w, int dir, int64_t now_s)
{
	*w = (struct warmup){.dir = dir, .day = now_s / DAY_S};
	elapsed_begin(&w->clock);
	w->clock.at_s = now_s;
	if (open_file(w) == 0)
		return;
	log_open("warmup-unreadable");
	log_errno(errno);
	log_close();
	w->is_unread = true;
}

/* There may be none yet: for want of room, at the start. */
static int
be_open(struct warmup *w)
{
	if (w->fd >= 0)
		return 0;
	w->is_unread = open_file(w) != 0;
	return w->fd < 0 ? -1 : 0;
}

static int
new_day(struct warmup *w, int64_t now_s)
{
	if (now_s / DAY_S == w->day)
		return 0;
	if (fs_truncate(w->fd, 0) != 0)
		return -1;
	forget(w);
	w->day = now_s / DAY_S;
	w->end = 0;
	w->is_unread = false;
	return 0;
}

/* taking */

/* Behind the end of a day the wall's clock counts again. */
int64_t
warmup_now_s(struct warmup *w)
{
	if (elapsed_s(&w->clock) / DAY_S != w->day)
		elapsed_begin(&w->clock);
	return elapsed_s(&w->clock);
}

uint64_t
warmup_sent(struct warmup *w, struct slice address, struct slice group,
	    int64_t now_s)
{
	struct warmup_count *c;

	if (now_s / DAY_S != w->day)
		return 0;
	c = known(w, address, group);
	return c ? c->n : 0;
}

int
warmup_take(struct warmup *w, struct slice address, struct slice group,
	    uint64_t limit, int64_t now_s)
{
	struct warmup_count *c;
	uint64_t step = limit / STEPS;

	if (be_open(w) != 0 || new_day(w, now_s) != 0)
		return -1;
	if (w->is_unread) {
		errno = EIO;
		return -1;
	}
	c = count_of(w, address, group);
	if (c->n == c->ceiling &&
	    raise_to(w, c, c->ceiling + (step > 0 ? step : 1)) != 0)
		return -1;
	c->n++;
	return 0;
}

void
warmup_give_back(struct warmup *w, struct slice address, struct slice group,
		 int64_t now_s)
{
	struct warmup_count *c;

	if (now_s / DAY_S != w->day)
		return;
	c = known(w, address, group);
	if (c && c->n > 0)
		c->n--;
}

void
warmup_close(struct warmup *w)
{
	forget(w);
	buf_free(&w->line);
	if (w->fd >= 0)
		fs_close(w->fd);
	*w = (struct warmup){.fd = -1};
}
