#include "queue/ages.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/smallfile.h"

#include <errno.h>

enum { FILE_MAX = 64 * AGES_MARKS + 256 };

static const char file[] = "clock", other_file[] = "clock.new";

/* marks */

/* When there are too many, every second one of the older half goes: mail of
 * that time is then a little younger than it could be said. */
static void
thin_out(struct ages *a)
{
	size_t i, n = 0;

	for (i = 0; i < a->n_marks; i++)
		if (i % 2 == 0 || i >= AGES_MARKS / 2)
			a->marks[n++] = a->marks[i];
	a->n_marks = n;
}

static void
add_mark(struct ages *a, uint32_t run, int64_t wall_s, int64_t at_s)
{
	if (a->n_marks == AGES_MARKS)
		thin_out(a);
	a->marks[a->n_marks++] = (struct ages_mark){run, wall_s, at_s};
}

static void
mark_now(struct ages *a)
{
	elapsed_renew(&a->clock);
	add_mark(a, a->run, a->clock.wall_s, a->clock.at_s);
}

/* the file */

static int
take_mark(struct ages *a, struct slice rest)
{
	struct slice run = slice_word(&rest);
	uint64_t n, wall_s, at_s;

	if (run.len != 8 || slice_hex(run, &n) != 0 ||
	    slice_number(slice_word(&rest), INT64_MAX / 2, &wall_s) != 0 ||
	    slice_number(slice_word(&rest), INT64_MAX / 2, &at_s) != 0 ||
	    a->n_marks == AGES_MARKS)
		return -1;
	add_mark(a, (uint32_t)n, (int64_t)wall_s, (int64_t)at_s);
	return 0;
}

/* In order, none of the future: a damaged file must not make mail old. */
static bool
are_good(const struct ages *a, const struct elapsed *kept)
{
	size_t i;

	for (i = 0; i < a->n_marks; i++)
		if (a->marks[i].run >= a->run ||
		    a->marks[i].at_s > kept->at_s ||
		    (i > 0 && (a->marks[i].run < a->marks[i - 1].run ||
			       a->marks[i].at_s < a->marks[i - 1].at_s)))
			return false;
	return true;
}

static int
take_lines(struct ages *a, struct slice text, struct elapsed *kept)
{
	bool has_now = false;
	struct slice line, word;

	while (text.len > 0) {
		line = slice_of(text.at, slice_find(text, '\n'));
		text = slice_from(text, line.len < text.len ? line.len + 1
							    : line.len);
		word = slice_word(&line);
		if (slice_eq(word, SLICE("end")))
			return has_now && are_good(a, kept) ? 0 : -1;
		if (slice_eq(word, SLICE("now")))
			has_now = elapsed_take(&line, kept) == 0;
		else if (slice_eq(word, SLICE("mark")) &&
			 take_mark(a, line) != 0)
			return -1;
	}
	return -1;
}

static void
log_trouble(const char *event, int error)
{
	log_open(event);
	log_text("file", "queue/clock");
	log_errno(error);
	log_close();
}

void
ages_open(struct ages *a, int dir, uint32_t run)
{
	struct elapsed kept;
	struct buf text = {0};
	int r;

	*a = (struct ages){.dir = dir, .run = run};
	r = smallfile_read(dir, file, FILE_MAX, &text);
	if (r != 0 && errno != ENOENT)
		log_trouble("clock-unread", errno);
	if (r == 0 && take_lines(a, buf_slice(&text), &kept) == 0) {
		elapsed_resume(&a->clock, &kept);
	} else {
		if (r == 0)
			log_trouble("clock-unread", EBADMSG);
		a->n_marks = 0;
		elapsed_begin(&a->clock);
	}
	buf_free(&text);
	mark_now(a);
	a->kept_s = a->clock.at_s;
}

static void
put_text(struct ages *a, struct buf *out)
{
	size_t i;

	buf_text(out, "quail-clock 1\nnow ");
	elapsed_put(out, &a->clock);
	buf_putc(out, '\n');
	for (i = 0; i < a->n_marks; i++) {
		buf_text(out, "mark ");
		buf_hex(out, 8, a->marks[i].run);
		buf_putc(out, ' ');
		buf_number(out, (uint64_t)a->marks[i].wall_s);
		buf_putc(out, ' ');
		buf_number(out, (uint64_t)a->marks[i].at_s);
		buf_putc(out, '\n');
	}
	buf_text(out, "end\n");
}

void
ages_keep(struct ages *a)
{
	struct buf text = {0};
	int r;

	put_text(a, &text);
	r = smallfile_replace(a->dir, file, other_file, buf_slice(&text));
	a->kept_s = ages_now_s(a);
	if (r != 0 && !a->is_stuck)
		log_trouble("clock-unwritten", errno);
	a->is_stuck = r != 0;
	buf_free(&text);
}

/* asking */

int64_t
ages_now_s(const struct ages *a)
{
	return elapsed_s(&a->clock);
}

/* Until when the wall's clock went on from there. */
static int64_t
end_of(const struct ages *a, size_t i)
{
	return i + 1 < a->n_marks ? a->marks[i + 1].at_s : ages_now_s(a);
}

static bool
fits(const struct ages *a, size_t i, int64_t wall_s, int64_t *at_s)
{
	const struct ages_mark *mark = &a->marks[i];
	int64_t end_s = end_of(a, i);

	*at_s = mark->at_s + (wall_s - mark->wall_s);
	if (*at_s < mark->at_s - ELAPSED_JUMP_S ||
	    *at_s > end_s + ELAPSED_JUMP_S)
		return false;
	if (*at_s > end_s)
		*at_s = end_s;
	if (*at_s < mark->at_s)
		*at_s = mark->at_s;
	return true;
}

/* The last mark of a run, or of the one before: a run that died soon has
 * none. */
static size_t
mark_of(const struct ages *a, uint32_t run)
{
	size_t from = 0, to = a->n_marks, middle;

	while (from < to) {
		middle = from + (to - from) / 2;
		if (a->marks[middle].run <= run)
			from = middle + 1;
		else
			to = middle;
	}
	return from; /* plus one */
}

int64_t
ages_birth_s(const struct ages *a, const struct message *m)
{
	size_t last = mark_of(a, (uint32_t)(m->id >> 32)), i;
	int64_t wall_s = m->birth_us / 1000000, at_s;

	if (last == 0)
		return a->marks[0].at_s;
	for (i = last; i-- > 0 && a->marks[i].run == a->marks[last - 1].run;)
		if (fits(a, i, wall_s, &at_s))
			return at_s;
	return end_of(a, last - 1);
}

int64_t
ages_age_s(const struct ages *a, const struct message *m)
{
	return ages_now_s(a) - ages_birth_s(a, m);
}

int64_t
ages_wall_s(const struct ages *a, int64_t at_s)
{
	return clock_s() + at_s - ages_now_s(a);
}

/* looking */

void
ages_look(struct ages *a, bool has_mail)
{
	int64_t by_s = elapsed_jump_s(&a->clock);

	if (by_s != 0) {
		log_open("clock-set");
		log_number("by_s", by_s);
		log_close();
		mark_now(a);
	}
	if (has_mail && ages_now_s(a) - a->kept_s >= AGES_KEEP_S)
		ages_keep(a);
}
