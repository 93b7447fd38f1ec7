#include "qmqpc/resolve.h"

#include "lib/buf.h"
#include "lib/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct answer_part {
	int error; /* of getaddrinfo, instead of an endpoint */
	struct endpoint endpoint;
};

static void
write_part(int fd, const struct answer_part *part)
{
	ssize_t n = write(fd, part, sizeof *part); /* less than PIPE_BUF */

	(void)n;
}

_Noreturn static void
ask(const char *host, uint16_t port, int fd)
{
	struct addrinfo *list, *a,
	    wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct answer_part part = {0};
	struct buf service = {0};
	int n = 0;

	buf_number(&service, port);
	buf_putc(&service, 0);
	part.error = getaddrinfo(host, service.mem, &wanted, &list);
	if (part.error != 0) {
		write_part(fd, &part);
		_exit(0);
	}
	for (a = list; a && n < RESOLVE_MAX; a = a->ai_next) {
		if (a->ai_addrlen > sizeof part.endpoint.a)
			continue;
		part.endpoint.len = a->ai_addrlen;
		memcpy(&part.endpoint.a, a->ai_addr, a->ai_addrlen);
		write_part(fd, &part);
		n++;
	}
	_exit(0);
}

/* One part; 0 at the end or when the time is up. */
static int
read_part(int fd, int64_t until_ms, struct answer_part *part)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	int64_t left_ms;
	int n;

	do {
		left_ms = until_ms - clock_ms();
		if (left_ms <= 0)
			return 0;
		n = poll(&pfd, 1, left_ms > 60000 ? 60000 : (int)left_ms);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return n > 0 && read(fd, part, sizeof *part) == sizeof *part;
}

static int
collect(int fd, int64_t until_ms, struct endpoint *list, const char **why)
{
	struct answer_part part;
	int n = 0;

	*why = "no answer in time";
	while (n < RESOLVE_MAX && read_part(fd, until_ms, &part)) {
		if (part.error != 0) {
			*why = gai_strerror(part.error);
			return -1;
		}
		list[n++] = part.endpoint;
	}
	return n > 0 ? n : -1;
}

int
resolve_host(struct slice host, uint16_t port, int64_t until_ms,
	     struct endpoint list[RESOLVE_MAX], const char **why)
{
	char name[256];
	int fds[2], n;
	pid_t pid;

	*why = "no name of a host";
	if (host.len >= sizeof name || slice_find(host, 0) != host.len)
		return -1;
	memcpy(name, host.at, host.len);
	name[host.len] = 0;
	*why = "no process for it";
	if (pipe2(fds, O_CLOEXEC) != 0)
		return -1;
	pid = fork();
	if (pid == 0)
		ask(name, port, fds[1]);
	close(fds[1]);
	n = pid < 0 ? -1 : collect(fds[0], until_ms, list, why);
	close(fds[0]);
	if (pid < 0)
		return -1;
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return n;
}
