#include "qmqpc/session.h"

#include "qmqpc/handover.h"
#include "qmqpc/pipes.h"

#include <errno.h>
#include <sysexits.h>
#include <unistd.h>

char
session_clean(char c)
{
	return c >= 0x20 && c < 0x7f ? c : '?';
}

static void
print(int fd, struct slice line)
{
	struct buf out = {0};
	size_t i;
	ssize_t n;

	buf_text(&out, "sendmail: ");
	for (i = 0; i < line.len; i++)
		buf_putc(&out, session_clean(line.at[i]));
	buf_putc(&out, '\n');
	n = write(fd, buf_slice(&out).at, out.len);
	(void)n; /* there is nobody else to tell */
	buf_free(&out);
}

int
session_print(struct slice text)
{
	while (text.len > 0) {
		ssize_t n = pipes_write(1, text.at, text.len);

		if (n <= 0)
			return EX_IOERR;
		text = slice_from(text, (size_t)n);
	}
	return 0;
}

int
session_complain(int code, struct slice line)
{
	print(2, line);
	return code;
}

int
session_run(const struct options *options)
{
	struct place place = {0};
	struct submit s = {0};
	int code = place_open(&place, NULL, &s.why) == 0 ? 0 : EX_TEMPFAIL;

	if (code == 0)
		code = submit_arguments(&s, options, &place.config);
	if (code == 0)
		code = submit_read(&s, 0);
	if (code == 0)
		code = handover_message(&s, &place);
	if (code != 0)
		session_complain(code, buf_slice(&s.why));
	else if (options->is_verbose)
		print(1, buf_slice(&s.why));
	submit_free(&s);
	place_close(&place);
	return code;
}
