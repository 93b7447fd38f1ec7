/* sessions_wire.c - connections, and what is said over them */
#include "lib/loop.h"
#include "lib/netstring.h"
#include "tests/bench/sessions.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct wire wire;

static struct sockaddr_in server;

int
wire_protocol(const char *name)
{
	static const char *const names[] = {"qmqp", "qmtp", "smtp"};
	unsigned i;

	for (i = 0; i < 3; i++)
		if (strcmp(name, names[i]) == 0) {
			wire.protocol = (enum protocol)i;
			return 0;
		}
	return -1;
}

int
wire_where(const char *text)
{
	char host[64];
	const char *colon = strrchr(text, ':');

	if (!colon || (size_t)(colon - text) >= sizeof host)
		return -1;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = 0;
	server.sin_family = AF_INET;
	server.sin_port = htons((uint16_t)atoi(colon + 1));
	return inet_pton(AF_INET, host, &server.sin_addr) == 1 ? 0 : -1;
}

/* connections */

static int
dial(size_t i)
{
	struct sockaddr_in own = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		fail("socket (ulimit -n?)");
	own.sin_addr.s_addr = htonl(0x7f000100 + (uint32_t)(i / AN_ADDRESS));
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&own, sizeof own) != 0)
		fail("bind");
	if (connect(fd, (struct sockaddr *)&server, sizeof server) != 0)
		fail("connect");
	return fd;
}

void
wire_wait(int fd, short events, int64_t until_us)
{
	struct pollfd p = {fd, events, 0};
	int64_t left = (until_us - now_us()) / 1000;

	if (left <= 0 || poll(&p, 1, (int)left) <= 0) {
		fprintf(stderr, "quail-sessions: no answer in time\n");
		exit(111);
	}
}

static int64_t
patience(void)
{
	return now_us() + PATIENCE_S * INT64_C(1000000);
}

static void
shake_hands(struct stream *s)
{
	struct tls_expected e = {.pin = &wire.pin};
	int64_t until = patience();

	tls_client(s, NULL, &e);
	while (stream_flush(s) != 0) {
		if (errno != EAGAIN) {
			fprintf(stderr, "quail-sessions: %s\n", stream_why(s));
			exit(111);
		}
		wire_wait(s->fd,
			  stream_wants(s) & LOOP_WRITE ? POLLOUT : POLLIN,
			  until);
	}
}

/* Wait for a last line of SMTP that begins with this. */
static void
hear(struct stream *s, const char *code)
{
	char line[1024] = "", *end;
	size_t len = 0;
	int64_t until = patience();
	ssize_t n;

	for (;;) {
		while ((end = strchr(line, '\n'))) {
			if (strncmp(line, code, 4) == 0)
				return;
			len -= (size_t)(end + 1 - line);
			memmove(line, end + 1, len + 1);
		}
		wire_wait(s->fd, POLLIN, until);
		n = stream_read(s, line + len, sizeof line - 1 - len);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			fail(code);
		len += n > 0 ? (size_t)n : 0;
		line[len] = 0;
	}
}

void
wire_open(struct stream *s, size_t i)
{
	stream_plain_take(s, dial(i));
	fcntl(s->fd, F_SETFL, O_NONBLOCK);
	if (wire.tls)
		shake_hands(s);
	if (wire.protocol == SMTP)
		hear(s, "220 ");
}

/* packages */

void
wire_send(struct client *c, struct slice all, size_t until)
{
	while (c->sent < until) {
		ssize_t n =
		    stream_write(&c->s, all.at + c->sent, until - c->sent);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			fail("writing to the server");
		c->sent += (size_t)n;
	}
	if (stream_flush(&c->s) != 0 && errno != EAGAIN)
		fail("writing to the server");
}

static void
say(struct stream *s, struct slice text, const char *answer)
{
	if (stream_write(s, text.at, text.len) != (ssize_t)text.len)
		fail("writing to the server");
	hear(s, answer);
}

void
wire_begin(struct stream *s)
{
	if (wire.protocol != SMTP)
		return;
	say(s, SLICE("EHLO load.sender.test\r\n"), "250 ");
	say(s, SLICE("MAIL FROM:<load@sender.test>\r\n"), "250 ");
	say(s, SLICE("RCPT TO:<a@held.test>\r\n"), "250 ");
	say(s, SLICE("RCPT TO:<b@held.test>\r\n"), "250 ");
	say(s, SLICE("DATA\r\n"), "354 ");
}

static void
put_text(struct buf *b, const char *head, size_t n)
{
	buf_text(b, head);
	memset(buf_room(b, n), 'x', n);
	buf_added(b, n);
}

void
wire_package(struct buf *b, size_t text)
{
	static unsigned number;
	struct buf inner = {0}, list = {0};
	const char *eol = wire.protocol == SMTP ? "\r\n" : "\n";
	char head[64];

	snprintf(head, sizeof head, "%sSubject: %u of %ld%s%s",
		 wire.protocol == QMTP ? eol : "", ++number, (long)getpid(),
		 eol, eol);
	put_text(&inner, head, text);
	netstring_put(&list, SLICE("a@held.test"));
	netstring_put(&list, SLICE("b@held.test"));
	buf_clear(b);
	if (wire.protocol == SMTP) {
		buf_puts(b, buf_slice(&inner));
		buf_text(b, "\r\n.\r\n");
	} else {
		netstring_put(b, buf_slice(&inner));
		netstring_put(b, SLICE("load@sender.test"));
		if (wire.protocol == QMTP)
			netstring_put(b, buf_slice(&list));
		else
			buf_puts(b, buf_slice(&list));
	}
	if (wire.protocol == QMQP) {
		buf_clear(&inner);
		buf_puts(&inner, buf_slice(b));
		buf_clear(b);
		netstring_put(b, buf_slice(&inner));
	}
	buf_free(&list);
	buf_free(&inner);
}

/* By QMTP the first recipient's: here all are of one kind. */
char
wire_answer(struct client *c)
{
	char bytes[1024], *colon;
	ssize_t n = stream_read(&c->s, bytes, sizeof bytes - 1);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return '?';
	bytes[n] = 0;
	if (wire.protocol == SMTP)
		return bytes[0] == '2'	 ? 'K'
		       : bytes[0] == '4' ? 'Z'
		       : bytes[0] == '5' ? 'D'
					 : '?';
	colon = strchr(bytes, ':');
	return colon ? colon[1] : '?';
}
