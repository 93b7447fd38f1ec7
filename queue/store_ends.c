#include "queue/store_ends.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/smallfile.h"

#include <errno.h>

enum {
	KEEP_MS = 600 * 1000,
	LINE = 8 + 1 + 16 + 1,
	FILE_MAX = STORE_ENDS * LINE + 64
};

static const char file[] = "ends", other_file[] = "ends.new";

static void
log_trouble(const char *event, int error)
{
	log_open(event);
	log_text("file", "queue/ends");
	log_errno(error);
	log_close();
}

/* reading */

static int
take_line(struct store_ends *e, struct slice line)
{
	struct slice number = slice_word(&line), end = slice_word(&line);
	uint64_t segno, at;

	if (e->n == STORE_ENDS || number.len != 8 || end.len != 16 ||
	    slice_hex(number, &segno) != 0 || slice_hex(end, &at) != 0 ||
	    segno == 0 || segno >= STORE_SEGNO_MAX || at > UINT32_MAX)
		return -1;
	e->list[e->n++] = (struct store_end_of){(uint32_t)segno, at};
	return 0;
}

static int
take_lines(struct store_ends *e, struct slice text)
{
	bool is_first = true;

	while (text.len > 0) {
		size_t end = slice_find(text, '\n');
		struct slice line = slice_of(text.at, end);

		text = slice_from(text, end < text.len ? end + 1 : end);
		if (slice_eq(line, SLICE("end")))
			return is_first ? -1 : 0;
		if (is_first ? !slice_eq(line, SLICE("quail-ends 1"))
			     : take_line(e, line) != 0)
			return -1;
		is_first = false;
	}
	return -1;
}

void
store_ends_read(struct store *st)
{
	struct buf text = {0};
	int r = smallfile_read(st->dir, file, FILE_MAX, &text);

	st->ends.n = 0;
	if (r == 0 && take_lines(&st->ends, buf_slice(&text)) != 0) {
		errno = EBADMSG;
		r = -1;
	}
	if (r != 0) {
		if (errno != ENOENT)
			log_trouble("ends-unread", errno);
		st->ends.n = 0;
	}
	st->ends.written_ms = clock_ms();
	buf_free(&text);
}

static size_t
find(const struct store *st, uint32_t segno)
{
	size_t i = 0;

	while (i < st->ends.n && st->ends.list[i].segno != segno)
		i++;
	return i;
}

uint64_t
store_ends_of(const struct store *st, uint32_t segno)
{
	size_t i = find(st, segno);

	return i < st->ends.n ? st->ends.list[i].at : 0;
}

void
store_ends_drop(struct store *st, uint32_t segno)
{
	size_t i = find(st, segno);

	if (i < st->ends.n)
		st->ends.list[i] = st->ends.list[--st->ends.n];
}

/* writing */

/* Of one that the next one tells of nothing need be said. */
static bool
is_last_of_run(const struct segment *s)
{
	return !s->next || s->next->after != s->segno;
}

/* The youngest, when there are too many; not those that hold nothing, which
 * a start removes. */
static void
add(struct store_ends *e, uint32_t segno, uint64_t end)
{
	if (end <= SEGMENT_FIRST)
		return;
	if (e->n == STORE_ENDS) {
		memmove(e->list, e->list + 1,
			(STORE_ENDS - 1) * sizeof e->list[0]);
		e->n--;
	}
	e->list[e->n++] = (struct store_end_of){segno, end};
}

static void
put_text(const struct store_ends *e, struct buf *out)
{
	size_t i;

	buf_text(out, "quail-ends 1\n");
	for (i = 0; i < e->n; i++) {
		buf_hex(out, 8, e->list[i].segno);
		buf_putc(out, ' ');
		buf_hex(out, 16, e->list[i].at);
		buf_putc(out, '\n');
	}
	buf_text(out, "end\n");
}

void
store_ends_write(struct store *st)
{
	struct store_ends *e = &st->ends;
	struct buf text = {0};
	struct segment *s;
	int r;

	e->written_ms = clock_ms();
	if (st->messages.n == 0 || st->failed)
		return;
	e->n = 0;
	for (s = st->oldest; s; s = s->next)
		if (is_last_of_run(s))
			add(e, s->segno,
			    s == st->current ? st->durable : s->synced);
	put_text(e, &text);
	r = smallfile_replace(st->dir, file, other_file, buf_slice(&text));
	if (r != 0 && !e->is_stuck)
		log_trouble("ends-unwritten", errno);
	e->is_stuck = r != 0;
	buf_free(&text);
}

void
store_ends_look(struct store *st)
{
	if (st->is_loaded && clock_ms() - st->ends.written_ms >= KEEP_MS)
		store_ends_write(st);
}
