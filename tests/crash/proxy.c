/* proxy.c - crash-proxy: a bad network between a client and a server
 *
 * usage: crash-proxy LISTEN-PORT TARGET-PORT
 *
 * Both on 127.0.0.1. Each connection is passed on until its time has come;
 * then, as a coin tells, it is cut in both directions behind some byte, or
 * the server's answers are lost from some byte on while what the client says
 * still gets through, and a little later both are closed. After a USR1
 * nothing is cut any more. Prints how many were cut when it gets a TERM.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	CLIENT,
	SERVER,
	BUFFER = 16384,
	LONGEST = 150000,
	SHORTEST = 4000,
	LOST_MS = 150
};

/* Shared with the children, one a connection. */
static volatile struct {
	unsigned long connections, cuts, lost;
	bool is_calm;
} * all;

static volatile sig_atomic_t over;

static void
on_signal(int signal)
{
	if (signal == SIGUSR1)
		all->is_calm = true;
	else
		over = 1;
}

static uint32_t
random_below(uint32_t n)
{
	uint32_t r;

	if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r)
		_exit(111);
	return r % n;
}

static int
to_server(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
		_exit(0); /* the server is away, and so is the client's peer */
	return fd;
}

static bool
pass(int to, const char *at, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(to, at, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		at += sent;
		n -= (size_t)sent;
	}
	return true;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What one direction has to say now; false when the connection is over. */
static bool
carry(int from, int to, uint64_t *left, bool drop)
{
	char bytes[BUFFER];
	ssize_t n = recv(from, bytes, sizeof bytes, 0);

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	if (drop)
		return true;
	if (!all->is_calm && (uint64_t)n > *left)
		n = (ssize_t)*left;
	*left -= (uint64_t)n < *left ? (uint64_t)n : *left;
	return pass(to, bytes, (size_t)n);
}

static void
connection(int client, uint16_t port)
{
	int fds[2] = {client, to_server(port)};
	bool loses = random_below(2), is_lost = false;
	/* how much each may say until it happens: within one message or many;
	 * answers are short */
	uint32_t most = random_below(2) ? LONGEST : SHORTEST;
	uint64_t left[2] = {random_below(most), random_below(most / 40)};
	int64_t end = INT64_MAX;

	if (loses)
		left[CLIENT] = UINT64_MAX;
	for (;;) {
		struct pollfd p[2] = {{.fd = fds[CLIENT], .events = POLLIN},
				      {.fd = fds[SERVER], .events = POLLIN}};
		int side;

		if (poll(p, 2, 50) < 0 && errno != EINTR)
			_exit(111);
		for (side = 0; side < 2; side++)
			if (p[side].revents &&
			    !carry(fds[side], fds[!side], &left[side],
				   is_lost && side == SERVER))
				_exit(0);
		if (!is_lost && !all->is_calm && loses && left[SERVER] == 0) {
			is_lost = true;
			__sync_fetch_and_add(&all->lost, 1);
			end = now_ms() + LOST_MS;
		}
		if (now_ms() > end)
			_exit(0);
		if (!all->is_calm && !loses &&
		    (left[CLIENT] == 0 || left[SERVER] == 0)) {
			__sync_fetch_and_add(&all->cuts, 1);
			_exit(0);
		}
	}
}

static int
listen_at(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 ||
	    listen(fd, 100) != 0)
		err(111, "port %u", port);
	return fd;
}

int
main(int argc, char **argv)
{
	struct sigaction act = {.sa_handler = on_signal};
	int fd, client;

	if (argc != 3)
		errx(100, "usage: crash-proxy LISTEN-PORT TARGET-PORT");
	all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		err(111, "mmap");
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGUSR1, &act, NULL);
	signal(SIGCHLD, SIG_IGN);
	fd = listen_at((uint16_t)atoi(argv[1]));
	while (!over) {
		client = accept(fd, NULL, NULL);
		if (client < 0)
			continue;
		all->connections++;
		if (fork() == 0) {
			signal(SIGTERM, SIG_DFL);
			close(fd);
			connection(client, (uint16_t)atoi(argv[2]));
		}
		close(client);
	}
	printf("connections=%lu cuts=%lu lost_answers=%lu\n", all->connections,
	       all->cuts, all->lost);
	return 0;
}
