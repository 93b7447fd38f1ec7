#include "lib/log.h"

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/log_write.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

enum { FLUSH_AT = 16384, VALUE_MAX = 512, END_MS = 1000 };

static struct buf lines;
static size_t n_whole;	/* bytes of lines that are complete */
static size_t n_tried;	/* ... that there was no room for, when last tried */
static uint64_t n_lost; /* lines, since that was last said */
static bool is_losing;
static const char *program_name = "quail";

void
log_guard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

void
log_program(const char *name)
{
	program_name = name;
}

void
log_open(const char *event)
{
	buf_cut(&lines, n_whole);
	buf_text(&lines, program_name);
	buf_text(&lines, ": event=");
	buf_text(&lines, event);
}

static bool
plain(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~' || strchr("\"=\\", s.at[i]))
			return false;
	return s.len > 0;
}

static void
quoted(struct slice s)
{
	size_t i;

	buf_putc(&lines, '"');
	for (i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (c >= ' ' && c <= '~' && c != '"' && c != '\\') {
			buf_putc(&lines, c);
			continue;
		}
		buf_text(&lines, "\\x");
		buf_hex(&lines, 2, (unsigned char)c);
	}
	buf_putc(&lines, '"');
}

void
log_bytes(const char *key, struct slice value)
{
	bool cut = value.len > VALUE_MAX;

	if (cut)
		value.len = VALUE_MAX;
	buf_putc(&lines, ' ');
	buf_text(&lines, key);
	buf_putc(&lines, '=');
	if (plain(value))
		buf_puts(&lines, value);
	else
		quoted(value);
	if (cut)
		buf_text(&lines, "...");
}

void
log_text(const char *key, const char *value)
{
	log_bytes(key, slice_text(value));
}

void
log_number(const char *key, int64_t value)
{
	buf_putc(&lines, ' ');
	buf_text(&lines, key);
	buf_putc(&lines, '=');
	if (value < 0)
		buf_putc(&lines, '-');
	buf_number(&lines, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void
log_id(const char *key, uint64_t id)
{
	buf_putc(&lines, ' ');
	buf_text(&lines, key);
	buf_putc(&lines, '=');
	buf_hex(&lines, 16, id);
}

void
log_errno(int e)
{
	log_text("error", strerror(e));
}

/* lines that nobody has read yet */

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
log_close(void)
{
	keep_or_lose();
	if (n_whole >= n_tried + FLUSH_AT)
		log_flush();
}

void
log_lines(struct slice text)
{
	size_t n;

	for (; text.len > 0;
	     text = slice_from(text, n < text.len ? n + 1 : n)) {
		n = slice_find(text, '\n');
		buf_cut(&lines, n_whole);
		buf_puts(&lines, slice_of(text.at, n));
		log_close();
	}
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
log_finish(void)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
	int64_t now, until = clock_ms() + END_MS;

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
	log_write_child();
}
