#include "lib/log_keep.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "lib/log_write.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { FLUSH_AT = 16384, END_MS = 1000 };

static struct buf lines;
static size_t n_whole;	/* bytes of lines that are complete */
static size_t n_tried;	/* ... that there was no room for, when last tried */
static uint64_t n_lost; /* lines, since that was last said */
static bool is_losing;
static void (*at_end)(void); /* NULL: nothing */

struct buf *
log_keep_line(void)
{
	buf_cut(&lines, n_whole);
	return &lines;
}

static void
line_done(void)
{
	buf_putc(&lines, '\n');
	n_whole = lines.len;
}

static void
say_lost(void)
{
	uint64_t n = n_lost;

	n_lost = 0;
	is_losing = false;
	log_open("log-lost");
	log_number("n", (int64_t)n);
	line_done();
}

/* Once it is full, half of it is to flow before the next line counts: else a
 * slow reader would get as many reports of the loss as lines. */
static bool
has_room(void)
{
	return lines.len <= (is_losing ? LOG_MAX / 2 : LOG_MAX);
}

/* The line that has just been made stands behind n_whole. */
static void
keep_or_lose(void)
{
	struct buf line = {0};

	if (!has_room()) {
		is_losing = true;
		n_lost++;
		buf_cut(&lines, n_whole);
		return;
	}
	if (n_lost == 0) {
		line_done();
		return;
	}
	buf_puts(&line, slice_from(buf_slice(&lines), n_whole));
	buf_cut(&lines, n_whole);
	say_lost();
	buf_puts(&lines, buf_slice(&line));
	line_done();
	buf_free(&line);
}

void
log_keep_done(void)
{
	keep_or_lose();
	if (n_whole >= n_tried + FLUSH_AT)
		log_flush();
}

/* Nobody can be told, or reads on: they are gone. */
static void
drop_all(void)
{
	buf_free(&lines);
	n_whole = 0;
	n_lost = 0;
	is_losing = false;
}

static void
took(size_t n)
{
	n_whole -= n;
	if (n_whole > 0)
		buf_take(&lines, n);
	else if (lines.cap <= 2 * FLUSH_AT)
		buf_clear(&lines); /* the next round has more */
	else
		buf_free(&lines);
	if (n_whole == 0 && n_lost > 0)
		say_lost();
}

void
log_flush(void)
{
	struct slice s;
	ssize_t n;

	while (n_whole > 0) {
		s = slice_of(buf_slice(&lines).at, n_whole);
		n = log_write(s);
		if (n > 0) {
			took((size_t)n);
		} else if (n < 0 && errno == EAGAIN) {
			break;
		} else if (n == 0 || errno != EINTR) {
			drop_all();
		}
	}
	n_tried = n_whole;
}

bool
log_waits(void)
{
	return n_whole > 0;
}

void
log_at_end(void (*say)(void))
{
	at_end = say;
}

/* What it says may end the process itself, and come here again. */
static void
say_last(void)
{
	void (*say)(void) = at_end;

	at_end = NULL;
	if (say)
		say();
}

void
log_finish(void)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
	int64_t now, until = clock_ms() + END_MS;

	say_last();
	log_flush();
	while (n_whole > 0 && (now = clock_ms()) < until) {
		poll(&p, 1, (int)(until - now));
		log_flush();
	}
}

void
log_child(void)
{
	drop_all();
	n_tried = 0;
	at_end = NULL;
	log_write_child();
}
