#include "lib/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 4096, SOCKET_BUFFER = 4 << 20 };

int
hostport_split(struct slice s, struct slice *host, uint16_t *port)
{
	size_t colon = slice_find_last(s, ':');
	uint64_t number;

	if (colon == s.len || colon == 0 ||
	    slice_number(slice_from(s, colon + 1), 65535, &number) != 0 ||
	    number == 0)
		return -1;
	*host = slice_of(s.at, colon);
	if (host->at[0] == '[') {
		if (host->len < 3 || host->at[host->len - 1] != ']')
			return -1;
		*host = slice_of(host->at + 1, host->len - 2);
	} else if (slice_find(*host, ':') != host->len) {
		return -1; /* a v6 address wants brackets */
	}
	*port = (uint16_t)number;
	return 0;
}

int
endpoint_parse(struct endpoint *e, struct slice host, uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET,
				 .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
				  .sin6_port = htons(port)};
	char text[INET6_ADDRSTRLEN];

	*e = (struct endpoint){0};
	if (host.len == 0 || host.len >= sizeof text ||
	    slice_find(host, 0) != host.len)
		return -1;
	memcpy(text, host.at, host.len);
	text[host.len] = 0;
	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
		memcpy(&e->a, &v4, sizeof v4);
		e->len = sizeof v4;
	} else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
		memcpy(&e->a, &v6, sizeof v6);
		e->len = sizeof v6;
	}
	return e->len ? 0 : -1;
}

int
endpoint_address(const struct endpoint *e, uint8_t out[16])
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0,    0,
					   0, 0, 0, 0, 0xff, 0xff};
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (e->len && e->a.any.sa_family == AF_INET) {
		memcpy(&v4, &e->a, sizeof v4);
		memcpy(out, mapped, 12);
		memcpy(out + 12, &v4.sin_addr, 4);
		return 0;
	}
	if (e->len && e->a.any.sa_family == AF_INET6) {
		memcpy(&v6, &e->a, sizeof v6);
		memcpy(out, &v6.sin6_addr, 16);
		return 0;
	}
	memset(out, 0, 15);
	out[15] = 1;
	return -1;
}

bool
endpoint_same_address(const struct endpoint *a, const struct endpoint *b)
{
	uint8_t one[16], other[16];

	return endpoint_address(a, one) == 0 &&
	       endpoint_address(b, other) == 0 &&
	       memcmp(one, other, sizeof one) == 0;
}

void
endpoint_host(const struct endpoint *e, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t address[16];
	struct in6_addr v6;
	int i;

	endpoint_address(e, address);
	memcpy(&v6, address, 16);
	if (!IN6_IS_ADDR_V4MAPPED(&v6)) {
		inet_ntop(AF_INET6, address, text, sizeof text);
		buf_text(out, text);
		return;
	}
	for (i = 12; i < 16; i++) { /* inet_ntop takes its time for these */
		buf_number(out, address[i]);
		if (i < 15)
			buf_putc(out, '.');
	}
}

uint16_t
endpoint_port(const struct endpoint *e)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (e->len && e->a.any.sa_family == AF_INET) {
		memcpy(&v4, &e->a, sizeof v4);
		return ntohs(v4.sin_port);
	}
	if (e->len && e->a.any.sa_family == AF_INET6) {
		memcpy(&v6, &e->a, sizeof v6);
		return ntohs(v6.sin6_port);
	}
	return 0;
}

static int
fail(int fd)
{
	int e = errno;

	if (fd >= 0)
		close(fd);
	errno = e;
	return -1;
}

static int
tcp_socket(const struct endpoint *e)
{
	return socket(e->a.any.sa_family,
		      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int
endpoint_listen(const struct endpoint *e)
{
	int one = 1, fd = tcp_socket(e);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0)
		return fail(fd);
	if (e->a.any.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) != 0)
		return fail(fd);
	if (bind(fd, &e->a.any, e->len) != 0 || listen(fd, BACKLOG) != 0)
		return fail(fd);
	return fd;
}

void
socket_no_delay(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* The port is chosen by connect, so that many can share the address. */
static int
bind_source(int fd, const struct endpoint *from)
{
	int one = 1;

	if (!from || from->len == 0)
		return 0;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
	return bind(fd, &from->a.any, from->len);
}

int
endpoint_connect(const struct endpoint *e)
{
	return endpoint_connect_from(e, NULL);
}

int
endpoint_connect_from(const struct endpoint *e, const struct endpoint *from)
{
	int fd = tcp_socket(e);

	if (fd < 0)
		return -1;
	socket_no_delay(fd);
	if (bind_source(fd, from) != 0)
		return fail(fd);
	if (connect(fd, &e->a.any, e->len) != 0 && errno != EINPROGRESS)
		return fail(fd);
	return fd;
}

static int
unix_address(struct sockaddr_un *un, const char *path)
{
	*un = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof un->sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(un->sun_path, path, strlen(path) + 1);
	return 0;
}

/* Large socket buffers let the next batch gather while the disk is busy. */
static int
unix_socket(void)
{
	int size = SOCKET_BUFFER;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	return fd;
}

int
unix_connect(const char *path)
{
	struct sockaddr_un un;
	int fd;

	if (unix_address(&un, path) != 0 || (fd = unix_socket()) < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&un, sizeof un) != 0)
		return fail(fd);
	return fd;
}

int
unix_listen(const char *path, unsigned mode)
{
	struct sockaddr_un un;
	int fd, other = unix_connect(path);

	if (other >= 0 || errno == EAGAIN) { /* EAGAIN: alive, but busy */
		if (other >= 0)
			close(other);
		errno = EADDRINUSE;
		return -1;
	}
	if (unix_address(&un, path) != 0 || (fd = unix_socket()) < 0)
		return -1;
	if (unlink(path) != 0 && errno != ENOENT)
		return fail(fd);
	if (bind(fd, (struct sockaddr *)&un, sizeof un) != 0 ||
	    chmod(path, mode) != 0 || listen(fd, BACKLOG) != 0)
		return fail(fd);
	return fd;
}

int
socket_error(int fd)
{
	int e = 0;
	socklen_t len = sizeof e;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) != 0)
		return errno;
	return e;
}

int
socket_accept(int listen_fd, struct endpoint *peer)
{
	int size = SOCKET_BUFFER, fd;

	*peer = (struct endpoint){.len = sizeof peer->a};
	fd = accept4(listen_fd, &peer->a.any, &peer->len,
		     SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return -1;
	if (peer->a.any.sa_family == AF_UNIX) {
		peer->len = 0;
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	}
	return fd;
}

/* what our starter hands over */

enum { FIRST_INHERITED = 3, INHERITED_MAX = 256 };

static int
take_inherited(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return -1;
	return fd;
}

int
inherited_socket(const char *name, unsigned n)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS"),
		   *names = getenv("LISTEN_FDNAMES");
	struct slice rest;
	uint64_t number, count;
	int i;

	if (!pid || !fds || !names ||
	    slice_number(slice_text(pid), INT32_MAX, &number) != 0 ||
	    number != (uint64_t)getpid() ||
	    slice_number(slice_text(fds), INHERITED_MAX, &count) != 0)
		return -1;
	rest = slice_text(names);
	for (i = 0; i < (int)count; i++) {
		size_t colon = slice_find(rest, ':');
		struct slice this = slice_of(rest.at, colon);

		if (slice_eq(this, slice_text(name)) && n-- == 0)
			return take_inherited(FIRST_INHERITED + i);
		if (colon == rest.len)
			break;
		rest = slice_from(rest, colon + 1);
	}
	return -1;
}

static int systemd = -1;

static void
connect_systemd(const char *path)
{
	struct sockaddr_un un;

	if (unix_address(&un, path) != 0)
		return;
	if (un.sun_path[0] == '@')
		un.sun_path[0] = 0;
	systemd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (systemd < 0 ||
	    connect(systemd, (struct sockaddr *)&un,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				strlen(path))) == 0)
		return;
	close(systemd);
	systemd = -1;
}

void
ready_prepare(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	if (systemd < 0 && path && *path)
		connect_systemd(path);
	unsetenv("NOTIFY_SOCKET");
}

static void
tell_systemd(void)
{
	ssize_t n;

	ready_prepare();
	if (systemd < 0)
		return;
	n = send(systemd, "READY=1", 7, MSG_NOSIGNAL);
	(void)n;
	close(systemd);
	systemd = -1;
}

void
ready_tell(void)
{
	const char *fd_text = getenv("NOTIFY_FD");
	uint64_t fd;
	ssize_t n;

	if (fd_text && slice_number(slice_text(fd_text), 1024, &fd) == 0) {
		n = write((int)fd, "\n", 1);
		(void)n;
		close((int)fd);
		unsetenv("NOTIFY_FD");
	}
	tell_systemd();
}
