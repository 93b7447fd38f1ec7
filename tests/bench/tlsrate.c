/* tlsrate.c - handshakes and bytes a second of our TLS stream
 *
 *   tlsrate server PORT CERT KEY        one connection after the other, as
 *                                       openssl s_server has them; reads all
 *                                       and throws it away
 *   tlsrate client PORT full SECONDS    new handshakes, one after the other
 *   tlsrate client PORT resumed SECONDS the same with one session
 *   tlsrate client PORT bytes MB        one connection
 *
 * The client takes the server's key from the file cert.pem here. Prints one
 * line: what it did, how often a second, and how many were resumed.
 */
#include "lib/clock.h"
#include "lib/endpoint.h"
#include "lib/loop.h"
#include "lib/tls_memory.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 65536 };

static char room[PIECE];

static int
fail(const char *what)
{
	fprintf(stderr, "tlsrate: %s\n", what);
	return 111;
}

/* Until the stream has something to do; reads, or only what TLS wants. */
static void
wait(struct stream *s, bool reads)
{
	unsigned wants = stream_wants(s) | (reads ? LOOP_READ : 0);
	struct pollfd p = {.fd = s->fd};

	if (wants & LOOP_READ)
		p.events |= POLLIN;
	if (wants & LOOP_WRITE)
		p.events |= POLLOUT;
	poll(&p, 1, 5000);
}

static int
flush(struct stream *s)
{
	while (stream_flush(s) != 0) {
		if (errno != EAGAIN)
			return -1;
		wait(s, false);
	}
	return 0;
}

static int
open_client(struct stream *s, uint16_t port, const struct tls_pin *pin,
	    struct tls_memory *memory)
{
	struct tls_expected e = {.pin = pin};
	struct endpoint to;
	int fd;

	endpoint_parse(&to, SLICE("127.0.0.1"), port);
	fd = endpoint_connect(&to);
	if (fd < 0)
		return -1;
	poll(&(struct pollfd){fd, POLLOUT, 0}, 1, 5000);
	stream_plain_take(s, fd);
	tls_client(s, NULL, &e);
	if (memory)
		tls_client_resumes(s, memory, SLICE("bench"));
	return flush(s);
}

static int
handshakes(uint16_t port, const struct tls_pin *pin, bool resume, int seconds)
{
	struct tls_memory *memory = resume ? tls_memory_new(8, 3600) : NULL;
	int64_t from = clock_ms(), until = from + seconds * 1000;
	long n = 0, resumed = 0;
	struct stream s;

	while (clock_ms() < until) {
		if (open_client(&s, port, pin, memory) != 0)
			return fail("a handshake has failed");
		n++;
		resumed += tls_is_resumed(&s);
		stream_close(&s);
	}
	printf("%s per_second=%.0f handshakes=%ld resumed=%ld\n",
	       resume ? "resumed" : "full",
	       (double)n * 1000 / (double)(clock_ms() - from), n, resumed);
	tls_memory_close(memory);
	return 0;
}

static int
bytes(uint16_t port, const struct tls_pin *pin, long megabytes)
{
	uint64_t left = (uint64_t)megabytes * 1000000, all = left;
	struct stream s;
	int64_t from;

	if (open_client(&s, port, pin, NULL) != 0)
		return fail("a handshake has failed");
	from = clock_ms();
	while (left > 0) {
		ssize_t n = stream_write(&s, room, left < PIECE ? left : PIECE);

		if (n < 0 && errno != EAGAIN)
			return fail("the connection is lost");
		if (n < 0)
			wait(&s, false);
		else
			left -= (uint64_t)n;
	}
	if (flush(&s) != 0)
		return fail("the connection is lost");
	printf("bytes megabytes_per_second=%.0f\n",
	       (double)all / 1000 / (double)(clock_ms() - from));
	stream_close(&s);
	return 0;
}

static void
serve(struct stream *s)
{
	ssize_t n;

	for (;;) {
		n = stream_read(s, room, sizeof room);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return;
		stream_flush(s);
		if (n < 0)
			wait(s, true);
	}
}

static int
server(uint16_t port, const char *cert, const char *key_file)
{
	struct tls_memory *memory = tls_memory_new(4096, 3600);
	struct buf why = {0};
	struct tls_key *key = tls_key_open(cert, key_file, &why);
	struct endpoint at, peer;
	struct stream s;
	int listener, fd;

	endpoint_parse(&at, SLICE("127.0.0.1"), port);
	listener = endpoint_listen(&at);
	if (!key || listener < 0)
		return fail("cannot listen, or no key");
	for (;;) {
		poll(&(struct pollfd){listener, POLLIN, 0}, 1, -1);
		fd = socket_accept(listener, &peer);
		if (fd < 0)
			continue;
		stream_plain_take(&s, fd);
		tls_server(&s, key);
		tls_server_resumes(&s, memory);
		serve(&s);
		stream_close(&s);
	}
}

int
main(int argc, char **argv)
{
	uint16_t port = argc == 5 ? (uint16_t)atoi(argv[2]) : 0;
	struct buf why = {0};
	struct tls_pin pin;

	if (port == 0)
		return fail("see the head of tests/bench/tlsrate.c");
	if (strcmp(argv[1], "server") == 0)
		return server(port, argv[3], argv[4]);
	if (tls_key_file_pin("cert.pem", &pin, &why) != 0)
		return fail("there is no cert.pem here");
	if (strcmp(argv[3], "bytes") == 0)
		return bytes(port, &pin, atol(argv[4]));
	return handshakes(port, &pin, strcmp(argv[3], "resumed") == 0,
			  atoi(argv[4]));
}
