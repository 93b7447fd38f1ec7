#include "lib/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static ssize_t
plain_read(struct stream *s, void *to, size_t max)
{
	ssize_t n;

	do
		n = read(s->fd, to, max);
	while (n < 0 && errno == EINTR);
	return n;
}

static ssize_t
plain_write(struct stream *s, const void *from, size_t n)
{
	int flags = MSG_NOSIGNAL | (s->is_last ? MSG_MORE : 0);
	ssize_t written;

	do
		written = send(s->fd, from, n, flags);
	while (written < 0 && errno == EINTR);
	return written;
}

static unsigned
plain_wants(const struct stream *s)
{
	(void)s;
	return 0;
}

static int
plain_end(struct stream *s)
{
	int fd = s->fd;

	s->fd = -1;
	return fd;
}

static const struct stream_kind plain = {.read = plain_read,
					 .write = plain_write,
					 .wants = plain_wants,
					 .end = plain_end};

void
stream_plain_take(struct stream *s, int fd)
{
	*s = (struct stream){.kind = &plain, .fd = fd};
}

void
stream_close(struct stream *s)
{
	close(stream_end(s));
}
