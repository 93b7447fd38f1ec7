/* smtp_sink.c - an SMTP server that keeps what it is sent, for the demo
 *
 * usage: smtp-sink DIR ADDRESS:PORT
 *
 * One file a message in DIR, 0001 and so on: the envelope as lines "from
 * ADDRESS" and "to ADDRESS", a blank line, the text with LF at line ends.
 * It appears under its name when it is whole. Not for hostile clients, but
 * bounded: sessions, recipients and bytes. Runs until it is killed.
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SESSIONS_MAX = 256, IN_MAX = 65536, MESSAGE_MAX = 64 << 20 };

struct session {
	int fd; /* -1: none */
	char in[IN_MAX];
	size_t in_len;
	FILE *file; /* of the message that is under way */
	size_t size;
	bool in_text;
};

static struct session *sessions;
static unsigned n_messages;

static void
answer(struct session *s, const char *line)
{
	/* what does not fit the socket's buffer is the client's loss */
	if (send(s->fd, line, strlen(line), MSG_NOSIGNAL) == -1)
		warn("answering");
}

static void
temporary_name(const struct session *s, char *name, size_t max)
{
	snprintf(name, max, "tmp.%td", s - sessions);
}

static void
message_drop(struct session *s)
{
	char name[32];

	if (s->file == NULL)
		return;
	temporary_name(s, name, sizeof name);
	fclose(s->file);
	unlink(name);
	s->file = NULL;
	s->in_text = false;
}

static bool
message_begin(struct session *s)
{
	char name[32];

	message_drop(s);
	temporary_name(s, name, sizeof name);
	s->file = fopen(name, "we");
	s->size = 0;
	return s->file != NULL;
}

static bool
message_end(struct session *s)
{
	char from[32], to[32];
	bool good;

	temporary_name(s, from, sizeof from);
	snprintf(to, sizeof to, "%04u", ++n_messages);
	good = s->size <= MESSAGE_MAX && fclose(s->file) == 0 &&
	       rename(from, to) == 0;
	s->file = NULL;
	s->in_text = false;
	return good;
}

static void
text_line(struct session *s, const char *line, size_t len)
{
	if (len == 1 && line[0] == '.') {
		answer(s, message_end(s) ? "250 2.0.0 kept\r\n"
					 : "451 4.3.0 could not keep it\r\n");
		return;
	}
	if (len > 0 && line[0] == '.') {
		line++;
		len--;
	}
	s->size += len + 1;
	if (s->size <= MESSAGE_MAX) {
		fwrite(line, 1, len, s->file);
		putc('\n', s->file);
	}
}

/* envelope - "MAIL FROM:<a@b> SIZE=1" becomes "from a@b" */
static void
envelope(struct session *s, const char *word, const char *line)
{
	const char *begin = strchr(line, '<'), *end = strrchr(line, '>');

	if (begin == NULL || end == NULL || s->file == NULL) {
		answer(s, "503 5.5.1 not now, or not so\r\n");
		return;
	}
	fprintf(s->file, "%s %.*s\n", word, (int)(end - begin - 1), begin + 1);
	answer(s, "250 2.1.0 yes\r\n");
}

/* command - returns false when the session is over */
static bool
command(struct session *s, const char *line)
{
	if (!strncasecmp(line, "EHLO", 4))
		answer(s, "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
			  "250 ENHANCEDSTATUSCODES\r\n");
	else if (!strncasecmp(line, "HELO", 4))
		answer(s, "250 sink\r\n");
	else if (!strncasecmp(line, "MAIL FROM:", 10)) {
		if (message_begin(s))
			envelope(s, "from", line);
		else
			answer(s, "451 4.3.0 cannot make a file\r\n");
	} else if (!strncasecmp(line, "RCPT TO:", 8))
		envelope(s, "to", line);
	else if (!strcasecmp(line, "DATA") && s->file != NULL) {
		s->in_text = true;
		putc('\n', s->file);
		answer(s, "354 go on\r\n");
	} else if (!strcasecmp(line, "RSET") || !strcasecmp(line, "NOOP")) {
		if (!strcasecmp(line, "RSET"))
			message_drop(s);
		answer(s, "250 2.0.0 yes\r\n");
	} else if (!strcasecmp(line, "QUIT")) {
		answer(s, "221 2.0.0 bye\r\n");
		return false;
	} else
		answer(s, "503 5.5.1 what?\r\n");
	return true;
}

/* lines - all whole lines; false when the session is over */
static bool
lines(struct session *s)
{
	char *line = s->in, *end;
	size_t left = s->in_len, len;

	while ((end = memchr(line, '\n', left)) != NULL) {
		len = (size_t)(end - line);
		left -= len + 1;
		if (len > 0 && line[len - 1] == '\r')
			len--;
		if (s->in_text)
			text_line(s, line, len);
		else {
			line[len] = '\0';
			if (!command(s, line))
				return false;
		}
		line = end + 1;
	}
	memmove(s->in, line, left);
	s->in_len = left;
	return left < IN_MAX;
}

static void
session_close(struct session *s)
{
	message_drop(s);
	close(s->fd);
	s->fd = -1;
	s->in_len = 0;
}

static void
session_read(struct session *s)
{
	ssize_t n = read(s->fd, s->in + s->in_len, IN_MAX - s->in_len);

	if (n > 0)
		s->in_len += (size_t)n;
	if (n <= 0 || !lines(s))
		session_close(s);
}

static void
session_accept(int listen_fd)
{
	struct session *s = sessions;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC), on = 1;

	if (fd == -1)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	while (s < sessions + SESSIONS_MAX && s->fd != -1)
		s++;
	if (s == sessions + SESSIONS_MAX) {
		close(fd);
		return;
	}
	s->fd = fd;
	answer(s, "220 sink ESMTP\r\n");
}

static int
listen_at(char *where)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	char *colon = strrchr(where, ':');
	int fd, on = 1;

	if (colon == NULL)
		errx(100, "not ADDRESS:PORT: %s", where);
	*colon = '\0';
	a.sin_port = htons((uint16_t)atoi(colon + 1));
	if (inet_pton(AF_INET, where, &a.sin_addr) != 1)
		errx(100, "not an IPv4 address: %s", where);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		err(111, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) == -1 ||
	    listen(fd, SESSIONS_MAX) == -1)
		err(111, "listening at port %s", colon + 1);
	return fd;
}

int
main(int argc, char **argv)
{
	static struct pollfd fds[SESSIONS_MAX + 1];
	unsigned i;

	if (argc != 3)
		errx(100, "usage: smtp-sink DIR ADDRESS:PORT");
	if (chdir(argv[1]) == -1)
		err(111, "%s", argv[1]);
	sessions = calloc(SESSIONS_MAX, sizeof *sessions);
	if (sessions == NULL)
		err(111, "out of memory");
	for (i = 0; i < SESSIONS_MAX; i++)
		sessions[i].fd = -1;
	fds[SESSIONS_MAX].fd = listen_at(argv[2]);
	for (;;) {
		for (i = 0; i < SESSIONS_MAX; i++)
			fds[i].fd = sessions[i].fd;
		for (i = 0; i <= SESSIONS_MAX; i++)
			fds[i].events = POLLIN;
		if (poll(fds, SESSIONS_MAX + 1, -1) == -1)
			err(111, "poll");
		for (i = 0; i < SESSIONS_MAX; i++)
			if (fds[i].fd != -1 && fds[i].revents != 0)
				session_read(&sessions[i]);
		if (fds[SESSIONS_MAX].revents != 0)
			session_accept(fds[SESSIONS_MAX].fd);
	}
}
