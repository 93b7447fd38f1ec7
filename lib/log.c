#include "lib/log.h"

#include "lib/log_keep.h"
#include "lib/log_write.h"

#include <fcntl.h>
#include <unistd.h>

enum { VALUE_MAX = 512 };

static struct buf *line; /* that is being made */
static const char *program_name = "quail";

void
log_guard(void)
{
	int fd;

	if (fcntl(STDIN_FILENO, F_GETFD) < 0 &&
	    open("/dev/null", O_WRONLY | O_CLOEXEC) < 0)
		return;
	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

void
log_prepare(void)
{
	log_write_prepare();
}

void
log_program(const char *name)
{
	program_name = name;
}

void
log_open(const char *event)
{
	line = log_keep_line();
	buf_text(line, program_name);
	buf_text(line, ": event=");
	buf_text(line, event);
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

	buf_putc(line, '"');
	for (i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (c >= ' ' && c <= '~' && c != '"' && c != '\\') {
			buf_putc(line, c);
			continue;
		}
		buf_text(line, "\\x");
		buf_hex(line, 2, (unsigned char)c);
	}
	buf_putc(line, '"');
}

void
log_bytes(const char *key, struct slice value)
{
	bool cut = value.len > VALUE_MAX;

	if (cut)
		value.len = VALUE_MAX;
	buf_putc(line, ' ');
	buf_text(line, key);
	buf_putc(line, '=');
	if (plain(value))
		buf_puts(line, value);
	else
		quoted(value);
	if (cut)
		buf_text(line, "...");
}

void
log_text(const char *key, const char *value)
{
	log_bytes(key, slice_text(value));
}

void
log_number(const char *key, int64_t value)
{
	buf_putc(line, ' ');
	buf_text(line, key);
	buf_putc(line, '=');
	if (value < 0)
		buf_putc(line, '-');
	buf_number(line, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void
log_id(const char *key, uint64_t id)
{
	buf_putc(line, ' ');
	buf_text(line, key);
	buf_putc(line, '=');
	buf_hex(line, 16, id);
}

void
log_errno(int e)
{
	log_text("error", strerror(e));
}

void
log_close(void)
{
	log_keep_done();
}

void
log_lines(struct slice text)
{
	size_t n;

	for (; text.len > 0;
	     text = slice_from(text, n < text.len ? n + 1 : n)) {
		n = slice_find(text, '\n');
		buf_puts(log_keep_line(), slice_of(text.at, n));
		log_keep_done();
	}
}
