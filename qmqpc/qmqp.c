#include "qmqpc/qmqp.h"

#include "lib/clock.h"
#include "lib/loop.h"
#include "lib/stream.h"
#include "qmqpc/answer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static volatile sig_atomic_t awaits;

struct
try {
	struct stream stream;
	struct package *package;
	struct slice piece; /* of the package, what comes next */
	uint64_t sent;
	bool is_out;  /* all of it is with the kernel */
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

static bool
is_all_out(struct try *t)
{
	return t->sent == t->package->size &&
	       (t->is_out || stream_flush(&t->stream) == 0);
}

/* A K is about the whole package: one that comes before its last byte has
 * gone out, or with more behind it, is about something else. */
static int
believe(struct try *t, bool is_alone)
{
	if (answer_code(&t->answer) == 'K' && !(is_all_out(t) && is_alone)) {
		t->where = "a K that nobody asked for";
		errno = EPROTO;
		return -1;
	}
	t->is_answered = true;
	return 0;
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
		case ANSWER_DONE:
			if (believe(t, i + 1 == n) != 0)
				return -1;
			break;
		case ANSWER_BAD: errno = EPROTO; return -1;
		}
	}
	return 0;
}

/* A hub that refuses early closes its side: its answer may be there. */
static int
speak(struct try *t)
{
	ssize_t n;

	if (t->piece.len == 0 &&
	    package_piece(t->package, t->sent, &t->piece) != 0) {
		t->where = "reading the message again";
		return -1;
	}
	n = stream_write(&t->stream, t->piece.at, t->piece.len);
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) {
		t->is_deaf = true;
		t->where = "sending, and it hung up";
	} else if (n < 0) {
		return errno == EAGAIN ? 0 : -1;
	} else {
		t->sent += (uint64_t)n;
		t->piece = slice_from(t->piece, (size_t)n);
	}
	if (t->sent == t->package->size) {
		t->where = QMQP_WAITING;
		awaits = 1;
	}
	return 0;
}

/* What a TLS stream has taken but not yet sent. */
static int
push_out(struct try *t)
{
	if (stream_flush(&t->stream) == 0)
		t->is_out = true;
	else if (errno == EPIPE || errno == ECONNRESET)
		t->is_deaf = true;
	else if (errno != EAGAIN)
		return -1;
	return 0;
}

static int
round_of(struct try *t)
{
	bool more = !t->is_deaf && t->sent < t->package->size;
	bool rest = !t->is_deaf && !more && !t->is_out;
	short got = POLLIN;

	if (clock_ms() >= t->until_ms) { /* whatever still comes */
		errno = ETIMEDOUT;
		return -1;
	}
	if (!stream_pending(&t->stream) &&
	    wait_for(t->stream.fd, more || rest ? POLLIN | POLLOUT : POLLIN,
		     t->until_ms, &got) != 0)
		return -1;
	if ((got & (POLLIN | POLLHUP | POLLERR)) && hear(t) != 0)
		return -1;
	if (t->is_answered || !(got & POLLOUT))
		return 0;
	return more ? speak(t) : rest ? push_out(t) : 0;
}

static int
exchange(struct try *t)
{
	t->where = "sending";
	while (!t->is_answered)
		if (round_of(t) != 0)
			return -1;
	return 0;
}

static int
shake_hands(struct try *t)
{
	int64_t until_ms = clock_ms() + QMQP_HANDSHAKE_MS;
	unsigned wants;
	short got;

	if (until_ms > t->until_ms)
		until_ms = t->until_ms;
	t->where = "TLS";
	while (stream_flush(&t->stream) != 0) {
		if (errno != EAGAIN)
			return -1;
		wants = stream_wants(&t->stream);
		if (wait_for(t->stream.fd,
			     (short)((wants & LOOP_READ ? POLLIN : 0) |
				     (wants & LOOP_WRITE ? POLLOUT : 0)),
			     until_ms, &got) != 0)
			return -1;
	}
	return 0;
}

static void
explain(const struct stream *s, int error, struct buf *why)
{
	const char *text = error == EPROTO ? stream_why(s) : NULL;

	buf_text(why, text ? text : strerror(error));
}

int
qmqp_send(struct package *p, const struct qmqp_hub *hub, struct verdict *v,
	  const char **where, struct buf *why)
{
	struct try t = {.package = p, .until_ms = hub->until_ms};
	int fd = connected(hub->at, hub->until_ms), r = 0;

	*where = "connecting";
	if (fd < 0) {
		buf_text(why, strerror(errno));
		return -1;
	}
	stream_plain_take(&t.stream, fd);
	if (hub->name->is_tls) {
		secure_start(hub->secure, hub->name, &t.stream);
		r = shake_hands(&t);
	}
	if (r == 0)
		r = exchange(&t);
	awaits = 0;
	if (r != 0)
		explain(&t.stream, errno, why);
	stream_close(&t.stream);
	*where = t.where;
	if (t.sent > 0)
		*hub->has_begun = true;
	if (r == 0)
		answer_verdict(&t.answer, v);
	return r;
}

bool
qmqp_awaits(void)
{
	return awaits;
}
