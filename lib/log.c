#include "lib/log.h"

#include "lib/buf.h"

#include <errno.h>
#include <unistd.h>

enum { FLUSH_AT = 16384, VALUE_MAX = 512 };

static struct buf lines;
static const char *program_name = "quail";

void
log_program(const char *name)
{
	program_name = name;
}

void
log_open(const char *event)
{
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

void
log_close(void)
{
	buf_putc(&lines, '\n');
	if (lines.len >= FLUSH_AT)
		log_flush();
}

void
log_flush(void)
{
	struct slice s = buf_slice(&lines);

	while (s.len > 0) {
		ssize_t n = write(2, s.at, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		s = slice_from(s, (size_t)n);
	}
	buf_clear(&lines);
}
