/* log_keep.c - lib/log_keep.h and lib/log_write.h for the static leaf
 *
 * It says a few lines, and waits for no reader for longer than a second: what
 * has no room by then is lost, and not counted.
 */
#include "lib/log_keep.h"
#include "lib/log.h"
#include "lib/log_write.h"

#include <poll.h>
#include <unistd.h>

enum { FLUSH_AT = 4096, WAIT_MS = 1000 };

static struct buf lines;
static size_t n_whole;

struct buf *
log_keep_line(void)
{
	buf_cut(&lines, n_whole);
	return &lines;
}

void
log_keep_done(void)
{
	buf_putc(&lines, '\n');
	n_whole = lines.len;
	if (n_whole >= FLUSH_AT)
		log_flush();
}

void
log_write_prepare(void)
{
}

ssize_t
log_write(struct slice text)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&p, 1, WAIT_MS) == 1
		   ? write(STDERR_FILENO, text.at, text.len)
		   : -1;
}

void
log_flush(void)
{
	if (n_whole > 0)
		log_write(buf_slice(&lines));
	buf_clear(&lines);
	n_whole = 0;
}

bool
log_waits(void)
{
	return false;
}

void
log_finish(void)
{
	log_flush();
}
