#include "lib/dns_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static unsigned n_left;
static uint64_t n_heard;

void
dns_socket_turn(void)
{
	n_left = DNS_SOCKET_READS;
}

static ares_socket_t
open_one(int family, int type, int protocol, void *user)
{
	(void)user;
	return socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
}

static int
close_one(ares_socket_t fd, void *user)
{
	(void)user;
	return close(fd);
}

static int
connect_one(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t len,
	    void *user)
{
	(void)user;
	return connect(fd, to, len);
}

static ares_ssize_t
receive(ares_socket_t fd, void *to, size_t max, int flags,
	struct sockaddr *from, ares_socklen_t *len, void *user)
{
	ares_ssize_t n;

	(void)user;
	if (n_left == 0) {
		errno = EAGAIN;
		return -1;
	}
	n_left--;
	n = recvfrom(fd, to, max, flags, from, len);
	n_heard += n > 0;
	return n;
}

uint64_t
dns_socket_heard(void)
{
	return n_heard;
}

/* The first part is enough: the others are asked for again. */
static ares_ssize_t
transmit(ares_socket_t fd, const struct iovec *parts, int n, void *user)
{
	(void)user;
	return n > 0
		   ? send(fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL)
		   : 0;
}

void
dns_socket_use(ares_channel channel)
{
	static const struct ares_socket_functions ours = {
	    open_one, close_one, connect_one, receive, transmit};

	ares_set_socket_functions(channel, &ours, NULL);
}

void
dns_socket_servers(const struct ares_addr_port_node *all, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];

	for (; all; all = all->next) {
		if (!inet_ntop(all->family, &all->addr, text, sizeof text))
			continue;
		if (out->len > 0)
			buf_putc(out, ' ');
		buf_text(out, text);
	}
}
