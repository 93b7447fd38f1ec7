#include "lib/heard.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static size_t
ask(int fd, unsigned long what)
{
	int n = 0;

	return ioctl(fd, what, &n) == 0 && n > 0 ? (size_t)n : 0;
}

size_t
heard_waits(int fd)
{
	return ask(fd, FIONREAD);
}

size_t
heard_left(int fd)
{
	return ask(fd, SIOCOUTQ);
}

void
heard_no_more(int fd)
{
	const struct linger at_once = {.l_onoff = 1};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}
