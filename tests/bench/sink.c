/* sink.c - a server that takes messages and throws them away, by SMTP, QMTP
 * or QMQP: what a benchmark relays to
 *
 * usage: quail-sink [-m MESSAGES] smtp|qmtp|qmqp ADDRESS:PORT
 *
 * One process, epoll, no disk and none of quail's own code. Everything is
 * answered K or 250 at once, and what one read brings in is answered by one
 * write. After MESSAGES it says "taken=N connections=N bytes=N" and exits 0.
 * For well-meaning clients only: a client that makes no sense is closed.
 *
 *   sink.c        connections, the loop
 *   sink_take.c   the three protocols, as far as a sink must know them
 */
#include "tests/bench/sink.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sink sink;
static uint64_t n_connections, n_bytes;
static int epoll_fd, listen_fd;

static void
client_close(struct sink_client *c)
{
	close(c->fd);
	free(c);
}

static void
client_accept(void)
{
	struct epoll_event e = {.events = EPOLLIN};
	struct sink_client *c;
	int fd, on = 1;

	fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd == -1)
		return;
	c = calloc(1, sizeof *c);
	if (c == NULL)
		errx(111, "out of memory");
	c->fd = fd;
	c->sink = &sink;
	n_connections++;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	e.data.ptr = c;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) == -1)
		err(111, "epoll_ctl");
	sink_greet(c);
	if (c->out_len > 0 && write(fd, c->out, c->out_len) == -1)
		client_close(c);
	c->out_len = 0;
}

/* client_flush - answers are small: a client that does not read them is
 * given up */
static bool
client_flush(struct sink_client *c)
{
	ssize_t n = 0;

	if (c->out_len > 0)
		n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
	if (n != (ssize_t)c->out_len)
		return false;
	c->out_len = 0;
	return !c->over;
}

static void
client_read(struct sink_client *c)
{
	static char in[1 << 17];
	ssize_t n, i;
	size_t piece;

	n = recv(c->fd, in, sizeof in, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	n_bytes += (uint64_t)n;
	for (i = 0; i < n; i += (ssize_t)piece) {
		piece =
		    (size_t)(n - i) < SINK_PIECE ? (size_t)(n - i) : SINK_PIECE;
		if (!sink_take(c, in + i, piece) ||
		    (c->out_len > sizeof c->out / 2 && !client_flush(c))) {
			client_close(c);
			return;
		}
	}
	if (!client_flush(c))
		client_close(c);
}

static void
listen_at(char *s)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	struct epoll_event e = {.events = EPOLLIN};
	struct rlimit files = {65536, 65536};
	char *colon = strrchr(s, ':');
	int on = 1;

	if (colon == NULL)
		errx(100, "not an address and port: %s", s);
	*colon = '\0';
	a.sin_port = htons((uint16_t)atoi(colon + 1));
	if (inet_pton(AF_INET, s, &a.sin_addr) != 1)
		errx(100, "not an address: %s", s);
	setrlimit(RLIMIT_NOFILE, &files);
	listen_fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (listen_fd == -1 || epoll_fd == -1)
		err(111, "socket");
	setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(listen_fd, (struct sockaddr *)&a, sizeof a) == -1 ||
	    listen(listen_fd, 1024) == -1 ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &e) == -1)
		err(111, "%s:%s", s, colon + 1);
}

int
main(int argc, char **argv)
{
	struct epoll_event events[64];
	uint64_t messages = UINT64_MAX;
	int c, i, n;

	while ((c = getopt(argc, argv, "m:")) != -1)
		if (c == 'm')
			messages = strtoull(optarg, NULL, 10);
		else
			errx(100, "usage: quail-sink [-m MESSAGES] "
				  "smtp|qmtp|qmqp ADDRESS:PORT");
	if (optind + 2 != argc || !sink_protocol(&sink, argv[optind]))
		errx(100, "usage: quail-sink [-m MESSAGES] "
			  "smtp|qmtp|qmqp ADDRESS:PORT");
	listen_at(argv[optind + 1]);
	while (sink.n_taken < messages) {
		n = epoll_wait(epoll_fd, events, 64, -1);
		for (i = 0; i < n; i++)
			if (events[i].data.ptr == NULL)
				client_accept();
			else
				client_read(events[i].data.ptr);
	}
	printf("taken=%" PRIu64 " connections=%" PRIu64 " bytes=%" PRIu64 "\n",
	       sink.n_taken, n_connections, n_bytes);
	return 0;
}
