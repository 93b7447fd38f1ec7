#include "qmqpc/qmqp.h"

#include "lib/clock.h"
#include "lib/stream.h"
#include "qmqpc/answer.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

struct
try {
	struct stream stream;
	struct package *package;
	uint64_t sent;
	bool is_deaf; /* the hub takes no more, but may still answer */
	struct answer answer;
	bool is_answered;
	int64_t until_ms;
	const char *where;
};

/* Wait for events; 0 with what came in *got, -1 with errno. */
static int
wait_for(int fd, short events, int64_t until_ms, short *got)
{
	struct pollfd pfd = {.fd = fd, .events = events};
	int64_t left_ms;
	int n;

	do {
		left_ms = until_ms - clock_ms();
		if (left_ms <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		n = poll(&pfd, 1,
			 left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
	} while (n == 0 || (n < 0 && errno == EINTR));
	*got = pfd.revents;
	return n < 0 ? -1 : 0;
}

static int
connected(const struct endpoint *hub, int64_t until_ms)
{
	int fd = endpoint_connect(hub), e;
	short got;

	if (fd < 0)
		return -1;
	if (until_ms > clock_ms() + QMQP_CONNECT_MS)
		until_ms = clock_ms() + QMQP_CONNECT_MS;
	e = wait_for(fd, POLLOUT, until_ms, &got) != 0 ? errno
						       : socket_error(fd);
	if (e == 0)
		return fd;
	close(fd);
	errno = e;
	return -1;
}

/* 0 to go on; -1 with errno. */
static int
hear(struct try *t)
{
	char bytes[1024];
	ssize_t n = stream_read(&t->stream, bytes, sizeof bytes), i;

	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if (n == 0) {
		errno = ECONNRESET;
		return -1;
	}
	for (i = 0; i < n && !t->is_answered; i++) {
		switch (answer_push(&t->answer, (uint8_t)bytes[i])) {
		case ANSWER_MORE: break;
		case ANSWER_DONE: t->is_answered = true; break;
		case ANSWER_BAD: errno = EPROTO; return -1;
		}
	}
	return 0;
}

/* A hub that refuses early closes its side: its answer may be there. */
static int
speak(struct try *t)
{
	struct slice piece;
	ssize_t n;

	if (package_piece(t->package, t->sent, &piece) != 0) {
		t->where = "reading the message again";
		return -1;
	}
	n = stream_write(&t->stream, piece.at, piece.len);
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
		t->is_deaf = true;
	else if (n < 0 && errno != EAGAIN)
		return -1;
	else if (n > 0)
		t->sent += (uint64_t)n;
	if (t->is_deaf)
		t->where = "sending, and it hung up";
	if (t->sent == t->package->size)
		t->where = QMQP_WAITING;
	return 0;
}

static int
exchange(struct try *t)
{
	short got;

	t->where = "sending";
	while (!t->is_answered) {
		bool more = !t->is_deaf && t->sent < t->package->size;

		if (wait_for(t->stream.fd, more ? POLLIN | POLLOUT : POLLIN,
			     t->until_ms, &got) != 0)
			return -1;
		if ((got & (POLLIN | POLLHUP | POLLERR)) && hear(t) != 0)
			return -1;
		if (more && !t->is_answered && (got & POLLOUT) && speak(t) != 0)
			return -1;
	}
	return 0;
}

int
qmqp_send(struct package *p, const struct endpoint *hub, int64_t until_ms,
	  struct verdict *v, const char **where)
{
	struct try t = {.package = p, .until_ms = until_ms};
	int fd = connected(hub, until_ms), r, e;

	*where = "connecting";
	if (fd < 0)
		return -1;
	stream_plain_take(&t.stream, fd);
	r = exchange(&t);
	e = errno;
	stream_close(&t.stream);
	*where = t.where;
	errno = e;
	if (r == 0)
		answer_verdict(&t.answer, v);
	return r;
}
