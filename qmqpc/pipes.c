#include "qmqpc/pipes.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <unistd.h>

/* After a call that has failed. */
static bool
is_worth_another(int fd, short events)
{
	struct pollfd pfd = {.fd = fd, .events = events};

	if (errno == EAGAIN)
		return poll(&pfd, 1, -1) > 0 || errno == EINTR;
	return errno == EINTR;
}

ssize_t
pipes_read(int fd, void *room, size_t n)
{
	ssize_t r;

	do
		r = read(fd, room, n);
	while (r < 0 && is_worth_another(fd, POLLIN));
	return r;
}

ssize_t
pipes_write(int fd, const void *at, size_t n)
{
	ssize_t r;

	do
		r = write(fd, at, n);
	while (r < 0 && is_worth_another(fd, POLLOUT));
	return r;
}
