/* heard_test.c - bytes that wait to be read, and bytes that nobody has got */
#include "lib/endpoint.h"
#include "lib/heard.h"
#include "tests/tap.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static struct endpoint here;
static uint16_t port;

static int
listens(void)
{
	int fd = -1;

	for (port = 23100; fd < 0 && port < 23900; port++) {
		endpoint_parse(&here, SLICE("127.0.0.1"), port);
		fd = endpoint_listen(&here);
	}
	return fd;
}

static void
wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	poll(&p, 1, 2000);
}

/* Much more than both sides' buffers take, and nobody reads. */
static size_t
fill(int fd)
{
	static char text[1 << 20];
	size_t all = 0;
	ssize_t n;
	int i;

	for (i = 0; i < 100; i++) {
		n = write(fd, text, sizeof text);
		if (n <= 0)
			break;
		all += (size_t)n;
	}
	return all;
}

int
main(void)
{
	struct endpoint peer;
	int listener = listens(), client, server;
	size_t filled, all = 0;
	char byte, text[4096];
	ssize_t n;

	client = endpoint_connect(&here);
	wait_for(listener, POLLIN);
	server = socket_accept(listener, &peer);
	wait_for(client, POLLOUT);
	ok(client >= 0 && server >= 0, "a connection");
	ok(heard_waits(client) == 0 && heard_left(client) == 0, "silence");
	ok(write(server, "abc", 3) == 3, "three bytes are said");
	wait_for(client, POLLIN);
	ok(heard_waits(client) == 3, "they wait");
	ok(read(client, &byte, 1) == 1 && heard_waits(client) == 2, "two do");
	/* an answer comes with the news that its question has arrived */
	ok(write(client, "?", 1) == 1, "a question");
	wait_for(server, POLLIN);
	ok(read(server, &byte, 1) == 1 && write(server, "!", 1) == 1,
	   "its answer");
	wait_for(client, POLLIN);
	ok(heard_left(client) == 0, "is behind the question");
	filled = fill(client);
	ok(filled > 0 && heard_left(client) > 0,
	   "what nobody reads is unheard: %zu bytes", heard_left(client));
	ok(endpoint_same_address(&peer, &here), "the same address");
	endpoint_parse(&peer, SLICE("127.0.0.2"), port);
	ok(!endpoint_same_address(&peer, &here), "another");
	endpoint_parse(&peer, SLICE("::ffff:127.0.0.1"), 1);
	ok(endpoint_same_address(&peer, &here), "the same, as IPv6 has it");
	ok(heard_waits(-1) == 0 && heard_left(-1) == 0, "no socket at all");
	/* a close with words unread would reset the connection by itself */
	ok(read(client, text, sizeof text) == 3, "all is read");
	heard_no_more(client);
	close(client);
	while ((n = read(server, text, sizeof text)) > 0)
		all += (size_t)n;
	ok(n < 0 && errno == ECONNRESET && all < filled,
	   "and never arrives when that is asked for: %zu bytes less",
	   filled - all);
	heard_no_more(-1);
	close(server);
	close(listener);
	return tap_done();
}
